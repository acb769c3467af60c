"""What a scenario's shape can't say: that its names exist, fit each other, and make sense.

Of faults and settings, that is said where they are built (``parts``).

Works on the file's raw data, so that a mistake of shape in one place does not hide these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from dicom.errors import UsageError
from dicom.patients import CHARACTERS
from dicom.yaml_positions import NodePath
from modalities import families
from modalities.generation import plan
from modalities.studies.pixel_data import TRANSFER_SYNTAXES
from orchestrator.files.problems import Findings, shown
from orchestrator.lab.topology import FEEDER
from orchestrator.model.scenario import RELAY, Study
from orchestrator.model.stack_spec import ANY, StackSpec, StackSpecError
from orchestrator.probes.base import PROBES
from orchestrator.scenarios.parts import items, known, mapping, uid
from orchestrator.stacks.base import STACKS

_ENDS: Final = ("from", "to", "destination")
_ROUTE_ROLES: Final = (*_ENDS, "ris")
_POSITIONS: Final = (*_ENDS, "route")
_RESERVED_ROLES: Final = (*_POSITIONS, RELAY)


def check(findings: Findings, file: Path) -> None:
    """Note everything that is wrong with the names in ``findings.document``, read from ``file``."""
    _Checker(findings, file).check()


class _Checker:
    def __init__(self, findings: Findings, file: Path) -> None:
        self._findings = findings
        self._file = file
        self._data = mapping(findings.document.data)
        self._roles = mapping(self._data.get("roles"))
        self._routes = mapping(self._data.get("routes"))

    def check(self) -> None:
        self._names()
        for name, role in self._roles.items():
            self._role(("roles", name), name, mapping(role))
        for name, route in self._routes.items():
            self._route(("routes", name), mapping(route))
        self._story((), self._data)
        for name, variant in mapping(self._data.get("variants")).items():
            path = ("variants", name)
            self._story(path, mapping(variant))
            for index, route in enumerate(items(mapping(variant).get("routes"))):
                self._known((*path, "routes", index), "route", route, self._routes)

    def _names(self) -> None:
        name, category = self._data.get("name"), self._data.get("category")
        stem, folder = self._file.stem, self._file.absolute().parent.name
        if isinstance(name, str) and name != stem:
            self._add(("name",), f"{name!r} in a file called {stem!r}", "the file's own name")
        if isinstance(category, str) and category != folder:
            self._add(("category",), f"{category!r} in folder {folder!r}", "the folder's own name")

    def _role(self, path: NodePath, name: str, role: Mapping[str, object]) -> None:
        if name in _RESERVED_ROLES:
            self._findings.add(
                path, f"role {name!r}", expected=f"another name than {', '.join(_RESERVED_ROLES)}"
            )
        kind = role.get("kind")
        if name == FEEDER and kind in ("archive", "ris"):
            self._findings.add(
                path,
                f"role {name!r} is {'an' if kind == 'archive' else 'a'} {kind}",
                expected="another name: where nobody else does it, a modality of this name stores"
                " studies beforehand",
            )
        stack = role.get("stack")
        if stack is None:
            return
        if role.get("kind") != "archive":
            self._findings.add(
                (*path, "stack"),
                f"{name!r} is no archive",
                expected="a stack only where kind is archive",
            )
        self._known((*path, "stack"), "stack", stack, STACKS)

    def _route(self, path: NodePath, route: Mapping[str, object]) -> None:
        for end in _ROUTE_ROLES:
            self._known((*path, end), "role", route.get(end), self._roles)
        probe = route.get("probe")
        self._known((*path, "probe"), "probe", probe, PROBES)
        if isinstance(probe, str) and probe in PROBES:
            self._ends(path, route, probe)

    def _ends(self, path: NodePath, route: Mapping[str, object], name: str) -> None:
        """What the probe wants its route's ends to be."""
        probe, has_destination = PROBES[name], "destination" in route
        if probe.needs_destination and not has_destination:
            self._findings.add(
                path,
                f"probe {name!r} without a destination",
                expected="destination: the role that receives the objects",
            )
        if has_destination and not probe.needs_destination:
            self._findings.add(
                (*path, "destination"),
                f"probe {name!r} sends nothing on",
                expected="a destination only for a probe that needs one",
            )
        source, target, destination = (route.get(end) for end in _ENDS)
        if isinstance(destination, str) and self._kind(destination) == "ris":
            here = (*path, "destination")
            self._is_of_kind(here, destination, "archive", "modality", "workstation")
        if (
            isinstance(target, str)
            and target in self._roles
            and self._kind(target) not in probe.targets
        ):
            self._is_of_kind((*path, "to"), target, *sorted(probe.targets))
        self._ris(path, route, name, needed=probe.needs_ris)
        if not isinstance(source, str) or source not in self._roles:
            return
        if probe.starts_at_archive:
            self._is_archive((*path, "from"), source)
        elif self._kind(source) in ("archive", "ris"):
            article = "an archive" if self._archive(source) else "a ris"
            self._findings.add(
                (*path, "from"),
                f"role {source!r} is {article}",
                expected=f"a modality or workstation to start {name!r}",
            )

    def _ris(self, path: NodePath, route: Mapping[str, object], name: str, *, needed: bool) -> None:
        """The RIS beside a route: there where the probe needs one, and of that kind."""
        given = route.get("ris")
        if needed and given is None:
            self._findings.add(
                path,
                f"probe {name!r} without a RIS",
                expected="ris: the role that schedules and is told of the progress",
            )
        if given is not None and not needed:
            self._findings.add(
                (*path, "ris"),
                f"probe {name!r} needs no RIS besides",
                expected="ris only for a probe that needs one",
            )
        if isinstance(given, str) and given in self._roles and self._kind(given) != "ris":
            self._is_of_kind((*path, "ris"), given, "ris")

    def _story(self, path: NodePath, story: Mapping[str, object]) -> None:
        """What a scenario and its variants have in common."""
        self._study((*path, "study"), mapping(story.get("study")))
        for phase, rules in mapping(story.get("expect")).items():
            self._rules((*path, "expect", phase), items(rules))
            if phase != "baseline" and not self._has_fault(story):
                self._findings.add(
                    (*path, "expect", phase),
                    f"{phase!r} without a fault",
                    expected="a fault, or expectations of the baseline only",
                )

    def _has_fault(self, story: Mapping[str, object]) -> bool:
        variants = mapping(self._data.get("variants")).values()
        stories = (story, self._data, *(variants if story is self._data else ()))
        return any(mapping(each).get("fault") is not None for each in stories)

    def _study(self, path: NodePath, study: Mapping[str, object]) -> None:
        usual = Study()
        syntax, patient = study.get("transfer_syntax"), study.get("patient")
        right = (
            patient is None or self._known((*path, "patient"), "patient", patient, CHARACTERS),
            syntax is None or uid(self._findings, (*path, "transfer_syntax"), syntax) is not None,
        )
        for here, family in self._families(path, study.get("family", usual.family)):
            exists = self._known(here, "modality family", family, families.names())
            if exists and all(right):
                self._can_be_made(
                    path,
                    family,
                    str(syntax or usual.transfer_syntax),
                    _number(study.get("rows", usual.rows)),
                    _number(study.get("columns", usual.columns)),
                )
        folder = study.get("folder")
        if isinstance(folder, str) and not (self._file.parent / folder).is_dir():
            self._add(
                (*path, "folder"),
                f"no folder {shown(self._file.parent / folder)!r}",
                "a folder of DICOM files, relative to this file",
            )

    def _families(self, path: NodePath, family: object) -> Iterator[tuple[NodePath, str]]:
        here = (*path, "family")
        if isinstance(family, str):
            yield here, family.upper()
        for index, name in enumerate(family if isinstance(family, list | tuple) else ()):
            if isinstance(name, str):
                yield (*here, index), name.upper()

    def _can_be_made(
        self, path: NodePath, family: str, syntax: str, rows: int | None, columns: int | None
    ) -> None:
        try:
            plan(family, transfer_syntax=syntax, rows=rows, columns=columns)
        except UsageError as error:
            keywords = ", ".join(each.keyword for each in TRANSFER_SYNTAXES)
            self._add((*path, "transfer_syntax"), str(error), f"one of: {keywords}")

    def _rules(self, path: NodePath, rules: list[object]) -> None:
        decided = False
        for index, rule in enumerate(rules):
            here = (*path, index)
            if decided:
                self._findings.add(
                    here,
                    "this rule never decides",
                    value=True,
                    expected="the rule without 'when' to be the last one",
                )
            when = mapping(rule).get("when")
            decided = decided or not when
            for key, wanted in mapping(when).items():
                self._condition((*here, "when", key), key, wanted)

    def _condition(self, path: NodePath, key: str, wanted: object) -> None:
        if key == "route":
            self._known(path, "route", wanted, self._routes)
            return
        if key in _ENDS:
            ends = [mapping(route).get(key) for route in self._routes.values()]
            if not any(isinstance(end, str) and self._archive(end) for end in ends):
                self._findings.add(
                    path,
                    f"no route has an archive as {key!r}",
                    expected="a position that an archive takes",
                )
        else:
            words = (*self._roles, *_POSITIONS)
            if not self._known(path, "role or position", key, words, value=False):
                return
            if not self._is_archive(path, key):
                return
        if not isinstance(wanted, str):
            return
        try:
            spec = StackSpec.parse(wanted)
        except StackSpecError as error:
            self._add(path, str(error), "")
            return
        if spec.stack != ANY:
            self._known(path, "stack", spec.stack, STACKS)

    def _is_archive(self, path: NodePath, role: str) -> bool:
        if self._archive(role):
            return True
        self._is_of_kind(path, role, "archive")
        return False

    def _is_of_kind(self, path: NodePath, role: str, *kinds: str) -> None:
        """Note that ``role`` is of none of these kinds."""
        expected = " or ".join(f"{'an' if kind == 'archive' else 'a'} {kind}" for kind in kinds)
        self._findings.add(path, f"role {role!r} is a {self._kind(role)}", expected=expected)

    def _kind(self, role: str) -> str:
        kind = mapping(self._roles.get(role)).get("kind")
        return kind if isinstance(kind, str) else ""

    def _archive(self, role: str) -> bool:
        return self._kind(role) == "archive"

    def _known(
        self, path: NodePath, sort: str, seen: object, words: Iterable[str], *, value: bool = True
    ) -> bool:
        return known(self._findings, path, sort, seen, words, value=value)

    def _add(self, path: NodePath, seen: str, expected: str) -> None:
        self._findings.add(path, seen, expected=expected, value=True)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
