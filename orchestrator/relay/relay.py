"""The relay itself: links, their listeners, and the thread that carries their bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from threading import Lock, Thread
from typing import Any, Final, TypeVar

from dicom.tracing.trace import AssociationTrace
from orchestrator.errors import LabError
from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay.connection import Connection
from orchestrator.relay.end import CHUNK
from orchestrator.relay.listener import BACKLOG, Listener
from orchestrator.relay.wires import relayed_mode

T = TypeVar("T")

#: Connections whose traces a link keeps; the oldest are forgotten first.
_TRACED: Final = 256
#: How long (seconds) the relay's own thread may take to carry out a request.
_PATIENCE: Final = 5.0


class _Link:
    """One listening address, and everything that has come in there."""

    def __init__(self, name: str, listener: Listener, upstream: Address) -> None:
        self.name = name
        self.listener = listener
        self.upstream = upstream
        self.state = WireState()
        self.server: asyncio.Server | None = None
        self.connections: set[Connection] = set()
        self.traced: deque[Connection] = deque(maxlen=_TRACED)


class Relay:
    """TCP relay in this process (``Wires``): all links are served by one thread.

    Bytes pass as they come, without Nagle's delay; half-closes and resets are passed on as what
    they are. Memory is one read buffer for all connections, and per connection what its receiver
    has not taken yet (bounded). Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._links: dict[str, _Link] = {}
        self._buffer = memoryview(bytearray(CHUNK))
        self._lock = Lock()
        self._stopped = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._carry, name="relay", daemon=True)
        self._thread.start()

    def link(self, name: str, listen: Address, upstream: Address) -> Address:
        with self._lock:
            self._refuse_if_stopped()
            if name in self._links:
                raise LabError(f"link {name!r} exists already; choose another name.")
            link = _Link(name, Listener(listen), upstream)
            try:
                self._serve(link)
            except LabError:
                link.listener.close()
                raise
            self._links[name] = link
            return link.listener.address

    def links(self) -> tuple[str, ...]:
        return tuple(self._links)

    def set(self, name: str, state: WireState) -> None:
        """See ``Wires``. A state with another ``how`` than ``relay`` is none of the relay's work.

        New connections are treated so at once. Open connections: ``Connection`` says how.
        """
        with self._lock:
            self._refuse_if_stopped()
            link = self._named(name)
            before, link.state = link.state, state
            if relayed_mode(before) != relayed_mode(state):
                self._call(self._unserve, link)
                try:
                    self._serve(link)
                except LabError:
                    link.state = before
                    self._serve(link)
                    raise
            self._call(_apply, link)

    def state(self, name: str) -> WireState:
        return self._named(name).state

    def traces(self, name: str) -> tuple[AssociationTrace, ...]:
        """See ``Wires``; at most the last 256 connections."""
        link = self._named(name)
        with self._lock:
            self._refuse_if_stopped()
            return self._call(_traces_of, link)

    def forget(self) -> None:
        with self._lock:
            self._refuse_if_stopped()
            for link in self._links.values():
                self._call(_forget, link)

    def stop(self) -> None:
        """See ``Wires``; open connections end at once."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            for link in self._links.values():
                self._call(self._unserve, link)
                link.listener.close()
            self._call(self._abort_all)
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_PATIENCE)

    # In the caller's thread.

    def _named(self, name: str) -> _Link:
        try:
            return self._links[name]
        except KeyError:
            known = ", ".join(self._links) or "none"
            raise LabError(f"no link {name!r}; there are: {known}.") from None

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise LabError("the relay has been stopped; make a new one.")

    def _serve(self, link: _Link) -> None:
        """Bring the link's listener into the condition that its mode needs."""
        match relayed_mode(link.state):
            case "drop":
                link.listener.ignore()
            case "reject":
                link.listener.refuse()
            case _:
                listening = link.listener.open()

                async def accept() -> None:
                    link.server = await self._loop.create_server(
                        lambda: self._connection(link).client, sock=listening, backlog=BACKLOG
                    )

                self._await(accept())

    def _call(self, function: Callable[..., T], *arguments: object) -> T:
        """Run ``function`` in the relay's thread and return what it returns."""

        async def run() -> T:
            return function(*arguments)

        return self._await(run())

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_PATIENCE)
        except (TimeoutError, CancelledError) as error:
            future.cancel()
            raise LabError(
                f"the relay's thread did not answer within {_PATIENCE:g} s; is this machine"
                " overloaded?"
            ) from error

    # In the relay's thread.

    def _carry(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _connection(self, link: _Link) -> Connection:
        connection = Connection(
            f"wire {link.name}",
            link.upstream,
            lambda: link.state,
            self._buffer,
            link.connections.discard,
        )
        link.connections.add(connection)
        link.traced.append(connection)
        return connection

    def _unserve(self, link: _Link) -> None:
        if link.server is not None:
            link.server.close()
            link.server = None

    def _abort_all(self) -> None:
        for link in self._links.values():
            for connection in tuple(link.connections):
                connection.abort()


def _apply(link: _Link) -> None:
    for connection in tuple(link.connections):
        connection.apply()


def _traces_of(link: _Link) -> tuple[AssociationTrace, ...]:
    traces = (connection.trace() for connection in link.traced)
    return tuple(trace for trace in traces if trace is not None)


def _forget(link: _Link) -> None:
    still_open = [connection for connection in link.traced if connection in link.connections]
    link.traced.clear()
    link.traced.extend(still_open)
