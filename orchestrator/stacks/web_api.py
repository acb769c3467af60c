"""One HTTP server of an archive: a session, time limits, and errors that say what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from orchestrator.errors import LabError

_CONNECT_SECONDS: Final = 5.0
_TEXT_KEPT: Final = 300


@dataclass(frozen=True, repr=False)
class Credentials:
    """How to introduce oneself: user and password (Basic) or a bearer token."""

    user: str = ""
    password: str = ""
    token: str = ""


class WebApi:
    """HTTP client of one archive.

    Args:
        name: who answers there, for errors (``DCM4CHEE (archive)``).
        base_url: ``http://host:port`` with or without a path, no trailing slash.
        credentials: None where the server asks for none.
        trusted: PEM file with the certificate authorities of an https server; None: the system's.
        timeout: seconds between two bytes of an answer.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        credentials: Credentials | None = None,
        *,
        trusted: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.name = name
        self.base_url = base_url
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy setting must not come between lab and loopback
        self._session.max_redirects = 3
        if trusted is not None:
            self._session.verify = trusted
        if credentials is not None and credentials.token:
            self._session.headers["Authorization"] = f"Bearer {credentials.token}"
        elif credentials is not None:
            self._session.auth = (credentials.user, credentials.password)

    def call(
        self,
        method: str,
        path: str,
        *,
        expect: tuple[int, ...] = (200,),
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | None = None,
        timeout: float | None = None,
    ) -> requests.Response:
        """Send a request to ``base_url + path`` and return its answer, read completely.

        Args:
            expect: status codes that are answers; any other one is an error. Empty: all are.

        Raises:
            LabError: no answer, or one with another status code.
        """
        try:
            response = self._session.request(
                method,
                self.base_url + path,
                params=query,
                headers=headers,
                json=json,
                data=data,
                timeout=(_CONNECT_SECONDS, timeout or self._timeout),
            )
        except requests.RequestException as error:
            raise LabError(
                f"{self.name} at {self.base_url} did not answer {method} {path}: {error}."
                " Check that it runs and that the address is right; its log may say more."
            ) from error
        if expect and response.status_code not in expect:
            wanted = " or ".join(map(str, expect))
            raise LabError(
                f"{self.name} at {self.base_url} answered {method} {path} with"
                f" {response.status_code}, expected {wanted}: {answer_text(response)}."
                f" {_next_step(response.status_code)}"
            )
        return response

    def json_object(self, path: str) -> dict[str, object]:
        """``GET path``, a JSON object.

        Raises:
            LabError: no such answer.
        """
        value = json_of(self, self.call("GET", path))
        if not isinstance(value, dict):
            raise LabError(f"{self.name} answered GET {path} with {value!r}, expected an object")
        return value

    def json_objects(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[dict[str, object]]:
        """``GET path``, a JSON list of objects; 204 stands for none.

        Raises:
            LabError: no such answer.
        """
        response = self.call("GET", path, expect=(200, 204), query=query, headers=headers)
        value = [] if response.status_code == 204 else json_of(self, response)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise LabError(f"{self.name} answered GET {path} with {value!r}, expected a list")
        return value

    def close(self) -> None:
        """Drop the kept connections."""
        self._session.close()


def answer_text(response: requests.Response) -> str:
    """What an answer says in words: its Warning header, if any, and its (shortened) body."""
    parts = (response.headers.get("Warning", ""), response.text.strip()[:_TEXT_KEPT])
    return "; ".join(part for part in parts if part) or "no words"


def json_of(api: WebApi, response: requests.Response) -> Any:
    """The JSON in an answer of ``api``.

    Raises:
        LabError: it is something else.
    """
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError as error:
        raise LabError(
            f"{api.name} at {api.base_url} answered {response.request.path_url} with something"
            f" that is not JSON ({error}): {response.text[:_TEXT_KEPT]!r}. Is it the right server?"
        ) from error


def _next_step(status: int) -> str:
    if status in (401, 403):
        return "Check the credentials and what their user may do there."
    if status == 404:
        return "Check the AE title, the device name and the path of the web address."
    if status == 409:
        return "Somebody else has that name or entry there, or is changing it."
    return "Its log may say more."
