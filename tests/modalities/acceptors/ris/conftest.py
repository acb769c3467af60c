"""A CT and a RIS that share an exchange folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dicom.association.ends import Caller, Target
from modalities.commands import Report
from modalities.nodes.node import ModalityNode
from modalities.services.listen import Listen, Received
from modalities.services.worklist import Worklist
from tests.peers import LOOPBACK

WORKLIST = "worklist.yaml"


class Department:
    """The two nodes, and the worklist's file between them."""

    def __init__(self, exchange: Path, caller: Caller) -> None:
        self.exchange = exchange
        self.ct, self.ris = ModalityNode("ct", exchange), ModalityNode("ris", exchange)
        self.caller = caller
        self.port = 0

    @property
    def target(self) -> Target:
        return Target(host=LOOPBACK, port=self.port, called="RIS")

    def schedule(self, *steps: dict[str, object]) -> None:
        text = yaml.safe_dump({"steps": list(steps)}, allow_unicode=True)
        (self.exchange / WORKLIST).write_text(text, encoding="utf-8")

    def open(self, **behaviour: object) -> None:
        worklist = {"file": WORKLIST} if (self.exchange / WORKLIST).exists() else None
        offered = {"worklist": worklist, "mpps": {}, **behaviour}
        listen = Listen.model_validate({"aetitle": "RIS", "port": self.port, **offered})
        self.port = self.ris.run(listen).port

    def ask(self, **keys: str) -> Report:
        """Query the worklist; ``step_`` before a keyword puts it into the scheduled step."""
        step = "ScheduledProcedureStepSequence."
        named = {key.replace("step_", step): value for key, value in keys.items()}
        return self.ct.run(Worklist(target=self.target, caller=self.caller, keys=named))

    def known(self) -> Report:
        return self.ris.run(Received())


@pytest.fixture
def department(tmp_path: Path, caller: Caller) -> Iterator[Department]:
    both = Department(tmp_path, caller)
    yield both
    both.ct.stop()
    both.ris.stop()


def step(accession: str = "A1", **changes: object) -> dict[str, object]:
    """A scheduled CT for an invented patient."""
    return {
        "patient": {"name": "SIMULANT^NORA", "id": "LAB-1", "birth_date": "1978-01-01", "sex": "F"},
        "accession_number": accession,
        "modality": "CT",
        "station": "CT",
        "date": "2026-11-24",
        "time": "08:30",
        **changes,
    }
