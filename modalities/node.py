"""A running modality or workstation: carries out commands, here or behind a control channel."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from pydantic import TypeAdapter

from modalities.commands import (
    Command,
    Echo,
    Find,
    Forget,
    Listen,
    Move,
    Received,
    Report,
    Store,
    Timeouts,
)
from modalities.control import ControlServer, call
from modalities.query import find, move
from modalities.scp import StorageScp
from modalities.scu import echo, store
from modalities.tls import server_context

_COMMAND: Final[TypeAdapter[Command]] = TypeAdapter(Command)
#: On top of what the command itself may take.
_CONTROL_SECONDS: Final = 10.0
_LONGEST_SECONDS: Final = 3600.0
_LONGEST_QUERY_SECONDS: Final = 600.0


class Modality(Protocol):
    """What a probe needs of a modality, wherever it runs."""

    def run(self, command: Command) -> Report:
        """Carry out ``command``; what the peer or the network does is in the report."""


class ModalityNode:
    """A modality in this process; ``run`` may be called from several threads.

    Args:
        name: the node's name in traces.
        exchange: folder that commands' paths are relative to.
        bind: address that the storage SCP binds.
    """

    def __init__(self, name: str, exchange: Path, *, bind: str = "127.0.0.1") -> None:
        self._name, self._exchange, self._bind = name, exchange, bind
        self._scp: StorageScp | None = None
        self._lock = Lock()

    def run(self, command: Command) -> Report:
        """Carry out ``command``.

        Raises:
            ModalityError: it can't be carried out as written (missing file, unknown key, port
                taken).
        """
        match command:
            case Echo():
                return echo(command, self._exchange, self._name)
            case Store():
                return store(command, self._exchange, self._name)
            case Find():
                return find(command, self._exchange, self._name)
            case Move():
                return move(command, self._exchange, self._name)
            case Listen():
                return self._listen(command)
            case Received():
                return self._received()
            case Forget():
                if self._scp is not None:
                    self._scp.forget()
                return Report()

    def stop(self) -> None:
        """Stop the storage SCP, if it runs; idempotent."""
        with self._lock:
            if self._scp is not None:
                self._scp.stop()
                self._scp = None

    def _listen(self, command: Listen) -> Report:
        tls = None if command.tls is None else server_context(command.tls, self._exchange)
        with self._lock:
            if self._scp is not None:
                self._scp.stop()
                self._scp = None
            self._scp = StorageScp(self._name, command, self._bind, tls)
            return Report(port=self._scp.port)

    def _received(self) -> Report:
        scp = self._scp
        if scp is None:
            return Report()
        return Report(received=scp.received(), traces=scp.traces(), port=scp.port)


class NodeClient:
    """A modality behind the control channel at ``host:port``."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def run(self, command: Command) -> Report:
        """Carry out ``command`` there.

        Raises:
            ControlError: the node is gone, or can't carry out the command as written.
        """
        answer = call(self._host, self._port, "command", command, timeout=_patience(command))
        return Report.model_validate(answer)

    def ping(self, timeout: float = 1.0) -> str:
        """The node's name, once it answers.

        Raises:
            ControlError: it does not answer within ``timeout`` seconds.
        """
        return str(call(self._host, self._port, "ping", timeout=timeout))


def serve(node: ModalityNode, name: str, *, host: str, port: int) -> ControlServer:
    """Put ``node`` behind a control channel (verbs ``command`` and ``ping``)."""

    def command(body: Any) -> Report:
        return node.run(_COMMAND.validate_python(body))

    return ControlServer({"command": command, "ping": lambda _: name}, host, port)


def _patience(command: Command) -> float:
    """The longest that the command can take, in seconds, from its own timeouts."""
    if not isinstance(command, Echo | Store | Find | Move):
        return _CONTROL_SECONDS
    timeouts: Timeouts = command.caller.timeouts
    once = 2 * timeouts.connect + 2 * timeouts.acse
    exchanges = len(command.files) if isinstance(command, Store) else 1
    if isinstance(command, Find | Move):
        # every pending response starts the DIMSE timeout anew; how many come is the peer's choice
        return _LONGEST_QUERY_SECONDS
    each = timeouts.dimse + timeouts.network
    return min(once + exchanges * each + _CONTROL_SECONDS, _LONGEST_SECONDS)
