"""``pacslab run``: run scenarios, show what happened, say by exit code how it went."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from orchestrator.commands import holding
from orchestrator.machine.stopping import RunStoppedError, stopping
from orchestrator.model.events import Event, Kept
from orchestrator.model.results import RunResult
from orchestrator.output import console
from orchestrator.output.junit import write_junit
from orchestrator.output.progress import progress
from orchestrator.output.summary import print_reach, print_summary
from orchestrator.records.record import as_json, load_run
from orchestrator.runs.request import Execute, RunRequest, UnrecordedRunError


@dataclass(frozen=True)
class RunOutput:
    """How a run is shown: ``json`` on standard output instead of the table, ``junit`` a file."""

    json: bool = False
    junit: Path | None = None


def run(request: RunRequest, output: RunOutput, engine: Execute) -> int:
    """Run what ``request`` asks for and show it; returns the exit code (130, 143 when stopped).

    With ``keep`` this returns while a process in the background holds the last cell's lab.

    Raises:
        PacslabError: the input is wrong, or this machine can't run it.
    """
    if not request.keep:
        return _run(request, output, engine)
    return holding.in_background(lambda detach: _run(request, output, engine, detach))


def _run(
    request: RunRequest, output: RunOutput, engine: Execute, detach: holding.Detach | None = None
) -> int:
    messages = console.messages()
    with ExitStack() as screen, stopping() as stop:
        ending = _Ending(request, output, messages, screen, detach)
        shown = progress(messages)
        screen.enter_context(shown.showing())

        def tell(event: Event) -> None:
            shown(event)
            if isinstance(event, Kept):
                ending.keep(event)

        try:
            result = engine(request, tell)
        except RunStoppedError:
            screen.close()
            messages.print("stopped before there was anything to record")
            return stop.exit_code or 1
        except UnrecordedRunError as error:
            ending.show(error.result, recorded=False)
            raise
        if ending.shown:  # the signal that ended a kept lab says nothing about the run
            return result.exit_code
        ending.show(result)
        return stop.exit_code or result.exit_code


class _Ending:
    """Shows a finished run, once: when the engine returns, or while its lab is kept."""

    def __init__(
        self,
        request: RunRequest,
        output: RunOutput,
        messages: Console,
        screen: ExitStack,
        detach: holding.Detach | None,
    ) -> None:
        self._runs = request.runs
        self._output = output
        self._messages = messages
        self._screen = screen
        self._detach = detach
        self.shown = False

    def show(self, result: RunResult, *, recorded: bool = True) -> None:
        """Take the progress off the screen and print the end of the run."""
        self.shown = True
        self._screen.close()
        if self._output.json:
            sys.stdout.write(as_json(result))
            sys.stdout.flush()
        else:
            print_summary(console.results(), result, self._runs / result.run, recorded=recorded)
        if self._output.junit is not None:
            write_junit(result, self._output.junit)

    def keep(self, kept: Kept) -> None:
        """Show the run and how to reach its lab; from then on the shell is free."""
        folder = self._runs / kept.run
        result = load_run(folder)
        self.show(result)
        print_reach(self._messages, kept.reach)
        if self._detach is not None:
            self._detach(result.exit_code, folder)
