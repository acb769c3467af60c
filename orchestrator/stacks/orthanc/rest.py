"""Typed client of the part of Orthanc's REST API that the lab uses (Orthanc Book, "REST API")."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote

from pydicom import dcmread

from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.forwarding import ForwardReport
from dicom.ladder import Outcome, Rung, Signature
from orchestrator.errors import LabError
from orchestrator.stacks.web_api import WebApi, json_of

_BODY_KEPT: Final = 2000
#: What Orthanc's DICOM client says before a connection stands, seen on 1.10.1 and 1.12.7.
_CONNECTION_WORDS: Final = (
    ("Attempt to connect to unknown host", Rung.RESOLVE, "unresolved"),
    ("TCP Initialization Error: Connection refused", Rung.CONNECT, "refused"),
    ("TCP Initialization Error: Operation now in progress", Rung.CONNECT, "timeout"),
    ("TCP Initialization Error: No route to host", Rung.CONNECT, "unreachable"),
)
_NUMBER: Final = re.compile(r"-?\d+(\.0)?")


class OrthancRest:
    """Orthanc's REST API behind ``api``.

    Every method raises ``LabError`` where Orthanc does not answer or answers with an error.
    """

    def __init__(self, api: WebApi) -> None:
        self.api = api

    def system(self) -> dict[str, object]:
        """``GET /system``: version, AE title, what is compiled in."""
        return self.api.json_object("/system")

    def answers(self) -> bool:
        """Whether ``GET /system`` is answered with 200 right now."""
        try:
            self.api.call("GET", "/system", timeout=2)
        except LabError:
            return False
        return True

    def plugins(self) -> tuple[str, ...]:
        """``GET /plugins``: identifiers of the plugins that are loaded."""
        return tuple(self._get("/plugins"))

    def configuration(self) -> dict[str, object]:
        """The whole configuration in force, through Lua's ``GetOrthancConfiguration``.

        Numbers come as text: ``"4242.0"`` up to 1.10, ``"4242"`` in 1.12 (``numbers_like``).

        Raises:
            LabError: scripts are not allowed there (``ExecuteLuaEnabled`` is false).
        """
        script = b"print(DumpJson(GetOrthancConfiguration(), true))"
        answer: dict[str, object] = self._post("/tools/execute-script", script)
        return answer

    def modalities(self) -> dict[str, dict[str, object]]:
        """``GET /modalities?expand``: the table of remote AEs in force."""
        answer: dict[str, dict[str, object]] = self._get("/modalities?expand")
        return answer

    def put_modality(self, name: str, entry: dict[str, object]) -> None:
        """``PUT /modalities/{name}``: add or replace a remote AE (in memory by default)."""
        self.api.call("PUT", _modality(name), json=entry)

    def delete_modality(self, name: str) -> None:
        """``DELETE /modalities/{name}``."""
        self.api.call("DELETE", _modality(name))

    def instances(self, study_instance_uid: str | None = None) -> tuple[str, ...]:
        """Orthanc identifiers of all instances, or of those of one study."""
        if study_instance_uid is None:
            return tuple(self._get("/instances"))
        query = {"Level": "Instance", "Query": {"StudyInstanceUID": study_instance_uid}}
        return tuple(json_of(self.api, self.api.call("POST", "/tools/find", json=query)))

    def fingerprint(self, identifier: str) -> Fingerprint:
        """Fingerprint of the file that Orthanc holds for an instance."""
        content = self.api.call("GET", f"/instances/{identifier}/file").content
        dataset = dcmread(BytesIO(content), force=True)
        return fingerprint(dataset, str(dataset.file_meta.TransferSyntaxUID))

    def studies(self, study_instance_uid: str) -> tuple[str, ...]:
        """Orthanc identifiers of a study: more than one where patients differ (F13c)."""
        found = self._post("/tools/lookup", study_instance_uid.encode())
        return tuple(entry["ID"] for entry in found if entry["Type"] == "Study")

    def store(self, modality: str, identifiers: tuple[str, ...]) -> ForwardReport:
        """``POST /modalities/{modality}/store``, synchronously: Orthanc as C-STORE SCU.

        Raises:
            LabError: no answer at all.
        """
        answer = self.api.call(
            "POST",
            f"{_modality(modality)}/store",
            expect=(),
            json={"Resources": list(identifiers), "Synchronous": True},
        )
        return ForwardReport(
            claims_success=answer.status_code == 200,
            http_status=answer.status_code,
            body=answer.text[:_BODY_KEPT],
            stopped=_stopped(answer.text),
        )

    def delete_study(self, identifier: str) -> None:
        """``DELETE /studies/{id}``."""
        self.api.call("DELETE", f"/studies/{identifier}")

    def delete_all(self) -> None:
        """Delete every patient."""
        for patient in self._get("/patients"):
            self.api.call("DELETE", f"/patients/{patient}")

    def close(self) -> None:
        """Drop the kept connections."""
        self.api.close()

    def _get(self, path: str) -> Any:
        return json_of(self.api, self.api.call("GET", path))

    def _post(self, path: str, text: bytes) -> Any:
        return json_of(self.api, self.api.call("POST", path, data=text))


def _modality(name: str) -> str:
    return f"/modalities/{quote(name, safe='')}"


def _stopped(text: str) -> Outcome | None:
    for words, rung, kind in _CONNECTION_WORDS:
        if words in text:
            return Outcome(rung=rung, signature=Signature(kind=kind))
    return None


def numbers_like(read: Any, template: Any) -> Any:
    """``read`` with text turned into integers wherever ``template`` has integers.

    Only there: an AE title of digits is text in both.
    """
    if isinstance(read, dict) and isinstance(template, dict):
        return {key: numbers_like(value, template.get(key)) for key, value in read.items()}
    is_number = isinstance(template, int) and not isinstance(template, bool)
    if is_number and isinstance(read, str) and _NUMBER.fullmatch(read):
        return int(float(read))
    return read
