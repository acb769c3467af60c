"""One socket of a relayed connection: what happens to it is told, what is to happen is done."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from typing import Final, Protocol, cast

from dicom.tracing.tracer import Sender

if sys.platform == "linux":
    import fcntl
    import termios

#: One read's buffer, shared by all connections of a loop: it is emptied before the next read.
CHUNK: Final = 256 * 1024
#: How long (seconds) a reset waits for bytes that the peer isn't taking, and how often it looks.
_PATIENCE: Final = 1.0
_LOOK: Final = 0.005
#: SO_LINGER on with time 0: closing sends RST instead of FIN.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Owner(Protocol):
    """What an end tells its connection."""

    def opened(self, end: End) -> None:
        """The socket is connected."""

    def room(self, end: End) -> memoryview:
        """Where the next bytes may go; not empty."""

    def received(self, end: End, data: bytes) -> None:
        """The peer sent ``data``."""

    def half_closed(self, end: End) -> None:
        """The peer sent FIN."""

    def was_reset(self, end: End) -> None:
        """The peer sent RST, or its machine is gone."""

    def lost(self, end: End) -> None:
        """The socket is closed, whoever did it."""

    def drained(self, end: End) -> None:
        """What was written has been taken; there is room for more."""


class End(asyncio.BufferedProtocol):
    """The relay's side of one TCP connection."""

    def __init__(self, owner: Owner, side: Sender) -> None:
        self.side: Sender = side
        self.writable = True
        self.peer = ""
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._room = memoryview(b"")
        self._look: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether the socket is connected and not being closed."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def gone(self) -> bool:
        """Whether there is no socket: not yet, or no more."""
        return self._transport is None

    def write(self, data: bytes) -> None:
        """Send ``data`` to the peer, as soon as it takes it."""
        if self._transport is not None and self.open:
            self._transport.write(data)

    def half_close(self) -> None:
        """Send FIN after what is still to be sent; the other direction stays."""
        if self._transport is not None and self.open:
            with contextlib.suppress(OSError):  # the peer may have gone already
                self._transport.write_eof()

    def read(self, wanted: bool) -> None:
        """Take bytes from the peer or leave them in the kernel, whose window then closes."""
        if self._transport is None or not self.open:
            return
        if wanted and not self._transport.is_reading():
            self._transport.resume_reading()
        elif not wanted and self._transport.is_reading():
            self._transport.pause_reading()

    def close(self) -> None:
        """Send what is still to be sent, then close."""
        if self._transport is not None and self.open:
            self._transport.close()

    def reset(self) -> None:
        """Send what is still to be sent, at most for a second, then RST."""
        if self._look is None:
            self.writable = False
            self._reset_when_sent(asyncio.get_running_loop().time() + _PATIENCE)

    def abort(self) -> None:
        """Close at once, whatever is unsent."""
        if self._transport is not None:
            self._transport.abort()

    def limit_buffers(self, size: int) -> None:
        """Keep the kernel from taking more than about ``size`` bytes ahead of us."""
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if peer else ""
        self._owner.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        self._room = self._owner.room(self)
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        self._owner.received(self, bytes(self._room[:nbytes]))

    def eof_received(self) -> bool:
        self._owner.half_closed(self)
        return True  # a half-closed connection still carries the other direction

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        if self._look is None:
            self.writable = True
            self._owner.drained(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        if exc is not None and self._transport is not None:
            # A peer that refuses (A-ASSOCIATE-RJ, A-ABORT) and closes while we were still sending
            # makes our write fail, but its last words wait in the kernel and must get across.
            fd = self._transport.get_extra_info("socket").fileno()
            with contextlib.suppress(OSError):
                while words := os.read(fd, CHUNK):
                    self._owner.received(self, words)
            self._owner.was_reset(self)
        self._transport = None
        self._owner.lost(self)

    def _reset_when_sent(self, deadline: float) -> None:
        """A reset discards what the kernel has not delivered, so look until it has."""
        if self._transport is None:
            return
        loop = asyncio.get_running_loop()
        raw = self._transport.get_extra_info("socket")
        unsent = self._transport.get_write_buffer_size() or _undelivered(raw)
        if unsent and loop.time() < deadline:
            self._look = loop.call_later(_LOOK, self._reset_when_sent, deadline)
            return
        with contextlib.suppress(OSError):  # the peer's own RST may have come first
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


def _undelivered(raw: socket.socket) -> int:
    """Bytes that the kernel has taken from us and the peer has not acknowledged (tcp(7)); 0 where
    the system can't say."""
    if sys.platform != "linux":
        return 0
    answer = fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
