"""The model of a scenario. Reading files, with line numbers, is the job of ``scenarios``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Generic, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from typing_extensions import TypeVar

from dicom.frozen import Frozen
from dicom.ladder import Outcome
from dicom.settings import AETitle, ArchiveSettings
from orchestrator.model.expected import outcome_schema, read_outcome
from orchestrator.model.role_settings import SettingsByRole, laid_over

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
#: A role's name; it becomes a host name in the lab's network.
RoleName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=30)
]
#: The role of the lab's own relay; no scenario may use it.
RELAY: Final = "relay"
PhaseName = Literal["baseline", "fault", "fix"]
RoleKind = Literal["modality", "archive", "workstation", "ris"]
T = TypeVar("T")
#: What a fault is. Faults know the lab's state and routes, so that nothing here can name them.
F = TypeVar("F", bound=Frozen, default=Frozen, covariant=True)
PHASES: tuple[PhaseName, ...] = get_args(PhaseName)

_OUTCOME_SCHEMA = outcome_schema()
_OUTCOMES_SCHEMA = {
    "anyOf": [_OUTCOME_SCHEMA, {"type": "array", "items": _OUTCOME_SCHEMA, "minItems": 1}]
}
_FAMILY_SCHEMA = {"type": "string"}
_FAMILIES_SCHEMA = {
    "anyOf": [_FAMILY_SCHEMA, {"type": "array", "items": _FAMILY_SCHEMA, "minItems": 1}]
}
#: ``success`` stands for "the probe reached its goal and nothing stopped it".
ExpectedOutcome = Annotated[Outcome | Literal["success"], BeforeValidator(read_outcome)]


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    # min_length would also complain where items are wrong, besides the items' own errors
    if not values:
        raise ValueError("nothing in the list; expected at least one item")
    return values


def fix_tag(value: object) -> str:
    """Which sort of fix ``value`` is."""
    return "remedy" if isinstance(value, Mapping | Remedy) else "revert"


class Role(Frozen):
    """A node of the scenario. Archives are bound to each stack in turn."""

    kind: RoleKind
    aetitle: AETitle | None = Field(None, description="its own AE title; by default from the role")
    stack: str | None = Field(None, description="bind this archive to this stack only")


class Route(Frozen):
    """Which probe goes from whom to whom.

    ``destination`` is the C-MOVE destination's role, ``ris`` that of the RIS where a probe needs
    one besides.
    """

    probe: str
    source: str = Field(alias="from", description="role of the SCU that starts the exchange")
    target: str = Field(alias="to", description="role of the SCP that it talks to")
    destination: str | None = Field(None, description="role that a C-MOVE sends the objects to")
    ris: str | None = Field(
        None, description="role that schedules an examination and is told of its progress"
    )

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles it uses, in the order the request takes, each once."""
        used = (self.source, self.target, self.destination, self.ris)
        return tuple(dict.fromkeys(role for role in used if role is not None))

    @property
    def positions(self) -> Mapping[str, str]:
        """Role by position: ``from``, ``to`` and, where there is one, ``destination``."""
        ends = {"from": self.source, "to": self.target}
        return ends if self.destination is None else {**ends, "destination": self.destination}


class Study(Frozen):
    """What is sent: a simulated study, or the user's own files from ``folder``."""

    family: Annotated[
        tuple[str, ...],
        BeforeValidator(_as_list),
        AfterValidator(_not_empty),
        WithJsonSchema(_FAMILIES_SCHEMA),
    ] = Field(("CT",), description="family of the simulated objects; several make one study")
    images: int = Field(3, ge=1, le=100_000, description="objects of each family")
    rows: int = Field(64, ge=8, le=8192)
    columns: int = Field(64, ge=8, le=8192)
    frames: int | None = Field(
        None, ge=1, le=100_000, description="frames of each multi-frame object; default: usual"
    )
    patient: str | None = Field(
        None, description="a patient whose name is the point (japanese, empty); default: plain"
    )
    transfer_syntax: str = Field(
        "ExplicitVRLittleEndian", description="pydicom keyword or UID of the transfer syntax"
    )
    folder: str | None = Field(
        None,
        description="send the DICOM files below this folder instead (relative to this file)",
    )


class Expectation(Frozen):
    """One rule of a phase; the first whose ``when`` holds decides.

    ``when`` maps a role, or the route's position ``from``, ``to`` or ``destination``, to a stack
    with optional version range and edition (``orthanc``, ``orthanc >=1.12``, ``orthanc <1.11
    process``, ``dcm4chee profile``, ``* container``), or ``route`` to a route's name. ``outcome``
    is one outcome or a list of acceptable ones; ``why`` cites the reason.
    """

    when: Mapping[str, str] = Field(default_factory=dict)
    outcome: Annotated[
        tuple[ExpectedOutcome, ...],
        BeforeValidator(_as_list),
        AfterValidator(_not_empty),
        WithJsonSchema(_OUTCOMES_SCHEMA),
    ]
    why: str = ""

    @property
    def outcomes(self) -> tuple[Outcome | Literal["success"], ...]:
        """All acceptable outcomes."""
        return self.outcome


class Remedy(Frozen):
    """A repair other than undoing the fault: new neutral settings."""

    settings: SettingsByRole = Field(description="neutral settings per role that repair it")


#: How the fault is repaired: undone, or as an administrator chose to.
Fix = Annotated[
    Annotated[Literal["revert"], Tag("revert")] | Annotated[Remedy, Tag("remedy")],
    Discriminator(fix_tag),
]
Rules = Annotated[tuple[Expectation, ...], AfterValidator(_not_empty)]
_SUCCESS = (Expectation(outcome=("success",)),)


class Expect(Frozen):
    """Declared outcomes per phase; a phase left out expects success."""

    baseline: Rules = _SUCCESS
    fault: Rules = _SUCCESS
    fix: Rules = _SUCCESS

    def phase(self, name: PhaseName) -> tuple[Expectation, ...]:
        """The rules of one phase."""
        rules: tuple[Expectation, ...] = getattr(self, name)
        return rules


class Variant(Frozen, Generic[F]):
    """The same story with something else set; what it gives replaces the scenario's.

    ``settings`` are laid over the scenario's key by key, ``expect`` phase by phase; everything
    else is replaced whole.
    """

    title: str
    settings: SettingsByRole | None = Field(
        None, description="neutral settings of the healthy lab, per role"
    )
    fault: F | None = Field(None, description="the one thing that is broken")
    fix: Fix | None = None
    expect: Expect | None = None
    routes: tuple[str, ...] | None = Field(None, min_length=1)
    study: Study | None = None

    @classmethod
    def model_parametrized_name(cls, _params: tuple[Any, ...]) -> str:
        """Errors call it a variant, whatever its faults are."""
        return cls.__name__


class Scenario(Frozen, Generic[F]):
    """One root cause, told so that it can be lived through: baseline, fault, fix."""

    name: Slug
    title: str
    category: Slug
    story: str = Field(description="who changed what, when and why")
    symptom: str = Field("", description="what the modality's administrator sees")
    cause: Slug | None = Field(None, description="cause id that a diagnosis must arrive at")
    owner: Literal["modality", "PACS", "network", "security"] | None = Field(
        None, description="whose administrator repairs it"
    )
    lesson: str = Field("", description="what to remember")
    roles: Mapping[RoleName, Role] = Field(min_length=1)
    routes: Mapping[Slug, Route] = Field(min_length=1)
    settings: SettingsByRole = Field(
        default_factory=dict, description="neutral settings of the healthy lab, per role"
    )
    study: Study = Study()
    fault: F | None = Field(None, description="the one thing that is broken")
    fix: Fix = "revert"
    expect: Expect = Expect()
    variants: Mapping[Slug, Variant[F]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _settings_fit_their_roles(self) -> Self:
        stories: tuple[Scenario[F] | Variant[F], ...] = (self, *self.variants.values())
        for story in stories:
            remedy = story.fix.settings if isinstance(story.fix, Remedy) else {}
            for role, settings in (*(story.settings or {}).items(), *remedy.items()):
                of_archive = isinstance(settings, ArchiveSettings)
                if role in self.roles and of_archive != (self.roles[role].kind == "archive"):
                    raise ValueError(
                        f"role {role!r} is a {self.roles[role].kind}, and has settings of"
                        f" {'an archive' if of_archive else 'a modality'}"
                    )
        return self

    @property
    def phases(self) -> tuple[PhaseName, ...]:
        """The phases that a cell goes through: without a fault there is only the baseline."""
        return PHASES if self.fault is not None else PHASES[:1]

    def variant(self, name: str | None) -> Self:
        """The scenario as variant ``name`` has it; None is the scenario itself."""
        if name is None:
            return self
        overrides = self.variants[name]
        given: dict[str, object] = {
            key: value
            for key in ("fault", "fix", "study")
            if (value := getattr(overrides, key)) is not None
        }
        if overrides.settings is not None:
            given["settings"] = _laid_over(self.settings, overrides.settings)
        if overrides.expect is not None:
            declared = overrides.expect
            given_phases = declared.model_fields_set
            phases: dict[str, object] = {
                phase: declared.phase(phase) for phase in PHASES if phase in given_phases
            }
            given["expect"] = self.expect.model_copy(update=phases)
        if overrides.routes is not None:
            given["routes"] = {key: self.routes[key] for key in overrides.routes}
        return self.model_copy(update={**given, "variants": {}})


def _laid_over(below: SettingsByRole, above: SettingsByRole) -> SettingsByRole:
    both = {role: laid_over(below[role], above[role]) for role in below.keys() & above.keys()}
    together = {**below, **above, **both}
    return {role: together[role] for role in sorted(together)}
