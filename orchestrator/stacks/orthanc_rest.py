"""Typed client of the part of Orthanc's REST API that the lab uses (Orthanc Book, "REST API")."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, Final

import requests
from pydicom import dcmread

from modalities.fingerprint import Fingerprint, fingerprint
from modalities.ladder import Rung, Signature
from orchestrator.errors import LabError
from orchestrator.outcome import Outcome
from orchestrator.stacks.base import ForwardReport

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
    """One Orthanc's REST API at ``base_url``.

    Args:
        base_url: ``http://host:port`` without a trailing slash.
        auth: user and password, None where the server asks for none.
        timeout: seconds that any answer may take.
    """

    def __init__(
        self, base_url: str, auth: tuple[str, str] | None = None, timeout: float = 60.0
    ) -> None:
        self.base_url = base_url
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = auth
        self._session.trust_env = False  # a proxy setting must not come between lab and loopback

    def system(self) -> dict[str, object]:
        """``GET /system``: version, AE title, what is compiled in."""
        answer: dict[str, object] = self._get("/system").json()
        return answer

    def answers(self) -> bool:
        """Whether ``GET /system`` is answered with 200 right now."""
        try:
            return self._session.get(f"{self.base_url}/system", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def configuration(self) -> dict[str, object]:
        """The whole configuration in force, through Lua's ``GetOrthancConfiguration``.

        Numbers come as text: ``"4242.0"`` up to 1.10, ``"4242"`` in 1.12 (``numbers_like``).

        Raises:
            LabError: scripts are not allowed there (``ExecuteLuaEnabled`` is false).
        """
        script = "print(DumpJson(GetOrthancConfiguration(), true))"
        answer: dict[str, object] = self._checked(
            self._session.post(
                f"{self.base_url}/tools/execute-script", data=script, timeout=self._timeout
            )
        ).json()
        return answer

    def modalities(self) -> dict[str, dict[str, object]]:
        """``GET /modalities?expand``: the table of remote AEs in force."""
        answer: dict[str, dict[str, object]] = self._get("/modalities?expand").json()
        return answer

    def put_modality(self, name: str, entry: dict[str, object]) -> None:
        """``PUT /modalities/{name}``: add or replace a remote AE (in memory by default)."""
        url = f"{self.base_url}/modalities/{name}"
        self._checked(self._session.put(url, json=entry, timeout=self._timeout))

    def delete_modality(self, name: str) -> None:
        """``DELETE /modalities/{name}``."""
        url = f"{self.base_url}/modalities/{name}"
        self._checked(self._session.delete(url, timeout=self._timeout))

    def instances(self, study_instance_uid: str | None = None) -> tuple[str, ...]:
        """Orthanc identifiers of all instances, or of those of one study."""
        if study_instance_uid is None:
            return tuple(self._get("/instances").json())
        query = {"Level": "Instance", "Query": {"StudyInstanceUID": study_instance_uid}}
        url = f"{self.base_url}/tools/find"
        return tuple(
            self._checked(self._session.post(url, json=query, timeout=self._timeout)).json()
        )

    def fingerprint(self, identifier: str) -> Fingerprint:
        """Fingerprint of the file that Orthanc holds for an instance."""
        content = self._get(f"/instances/{identifier}/file").content
        dataset = dcmread(BytesIO(content), force=True)
        return fingerprint(dataset, str(dataset.file_meta.TransferSyntaxUID))

    def studies(self, study_instance_uid: str) -> tuple[str, ...]:
        """Orthanc identifiers of a study: more than one where patients differ (F13c)."""
        url = f"{self.base_url}/tools/lookup"
        found = self._checked(
            self._session.post(url, data=study_instance_uid, timeout=self._timeout)
        ).json()
        return tuple(entry["ID"] for entry in found if entry["Type"] == "Study")

    def store(self, modality: str, identifiers: tuple[str, ...]) -> ForwardReport:
        """``POST /modalities/{modality}/store``, synchronously: Orthanc as C-STORE SCU."""
        answer = self._session.post(
            f"{self.base_url}/modalities/{modality}/store",
            json={"Resources": list(identifiers), "Synchronous": True},
            timeout=self._timeout,
        )
        return ForwardReport(
            claims_success=answer.status_code == 200,
            http_status=answer.status_code,
            body=answer.text[:_BODY_KEPT],
            stopped=_stopped(answer.text),
        )

    def delete_study(self, identifier: str) -> None:
        """``DELETE /studies/{id}``."""
        self._checked(
            self._session.delete(f"{self.base_url}/studies/{identifier}", timeout=self._timeout)
        )

    def delete_all(self) -> None:
        """Delete every patient."""
        for patient in self._get("/patients").json():
            url = f"{self.base_url}/patients/{patient}"
            self._checked(self._session.delete(url, timeout=self._timeout))

    def close(self) -> None:
        """Drop the kept connections."""
        self._session.close()

    def _get(self, path: str) -> requests.Response:
        try:
            return self._checked(self._session.get(self.base_url + path, timeout=self._timeout))
        except requests.RequestException as error:
            raise LabError(
                f"Orthanc at {self.base_url} did not answer GET {path}: {error}."
                " Look at its log in the record."
            ) from error

    def _checked(self, response: requests.Response) -> requests.Response:
        if not response.ok:
            raise LabError(
                f"Orthanc at {self.base_url} answered {response.request.method}"
                f" {response.request.path_url} with {response.status_code}, expected 200:"
                f" {response.text[:300]}"
            )
        return response


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
