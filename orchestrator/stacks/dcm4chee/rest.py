"""Typed client of the part of DCM4CHEE's REST API that the lab uses.

Paths, bodies and status codes are those of dcm4chee-arc-light 5.35 (``ConfigurationRS``,
``ArchiveCtrl``, ``EchoRS``, ``ExporterRS``, ``IocmRS``, ``StudyMgtRS``, ``QidoRS``, ``WadoRS``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import requests

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.web.multipart import Writing
from orchestrator.errors import LabError
from orchestrator.stacks.dicomweb import DicomWeb
from orchestrator.stacks.web_api import WebApi, json_of

_ROOT: Final = "/dcm4chee-arc"
#: The AE that hands out what was received, uncoerced and including what is rejected (F28).
AS_RECEIVED: Final = "AS_RECEIVED"
#: Reason for rejection that permits deleting: "Rejected for Quality Reasons" (PS3.16 CID 7011).
_REJECTION: Final = "113001^DCM"
_BODY_KEPT: Final = 2000
#: A send waits for each of the destination's answers up to its own time limits (F22d).
_EXPORT_SECONDS: Final = 330.0
#: Merging a device rewrites some thousand LDAP entries when an AE is renamed.
_CONFIGURE_SECONDS: Final = 120.0

#: Device JSON as ``/devices/{name}`` speaks it.
Device = dict[str, object]


@dataclass(frozen=True)
class EchoResult:
    """Answer of the archive's own C-ECHO SCU.

    ``code`` is 0 success, 1 incompatible connection, 2 failed to connect, 3 association rejected,
    4 or 5 C-ECHO failed, 6 failed to release.
    """

    code: int
    message: str

    @property
    def peer_answered(self) -> bool:
        """Whether something that speaks DICOM answered, be it with a rejection."""
        return self.code not in (1, 2)


class Dcm4cheeRest:
    """DCM4CHEE behind ``api``.

    Args:
        api: its web server (``http://host:8080``).
        received: title of the AE that hands out objects as received.
    """

    def __init__(self, api: WebApi, received: str = AS_RECEIVED) -> None:
        self.api = api
        self._web = DicomWeb(api, f"{_ROOT}/aets/{quote(received, safe='')}/rs")

    # --- control --------------------------------------------------------------------------

    def started(self) -> bool:
        """Whether ``GET /ctrl/status`` says STARTED right now; no answer is a no."""
        try:
            response = self.api.call("GET", f"{_ROOT}/ctrl/status", expect=(), timeout=5)
        except LabError:
            return False
        # until the archive is deployed WildFly answers 404 with a page of its own
        try:
            status = response.json() if response.ok else None
        except requests.exceptions.JSONDecodeError:
            return False
        return isinstance(status, dict) and status.get("status") == "STARTED"

    def reload(self) -> None:
        """``POST /ctrl/reload``: read the device again, rebind listeners, drop caches (F18b).

        Without it an AE that was asked for before it existed stays unknown for five minutes.

        Raises:
            LabError: the archive can't use the configuration (409, 500); the old one stays.
        """
        self.api.call("POST", f"{_ROOT}/ctrl/reload", expect=(200, 204), timeout=_CONFIGURE_SECONDS)

    # --- configuration --------------------------------------------------------------------

    def device(self, name: str) -> Device:
        """``GET /devices/{name}``: the whole device with its extensions."""
        return self.api.json_object(f"{_ROOT}/devices/{_word(name)}")

    def create_device(self, name: str, device: Mapping[str, object]) -> None:
        """``POST /devices/{name}``: a new device; its AE titles are registered as unique.

        Raises:
            LabError: 409 where the device or one of its titles exists, 400 where it is malformed.
        """
        self._put_device("POST", name, device)

    def replace_device(self, name: str, device: Mapping[str, object]) -> None:
        """``PUT /devices/{name}``: what is not in ``device`` is removed.

        Raises:
            LabError: 404 where there is no such device, 400 where it is malformed.
        """
        self._put_device("PUT", name, device)

    def delete_device(self, name: str) -> None:
        """``DELETE /devices/{name}``; one that is not there is fine."""
        self.api.call("DELETE", f"{_ROOT}/devices/{_word(name)}", expect=(200, 204, 404))

    def aes(self) -> dict[str, dict[str, object]]:
        """``GET /aes``: all AEs of all devices by title, with device name and connections."""
        return {str(ae["dicomAETitle"]): ae for ae in self.api.json_objects(f"{_ROOT}/aes")}

    # --- archive as SCU -------------------------------------------------------------------

    def echo(self, own: str, remote: str, host: str, port: int) -> EchoResult:
        """``POST /aets/{own}/dimse/{remote}``: C-ECHO to any address, registered or not."""
        response = self.api.call(
            "POST",
            f"{_ROOT}/aets/{_word(own)}/dimse/{_word(remote)}",
            query={"host": host, "port": str(port)},
        )
        answer = json_of(self.api, response)
        return EchoResult(int(answer["result"]), str(answer.get("errorMessage", "")))

    def export(self, own: str, study_instance_uid: str, destination: str) -> ForwardReport:
        """``POST …/studies/{uid}/export/dicom:{destination}``: C-STORE a study to a known AE.

        Synchronous. 200 all sent, 206 some, 502 none or no association, 404 unknown destination.
        A study that is not there is a 200 with nothing completed.

        Raises:
            LabError: no answer at all.
        """
        response = self.api.call(
            "POST",
            f"{_ROOT}/aets/{_word(own)}/rs/studies/{study_instance_uid}"
            f"/export/dicom:{_word(destination)}",
            expect=(),
            timeout=_EXPORT_SECONDS,
        )
        warning = response.headers.get("Warning", "")
        body = f"{warning}\n{response.text}" if warning else response.text
        return ForwardReport(
            claims_success=response.status_code == 200,
            http_status=response.status_code,
            body=body[:_BODY_KEPT],
        )

    # --- objects --------------------------------------------------------------------------

    def studies(self) -> tuple[str, ...]:
        """Study Instance UIDs of all studies, rejected ones included."""
        return self._web.studies()

    def has(self, study_instance_uid: str) -> bool:
        """Whether it holds the study, rejected or not."""
        return self._web.has(study_instance_uid)

    def fingerprints(self, study_instance_uid: str) -> tuple[Fingerprint, ...]:
        """Fingerprints of a study's instances as they were received."""
        return self._web.fingerprints(study_instance_uid)

    def store(self, own: str, files: Iterable[bytes]) -> None:
        """``POST …/rs/studies``: STOW-RS of Part-10 files (PS3.18 10.5).

        Raises:
            LabError: not all were stored (202, 409), or the request was not taken.
        """
        message = Writing()
        before, behind = message.part()
        parts = b"".join(before + content + behind for content in files)
        self.api.call(
            "POST",
            f"{_ROOT}/aets/{_word(own)}/rs/studies",
            headers={
                "Content-Type": message.content_type,
                "Accept": "application/dicom+json",
            },
            data=parts + message.end,
        )

    def delete_study(self, own: str, study_instance_uid: str) -> None:
        """Reject the study, then delete it for good.

        DCM4CHEE deletes only what was rejected (``dcmAllowDeleteStudyPermanently: REJECTED``, the
        default): ``POST …/reject/113001^DCM``, then ``DELETE …/studies/{uid}``. A study that is
        gone or rejected already is fine.

        Raises:
            LabError: 403 where the archive forbids it, 409 where it is being deleted.
        """
        study = f"{_ROOT}/aets/{_word(own)}/rs/studies/{study_instance_uid}"
        self.api.call("POST", f"{study}/reject/{quote(_REJECTION, safe='')}", expect=(200, 404))
        self.api.call("DELETE", study, expect=(200, 204, 404))

    def close(self) -> None:
        """Drop the kept connections."""
        self.api.close()

    def _put_device(self, method: str, name: str, device: Mapping[str, object]) -> None:
        self.api.call(
            method,
            f"{_ROOT}/devices/{_word(name)}",
            expect=(200, 204),
            json=device,
            timeout=_CONFIGURE_SECONDS,
        )


def _word(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
