"""The YAML model of a scenario. Reading files, with line numbers, is ``scenario_loader``'s job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints

from modalities.ladder import Rung, Signature
from orchestrator.outcome import Outcome
from orchestrator.settings import AETitle, Frozen

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
PhaseName = Literal["baseline", "fault", "fix"]


def _read_outcome(value: object) -> object:
    """``success``, or ``{rung: signature}`` such as ``{associate: rejected 1/1/7}``."""
    if isinstance(value, Mapping) and len(value) == 1 and "rung" not in value:
        ((rung, signature),) = value.items()
        if rung not in {r.value for r in Rung}:
            known = ", ".join(r.value for r in Rung)
            raise ValueError(f"unknown rung {rung!r}; expected one of: {known}")
        if not isinstance(signature, str):
            raise ValueError(f"expected a signature such as 'rejected 1/1/7', saw {signature!r}")
        return Outcome(rung=Rung(rung), signature=Signature.parse(signature))
    return value


#: ``success`` stands for "the probe reached its goal and nothing stopped it".
ExpectedOutcome = Annotated[Outcome | Literal["success"], BeforeValidator(_read_outcome)]


class Role(Frozen):
    """A node of the scenario. Archives are bound to each stack in turn."""

    kind: Literal["modality", "archive", "workstation"]
    aetitle: AETitle | None = Field(None, description="its own AE title; by default from the role")
    stack: str | None = Field(None, description="bind to this stack only")


class Route(Frozen):
    """Which probe goes from whom to whom; ``destination`` is the C-MOVE destination's role."""

    probe: str
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    destination: str | None = None


class Study(Frozen):
    """What is sent: a simulated study, or the user's own files from ``folder``."""

    family: str = "CT"
    images: int = Field(3, ge=1, le=100_000)
    rows: int = Field(64, ge=8, le=8192)
    columns: int = Field(64, ge=8, le=8192)
    transfer_syntax: str = Field(
        "ExplicitVRLittleEndian", description="pydicom keyword or UID of the transfer syntax"
    )
    folder: str | None = Field(None, description="send the DICOM files below this folder instead")


class Expectation(Frozen):
    """One rule of a phase; the first whose ``when`` holds decides.

    ``when`` maps a role to a stack with optional version range and edition (``orthanc``,
    ``orthanc >=1.12``, ``orthanc <1.11 process``, ``dcm4chee profile``), or ``route`` to a
    route's name. ``outcome`` is one outcome or a list of acceptable ones; ``why`` cites the
    reason.
    """

    when: Mapping[str, str] = Field(default_factory=dict)
    outcome: ExpectedOutcome | tuple[ExpectedOutcome, ...]
    why: str = ""

    @property
    def outcomes(self) -> tuple[Outcome | Literal["success"], ...]:
        """All acceptable outcomes."""
        return self.outcome if isinstance(self.outcome, tuple) else (self.outcome,)


#: A fault by name with its arguments: ``{wrong-called-aetitle: {title: WRONG}}``.
FaultUse = Annotated[Mapping[str, Mapping[str, object]], Field(min_length=1, max_length=1)]
#: Neutral settings per archive role, only the ones that the scenario cares about.
SettingsByRole = Mapping[str, Mapping[str, object]]


class Remedy(Frozen):
    """A repair other than undoing the fault: new neutral settings for archives."""

    settings: SettingsByRole


class Expect(Frozen):
    """Declared outcomes per phase; a phase left out expects success."""

    baseline: tuple[Expectation, ...] = (Expectation(outcome="success"),)
    fault: tuple[Expectation, ...] = (Expectation(outcome="success"),)
    fix: tuple[Expectation, ...] = (Expectation(outcome="success"),)

    def phase(self, name: PhaseName) -> tuple[Expectation, ...]:
        """The rules of one phase."""
        rules: tuple[Expectation, ...] = getattr(self, name)
        return rules


class Variant(Frozen):
    """The same story with something else set; what it gives replaces the scenario's."""

    title: str
    settings: SettingsByRole | None = None
    fault: FaultUse | None = None
    fix: Literal["revert"] | Remedy | None = None
    expect: Expect | None = None
    routes: tuple[str, ...] | None = None
    study: Study | None = None


class Scenario(Frozen):
    """One root cause, told so that it can be lived through: baseline, fault, fix."""

    name: Slug
    title: str
    category: Slug
    story: str = Field(description="who changed what, when and why")
    symptom: str = Field("", description="what the modality's administrator sees")
    cause: Slug | None = Field(None, description="cause id that a diagnosis must arrive at")
    owner: Literal["modality", "PACS", "network", "security"] | None = None
    lesson: str = Field("", description="what to remember")
    roles: Mapping[str, Role]
    routes: Mapping[str, Route]
    settings: SettingsByRole = Field(default_factory=dict)
    study: Study = Study()
    fault: FaultUse | None = None
    fix: Literal["revert"] | Remedy = "revert"
    expect: Expect = Expect()
    variants: Mapping[str, Variant] = Field(default_factory=dict)

    def variant(self, name: str | None) -> Self:
        """The scenario as variant ``name`` has it; None is the scenario itself."""
        if name is None:
            return self
        overrides = self.variants[name]
        given = {
            key: value
            for key in ("settings", "fault", "fix", "expect", "study")
            if (value := getattr(overrides, key)) is not None
        }
        if overrides.routes is not None:
            given["routes"] = {key: self.routes[key] for key in overrides.routes}
        return self.model_copy(update={**given, "variants": {}})
