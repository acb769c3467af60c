"""The lab's own nodes at work: modalities, workstations and the relay, wherever they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from dicom.control import ControlError
from dicom.errors import UsageError
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Command, Report
from modalities.nodes.node import Modality, NodeClient
from modalities.services.listen import Forget, Listen, Received
from orchestrator.backends.base import InProcess, Launch, NodeRunner, ThreadLaunch
from orchestrator.errors import LabError
from orchestrator.lab.nodes import MODALITY_PORTS, Nodes, modality_by_hand, relay_by_hand
from orchestrator.lab.places import Places
from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.model.scenario import RELAY
from orchestrator.model.state import Link, ModalityState
from orchestrator.relay import RelayClient, Wires, wire_name

#: How long one of our own containers may take to answer.
_NODE_SECONDS: Final = 60.0


class OwnNodes:
    """Launches, finds and commands the nodes that are ours, not a vendor's.

    Args:
        runner: where they run.
        places: what the runner reserved for them.
        makers: who makes them where they run in this process.
        relayed: the links of the relay; without any there is no relay.
    """

    def __init__(
        self, runner: NodeRunner, places: Places, makers: Nodes, relayed: frozenset[Link]
    ) -> None:
        self._runner = runner
        self._places = places
        self._makers = makers
        self._relayed = sorted(relayed)
        self._modalities: dict[str, Modality] = {}
        self._wires: Wires | None = None

    @property
    def wires(self) -> Wires | None:
        """The relay, once it runs; None in a lab without."""
        return self._wires

    def ask(self, role: str, command: Command) -> Report:
        """Have the modality or workstation in ``role`` carry out ``command``.

        Raises:
            LabError: the node is gone or can't carry it out as written; failures of the exchange
                itself are in the report.
        """
        try:
            return self._modalities[role].run(command)
        except (ControlError, UsageError) as error:
            raise LabError(f"{role} could not carry out {command.kind!r}: {error}") from error

    def listen(self, role: str, state: ModalityState) -> None:
        """(Re)start the own SCP of ``role`` the way ``state`` wants it."""
        ris = state.ris
        self.ask(
            role,
            Listen(
                aetitle=state.aetitle,
                port=self._places[role].listen["dicom"].port,
                called_aetitles=state.called_aetitles,
                accepted_sop_classes=state.accepted_sop_classes,
                accepted_transfer_syntaxes=state.accepted_transfer_syntaxes,
                user_identity=state.accepted_users,
                storage=ris is None,
                commitment_results=state.commitment_results if ris is None else None,
                worklist=None if ris is None else ris.worklist,
                mpps=None if ris is None else ris.mpps,
                tls=state.server_tls,
            ),
        )

    def launches(self, modalities: Iterable[tuple[str, ModalityState]]) -> list[Launch]:
        """How to run all of them, the relay first."""
        relay = [self._relay_launch()] if self._relayed else []
        return [*relay, *(self._modality_launch(role, state) for role, state in modalities)]

    def connect(self, modalities: Iterable[tuple[str, ModalityState]]) -> None:
        """Take hold of nodes that run elsewhere by their control channels; let all listen.

        Raises:
            LabError: one does not answer.
        """
        for role, state in modalities:
            if role not in self._modalities:
                node = NodeClient(*self._runner.control(role, "control"))
                self._await(role, node.ping)
                self._modalities[role] = node
            self.listen(role, state)
        if self._relayed:
            if self._wires is None:
                relay = RelayClient(*self._runner.control(RELAY, "control"))
                self._await(RELAY, relay.links)
                self._wires = relay
            for name, (listen, upstream) in self._wire_ends().items():
                self._wires.link(name, listen, upstream)

    def forget(self) -> None:
        """Start a new window of evidence: drop traces and what workstations received."""
        for role in self._modalities:
            self.ask(role, Forget())
        if self._wires is not None:
            self._wires.forget()

    def traces(self) -> tuple[AssociationTrace, ...]:
        """What storage SCPs and the relay saw since ``forget``, oldest first."""
        seen = [trace for role in self._modalities for trace in self.ask(role, Received()).traces]
        for link in self._relayed:
            seen += self.link_traces(link)
        return tuple(sorted(seen, key=lambda trace: trace.opened_at))

    def link_traces(self, link: Link) -> tuple[AssociationTrace, ...]:
        """What the relay saw on one link since ``forget``; nothing of links that bypass it."""
        if self._wires is None or link not in self._relayed:
            return ()
        return self._wires.traces(wire_name(link))

    def _modality_launch(self, role: str, state: ModalityState) -> ThreadLaunch:
        place = self._places[role]

        def start() -> InProcess:
            self._modalities[role] = node = self._makers.modality(role, place.exchange)
            return node

        return ThreadLaunch(
            role=role,
            ports=MODALITY_PORTS,
            service="workstation" if role == "workstation" else "modality",
            start=start,
            by_hand=modality_by_hand(state, place.listen["dicom"], place.node_exchange),
        )

    def _relay_launch(self) -> ThreadLaunch:
        def start() -> InProcess:
            self._wires = relay = self._makers.relay()
            return relay

        return ThreadLaunch(
            role=RELAY,
            ports=self._places.relay_ports,
            service="relay",
            start=start,
            by_hand=relay_by_hand(self._places[RELAY].listen["control"], self._wire_ends()),
        )

    def _wire_ends(self) -> dict[str, tuple[Address, Address]]:
        """Where the relay listens for each of its links, and where it leads, by the link's name."""
        listen = self._places[RELAY].listen
        return {
            wire_name(link): (listen[wire_name(link)], self._places[link[1]].peers["dicom"])
            for link in self._relayed
        }

    def _await(self, role: str, ask: Callable[[], object]) -> None:
        def answers() -> bool:
            try:
                ask()
            except (ControlError, LabError):
                return False
            return True

        wait_until(
            answers,
            seconds=_NODE_SECONDS,
            what=f"{role} to answer on its control channel",
            alive=lambda: self._runner.alive(role),
            log=lambda: self._runner.log(role),
        )
