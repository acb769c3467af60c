"""Faults and settings, built once from what a scenario's file says; what is wrong is noted.

Works on the file's raw data, so that a mistake of shape in one place does not hide these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from dicom.datasets.uids import uid_of
from dicom.settings import ArchiveSettings
from dicom.yaml_positions import NodePath
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.files.problems import Findings
from orchestrator.model.modality_settings import ModalitySettings
from orchestrator.model.role_settings import RoleSettings
from orchestrator.model.scenario import Scenario

M = TypeVar("M", bound=BaseModel)
Raw = Mapping[str, object]
_UID_LISTS: Final = ("accepted_sop_classes", "accepted_transfer_syntaxes")
_MAPPING: Final[TypeAdapter[Raw]] = TypeAdapter(Raw)
#: A fault's name with its arguments; none at all is as good as no arguments.
_USE: Final[TypeAdapter[Mapping[str, Raw | None]]] = TypeAdapter(
    Annotated[Mapping[str, Raw | None], Field(min_length=1, max_length=1)]
)


def with_parts(findings: Findings) -> object:
    """The data of ``findings.document`` with its faults and settings as what they are.

    Those that are wrong are noted in ``findings`` and left out. What has no place for any is left
    as it is, for the scenario's model to complain about.
    """
    data = findings.document.data
    if not isinstance(data, Mapping):
        return data
    builder = _Builder(findings, mapping(data.get("roles")))
    variants = data.get("variants")
    built = builder.story((), data)
    if isinstance(variants, Mapping):
        built["variants"] = {
            name: builder.story(("variants", name), each) if isinstance(each, Mapping) else each
            for name, each in variants.items()
        }
    return built


class _Builder:
    def __init__(self, findings: Findings, roles: Raw) -> None:
        self._findings = findings
        self._roles = roles

    def story(self, path: NodePath, story: Raw) -> dict[str, object]:
        """What a scenario and its variants have in common, built."""
        fault, fix = story.get("fault"), story.get("fix")
        built = self._with_settings(path, story)
        if fault is not None:
            built["fault"] = self._fault((*path, "fault"), fault)
        if isinstance(fix, Mapping):
            built["fix"] = self._with_settings((*path, "fix"), fix)
        return built

    def _with_settings(self, path: NodePath, owner: Raw) -> dict[str, object]:
        by_role = owner.get("settings")
        if not isinstance(by_role, Mapping):
            return dict(owner)
        built = {
            role: self._settings((*path, "settings", role), role, settings)
            for role, settings in by_role.items()
        }
        return {
            **owner,
            "settings": {role: each for role, each in built.items() if each is not None},
        }

    def _settings(self, path: NodePath, role: str, settings: object) -> RoleSettings | None:
        given = self._shaped(path, _MAPPING, settings)
        exists = known(self._findings, path, "role", role, self._roles, value=False)
        if given is None or not exists:
            return None
        if mapping(self._roles[role]).get("kind") != "archive":
            return self._parsed(path, ModalitySettings, given)
        for key in _UID_LISTS:
            for index, name in enumerate(items(given.get(key))):
                uid(self._findings, (*path, key, index), name)
        return self._parsed(path, ArchiveSettings, given)

    def _fault(self, path: NodePath, fault: object) -> Fault | None:
        if isinstance(fault, str):
            if known(self._findings, path, "fault", fault, FAULTS):
                return self._parsed(path, FAULTS[fault], {})
            return None
        use = self._shaped(path, _USE, fault)
        for name, arguments in mapping(fault if use is None else use).items():
            here = (*path, name)
            if known(self._findings, here, "fault", name, FAULTS, value=False) and use is not None:
                return self._parsed(here, FAULTS[name], mapping(arguments))
        return None

    def _shaped(self, path: NodePath, shape: TypeAdapter[Any], data: object) -> Any:
        """``data`` where it is of this shape, else None."""
        try:
            return shape.validate_python(data)
        except ValidationError as error:
            self._findings.add_validation(error, Scenario, path)
            return None

    def _parsed(self, path: NodePath, model: type[M], data: Raw) -> M | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self._findings.add_validation(error, model, path)
            return None


def known(
    findings: Findings,
    path: NodePath,
    sort: str,
    seen: object,
    words: Iterable[str],
    *,
    value: bool = True,
) -> bool:
    """Whether ``seen`` is one of the known ``words``; notes it where it is another word."""
    if not isinstance(seen, str):
        return False
    right = tuple(words)
    if seen in right:
        return True
    findings.add_unknown(path, sort, seen, right, value=value)
    return False


def uid(findings: Findings, path: NodePath, name: object) -> str | None:
    """The UID that ``name`` stands for; None where it stands for none, which is noted."""
    if not isinstance(name, str):
        return None
    try:
        return uid_of(name)
    except ValueError as error:
        findings.add(path, str(error), value=True)
        return None


def mapping(value: object) -> Raw:
    """``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[object]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
