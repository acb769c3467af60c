"""The command line: ``pacslab`` and ``python -m orchestrator``. Reads options, calls commands.

Exit codes: 0 everything as expected; 1 something was not; 2 the input is wrong; 3 this machine
could not run it; 130 and 143 stopped by Ctrl-C and by SIGTERM. Whatever takes long to import is
imported inside the command that needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import gc
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import __version__
from orchestrator.errors import LabError, PacslabError

app = typer.Typer(
    name="pacslab",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 as expected, 1 something was not, 2 wrong input, 3 this machine could"
    " not run it, 130 stopped by Ctrl-C, 143 stopped by SIGTERM.",
)
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where records are kept.")]


class BackendName(StrEnum):
    """Choices of ``--backend``."""

    AUTO = "auto"
    DOCKER = "docker"
    LOCAL = "local"


class SchemaName(StrEnum):
    """Files with a published schema."""

    SCENARIO = "scenario"
    RUN = "run"
    PROFILE = "profile"
    SITE = "site"


def main() -> None:
    """Run the command line and exit; expected errors are one message, never a traceback."""
    debug = "--debug" in sys.argv[1:]
    try:
        app(prog_name="pacslab")
    except PacslabError as error:
        if debug:
            raise
        sys.stderr.write(f"pacslab: {error}\n")
        if isinstance(error, LabError):
            sys.stderr.writelines(f"  {line}\n" for line in error.log_tail)
        sys.exit(error.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"pacslab {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version, exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback with every error.")
    ] = False,
) -> None:
    """Make medical-imaging interoperability failures reproducible."""


@app.command()
def run(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAMES...", help="Scenarios, categories, globs, or 'all'."),
    ],
    stack: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STACK",
            help="Only on this stack: a name, or @FILE for an archive that already runs."
            " May be given several times.",
        ),
    ] = None,
    backend: Annotated[
        BackendName, typer.Option(help="Containers, or processes on loopback.")
    ] = BackendName.AUTO,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the last lab running and say how to reach it.")
    ] = False,
    study: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", exists=True, file_okay=False, help="Send these DICOM files instead."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Labs at the same time.")
    ] = None,
    runs: Runs = Path("runs"),
    allow_config: Annotated[
        bool,
        typer.Option("--allow-config", help="Change settings of an external archive (put back)."),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="The result as JSON on standard output.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Also write JUnit XML.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Make the simulated studies repeatable.")
    ] = None,
) -> None:
    """Run scenarios: baseline, fault, fix, each proved; then a table of what happened."""
    gc.disable()  # imports make objects that stay: looking for garbage costs a tenth of their time
    from orchestrator.commands.run import RunOutput
    from orchestrator.commands.run import run as run_command
    from orchestrator.runs.request import RunRequest
    from orchestrator.runs.suite import execute
    from orchestrator.scenarios.selection import words_of

    gc.freeze()
    gc.enable()
    request = RunRequest(
        names=words_of(names),
        stacks=words_of(stack or []),
        backend=backend.value,
        keep=keep,
        study=study,
        workers=workers,
        runs=runs,
        allow_config=allow_config,
        seed=seed,
    )
    raise typer.Exit(run_command(request, RunOutput(json=json, junit=junit), execute))


@app.command("list")
def list_scenarios() -> None:
    """List the scenarios by category, one line each."""
    from orchestrator.commands.catalogue import list_scenarios as command

    command()


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A scenario, a past run's id, or 'latest'.")],
    runs: Runs = Path("runs"),
    cell: Annotated[
        str | None,
        typer.Option(
            metavar="CELL",
            help="Of a past run only this cell (the name of its folder), with the commands that"
            " start its lab by hand.",
        ),
    ] = None,
) -> None:
    """Show a scenario (story, routes, fault, expectations) or a past run."""
    from orchestrator.commands.catalogue import show as command

    command(name, runs, cell)


@app.command()
def validate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Scenarios, vendor profiles, site files, or folders of them; by default all"
            " scenarios and profiles."
        ),
    ] = None,
) -> None:
    """Check scenarios, vendor profiles and site files: every error of every file, with its line.

    Says of each file what it is. Starts nothing.
    """
    from orchestrator.commands.catalogue import validate as command

    command(tuple(files or ()))


@app.command()
def schema(
    name: Annotated[SchemaName, typer.Argument(help="Which file's schema.")] = SchemaName.SCENARIO,
) -> None:
    """Print the JSON Schema of scenario files, run records, vendor profiles or site files."""
    from orchestrator.commands.catalogue import schema as command

    command(name.value)


@app.command()
def images(
    pull: Annotated[
        bool, typer.Option(help="First try to pull the vendors' published images.")
    ] = True,
) -> None:
    """Get the container images: pull what can be pulled, build the rest without a registry."""
    from orchestrator.commands.lab import images as command

    command(pull=pull)


@app.command()
def up() -> None:
    """Start the whole lab of compose.yaml, to be used by hand."""
    from orchestrator.commands.lab import up as command

    command()


@app.command()
def down() -> None:
    """Stop and remove the lab that 'up' started."""
    from orchestrator.commands.lab import down as command

    command()


@app.command()
def clean(
    everything: Annotated[
        bool, typer.Option("--all", help="Also stop runs that are still at work.")
    ] = False,
) -> None:
    """Remove what runs left (containers, networks, processes, folders) and end kept labs."""
    from orchestrator.commands.lab import clean as command

    command(everything=everything)
