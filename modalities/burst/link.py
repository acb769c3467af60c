"""A link that sends many pieces in one system call and hears a peer that gives up meanwhile."""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Final

from dicom.association.link import Link, LinkLostError
from dicom.association.upper_layer import P_DATA
from dicom.ladder import Signature
from dicom.tracing.boundaries import pdu_types
from dicom.tracing.tracer import StreamTracer
from modalities.burst.messages import Piece

_RECEIVE: Final = 1 << 16
#: What a peer may say before its turn; from one that says more, nothing is read until then.
_EARLY: Final = 1 << 20
_MOST_SKIPPED: Final = 63
#: A step of looking that takes longer, in seconds, was interrupted by something else.
_PREEMPTED: Final = 0.0001


class BurstLink(Link):
    """Takes over an open connection, on which nothing is traced any more.

    Args:
        link: its owner so far.
        eager: how long to look for a response again and again before sleeping for it, in seconds.
            Waking up takes longer than many peers take to answer. Where they take longer, looking
            is soon given up, and tried again now and then.
    """

    def __init__(self, link: Link, eager: float) -> None:
        super().__init__(link._connection, _Untraced("", "", ""))
        self._buffer = link._buffer
        self._eager = 0.0 if isinstance(self._connection, ssl.SSLSocket) else eager
        self._to_skip = self._skipped = 0

    def send_pieces(self, pieces: list[Piece], timeout: float) -> None:
        """Send all of ``pieces``; ``timeout`` is how long the peer may take none of them.

        As with ``send``, a peer that is gone is remembered, not raised. That includes one that
        says so while we still send: it may not read any more, and what it said is the reason.

        Raises:
            LinkLostError: the peer takes no data any more (timeout).
        """
        if self.broken:
            return
        if isinstance(self._connection, ssl.SSLSocket):
            pieces = [b"".join(pieces)]
        self._connection.settimeout(0)
        deadline = time.monotonic() + timeout
        while pieces and not self.broken:
            try:
                sent = self._send_some(pieces)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT, deadline, timeout)
            except ssl.SSLWantReadError:
                self._wait(0, deadline, timeout)
            except OSError as error:
                self._lost = self._why(error)
            else:
                pieces = _rest(pieces, sent)
                deadline = time.monotonic() + timeout

    def unread(self, pdu: bytes) -> None:
        """Let the next ``receive`` return ``pdu``."""
        self._buffer[:0] = pdu

    def give_up(self, words: str) -> None:
        """Send nothing any more: part of a PDU may be out, and an A-ABORT would complete it."""
        self._lost = LinkLostError(Signature(kind="closed"), words)

    def cut(self) -> None:
        """End the connection under whatever another thread does with it; it will see the end."""
        try:
            # an SSLSocket's own shutdown would take its TLS state away from that thread
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)
        except OSError:
            return

    def _send_some(self, pieces: list[Piece]) -> int:
        if isinstance(self._connection, ssl.SSLSocket):
            return self._connection.send(pieces[0])
        return self._connection.sendmsg(pieces)

    def _wait(self, writable: int, deadline: float, timeout: float) -> None:
        """Until more can be sent, or the peer is heard and has given up."""
        poll = select.poll()
        listening = select.POLLIN if len(self._buffer) < _EARLY else 0
        poll.register(self._connection, writable | listening)
        events = poll.poll(max(deadline - time.monotonic(), 0) * 1000)
        if not events:
            words = f"the peer took no more data for {timeout:g} s"
            self._lost = LinkLostError(Signature(kind="timeout"), words)
            raise self._lost
        if events[0][1] & (select.POLLIN | select.POLLHUP | select.POLLERR) and listening:
            self._hear()

    def _hear(self) -> None:
        """Read what the peer says before its turn."""
        try:
            data = self._connection.recv(_RECEIVE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self._lost = self._why(error)
            return
        self._buffer += data
        if not data or self._gives_up():
            words = "the peer closed the connection while it was sent a dataset"
            self._lost = LinkLostError(Signature(kind="closed"), words)

    def _gives_up(self) -> bool:
        """Whether the peer sent anything but an early response: no dataset ends that well."""
        return any(each != P_DATA for each in pdu_types(self._buffer))

    def _read(self, size: int, deadline: float, timeout: float) -> bytes:
        if self._eager and len(self._buffer) < size:
            if self._skipped < self._to_skip:
                self._skipped += 1
            else:
                self._to_skip = 0 if self._look(size) else min(4 * self._to_skip + 3, _MOST_SKIPPED)
                self._skipped = 0
        return super()._read(size, deadline, timeout)

    def _look(self, size: int) -> bool:
        """Look for ``size`` bytes without sleeping; whether that was worthwhile.

        It is not where they take longer, and not where something else wants the core: whoever
        sleeps gets it back at once when they come, whoever looks for them has to queue for it.
        """
        now = time.perf_counter()
        until = now + self._eager
        self._connection.settimeout(0)
        while len(self._buffer) < size:
            before, now = now, time.perf_counter()
            if now > until or now - before > _PREEMPTED:
                return False
            try:
                data = self._connection.recv(_RECEIVE)
            except BlockingIOError:
                continue
            except OSError as error:
                self._lost = self._lost or self._why(error)
                return False
            if not data:
                return False
            self._buffer += data
        return True


class _Untraced(StreamTracer):
    """A burst is about speed: its PDUs are not traced."""

    def feed(self, sender: object, data: object, at: float | None = None) -> None:
        """Forget it."""


def _rest(pieces: list[Piece], sent: int) -> list[Piece]:
    """What is left of ``pieces`` after ``sent`` bytes."""
    for index, piece in enumerate(pieces):
        if sent < len(piece):
            return [memoryview(piece)[sent:], *pieces[index + 1 :]]
        sent -= len(piece)
    return []
