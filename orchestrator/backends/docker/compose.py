"""``docker compose`` as a process: bounded, cancellable, and never outliving what it works for."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final

from orchestrator.errors import EnvironmentProblemError, LabError
from orchestrator.machine import processes

#: Compose cancels its requests on SIGTERM and waits for the engine's answers.
_END_SECONDS: Final = 10.0
_TAIL_LINES: Final = 20
#: Starts a process with what it is given added to its environment.
Starter = Callable[[tuple[int, ...]], subprocess.Popen[str]]


class ComposeGuard:
    """The compose processes of one lab: entered in the registry, and ended with the lab.

    Args:
        run: the run's id, under which the next run finds a process that a killed run left.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._running: dict[subprocess.Popen[str], processes.Announcement] = {}
        self._over = False
        self._lock = Lock()

    def start(self, start: Starter) -> subprocess.Popen[str]:
        """Let ``start`` start a process that inherits the descriptors which ``start`` is given.

        Raises:
            LabError: the lab is being removed.
        """
        with self._lock:
            if self._over:
                raise LabError("the lab is being removed; nothing can be started in it any more")
            announcement = processes.announce(run=self._run, command=("docker", "compose"))
            try:
                process = start(announcement.descriptors)
            except OSError:
                announcement.withdraw()
                raise
            announcement.started(process.pid)
            self._running[process] = announcement
        return process

    def ended(self, process: subprocess.Popen[str]) -> None:
        """Strike out a process that has ended."""
        with self._lock:
            announcement = self._running.pop(process, None)
        if announcement is not None:
            announcement.withdraw()

    def end(self) -> None:
        """End what runs and refuse whatever would follow; idempotent."""
        with self._lock:
            self._over = True
            running = tuple(self._running)
        for process in running:
            _end(process)


def compose(
    arguments: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    what: str,
    guard: ComposeGuard | None = None,
) -> str:
    """Run ``docker compose`` and return its standard output.

    Args:
        arguments: everything after ``docker compose``.
        seconds: when to give up and end it.
        environment: added to this process's.
        what: completes "docker compose could not …" in the error.
        guard: the lab's, whose end also ends this.

    Raises:
        EnvironmentProblemError: there is no docker command.
        LabError: it failed, took longer or was ended; its last lines are in the error.
    """
    command = ["docker", "compose", "--ansi", "never", *arguments]

    def start(descriptors: tuple[int, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, **(environment or {})},
            pass_fds=descriptors,
            # Ctrl-C in the terminal goes to the engine of the run, which tears down in order.
            start_new_session=True,
        )

    try:
        process = start(()) if guard is None else guard.start(start)
    except FileNotFoundError as error:
        raise EnvironmentProblemError(
            "no docker command on the PATH. Install Docker, or use BACKEND=local."
        ) from error
    with process:
        try:
            output, complaints = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _end(process)
            complaints = _last_words(process)
            raise LabError(
                f"docker compose could not {what} within {seconds:g} s", log_tail=_tail(complaints)
            ) from error
        finally:
            _end(process)
            if guard is not None:
                guard.ended(process)
    if process.returncode != 0:
        tail = _tail(complaints)
        raise LabError(
            f"docker compose could not {what}: {tail[-1] if tail else 'it said nothing'}",
            log_tail=tail,
        )
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """End the process with its plugin: politely first, so that no request stays under way."""
    for number in ("SIGTERM", "SIGKILL"):
        if process.poll() is not None:
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, getattr(signal, number))
        else:
            process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_SECONDS)


def _last_words(process: subprocess.Popen[str]) -> str:
    """What an ended process complained about, unless something else still holds the pipe."""
    try:
        return process.communicate(timeout=_END_SECONDS)[1]
    except subprocess.TimeoutExpired:
        return ""


def _tail(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.splitlines() if line.strip())[-_TAIL_LINES:]
