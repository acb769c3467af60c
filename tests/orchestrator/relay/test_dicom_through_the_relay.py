"""Real DICOM peers with the relay between them: DCMTK's tools and Orthanc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from dicom.ladder import Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace
from orchestrator.evidence import outcome_of
from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay import Relay
from tests.peers import LOOPBACK, PATIENCE, Orthanc, dcmtk, running_orthanc

pytestmark = pytest.mark.local

LINK = "ct-archive"
CT_SMALL = Path(str(get_testdata_file("CT_small.dcm")))
#: The tools' own time-outs in seconds, so that nothing hangs for DCMTK's default of minutes.
TIMEOUTS = ("-to", "1", "-ta", "1", "-td", "1")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    settings = {"DicomCheckCalledAet": True, "DicomAet": "ARCHIVE", "OverwriteInstances": True}
    with running_orthanc(tmp_path_factory.mktemp("archive"), settings) as orthanc:
        yield orthanc


@pytest.fixture
def wire(relay: Relay, archive: Orthanc) -> Address:
    return relay.link(LINK, Address(LOOPBACK, 0), archive.dicom)


def storescu(wire: Address, *options: str) -> str:
    """What storescu says when it sends an image over ``wire``; empty when all went well."""
    called = () if "-aec" in options else ("-aec", "ARCHIVE")
    run = dcmtk("storescu", *TIMEOUTS, *called, *options, wire.host, str(wire.port), CT_SMALL)
    assert bool(run.stderr.strip()) == bool(run.returncode), run.stderr
    return run.stderr


def last_trace(relay: Relay, link: str = LINK) -> AssociationTrace:
    wait_until(
        lambda: bool(traces := relay.traces(link)) and traces[-1].end != "open",
        seconds=PATIENCE,
        what="the association's end",
    )
    return relay.traces(link)[-1]


def test_an_image_is_stored_and_every_pdu_of_it_is_traced(
    relay: Relay, wire: Address, archive: Orthanc
) -> None:
    assert storescu(wire) == ""
    assert archive.instances() == 1
    trace = last_trace(relay)
    assert [pdu.kind for pdu in trace.pdus if pdu.kind != "P-DATA-TF"] == [
        "A-ASSOCIATE-RQ",
        "A-ASSOCIATE-AC",
        "P-DATA-TF C-STORE-RQ",
        "P-DATA-TF C-STORE-RSP",
        "A-RELEASE-RQ",
        "A-RELEASE-RP",
    ]
    assert trace.end == "released"
    assert outcome_of(trace) == Outcome.at(Rung.DIMSE)


def test_a_rejection_gets_across_and_is_read_off_the_wire(relay: Relay, wire: Address) -> None:
    assert "Called AE Title Not Recognized" in storescu(wire, "-aec", "NOBODY")
    assert outcome_of(last_trace(relay)) == Outcome.at(Rung.ASSOCIATE, Signature.rejected(1, 1, 7))


def test_a_dropped_connect_times_out(relay: Relay, wire: Address) -> None:
    relay.set(LINK, WireState(mode="drop"))
    assert "TCP Initialization Error" in storescu(wire)
    assert relay.traces(LINK) == ()


def test_a_rejected_connect_is_refused(relay: Relay, wire: Address) -> None:
    relay.set(LINK, WireState(mode="reject"))
    assert "Connection refused" in storescu(wire)


def test_silence_ends_with_the_clients_own_time_out(relay: Relay, wire: Address) -> None:
    relay.set(LINK, WireState(mode="silent"))
    assert "DUL network read timeout" in storescu(wire)
    assert outcome_of(last_trace(relay)) == Outcome.at(Rung.ASSOCIATE, Signature(kind="timeout"))


@pytest.mark.parametrize(
    ("cut_with", "kind"), [("reset", "reset"), ("close", "closed")], ids=["reset", "close"]
)
def test_a_cut_in_mid_store_leaves_nothing_behind(
    cut_with: str, kind: str, relay: Relay, wire: Address, archive: Orthanc
) -> None:
    archive.empty()
    relay.set(LINK, WireState.model_validate({"cut_after_bytes": 20_000, "cut_with": cut_with}))
    assert storescu(wire) != ""
    assert outcome_of(last_trace(relay)) == Outcome.at(Rung.DIMSE, Signature(kind=kind))
    assert archive.instances() == 0
    relay.set(LINK, WireState())
    assert storescu(wire) == ""
    assert archive.instances() == 1


def test_delay_and_bandwidth_slow_an_exchange_down_but_do_not_break_it(
    relay: Relay, wire: Address
) -> None:
    relay.set(LINK, WireState(delay_ms=30, bytes_per_second=200_000))
    assert storescu(wire) == ""
    trace = last_trace(relay)
    assert trace.pdus[-1].at >= 0.03 * 5, "request, accept, store, response, release"


def test_an_archive_that_is_down_is_seen_as_refusing(relay: Relay, archive: Orthanc) -> None:
    nobody = relay.link("nobody", Address(LOOPBACK, 0), Address(LOOPBACK, 9))
    assert storescu(nobody) != ""
    refused = Outcome.at(Rung.CONNECT, Signature(kind="refused"))
    assert outcome_of(last_trace(relay, "nobody")) == refused


def test_an_archives_own_sending_is_read_off_the_wire(
    relay: Relay, archive: Orthanc, tmp_path: Path
) -> None:
    wire = relay.link("archive-peer", Address(LOOPBACK, 0), archive.dicom)
    table = {
        "right": {"AET": "ARCHIVE", "Host": wire.host, "Port": wire.port, "Timeout": 1},
        "wrong": {"AET": "OLDPACS", "Host": wire.host, "Port": wire.port, "Timeout": 1},
    }
    with running_orthanc(tmp_path, {"DicomModalities": table}) as source:
        instance = source.upload(CT_SMALL)
        assert source.send(instance, "right") == 200
        assert outcome_of(last_trace(relay, "archive-peer")) == Outcome.at(Rung.DIMSE)
        assert source.send(instance, "wrong") == 500
        stopped = outcome_of(last_trace(relay, "archive-peer"))
        assert stopped == Outcome.at(Rung.ASSOCIATE, Signature.rejected(1, 1, 7))
        relay.set("archive-peer", WireState(cut_after_bytes=20_000))
        assert source.send(instance, "right") == 500
        stopped = outcome_of(last_trace(relay, "archive-peer"))
        assert stopped == Outcome.at(Rung.DIMSE, Signature(kind="reset"))
