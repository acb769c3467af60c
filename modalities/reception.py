"""A node's own SCP, started anew with each behaviour that it is told to have."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from modalities.commands import Report
from modalities.scp import StorageScp
from modalities.tls import server_context

if TYPE_CHECKING:
    from modalities.services.listen import Listen


class Reception:
    """Listens on nothing until it is told to; any thread may call.

    Args:
        name: the node's name in traces.
        bind: address to listen on.
    """

    def __init__(self, name: str, bind: str) -> None:
        self._name, self._bind = name, bind
        self._scp: StorageScp | None = None
        self._lock = Lock()

    def listen(self, listen: Listen, exchange: Path) -> int:
        """Listen as ``listen`` says, and no longer as before; returns the port.

        Raises:
            ModalityError: the port is taken, or the TLS material can't be used.
        """
        tls = None if listen.tls is None else server_context(listen.tls, exchange)
        with self._lock:
            self._stop()
            self._scp = StorageScp(self._name, listen, self._bind, tls)
            return self._scp.port

    def report(self) -> Report:
        """What was received since the start or the last ``forget``, and the traces of it."""
        scp = self._scp
        if scp is None:
            return Report()
        return Report(received=scp.received(), traces=scp.traces(), port=scp.port)

    def forget(self) -> None:
        """Drop what was received, and its traces."""
        scp = self._scp
        if scp is not None:
            scp.forget()

    def stop(self) -> None:
        """Listen no more; idempotent."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._scp is not None:
            self._scp.stop()
            self._scp = None
