"""The relay in a container: its verbs, and the client that makes it look like one in-process."""

from __future__ import annotations

from typing import Any, Final

from dicom.control import ControlError, ControlServer, call
from dicom.frozen import Frozen
from dicom.tracing.trace import AssociationTrace
from orchestrator.errors import LabError
from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay.relay import Relay

_TIMEOUT: Final = 10.0


class LinkRequest(Frozen):
    """Body of the verb ``link``; answered with the ``Endpoint`` that really listens."""

    name: str
    listen: tuple[str, int]
    upstream: tuple[str, int]


class SetRequest(Frozen):
    """Body of the verb ``set``."""

    name: str
    state: WireState


class Endpoint(Frozen):
    """Where a link listens."""

    host: str
    port: int


class Traces(Frozen):
    """Answer of the verb ``traces``."""

    traces: tuple[AssociationTrace, ...]


def serve(relay: Relay, host: str, port: int) -> ControlServer:
    """Offer ``relay`` to ``RelayClient`` by the control verbs link, links, set, state, traces,
    forget."""

    def link(body: object) -> Endpoint:
        request = LinkRequest.model_validate(body)
        return Endpoint(
            **relay.link(
                request.name, Address(*request.listen), Address(*request.upstream)
            )._asdict()
        )

    def links(_body: object) -> object:
        return relay.links()

    def set_state(body: object) -> None:
        request = SetRequest.model_validate(body)
        relay.set(request.name, request.state)

    def state(body: object) -> WireState:
        return relay.state(str(body))

    def traces(body: object) -> Traces:
        return Traces(traces=relay.traces(str(body)))

    def forget(_body: object) -> None:
        relay.forget()

    return ControlServer(
        {
            "link": link,
            "links": links,
            "set": set_state,
            "state": state,
            "traces": traces,
            "forget": forget,
        },
        host,
        port,
    )


class RelayClient:
    """``Wires`` over the control channel of a relay that runs elsewhere."""

    def __init__(self, host: str, port: int) -> None:
        self._address = Address(host, port)

    def link(self, name: str, listen: Address, upstream: Address) -> Address:
        request = LinkRequest(name=name, listen=tuple(listen), upstream=tuple(upstream))
        endpoint = Endpoint.model_validate(self._call("link", request))
        return Address(endpoint.host, endpoint.port)

    def links(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self._call("links"))

    def set(self, name: str, state: WireState) -> None:
        self._call("set", SetRequest(name=name, state=state))

    def state(self, name: str) -> WireState:
        return WireState.model_validate(self._call("state", name))

    def traces(self, name: str) -> tuple[AssociationTrace, ...]:
        return Traces.model_validate(self._call("traces", name)).traces

    def forget(self) -> None:
        self._call("forget")

    def stop(self) -> None:
        """Nothing to close here: the relay ends with its container."""

    def _call(self, verb: str, body: object = None) -> Any:
        try:
            return call(*self._address, verb, body, timeout=_TIMEOUT)
        except ControlError as error:
            raise LabError(f"relay: {error}") from error
