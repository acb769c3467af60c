"""A running modality or workstation: carries out commands, here or behind a control channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from dicom.control import ControlServer, call
from modalities.commands import Command, Report
from modalities.nodes import service
from modalities.nodes.reception import Reception
from modalities.nodes.service import OwnNode


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
        self._reception = Reception(name, bind)
        self._here = OwnNode(name, exchange, self._reception)

    def run(self, command: Command) -> Report:
        """Carry out ``command``.

        Raises:
            UsageError: it can't be carried out as written (missing file, unknown key, port
                taken).
        """
        return service.carry_out(command, self._here)

    def stop(self) -> None:
        """Stop listening; idempotent."""
        self._reception.stop()


class NodeClient:
    """A modality behind the control channel at ``host:port``."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    def run(self, command: Command) -> Report:
        """Carry out ``command`` there.

        Raises:
            ControlError: the node is gone, or can't carry out the command as written.
        """
        answer = call(self._host, self._port, "command", command, timeout=service.patience(command))
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
        return node.run(service.parse(body))

    return ControlServer({"command": command, "ping": lambda _: name}, host, port)
