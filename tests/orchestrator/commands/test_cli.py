"""The command line: what each option asks for, what each ending prints, and its exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator import cli
from orchestrator.errors import EnvironmentProblemError, InputError, LabError, PacslabError
from orchestrator.machine import processes
from orchestrator.model.events import Note, OnEvent, RunStarted
from orchestrator.model.results import RunResult, Verdict
from orchestrator.records.record import load_run, write_run
from orchestrator.runs import remains
from orchestrator.runs.request import RunRequest
from tests import samples

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 30


class FakeEngine:
    """Remembers what was asked; ends as told."""

    def __init__(self) -> None:
        self.requests: list[RunRequest] = []
        self.ending: RunResult | BaseException = samples.run(samples.cell())

    def __call__(self, request: RunRequest, tell: OnEvent) -> RunResult:
        self.requests.append(request)
        tell(RunStarted("20260101T000000Z-abcdef", (samples.cell().cell,)))
        tell(Note("a note"))
        if isinstance(self.ending, BaseException):
            raise self.ending
        return self.ending


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    suite = ModuleType("orchestrator.runs.suite")
    suite.execute = fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "orchestrator.runs.suite", suite)
    return fake


@pytest.fixture
def pacslab(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["pacslab", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return call


def test_every_option_reaches_the_request(
    engine: FakeEngine, pacslab: Callable[..., int], tmp_path: Path
) -> None:
    code = pacslab(
        *("run", "wrong-*", "tls, network", "--stack", "orthanc,acme", "--stack", "@site.yaml"),
        *("--backend", "local", "--study", str(tmp_path), "--workers", "3"),
        *("--runs", str(tmp_path / "records"), "--allow-config", "--seed", "7"),
    )
    assert code == 0
    assert engine.requests == [
        RunRequest(
            names=("wrong-*", "tls", "network"),
            stacks=("orthanc", "acme", "@site.yaml"),
            backend="local",
            study=tmp_path,
            workers=3,
            runs=tmp_path / "records",
            allow_config=True,
            seed=7,
        )
    ]


@pytest.mark.parametrize(
    ("verdicts", "interrupted", "code"),
    [
        ((Verdict.PASS,), "", 0),
        ((Verdict.PASS, Verdict.UNSUPPORTED), "", 0),
        ((Verdict.PASS, Verdict.FAIL), "", 1),
        ((Verdict.INCONCLUSIVE,), "", 1),
        ((Verdict.ERROR,), "", 1),
        ((Verdict.PASS,), "by the user", 1),
        ((Verdict.UNSUPPORTED,), "", 3),
    ],
)
def test_the_exit_code_says_how_the_run_went(
    engine: FakeEngine,
    pacslab: Callable[..., int],
    verdicts: tuple[Verdict, ...],
    interrupted: str,
    code: int,
) -> None:
    cells = [samples.cell(f"s{n}", verdict=verdict) for n, verdict in enumerate(verdicts)]
    engine.ending = samples.run(*cells, interrupted=interrupted)
    assert pacslab("run", "all") == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("a.yaml:1: this\na.yaml:9: and that"), 2),
        (EnvironmentProblemError("no engine; install one"), 3),
        (LabError("it did not start", log_tail=("last words",)), 1),
        (PacslabError("something else"), 1),
    ],
)
def test_an_expected_error_is_one_message_without_traceback(
    engine: FakeEngine,
    pacslab: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    error: PacslabError,
    code: int,
) -> None:
    engine.ending = error
    assert pacslab("run", "all") == code
    seen = capsys.readouterr()
    assert seen.out == ""
    assert f"pacslab: {error}\n" in seen.err
    assert "Traceback" not in seen.err
    assert ("  last words\n" in seen.err) == isinstance(error, LabError)


def test_debug_lets_the_traceback_through(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.ending = InputError("wrong")
    monkeypatch.setattr(sys, "argv", ["pacslab", "--debug", "run", "all"])
    with pytest.raises(InputError):
        cli.main()


def test_json_is_all_that_standard_output_gets(
    engine: FakeEngine, pacslab: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert pacslab("run", "all", "--json") == 0
    seen = capsys.readouterr()
    assert RunResult.model_validate(json.loads(seen.out)) == engine.ending
    assert "a note" in seen.err


def test_the_table_goes_to_standard_output_and_progress_to_standard_error(
    engine: FakeEngine, pacslab: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    pacslab("run", "all", "--runs", "records")
    seen = capsys.readouterr()
    assert "1 cell on local: 1 pass" in seen.out
    assert "record: records/20260101T000000Z-abcdef/run.json" in seen.out
    assert "a note" not in seen.out
    assert "a note" in seen.err


def test_junit_is_written_where_asked(
    engine: FakeEngine, pacslab: Callable[..., int], tmp_path: Path
) -> None:
    assert pacslab("run", "all", "--junit", str(tmp_path / "junit.xml")) == 0
    assert "testsuite" in (tmp_path / "junit.xml").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "all", "--backend", "cloud"),
        ("run", "all", "--workers", "0"),
        ("run", "all", "--study", "/no/such/folder"),
        ("run", "all", "--nonsense"),
        ("nonsense",),
    ],
)
def test_a_wrong_command_line_is_wrong_input(
    engine: FakeEngine, pacslab: Callable[..., int], arguments: tuple[str, ...]
) -> None:
    assert pacslab(*arguments) == 2
    assert engine.requests == []


def test_the_version_is_that_of_the_package(
    pacslab: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert pacslab("--version") == 0
    assert capsys.readouterr().out == f"pacslab {project['version']}\n"


def test_help_needs_nothing_that_takes_long_to_import() -> None:
    script = (
        "import sys; sys.argv = ['pacslab', '--help']\n"
        "from orchestrator.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "slow = {'pydantic', 'docker', 'numpy', 'pydicom', 'pynetdicom', 'rich', 'requests'}\n"
        "print('imported:', sorted(slow & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Exit codes: 0 as expected" in done.stdout
    assert done.stdout.splitlines()[-1] == "imported: []"


def test_a_past_run_is_shown_from_its_record(
    pacslab: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "20260101T000000Z-abcdef"
    folder.mkdir()
    write_run(folder, samples.run(samples.cell("healthy", phases=(samples.phase(),))))
    for name in ("latest", "20260101T", str(folder), str(folder / "run.json")):
        assert pacslab("show", name, "--runs", str(tmp_path)) == 0
        assert "healthy" in capsys.readouterr().out


def test_a_run_recorded_by_schema_1_0_is_still_shown(
    pacslab: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ROOT / "tests/orchestrator/records/version-1.0/20261125T002416Z-888bbd"
    assert pacslab("show", str(folder)) == 0
    shown = capsys.readouterr().out
    assert "broken: ct console, entry for archive: port 20897 → 22837" in shown
    assert "1 cell on local: 1 pass" in shown
    assert "cut short" not in shown


def test_one_cell_of_a_past_run_is_shown_with_what_starts_its_lab(
    pacslab: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "20260101T000000Z-abcdef"
    folder.mkdir()
    cell = samples.cell().model_copy(update={"reproduce": ("start it",)})
    write_run(folder, samples.run(samples.cell("healthy"), cell))
    runs = ("--runs", str(tmp_path))
    assert pacslab("show", "latest", "--cell", cell.cell.slug, *runs) == 0
    shown = capsys.readouterr().out
    assert "by hand   start it" in shown
    assert "healthy" not in shown
    assert pacslab("show", "healthy", "--cell", cell.cell.slug, *runs) == 2
    assert "'healthy' is a scenario" in capsys.readouterr().err


# --- signals and kept labs: a process of its own each, with an engine that obeys ------------------

PROCESS = """
import signal, sys, threading
from pathlib import Path
from orchestrator.machine import processes
from orchestrator.commands.run import RunOutput, run
from orchestrator.records.folders import new_run, run_over
from orchestrator.records.record import write_run
from orchestrator.runs.request import RunRequest
from orchestrator.model.events import Kept, RunStarted
from orchestrator.model.results import Verdict
from tests import samples

def engine(request, tell):
    folder = new_run(request.runs)
    cell = samples.cell(verdict=Verdict.FAIL)
    tell(RunStarted(folder.name, (cell.cell,)))
    interrupted = ""
    try:
        try:
            if not request.keep:
                print("at work", file=sys.stderr, flush=True)
                threading.Event().wait()
        except KeyboardInterrupt as stop:
            print("tearing down", stop, file=sys.stderr, flush=True)
            if "stubborn" in sys.argv:
                threading.Event().wait()
            interrupted = "by the user"
        result = samples.run(cell, name=folder.name, interrupted=interrupted)
        write_run(folder, result)
        if request.keep:
            processes.register_run(folder.name, kept=True)
            tell(Kept(folder.name, ("archive: 127.0.0.1:4242",)))
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                (folder / "ended").touch()
        return result
    finally:
        run_over(folder)

request = RunRequest(names=("all",), runs=Path(sys.argv[1]), keep="keep" in sys.argv)
sys.exit(run(request, RunOutput(json="json" in sys.argv), engine))
"""


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the process ended without saying {text!r}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.usefixtures("own_state")
def test_a_signal_stops_the_run_in_order(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = started(str(tmp_path))
    read_until(process, "at work")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "stopping: removing the labs (once more to force it)" in err
    assert f"tearing down {number.name}" in err
    assert "cut short: by the user" in out
    assert load_run(tmp_path / "latest").interrupted == "by the user"


@pytest.mark.usefixtures("own_state")
def test_a_second_signal_forces_the_end(tmp_path: Path) -> None:
    process = started(str(tmp_path), "stubborn")
    read_until(process, "at work")
    process.send_signal(signal.SIGINT)
    read_until(process, "tearing down")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert err == "pacslab: forced; 'pacslab clean' removes what is left\n"


@pytest.mark.usefixtures("own_state")
def test_a_kept_lab_frees_the_shell_and_waits_for_clean(tmp_path: Path) -> None:
    process = started(str(tmp_path), "keep")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, "the exit code is that of the run"
    assert "1 cell on local: 1 fail" in out
    assert "archive: 127.0.0.1:4242" in err
    assert "pacslab clean" in err
    (run,) = processes.live_runs()
    assert not (tmp_path / run / "ended").exists()
    assert "stopped" in remains.clean()[0]
    assert (tmp_path / run / "ended").exists()
    assert processes.live_runs() == frozenset()


@pytest.mark.usefixtures("own_state")
def test_a_kept_lab_leaves_clean_json(tmp_path: Path) -> None:
    process = started(str(tmp_path), "keep", "json")
    out, _ = process.communicate(timeout=PATIENCE)
    remains.clean()
    assert RunResult.model_validate_json(out).cells[0].verdict is Verdict.FAIL
