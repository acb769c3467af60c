"""What a file is (a scenario, a vendor profile, a site), and everything that is wrong in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel

from archive.vendor import VendorProfile
from orchestrator.errors import InputError
from orchestrator.files.problems import Findings, InvalidFileError, Problem, shown
from orchestrator.files.yaml_models import read_model
from orchestrator.model.scenario import Scenario
from orchestrator.scenarios.loader import SUFFIXES, document_of, load_scenario
from orchestrator.stacks.external.site import Site
from orchestrator.stacks.profile.files import load_profile, profile_files

Sort = Literal["scenario", "vendor profile", "site"]
_MODELS: Final[Mapping[Sort, type[BaseModel]]] = {
    "scenario": Scenario,
    "vendor profile": VendorProfile,
    "site": Site,
}


@dataclass(frozen=True)
class CheckedFile:
    """A file, what it is (None: nothing that the lab reads), and what is wrong in it."""

    file: Path
    sort: Sort | None
    problems: tuple[Problem, ...]


def check_file(file: Path) -> CheckedFile:
    """Read ``file`` as what it is: its content says so, or else its place."""
    findings = Findings(shown(file), document_of(file))
    sort = _sort_of(file, findings.document.data)
    if sort is not None:
        return CheckedFile(file, sort, _problems(file, sort))
    findings.add_yaml_faults()
    if not findings.problems:
        findings.add(
            (),
            "neither a scenario, a vendor profile nor a site",
            expected="a file with roles and routes, one that starts with a profile's stack and"
            " defaults, or one with a site's kind, dicom and web",
        )
    return CheckedFile(file, None, tuple(findings.problems))


def check_profiles() -> tuple[CheckedFile, ...]:
    """Every vendor profile that ``--stack`` knows, checked."""
    files = profile_files().values()
    return tuple(
        CheckedFile(file, "vendor profile", _problems(file, "vendor profile")) for file in files
    )


def files_below(paths: Iterable[Path]) -> tuple[Path, ...]:
    """``paths`` with every folder replaced by the YAML files below it, hidden ones left out.

    Raises:
        InputError: there is none in a folder.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = [each for each in sorted(path.rglob("*")) if each.suffix in SUFFIXES]
        visible = [
            each
            for each in below
            if not any(part.startswith(".") for part in each.relative_to(path).parts)
        ]
        if not visible:
            raise InputError(f"no YAML files below {shown(path)}; expected scenarios or profiles")
        found += visible
    return tuple(dict.fromkeys(found))


def _sort_of(file: Path, data: object) -> Sort | None:
    """Whose keys it has most of, not counting those that several have; else by its folder."""
    keys = {sort: set(model.model_fields) for sort, model in _MODELS.items()}
    given = set(data) if isinstance(data, Mapping) else set()
    own: dict[Sort, int] = {}
    for sort, known in keys.items():
        others = set().union(*(each for other, each in keys.items() if other != sort))
        own[sort] = len(given & (known - others))
    likely = max(own, key=lambda sort: own[sort])
    if own[likely]:
        return likely
    folder = file.absolute().parent
    if folder.name == "profiles":
        return "vendor profile"
    return "scenario" if folder.parent.name == "scenarios" else None


def _problems(file: Path, sort: Sort) -> tuple[Problem, ...]:
    try:
        if sort == "scenario":
            load_scenario(file)
        elif sort == "vendor profile":
            load_profile(file)
        else:
            # what the file names (credentials, certificates) matters where it is used
            read_model(file, Site, "a site")
    except InvalidFileError as error:
        return error.problems
    return ()
