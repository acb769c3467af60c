"""One relayed TCP connection: two ends, two directions, and what the network does to them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from dicom.tracing.trace import AssociationTrace
from dicom.tracing.tracer import StreamTracer
from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay.end import CHUNK, End
from orchestrator.relay.wires import relayed_mode

#: Bytes on their way in one direction, at most: the bandwidth-delay product of a delayed link.
_IN_FLIGHT: Final = 4 * 1024 * 1024
#: How long (seconds) a server may take to answer the connect of a client that has sent FIN.
_CONNECT_GRACE: Final = 0.5
#: How long (seconds) a client of a server that refuses may take to say something.
_FIRST_WORDS: Final = 0.2
#: Bytes taken from a client before its server has answered the connect.
_BEFORE_CONNECTED: Final = 64 * 1024
#: A limited link hands over this share of a second's bytes at a time.
_SHARE: Final = 0.05
#: Kernel buffers of a limited link; larger ones would swallow what the link can't carry.
_LIMITED_BUFFER: Final = 32 * 1024
#: How long (seconds) both ends of a cut connection may go on before they are closed for good.
_FAREWELL: Final = 1.0


class _Mark(Enum):
    """What can travel in a direction besides bytes."""

    EOF = "eof"
    RESET = "reset"
    CUT = "cut"


class _Item(NamedTuple):
    due: float
    what: bytes | _Mark


class _Direction:
    """What travels from one end to the other, in order, each piece when it is due."""

    def __init__(self, source: End, sink: End) -> None:
        self.source = source
        self.sink = sink
        self.items: deque[_Item] = deque()
        self.queued = 0
        self.taken = 0
        self.free_at = 0.0
        self.ended = False
        self.finished = False
        self.timer: asyncio.TimerHandle | None = None


class Connection:
    """A client's connection and the one made to the server for it.

    ``state`` is asked for each piece, so that a change takes effect on open connections too:
    with ``drop`` or ``silent`` nothing passes in either direction and nobody is told (after
    ``pass`` again it goes on where it stopped); ``reject`` resets both ends. A connection that
    began under another mode than ``pass`` has no server behind it and never gets an answer.

    A connect that the server refuses can't be refused to the client any more, whose own connect
    this machine's kernel has answered: the client's first request is answered with a reset. A
    server that does not answer the connect leaves the client without an answer.
    """

    def __init__(
        self,
        observer: str,
        upstream: Address,
        state: Callable[[], WireState],
        buffer: memoryview,
        done: Callable[[Connection], None],
    ) -> None:
        self._observer = observer
        self._upstream = upstream
        self._state = state
        self._buffer = buffer
        self._done = done
        self._opened_at = time.monotonic()
        self._tracer: StreamTracer | None = None
        self._spoke = asyncio.Event()
        self._over = False
        self._connecting: asyncio.Task[None] | None = None
        self._cut = False
        self.client = End(self, "requestor")
        self._server = End(self, "acceptor")
        self._forth = _Direction(self.client, self._server)
        self._back = _Direction(self._server, self.client)

    def trace(self) -> AssociationTrace | None:
        """What was seen so far; None before the client's connection is established."""
        return None if self._tracer is None else self._tracer.trace()

    def apply(self) -> None:
        """The link's state has changed."""
        if self._mode == "reject":
            self._say("reset")
            self._stop_connecting()
            self.client.reset()
            self._server.reset()
        else:
            self._run_both()

    def abort(self) -> None:
        """End both sides at once (the relay stops)."""
        self._stop_connecting()
        self._cancel_timers()
        self.client.abort()
        self._server.abort()

    # What the ends tell (``orchestrator.relay.end.Owner``).

    def opened(self, end: End) -> None:
        """See ``Owner``; the client's end comes first, the server's when it has answered."""
        if self._state().bytes_per_second is not None:
            end.limit_buffers(_LIMITED_BUFFER)
        if end is self._server:
            self._connecting = None
            for item in self._forth.items:
                if isinstance(item.what, bytes):
                    self._note(self.client, item.what)
        else:
            self._tracer = StreamTracer(self._observer, end.peer, str(self._upstream))
            if self._mode == "pass":
                self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self._run_both()

    def room(self, end: End) -> memoryview:
        """See ``Owner``; as much as a limited link carries in one piece."""
        rate = self._state().bytes_per_second
        if rate is None:
            return self._buffer
        return self._buffer[: max(1, min(CHUNK, int(rate * _SHARE)))]

    def received(self, end: End, data: bytes) -> None:
        if self._cut:
            return
        direction = self._from(end)
        cut_after = self._state().cut_after_bytes
        cut = False
        if direction is self._forth and cut_after is not None:
            left = max(0, cut_after - direction.taken)
            cut = len(data) >= left
            data = data[:left]
        direction.taken += len(data)
        if self._connecting is None:
            self._note(end, data)
        else:
            self._spoke.set()
        if self._unserved:
            return
        self._put(direction, data)
        if cut:
            self._put(direction, _Mark.CUT)

    def half_closed(self, end: End) -> None:
        self._ended(end, _Mark.EOF, f"closed by {end.side}")

    def was_reset(self, end: End) -> None:
        self._ended(end, _Mark.RESET, "reset")

    def lost(self, end: End) -> None:
        if self.client.gone and self._unserved and not self._over:
            self._over = True
            self._say("closed by requestor")
            self._cancel_timers()
            self._done(self)

    def drained(self, end: End) -> None:
        self._run(self._back if end is self.client else self._forth)

    # What the connection does.

    @property
    def _mode(self) -> str:
        return relayed_mode(self._state())

    @property
    def _unserved(self) -> bool:
        """Whether no server is behind this connection, and none is being reached."""
        return self._server.gone and self._connecting is None

    def _from(self, end: End) -> _Direction:
        return self._forth if end is self.client else self._back

    def _note(self, end: End, data: bytes) -> None:
        """Trace bytes; those of a client whose server never answered were never on the wire."""
        if self._tracer is not None and data:
            self._tracer.feed(end.side, data)

    def _say(self, how: str) -> None:
        """Tell the tracer how the connection ended; the first word counts."""
        if self._tracer is not None:
            self._tracer.end(how)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self._server, *self._upstream)
        except OSError as error:
            self._say(_word_for(error))
            # Whether a reset meets the client inside its connect or after it would be chance.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._spoke.wait(), _FIRST_WORDS)
            self._connecting = None
            self.client.reset()

    def _give_up(self) -> None:
        """The client left although the server had not answered the connect."""
        if self._connecting is not None:
            self._say("timeout")
            self._stop_connecting()
            self.client.close()
            self.lost(self.client)

    def _stop_connecting(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None

    def _cancel_timers(self) -> None:
        for direction in (self._forth, self._back):
            if direction.timer is not None:
                direction.timer.cancel()

    def _ended(self, end: End, mark: _Mark, how: str) -> None:
        if self._cut:
            end.close()
            return
        if self._connecting is not None:
            asked_for = time.monotonic() - self._opened_at
            if mark is _Mark.RESET or asked_for > _CONNECT_GRACE:
                self._give_up()
                return
            loop = asyncio.get_running_loop()
            loop.call_later(_CONNECT_GRACE - asked_for, self._give_up)
        elif self._unserved:
            self._say(how)
            end.close()
            return
        direction = self._from(end)
        if direction.ended and mark is _Mark.EOF:
            return
        direction.ended = True
        if self._connecting is None:
            self._say(how)
        self._put(direction, mark)

    def _put(self, direction: _Direction, what: bytes | _Mark) -> None:
        """Send ``what`` on its way."""
        state, now = self._state(), time.monotonic()
        size = len(what) if isinstance(what, bytes) else 0
        if state.bytes_per_second is not None:
            direction.free_at = max(now, direction.free_at) + size / state.bytes_per_second
        due = max(now, direction.free_at) + state.delay_ms / 1000
        direction.items.append(_Item(due, what))
        direction.queued += size
        self._run(direction)

    def _run_both(self) -> None:
        self._run(self._forth)
        self._run(self._back)

    def _run(self, direction: _Direction) -> None:
        """Hand over what is due, read on if there is room, come back when the next is due."""
        now = time.monotonic()
        passing = self._mode == "pass" and direction.sink.open
        while passing and direction.items and direction.items[0].due <= now:
            what = direction.items.popleft().what
            if isinstance(what, bytes):
                direction.queued -= len(what)
                direction.sink.write(what)
            else:
                self._act(direction, what)
        direction.source.read(self._has_room(direction, now))
        if direction.timer is not None:
            direction.timer.cancel()
            direction.timer = None
        times = [direction.items[0].due] if direction.items and passing else []
        if direction.free_at > now and not direction.source.gone:
            times.append(direction.free_at)
        if times:
            loop = asyncio.get_running_loop()
            direction.timer = loop.call_later(min(times) - now, self._run, direction)

    def _has_room(self, direction: _Direction, now: float) -> bool:
        if self._cut or self._unserved:
            return True  # read only to notice the end; ``received`` throws it away
        if direction.sink.gone:
            return direction.queued < _BEFORE_CONNECTED
        if self._mode != "pass" or not direction.sink.writable:
            return False
        return direction.free_at <= now and direction.queued < _IN_FLIGHT

    def _act(self, direction: _Direction, mark: _Mark) -> None:
        if mark is _Mark.RESET:
            direction.sink.reset()
        elif mark is _Mark.CUT:
            self._cut_both()
        else:
            direction.finished = True
            direction.sink.half_close()
            if self._forth.finished and self._back.finished:
                self.client.close()
                self._server.close()

    def _cut_both(self) -> None:
        self._cut = True
        self._forth.items.clear()
        self._back.items.clear()
        if self._state().cut_with == "reset":
            self._say("reset")
            self.client.reset()
            self._server.reset()
            return
        self._say("closed by acceptor")
        loop = asyncio.get_running_loop()
        for end in (self.client, self._server):
            end.half_close()
            loop.call_later(_FAREWELL, end.close)


def _word_for(error: OSError) -> str:
    """The trace's word for a connect that failed."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
