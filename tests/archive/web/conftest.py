"""Origins by profile, empty or filled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.web.origin import Origin, file, start


@pytest.fixture
def origin(tmp_path: Path, profile: str) -> Iterator[Origin]:
    server = start(profile, tmp_path)
    yield Origin(server, profile)
    server.stop()


@pytest.fixture
def filled(origin: Origin) -> Origin:
    second = {"StudyInstanceUID": "2.25.2", "SeriesInstanceUID": "2.25.2.1"}
    mr = {"Modality": "MR", "SeriesInstanceUID": "2.25.1.2"}
    japanese = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Yamada^Tarou=山田^太郎"}
    answer = origin.post(
        file(1),
        file(2, InstanceNumber="2"),
        file(3, **mr),
        file(4, PatientID="P2", StudyDate="20260201", **japanese, **second),
    )
    assert answer.status_code == 200
    return origin
