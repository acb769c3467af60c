"""Who sends: our burst, DCMTK's storescu, and pynetdicom's own send path."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pynetdicom import AE, evt

from bench.modalities.receivers import ENVIRONMENT, LOOPBACK, RunningReceiver
from bench.native import native_tool
from dicom.association.ends import Caller, Target
from modalities.burst.dealing import deal
from modalities.burst.load import Burst
from modalities.burst.objects import from_file
from modalities.burst.peek import peek
from orchestrator.errors import LabError

_LIMIT_SECONDS: Final = 300
#: For a response that pynetdicom's own threads have taken from each other.
_PATIENCE_SECONDS: Final = 5
_SUCCESS: Final = 0x0000


@dataclass(frozen=True)
class Sent:
    """What it took to send.

    Attributes:
        waiting: share of the time in which the sender waited for answers; None: it does not say.
        receiving: processor seconds of the receiver; None: the system does not say.
    """

    objects: int
    seconds: float
    waiting: float | None
    receiving: float | None

    @property
    def rate(self) -> float:
        """Objects a second."""
        return self.objects / self.seconds


@dataclass(frozen=True)
class Task:
    """The files to send, each so often, over so many associations at the same time."""

    files: tuple[Path, ...]
    repeat: int = 1
    associations: int = 1

    @property
    def objects(self) -> int:
        """How many are sent in all."""
        return len(self.files) * self.repeat


#: Sends a task to a receiver and tells the share of its time in which it waited for answers, if it
#: knows; raises LabError where not every object was answered with success.
Sender = Callable[[Task, RunningReceiver], float | None]


def measured(sender: Sender, task: Task, receiver: RunningReceiver) -> Sent:
    """What it takes, from the list of files to the last release.

    Raises:
        LabError: not every object was answered with success.
    """
    received, began = receiver.processor_seconds(), time.perf_counter()
    waiting = sender(task, receiver)
    seconds = time.perf_counter() - began
    after = receiver.processor_seconds()
    return Sent(
        task.objects,
        seconds,
        waiting,
        None if received is None or after is None else after - received,
    )


def burst(task: Task, receiver: RunningReceiver) -> float:
    """Our own; looking at the files and forking count, the start of the interpreter does not."""
    items = [from_file(peek(path)) for path in task.files]
    target = Target(host=LOOPBACK, port=receiver.port, called=receiver.title)
    streams = deal(items, task.associations, repeat=task.repeat)
    report = Burst(target, Caller(calling="BENCH"), streams, associations=task.associations).run()
    if report.outcomes != {"0x0000": task.objects}:
        raise LabError(f"expected {task.objects} successes, saw {report.outcomes}")
    return report.waiting


def storescu(task: Task, receiver: RunningReceiver) -> None:
    """DCMTK's, one process for each association."""
    command = [native_tool("storescu"), "--repeat", str(task.repeat), "-aec", receiver.title]
    command += [LOOPBACK, str(receiver.port)]
    processes = [
        subprocess.Popen(
            [*command, *map(str, task.files[number :: task.associations])],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(task.associations)
    ]
    codes = [process.wait(_LIMIT_SECONDS) for process in processes]
    if any(codes):
        raise LabError(f"expected storescu to end with 0, saw {codes}")


def pynetdicom(task: Task, receiver: RunningReceiver) -> None:
    """pynetdicom's, with the dataset read by pydicom, as its documentation has it."""
    entity = AE("BENCH")
    entity.dimse_timeout = _PATIENCE_SECONDS
    first = dcmread(task.files[0])
    entity.add_requested_context(first.SOPClassUID, first.file_meta.TransferSyntaxUID)
    association = entity.associate(
        LOOPBACK,
        receiver.port,
        ae_title=receiver.title,
        evt_handlers=[(evt.EVT_CONN_OPEN, _nodelay)],
    )
    if not association.is_established:
        raise LabError("expected an association of pynetdicom, saw none")
    for path in task.files:
        for _ in range(task.repeat):
            status = association.send_c_store(dcmread(path))
            if status.get("Status") != _SUCCESS:
                raise LabError(f"expected success for {path}, saw {status}")
    association.release()


def _nodelay(event: evt.Event) -> None:
    link = event.assoc.dul.socket
    if link is not None and link.socket is not None:
        link.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def in_turn(
    senders: Sequence[Sender], rounds: int, once: Callable[[Sender], Sent]
) -> dict[Sender, list[Sent]]:
    """Let each sender have its turn in each round, so that noise meets all of them alike."""
    results: dict[Sender, list[Sent]] = {sender: [] for sender in senders}
    for number in range(rounds):
        shift = number % len(senders)
        for sender in (*senders[shift:], *senders[:shift]):
            results[sender].append(once(sender))
    return results
