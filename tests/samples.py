"""Results as an engine would produce them, for tests of what shows and stores them."""

from __future__ import annotations

from dicom.ladder import ObjectReport, Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace, TracedPdu
from orchestrator.model.identity import Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.model.observation import Observation
from orchestrator.model.results import (
    CellId,
    CellResult,
    Expected,
    LogLines,
    PhaseResult,
    RunResult,
    Verdict,
)
from orchestrator.model.scenario import PhaseName, Route

ORTHANC = Identity(stack="orthanc", edition="process", version="1.10.1")
DCM4CHEE = Identity(stack="dcm4chee", edition="profile", version="5.35", follows="dcm4chee-5.35")
REJECTED = Observation(
    outcome=Outcome(rung=Rung.ASSOCIATE, signature=Signature.rejected(1, 1, 7)),
    words="rejected: called AE title not recognized (1/1/7)",
)
DELIVERED = Observation(outcome=Outcome(rung=Rung.DELIVERED), words="delivered")
CHANGE = NativeChange(
    where="address table of ct", key="archive", before='"ARCHIVE"', after='"OLDPACS"'
)


def route(source: str = "ct", target: str = "archive", destination: str | None = None) -> Route:
    """A route between these roles."""
    return Route.model_validate(
        {"probe": "store", "from": source, "to": target, "destination": destination}
    )


def trace(pdus: int = 2) -> AssociationTrace:
    """An association with this many PDUs."""
    seen = tuple(
        TracedPdu(
            at=index / 100,
            sender="requestor",
            kind="P-DATA-TF",
            length=100,
            summary=f"PDU {index}",
            fields={"affected": index, "contexts": ["1=0"]},
        )
        for index in range(pdus)
    )
    return AssociationTrace(
        observer="ct", opened_at=1e9, requestor="ct", acceptor="archive", pdus=seen, end="released"
    )


def objects(number: int) -> tuple[ObjectReport, ...]:
    """This many delivered objects."""
    return tuple(
        ObjectReport(
            file=f"{index}.dcm",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            sop_instance_uid=f"2.25.{index + 1}",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            outcome=Outcome(rung=Rung.DIMSE),
        )
        for index in range(number)
    )


def phase(
    name: PhaseName = "baseline",
    observation: Observation = DELIVERED,
    *,
    met: bool = True,
    expected: tuple[str, ...] = ("delivered",),
    why: str = "",
    changes: tuple[NativeChange, ...] = (),
    traces: tuple[AssociationTrace, ...] = (),
    logs: tuple[LogLines, ...] = (),
) -> PhaseResult:
    """One phase; by default a baseline that was delivered as declared."""
    return PhaseResult(
        name=name,
        observation=observation,
        expected=Expected(words=expected, why=why),
        met=met,
        changes=changes,
        traces=traces,
        logs=logs,
        seconds=0.1,
    )


def three_phases() -> tuple[PhaseResult, ...]:
    """Delivered, rejected because the title is wrong, delivered."""
    rejected = phase("fault", REJECTED, expected=(REJECTED.words,), changes=(CHANGE,))
    return (phase(), rejected, phase("fix"))


def cell(
    scenario: str = "wrong-aetitle",
    variant: str | None = None,
    *,
    ends: Route | None = None,
    identities: dict[str, Identity] | None = None,
    phases: tuple[PhaseResult, ...] | None = None,
    verdict: Verdict = Verdict.PASS,
    reason: str = "",
) -> CellResult:
    """A cell's result; by default ct → orthanc, as declared."""
    bound = {"archive": ORTHANC} if identities is None else identities
    return CellResult(
        cell=CellId(
            scenario=scenario,
            variant=variant,
            route="store",
            ends=ends or route(),
            bindings={role: who.stack for role, who in bound.items()} or {"archive": "orthanc"},
        ),
        backend="local",
        verdict=verdict,
        reason=reason,
        identities=bound,
        phases=three_phases() if phases is None else phases,
        seconds=0.4,
    )


def run(
    *cells: CellResult, name: str = "20260101T000000Z-abcdef", interrupted: str = ""
) -> RunResult:
    """A run with these cells."""
    return RunResult(
        run=name,
        pacslab="0.1.0",
        command=("pacslab", "run"),
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:00:03+00:00",
        host={"system": "Linux"},
        seed=1,
        cells=cells,
        interrupted=interrupted,
    )
