"""Which room may import which: one table, which the code and docs/architecture.md are held to.

A room is a package of ``dicom``, ``modalities`` or ``orchestrator``; files directly in one of these
are a room by its name (``orchestrator.errors``, which everybody may know, and those that start a
program by theirs). Seen from outside, ``dicom``, ``modalities`` and ``archive`` are one room
each.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("archive", "dicom", "modalities", "orchestrator")
#: Errors are spoken of everywhere in the engine.
EVERYWHERE: Final = "orchestrator.errors"

ARROWS: Final[Mapping[str, str]] = {
    "dicom": "",
    "dicom.association": "dicom dicom.tracing",
    "dicom.datasets": "dicom",
    "dicom.dimse": "dicom dicom.association dicom.datasets dicom.tracing",
    "dicom.services": "dicom dicom.association dicom.datasets dicom.dimse dicom.workflow",
    "dicom.tracing": "",
    "dicom.web": "dicom dicom.association dicom.tracing",
    "dicom.workflow": "dicom dicom.datasets dicom.dimse",
    "archive": "dicom",
    "modalities": "dicom modalities.families modalities.studies",
    "modalities.__main__": "modalities.command_line",
    "modalities.acceptors": "dicom modalities modalities.scp",
    "modalities.burst": "dicom modalities",
    "modalities.command_line": (
        "dicom modalities modalities.burst modalities.families modalities.misbehaviour "
        "modalities.nodes modalities.scp modalities.services modalities.studies"
    ),
    "modalities.families": "dicom modalities.iods modalities.phantoms modalities.studies",
    "modalities.iods": "dicom modalities.phantoms modalities.studies",
    "modalities.misbehaviour": "dicom",
    "modalities.nodes": "dicom modalities modalities.scp",
    "modalities.phantoms": "modalities.studies",
    "modalities.scp": "dicom modalities",
    "modalities.services": (
        "dicom modalities modalities.misbehaviour modalities.nodes modalities.scp"
    ),
    "modalities.studies": "dicom",
    "modalities.workflow": "dicom",
    "orchestrator": "",
    "orchestrator.__main__": "orchestrator.cli",
    "orchestrator.backends": "dicom orchestrator.machine orchestrator.model",
    "orchestrator.cli": (
        "orchestrator orchestrator.commands orchestrator.runs orchestrator.scenarios"
    ),
    "orchestrator.commands": (
        "dicom orchestrator.backends orchestrator.files orchestrator.judging "
        "orchestrator.machine orchestrator.model orchestrator.output "
        "orchestrator.records orchestrator.runs orchestrator.scenarios"
    ),
    "orchestrator.errors": "",
    "orchestrator.evidence": "dicom orchestrator.model",
    "orchestrator.faults": "dicom modalities orchestrator.model",
    "orchestrator.files": "dicom",
    "orchestrator.judging": "dicom orchestrator.model",
    "orchestrator.lab": (
        "dicom modalities orchestrator.backends orchestrator.machine orchestrator.model "
        "orchestrator.relay orchestrator.stacks"
    ),
    "orchestrator.machine": "dicom",
    "orchestrator.model": "dicom modalities",
    "orchestrator.output": ("dicom orchestrator.judging orchestrator.model orchestrator.records"),
    "orchestrator.probes": (
        "dicom modalities orchestrator.evidence orchestrator.judging orchestrator.lab "
        "orchestrator.model"
    ),
    "orchestrator.records": ("dicom orchestrator.evidence orchestrator.machine orchestrator.model"),
    "orchestrator.relay": "dicom orchestrator.model",
    "orchestrator.runs": (
        "orchestrator orchestrator.backends orchestrator.evidence orchestrator.faults "
        "orchestrator.judging orchestrator.lab orchestrator.machine orchestrator.model "
        "orchestrator.probes orchestrator.records orchestrator.relay "
        "orchestrator.scenarios orchestrator.stacks"
    ),
    "orchestrator.scenarios": (
        "dicom archive modalities orchestrator.faults orchestrator.files "
        "orchestrator.lab orchestrator.model orchestrator.probes orchestrator.stacks"
    ),
    "orchestrator.stacks": (
        "dicom archive orchestrator.backends orchestrator.files orchestrator.machine "
        "orchestrator.model"
    ),
}


def _modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES: Final = _modules()


def _imported(path: Path) -> Iterator[str]:
    """Modules of ours that the file at ``path`` imports, wherever in it and for whatever."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            inside = [f"{node.module}.{each.name}" for each in node.names]
            yield from (each if each in MODULES else node.module for each in inside)


IMPORTS: Final = {module: set(_imported(path)) for module, path in MODULES.items()}


def _room(module: str) -> str:
    """The room that ``module`` is in."""
    package, *rest = module.split(".")
    if package == "archive" or not rest:
        return package
    inner = f"{package}.{rest[0]}"
    alone = package == "orchestrator" or rest[0] == "__main__"
    is_room = MODULES[inner].name == "__init__.py" or alone
    return inner if is_room else package


def _seen_from(room: str, other: str) -> str:
    """What ``other`` is called in the table's line of ``room``."""
    package = other.partition(".")[0]
    return other if package in (room.partition(".")[0], "orchestrator") else package


def _arrows() -> dict[str, set[str]]:
    """Every room with the rooms that it imports."""
    found: dict[str, set[str]] = {}
    for module, imported in IMPORTS.items():
        room = _room(module)
        known = found.setdefault(room, set())
        known |= {_seen_from(room, _room(each)) for each in imported} - {room, EVERYWHERE}
    return found


def _acyclic(graph: Mapping[str, set[str]]) -> None:
    try:
        TopologicalSorter({name: set(each) - {name} for name, each in graph.items()}).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_every_room_imports_what_the_table_allows_and_nothing_else() -> None:
    assert _arrows() == {room: set(known.split()) for room, known in ARROWS.items()}


def test_no_room_knows_itself_by_way_of_others() -> None:
    _acyclic(_arrows())


def test_no_module_knows_itself_by_way_of_others() -> None:
    _acyclic(IMPORTS)


def test_the_architecture_shows_the_same_table() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert table() in text, "run: python -m tests.test_arrows, and put its table there"


def table() -> str:
    """The table as Markdown."""
    lines = ["| room | knows |", "| --- | --- |"]
    for room, known in ARROWS.items():
        names = ", ".join(f"`{each.removeprefix('orchestrator.')}`" for each in known.split())
        lines.append(f"| `{room.removeprefix('orchestrator.')}` | {names or 'nobody'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
