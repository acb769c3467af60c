"""WADO-RS user agent (PS3.18 10.4): whole instances of a study, a series, or one alone."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from pydicom import dcmread

from dicom.association.ends import Timeouts
from dicom.datasets.encoding import UNREADABLE
from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.errors import UsageError
from dicom.ladder import Rung, Signature, StoppedError
from dicom.web.answer import WebAnswer
from dicom.web.call import HttpCall
from dicom.web.multipart import MultipartError, boundary_of, read_parts
from dicom.web.target import WebTarget
from modalities.commands import Command, ReceivedInstance, Report
from modalities.nodes.service import OwnNode, service
from modalities.reports import requested

_LONGEST_RETRIEVE_SECONDS: Final = 600.0


class Wado(Command):
    """WADO-RS of instances. What came is in ``Report.received``, which knows no AE titles here.

    Without ``series_instance_uid`` the whole study is asked for, without ``sop_instance_uid`` the
    series. ``transfer_syntax`` is the acceptable one (PS3.18 8.7.3.5.2): ``*`` as stored, empty
    the default, Explicit VR Little Endian.
    """

    kind: Literal["wado"] = "wado"
    target: WebTarget
    timeouts: Timeouts = Timeouts()
    study_instance_uid: str
    series_instance_uid: str | None = None
    sop_instance_uid: str | None = None
    transfer_syntax: str = "*"


@service(Wado, patience=lambda _command: _LONGEST_RETRIEVE_SECONDS)
def _wado(command: Wado, here: OwnNode) -> Report:
    return wado(command, here.exchange, here.name)


def wado(command: Wado, exchange: Path, observer: str) -> Report:
    """Retrieve, and take the fingerprint of each instance that came before it ended or stopped.

    Raises:
        UsageError: an instance without its series is asked for.
    """
    if command.sop_instance_uid is not None and command.series_instance_uid is None:
        raise UsageError("an instance is retrieved by study, series and instance; no series")
    path = f"/studies/{command.study_instance_uid}"
    if command.series_instance_uid is not None:
        path += f"/series/{command.series_instance_uid}"
    if command.sop_instance_uid is not None:
        path += f"/instances/{command.sop_instance_uid}"
    accept = 'multipart/related; type="application/dicom"'
    if command.transfer_syntax:
        accept += f"; transfer-syntax={command.transfer_syntax}"
    received: list[ReceivedInstance] = []
    request = HttpCall(command.target, command.timeouts, exchange, observer)

    def carry_out() -> str:
        answer = request.request("GET", path, {"Accept": accept})
        if not answer.succeeded:
            raise answer.refused()
        _receive(answer, received)
        return answer.words() if answer.status != 200 else answer.header("Warning")

    report = requested(request, carry_out)
    return report.model_copy(update={"received": tuple(received)})


def _receive(answer: WebAnswer, received: list[ReceivedInstance]) -> None:
    if answer.status == 204:
        return
    try:
        boundary = boundary_of(answer.header("Content-Type"))
        for part in read_parts(answer, boundary):
            each = _fingerprint(part.content)
            received.append(
                ReceivedInstance(fingerprint=each, calling_aetitle="", called_aetitle="")
            )
    except MultipartError as error:
        words = f"{error}; after {len(received)} instances"
        raise StoppedError(Rung.DIMSE, Signature(kind="not-dicom"), words) from error


def _fingerprint(content: bytes) -> Fingerprint:
    try:
        dataset = dcmread(BytesIO(content))
        return fingerprint(dataset, str(dataset.file_meta.get("TransferSyntaxUID", "")))
    except UNREADABLE as error:
        words = f"a part is no DICOM file (PS3.10): {error}; saw {content[:32]!r}"
        raise StoppedError(Rung.DIMSE, Signature(kind="not-dicom"), words) from error
