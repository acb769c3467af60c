"""``make bench-modalities``: objects a second, ours beside others', medians of several rounds."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from bench.modalities.receivers import RunningReceiver, held_by, orthanc, storescp
from bench.modalities.senders import (
    Sender,
    Sent,
    Task,
    burst,
    in_turn,
    measured,
    pynetdicom,
    storescu,
)
from modalities.burst.objects import from_dataset
from modalities.generation import generate, write_files
from orchestrator.errors import LabError, PacslabError

#: What is promised: ours by DCMTK's, and simulated images a second.
ONE_ASSOCIATION, FOUR_ASSOCIATIONS, INTO_ORTHANC = 2.0, 1.0, 1.0
GENERATED: Final = 300.0
_ROUNDS: Final = 7
_LARGE, _SMALL = (512, 512), (125, 125)
_FILES: Final = 240
_FILES_FOR_PYNETDICOM: Final = 60
#: So that a round takes about a second.
_REPEAT: Final = {_LARGE: 4, _SMALL: 12}
#: A sender that waits for more than this share of its time could send more.
_WAITS: Final = 0.5


def main() -> int:
    """Run everything that this machine can run; returns the exit code."""
    failed = False
    _busy()
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-") as scratch:
        folder = Path(scratch)
        files = {size: _written(folder, size) for size in (_LARGE, _SMALL)}
        _generation()
        benchmarks: list[Callable[[], None]] = [
            partial(_one_association, files[_LARGE], _REPEAT[_LARGE]),
            partial(_one_association, files[_SMALL], _REPEAT[_SMALL]),
            partial(_four_associations, files[_LARGE], _REPEAT[_LARGE]),
            partial(_four_associations, files[_SMALL], _REPEAT[_SMALL]),
            partial(_into_orthanc, folder / "orthanc", files[_LARGE]),
        ]
        for benchmark in benchmarks:
            try:
                benchmark()
            except PacslabError as error:
                _say(f"  not measured: {error}")
                failed = True
    return 1 if failed else 0


def _busy() -> None:
    """Say so where others want the cores: then all senders wait for the same thing."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 4:
        _say(f"others keep this machine busy (load {load:.1f} on {cores} cores): ratios shrink")


def _written(folder: Path, size: tuple[int, int]) -> tuple[Path, ...]:
    rows, columns = size
    where = folder / f"{rows}x{columns}"
    return tuple(write_files(where, "CT", images=_FILES, rows=rows, columns=columns, seed=1))


def _generation() -> None:
    _say("simulated CT images of 512 x 512, on one core:")
    for what, also in (("made", False), ("made and encoded", True)):
        rates = []
        for seed in range(_ROUNDS):
            began = time.perf_counter()
            for dataset in generate("CT", images=_FILES, rows=512, columns=512, seed=seed + 1):
                if also:
                    from_dataset(dataset)
            rates.append(_FILES / (time.perf_counter() - began))
        ratio = statistics.median(rates) / GENERATED
        promise = "" if also else f"; promised {GENERATED:g}/s; ratio {ratio:.2f}"
        _say(f"  {what}: {_spread(rates)}{promise}")


def _one_association(files: tuple[Path, ...], repeat: int) -> None:
    _say(f"one association, {_kilobytes(files)} KB CT objects to storescp --ignore:")
    task = Task(files, repeat)
    with storescp(at_the_same_time=False) as receiver:
        results = in_turn((burst, storescu), _ROUNDS, lambda each: measured(each, task, receiver))
        slow = Task(files[:_FILES_FOR_PYNETDICOM])
        results[pynetdicom] = _as_often_as_it_works(pynetdicom, slow, receiver)
    _compared(results, storescu, ONE_ASSOCIATION)
    if results[pynetdicom]:
        _compared(results, pynetdicom)
    else:
        _say("  pynetdicom: not measured, it lost a response each time")
    _limits(results)


def _as_often_as_it_works(sender: Sender, task: Task, receiver: RunningReceiver) -> list[Sent]:
    """Rounds of a sender that now and then loses a response on a busy machine."""
    rounds = []
    for _ in range(_ROUNDS):
        with suppress(LabError):
            rounds.append(measured(sender, task, receiver))
    return rounds


def _four_associations(files: tuple[Path, ...], repeat: int) -> None:
    _say(f"four associations, {_kilobytes(files)} KB CT objects to storescp --ignore --fork:")
    task = Task(files, repeat, associations=4)
    with storescp(at_the_same_time=True) as receiver:
        results = in_turn((burst, storescu), _ROUNDS, lambda each: measured(each, task, receiver))
    _compared(results, storescu, FOUR_ASSOCIATIONS)


def _into_orthanc(folder: Path, files: tuple[Path, ...]) -> None:
    _say(f"one association, {_kilobytes(files)} KB CT objects into a new Orthanc each time:")
    task = Task(files)
    turns = 0

    def once(sender: Sender) -> Sent:
        nonlocal turns
        turns += 1
        where = folder / str(turns)
        with orthanc(where) as receiver:
            sent = measured(sender, task, receiver)
            if held_by(where) != task.objects:
                raise LabError(f"expected {task.objects} in Orthanc, saw {held_by(where)}")
        return sent

    results = in_turn((burst, storescu), _ROUNDS, once)
    _compared(results, storescu, INTO_ORTHANC)
    _limits(results)
    with storescp(at_the_same_time=False) as receiver:
        ignored = in_turn((burst,), _ROUNDS, lambda each: measured(each, task, receiver))
    with_archive, without = (1000 / _median(each[burst]) for each in (results, ignored))
    _say(
        f"  the archive itself: {with_archive - without:.2f} ms of the {with_archive:.2f} ms that"
        f" an object takes (storescp --ignore: {without:.2f} ms)"
    )


def _compared(
    results: Mapping[Sender, Sequence[Sent]], other: Sender, promised: float | None = None
) -> None:
    ratio = _median(results[burst]) / _median(results[other])
    promise = "" if promised is None else f"; promised {promised:g}"
    sides = "; ".join(
        f"{sender.__name__} {_spread([each.rate for each in results[sender]])}"
        for sender in (burst, other)
    )
    _say(f"  {sides}; ratio {ratio:.2f}{promise}")


def _limits(results: Mapping[Sender, Sequence[Sent]]) -> None:
    """What both sides did while we sent."""
    sent = results[burst]
    waiting = statistics.median(each.waiting or 0.0 for each in sent)
    receiving = statistics.median((each.receiving or 0.0) / each.seconds for each in sent)
    _say(
        f"  burst waits for answers {waiting:.0%} of the time, the receiver computes"
        f" {receiving:.0%}; what limits: {'the receiver' if waiting > _WAITS else 'the sender'}"
    )


def _median(sent: Sequence[Sent]) -> float:
    return statistics.median(each.rate for each in sent)


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def _kilobytes(files: Sequence[Path]) -> int:
    return round(files[0].stat().st_size / 1024)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
