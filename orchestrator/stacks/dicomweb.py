"""DICOMweb client of an archive (PS3.18): what it holds, by QIDO-RS and WADO-RS."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.web.multipart import MultipartError, boundary_of, read_parts
from orchestrator.errors import LabError
from orchestrator.stacks.web_api import WebApi, answer_text

#: Fewer than the 1,000 above which DCM4CHEE cuts an answer off (F24i).
_PAGE: Final = 500
#: DCM4CHEE refuses offsets of more than five digits.
_MOST_STUDIES: Final = 99_000
_STUDY_INSTANCE_UID: Final = "0020000D"
#: Every instance in the transfer syntax it is stored in (PS3.18 8.7.3.5.2).
_AS_STORED: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class DicomWeb:
    """QIDO-RS and WADO-RS below one path.

    Args:
        api: the server.
        root: path of the service below the server's address (``/dicom-web``).
    """

    def __init__(self, api: WebApi, root: str) -> None:
        self._api = api
        self._root = root

    def studies(self) -> tuple[str, ...]:
        """Study Instance UIDs of all studies, in the server's order, each once.

        Raises:
            LabError: no such answer, or more studies than pages can be asked for.
        """
        found: dict[str, None] = {}
        offset = 0
        while offset < _MOST_STUDIES:
            page = self._api.json_objects(
                f"{self._root}/studies",
                query={"limit": str(_PAGE), "offset": str(offset)},
                headers={"Accept": "application/dicom+json"},
            )
            found.update((_study_uid(each), None) for each in page)
            if not page:
                return tuple(found)
            offset += len(page)  # a server may cut its answer below what was asked for
        raise LabError(
            f"{self._api.name} holds more than {_MOST_STUDIES} studies, which the lab can't list"
        )

    def has(self, study_instance_uid: str) -> bool:
        """Whether the server finds a study by its UID."""
        page = self._api.json_objects(
            f"{self._root}/studies",
            query={"StudyInstanceUID": study_instance_uid, "limit": "1"},
            headers={"Accept": "application/dicom+json"},
        )
        return bool(page)

    def fingerprints(self, study_instance_uid: str) -> tuple[Fingerprint, ...]:
        """Fingerprints of a study's instances as stored; none where there is no such study.

        Raises:
            LabError: the server can't hand out all of them (206, 410), or not as stored.
        """
        path = f"{self._root}/studies/{study_instance_uid}"
        response = self._api.call(
            "GET", path, expect=(200, 206, 404), headers={"Accept": _AS_STORED}
        )
        if response.status_code == 404:
            return ()
        if response.status_code == 206:
            raise LabError(
                f"{self._api.name} holds instances of study {study_instance_uid} that it can't"
                f" hand out (206 Partial Content): {answer_text(response)[:200]}."
                " Its storage may be damaged; its log may say more."
            )
        content_type = response.headers.get("Content-Type", "")
        try:
            parts = tuple(read_parts(BytesIO(response.content), boundary_of(content_type)))
        except MultipartError as error:
            raise LabError(f"{self._api.name} answered GET {path} unreadably: {error}") from error
        return tuple(_fingerprint(part.content, path, self._api.name) for part in parts)


def _study_uid(study: dict[str, object]) -> str:
    element = study.get(_STUDY_INSTANCE_UID)
    value = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(value, list) or not value:
        raise LabError(f"expected a study with a Study Instance UID, saw {study!r}")
    return str(value[0])


def _fingerprint(content: bytes, path: str, server: str) -> Fingerprint:
    try:
        dataset = dcmread(BytesIO(content))
    except (InvalidDicomError, EOFError) as error:
        raise LabError(
            f"{server} answered GET {path} with a part that is not a DICOM file: {error}"
        ) from error
    return fingerprint(dataset, str(dataset.file_meta.TransferSyntaxUID))
