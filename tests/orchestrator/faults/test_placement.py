"""Faults on routes on which they make no sense, and host names that are none."""

from __future__ import annotations

from typing import cast

import pytest

from dicom.settings import ArchiveSettings
from orchestrator.errors import FaultNotInPlaceError, UnsupportedError
from orchestrator.faults.addressing import UnresolvableHost, WrongPort
from orchestrator.faults.admission import AcceptedCallingAETitles, RefusedServices
from orchestrator.faults.base import Fault
from orchestrator.faults.negotiation import AcceptedSopClasses, AcceptedTransferSyntaxes
from orchestrator.faults.proof import VisibleLab
from orchestrator.faults.retrieve import DestinationWrongAETitle
from orchestrator.model.scenario import Route
from orchestrator.model.state import AddressEntry, LabState, ModalityState
from tests.orchestrator.faults.conftest import STORE, LoopbackLab

STATE = LabState(
    archives={"archive": ArchiveSettings(), "peer": ArchiveSettings()},
    modalities={"ct": ModalityState(aetitle="CT"), "ris": ModalityState(aetitle="RIS")},
    entries={
        ("ct", "ris"): AddressEntry(title="RIS"),
        ("archive", "peer"): AddressEntry(title="PEER"),
    },
)
WORKLIST = Route.model_validate({"probe": "worklist", "from": "ct", "to": "ris"})
TO_A_PEER = Route.model_validate(
    {"probe": "move", "from": "ct", "to": "archive", "destination": "peer"}
)


@pytest.mark.parametrize(
    ("fault", "route", "words"),
    [
        (AcceptedCallingAETitles(titles=("X",)), WORKLIST, "ris is not an archive"),
        (RefusedServices(services=("find",)), WORKLIST, "ris is not an archive"),
        (AcceptedSopClasses(sop_classes=("CTImageStorage",)), WORKLIST, "ris is not an archive"),
        (
            AcceptedTransferSyntaxes(transfer_syntaxes=("ImplicitVRLittleEndian",)),
            WORKLIST,
            "ris is not an archive",
        ),
        (DestinationWrongAETitle(title="X"), TO_A_PEER, "peer is not a modality"),
    ],
)
def test_a_fault_in_settings_that_the_node_does_not_have_is_unsupported(
    fault: Fault, route: Route, words: str
) -> None:
    with pytest.raises(UnsupportedError, match=words):
        fault.change(STATE, route)


@pytest.mark.parametrize("host", ["pacs.hospital.invalid", "pacs..hospital", "x" * 64])
def test_a_host_that_nobody_knows_is_proven_by_asking_for_it(host: str) -> None:
    (line,) = UnresolvableHost(host=host).verify(cast(VisibleLab, None), STORE)
    assert line.startswith(f"{host} does not resolve: ")


def test_a_host_that_resolves_after_all_is_no_fault() -> None:
    with pytest.raises(FaultNotInPlaceError, match=r"127\.0\.0\.1 resolves to 127"):
        UnresolvableHost(host="127.0.0.1").verify(cast(VisibleLab, None), STORE)


def test_a_port_on_which_somebody_listens_is_not_closed(lab: LoopbackLab) -> None:
    with pytest.raises(FaultNotInPlaceError, match="Does another program listen there"):
        WrongPort().verify(lab, STORE)
