"""The listening end of a link: open, refusing, or unanswering, without privileges.

What a client sees at connect is decided by its peer's kernel before any program is asked, so
each way of treating a connect needs a socket in another condition:

- open: bound and listening;
- refusing: bound but not listening. The kernel answers SYN with RST, as a firewall's REJECT with
  ``tcp-reset`` does, and nobody else can take the port meanwhile;
- unanswering: listening with an accept queue that is full of our own connections and that nobody
  empties. The kernel then ignores SYN (Linux: ``tcp_conn_request`` while ``sk_acceptq_is_full``,
  unless ``net.ipv4.tcp_abort_on_overflow`` is set), as a firewall's DROP does. The client's
  kernel repeats its SYN after 1, 3, 7 … seconds and gets through once the link is open again.
"""

from __future__ import annotations

import selectors
import socket
from typing import Final

from orchestrator.errors import LabError
from orchestrator.model.address import Address

BACKLOG: Final = 512
#: A connect on the same machine that isn't answered within this time (seconds) is ignored.
_IGNORED_AFTER: Final = 0.05
_MOST_FILLERS: Final = 64
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


def bound_socket(address: Address) -> socket.socket:
    """A TCP socket bound to ``address`` but not listening: connects are refused.

    Raises:
        LabError: the address can't be bound.
    """
    try:
        family, kind, protocol, _, resolved = socket.getaddrinfo(
            address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise LabError(f"can't relay at {address}: {error}. Give an address of this host.") from (
            error
        )
    try:
        # Connections of the previous listener may still be open or in TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(resolved)
    except OSError as error:
        listener.close()
        raise LabError(
            f"can't relay at {address}: {error}. Choose a free port, or 0 for any."
        ) from error
    return listener


class Listener:
    """One address in one of the three conditions at a time; the port is held throughout."""

    def __init__(self, address: Address) -> None:
        self._socket = bound_socket(address)
        host, port = self._socket.getsockname()[:2]
        self.address = Address(address.host or host, port)
        self._fillers: list[socket.socket] = []

    def open(self) -> socket.socket:
        """Answer connects; the returned socket is to be accepted from."""
        self._renew()
        self._socket.listen(BACKLOG)
        return self._socket

    def refuse(self) -> None:
        """Answer every connect with RST."""
        self._renew()

    def ignore(self) -> None:
        """Leave every connect unanswered.

        Raises:
            LabError: this machine answers connects although the accept queue is full.
        """
        self._renew()
        self._socket.listen(0)
        for _ in range(_MOST_FILLERS):
            if not self._fill():
                return
        self._renew()
        raise LabError(
            f"{self.address}: expected unanswered connects once the accept queue is full, but"
            f" {_MOST_FILLERS} were answered. This machine's TCP can't drop without privileges;"
            " use the docker backend with how: filter."
        )

    def close(self) -> None:
        """Give the port back; idempotent."""
        self._socket.close()
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    def _renew(self) -> None:
        """Start from a socket that is bound and no more; who waits in the old queue gets RST."""
        self.close()
        self._socket = bound_socket(self.address)

    def _fill(self) -> bool:
        """Occupy one place in the accept queue; False when a connect is no longer answered."""
        host = _WILDCARDS.get(self.address.host, self.address.host)
        filler = socket.socket(self._socket.family, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex((host, self.address.port))
        with selectors.DefaultSelector() as answered:
            answered.register(filler, selectors.EVENT_WRITE)
            if not answered.select(_IGNORED_AFTER):
                filler.close()
                return False
        self._fillers.append(filler)
        return True
