"""What the documents say: every example is executed, every name in them exists."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
from typer.main import get_command

from modalities.command_line import SUBCOMMANDS
from orchestrator.cli import app
from orchestrator.faults.base import FAULTS
from orchestrator.model.results import RunResult, Verdict
from orchestrator.model.scenario import Scenario, Study, Variant
from orchestrator.scenarios.loader import load_all
from orchestrator.stacks.external.site import read_site
from tests.peers import tool
from tests.reference import FILE, reference

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE: Final = 300
DOCUMENTS: Final = tuple(
    sorted([ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")])
    + sorted((ROOT / "docs").glob("*.md"))
)
#: Documents whose commands and options are meant for the reader to type.
GUIDES: Final = tuple(path for path in DOCUMENTS if path.name != "archive-facts.md")
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
_FENCE: Final = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.M | re.S)
#: What the documents' examples are copied into to be run.
_PARTS: Final = (
    "archive",
    "bench",
    "dicom",
    "modalities",
    "orchestrator",
    "profiles",
    "scenarios",
    "tests",
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is shown, its language, its title and its text."""

    document: Path
    language: str
    title: str
    text: str


def _blocks(document: Path) -> Iterator[Block]:
    for language, title, text in _FENCE.findall(document.read_text(encoding="utf-8")):
        yield Block(document, language, title, text)


BLOCKS: Final = tuple(block for document in DOCUMENTS for block in _blocks(document))
EXAMPLES: Final = {block.title: block.text for block in BLOCKS if "/" in block.title}


def _titled(title: str) -> str:
    (text,) = (block.text for block in BLOCKS if block.title == title)
    return text


def _named(document: Path) -> str:
    return str(document.relative_to(ROOT))


# --- examples -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with every example in the file that its title names."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in _PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for title, text in EXAMPLES.items():
        assert not (folder / title).exists(), f"example {title} hides a file of the repository"
        (folder / title).write_text(text, encoding="utf-8")
    return folder


def _python(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _run(checkout: Path, names: tuple[str, ...], stacks: str) -> RunResult:
    tool("dcmqrscp")
    done = _python(
        checkout,
        *("-m", "orchestrator", "run", *names, "--stack", stacks, "--backend", "local"),
        *("--json", "--runs", str(checkout / "runs")),
    )
    assert done.returncode == 0, done.stderr
    return RunResult.model_validate(json.loads(done.stdout))


@pytest.fixture(scope="module")
def tried(checkout: Path) -> RunResult:
    """The example scenarios, with the example fault and probe, on the example profile and stack."""
    names = ("emergency-patient", "echo-refused", "wrong-aetitle/checked")
    return _run(checkout, names, "acme,orthanc,dcm4chee,dcmqrscp")


def test_there_is_an_example_of_everything_that_can_be_added() -> None:
    folders = {str(PurePosixPath(title).parent) for title in EXAMPLES}
    plugins = {f"orchestrator/{sort}" for sort in ("faults", "probes", "stacks")}
    families = "modalities/families"
    assert folders == {*plugins, families, "profiles", "scenarios/data", "scenarios/admission"}


def test_the_example_scenarios_are_free_of_mistakes(checkout: Path) -> None:
    done = _python(checkout, "-m", "orchestrator", "validate")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.local
def test_the_examples_behave_as_they_declare(tried: RunResult) -> None:
    verdicts = {cell.cell.slug: cell.verdict for cell in tried.cells}
    assert set(verdicts.values()) <= {Verdict.PASS, Verdict.UNSUPPORTED}
    passed = {slug for slug, verdict in verdicts.items() if verdict is Verdict.PASS}
    assert passed >= {
        *(f"emergency-patient.{route}.acme" for route in ("store", "resend")),
        *(f"emergency-patient.{route}.dcmqrscp" for route in ("store", "resend")),
        *(f"echo-refused.{route}.{s}" for route in ("check", "work") for s in ("orthanc", "acme")),
        "wrong-aetitle.checked.store.dcmqrscp",
        "wrong-aetitle.checked.forward.acme-dcmqrscp",
    }


@pytest.mark.local
def test_the_example_profile_refuses_what_the_products_take(tried: RunResult) -> None:
    seen = {
        cell.cell.bindings["archive"]: str(phase.observation.outcome)
        for cell in tried.cells
        if cell.cell.scenario == "emergency-patient" and (phase := cell.phase("fault"))
    }
    assert seen["acme"] == "dimse: status 0xA900"
    assert seen["orthanc"] == seen["dcm4chee"] == seen["dcmqrscp"] == "delivered"


@pytest.mark.local
def test_what_the_example_stack_does_not_have_is_unsupported_with_the_reason(
    tried: RunResult,
) -> None:
    reasons = [
        cell.reason
        for cell in tried.cells
        if cell.cell.scenario == "echo-refused" and "dcmqrscp" in cell.cell.slug
    ]
    assert len(reasons) == 2
    assert all("dcmqrscp has no such setting" in reason for reason in reasons)


@pytest.mark.local
def test_on_the_example_stack_every_scenario_passes_or_is_unsupported_with_the_reason(
    checkout: Path,
) -> None:
    cells = _run(checkout, ("*",), "dcmqrscp").cells
    odd = {cell.cell.slug: cell.reason for cell in cells if cell.verdict is not Verdict.PASS}
    unsupported = {cell.cell.slug for cell in cells if cell.verdict is Verdict.UNSUPPORTED}
    assert odd.keys() == unsupported, odd
    assert odd["examination.commit.dcmqrscp"] == "dcmqrscp has no Storage Commitment"
    assert "no DICOMweb" in odd["healthy-web.query.dcmqrscp"]
    assert all(odd.values())


def test_the_example_code_follows_the_house_rules(checkout: Path) -> None:
    files = [str(checkout / title) for title in EXAMPLES if title.endswith(".py")]
    if (known := ROOT / ".mypy_cache").is_dir():  # without it mypy reads every package again
        shutil.copytree(known, checkout / known.name)
    for words in (
        ["ruff", "check", "--no-cache"],
        ["ruff", "format", "--check", "--no-cache"],
        ["mypy", "--strict"],
    ):
        done = _python(checkout, "-m", *words, *files)
        assert done.returncode == 0, done.stdout


def test_the_example_family_passes_the_tests_that_find_it(checkout: Path) -> None:
    tool("dciodvfy")
    named = "tests/modalities/families/test_all_families.py"
    assert named in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    options = ("-p", "no:cacheprovider", "-p", "no:xdist", "-k", "PATTERN")
    done = _python(checkout, "-m", "pytest", *options, named)
    summary = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout
    assert re.match(r"\d+ passed, \d+ deselected", summary), summary


def test_the_example_site_is_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(_titled("site.yaml"), encoding="utf-8")
    for variable in ("TESTPACS_USER", "TESTPACS_PASSWORD"):
        monkeypatch.setenv(variable, "x")
    site = read_site(file)
    assert (site.name, site.kind, site.declared.check_called_aetitle) == (
        "test-pacs",
        "orthanc",
        True,
    )


# --- names ----------------------------------------------------------------------------------


def test_the_readme_lists_every_scenario_and_no_other() -> None:
    listed: dict[str, str] = {}
    category = ""
    for line in _titled("scenarios").splitlines():
        if line.startswith("  "):
            listed[line.split()[0]] = category
        else:
            category = line.strip()
    existing = {each.name: each.category for each in load_all(ROOT / "scenarios")}
    assert listed == existing


def test_the_readme_lists_scenarios_as_the_command_does() -> None:
    done = _python(ROOT, "-m", "orchestrator", "list")
    assert _titled("scenarios").splitlines() == done.stdout.splitlines()


def test_the_reference_is_what_the_code_has() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), "run python -m tests.reference"


@pytest.mark.parametrize("document", GUIDES, ids=_named)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    text = document.read_text(encoding="utf-8")
    assert set(_typed(text, r"make ([a-z]+)")) <= targets


def test_the_readme_names_every_variable_that_make_scenario_takes() -> None:
    passed_on = set(re.findall(r"PACSLAB_([A-Z_]+)", (ROOT / "tools/scenario").read_text()))
    table = README.partition("| variable of")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([A-Z_]+)=", table)) == passed_on - {"PYTHON"}


@pytest.mark.parametrize("document", GUIDES, ids=_named)
def test_every_command_and_option_that_is_named_exists(document: Path) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    options = {
        option for command in commands.values() for each in command.params for option in each.opts
    }
    text = document.read_text(encoding="utf-8")
    assert set(_typed(text, r"pacslab ([a-z]+)")) <= set(commands)
    assert set(_typed(text, r"python -m modalities ([a-z]+)")) <= set(SUBCOMMANDS)
    named = set(re.findall(r"`(--[a-z-]+)", text)) - {"--strict"}
    assert named <= options | _options_of_modalities()


def _options_of_modalities() -> set[str]:
    parser = argparse.ArgumentParser(conflict_handler="resolve")
    for each in SUBCOMMANDS.values():
        each.configure(parser)
    return {option for action in parser._actions for option in action.option_strings}


def test_the_readme_names_every_option_of_a_run() -> None:
    run = get_command(app).commands["run"]  # type: ignore[attr-defined]
    options = {option for each in run.params for option in each.opts if option.startswith("--")}
    table = README.partition("| variable of")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(--[a-z-]+)`", table)) == options


def test_every_key_of_a_scenario_is_explained() -> None:
    text = (ROOT / "docs/scenarios.md").read_text(encoding="utf-8")
    fields = {**Scenario.model_fields, **Study.model_fields, **Variant.model_fields}
    assert {name for name in fields if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_explained(verdict: Verdict) -> None:
    text = (ROOT / "docs/scenarios.md").read_text(encoding="utf-8")
    assert f"\n| {verdict.value} |" in text


def test_every_fault_that_is_shown_in_yaml_exists() -> None:
    shown = re.findall(r"`\{([a-z]+(?:-[a-z]+)+): \{", (ROOT / "docs/scenarios.md").read_text())
    assert shown
    assert all(name in FAULTS for name in shown)


# --- links and words ------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_internal_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    prose = _FENCE.sub("", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{_named(document)}: no {target}"
        assert file.is_relative_to(ROOT)
        if anchor:
            assert anchor in _anchors(file), f"{_named(document)}: no {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_no_document_names_a_machine(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    folders = r"(?<![\w.])/(?:home|root|tmp|work|Users)/\S+"
    hosts = r"\b[\w-]+(?:\.[\w-]+)*\.(?:local|internal|lan|corp)\b"
    registries = r"(?i)\b(?:pypi|index-url|artifactory|nexus|proxy)\b[\w.:/-]*"
    for pattern in (folders, hosts, registries):
        assert re.findall(pattern, text) == []


def _typed(text: str, command: str) -> list[str]:
    """What follows a command where a reader would type it: in code."""
    code = [block for _, _, block in _FENCE.findall(text)]
    code += re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))
    found = (re.findall(rf"(?:^|[/\s]){command}\b(?! *=)", each, re.M) for each in code)
    return [word for words in found for word in words]


def _anchors(file: Path) -> set[str]:
    """The anchors that a forge gives to a document's headings."""
    text = _FENCE.sub("", file.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
