"""The origin server's resources: who may ask, what a path names, which methods it has."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from archive.policy import Policy
from archive.receive import Receiver
from archive.store import ObjectStore
from archive.web import qido, stow, wado
from archive.web.messages import WebReply, WebRequest
from archive.web.rules import WebRules

#: The only user of a lab's archive; its password is made for the run.
USER: Final = "lab"
_SEARCHED: Final = frozenset(
    {
        ("studies",),
        ("series",),
        ("instances",),
        ("studies", "series"),
        ("studies", "instances"),
        ("studies", "series", "instances"),
    }
)
_RETRIEVED: Final = (
    ("studies",),
    ("studies", "series"),
    ("studies", "series", "instances"),
)


class DicomWebService:
    """The DICOMweb side of one archive; usable from several threads.

    Args:
        rules: the vendor's.
        policy: what holds now, settings included.
        store: what the archive holds.
        receiver: takes objects into it.
        password: of ``USER`` where the product asks for one; empty: it asks for none.
        log: told of every request.
    """

    def __init__(
        self,
        rules: WebRules,
        policy: Callable[[], Policy],
        store: ObjectStore,
        receiver: Receiver,
        password: str,
        log: Callable[[str], None],
    ) -> None:
        self._rules, self._policy = rules, policy
        self._store, self._receiver = store, receiver
        self._password, self._log = password, log

    @property
    def root(self) -> str:
        """Path of the services as the settings in force make it."""
        return root_of(self._rules, self._policy().settings.aetitle)

    def answer(self, request: WebRequest) -> WebReply:
        """Answer one request; its path is empty where it is not below ``root``."""
        try:
            reply = self._answer(request)
        except Exception as error:  # noqa: BLE001  the client must see why, the archive must live
            reply = WebReply.text(500, f"{type(error).__name__}: {error}")
        self._log(
            f"HTTP {request.method} /{'/'.join(request.path)} from {request.peer}: {reply.status}"
        )
        return reply

    def _answer(self, request: WebRequest) -> WebReply:
        if not self._knows(request):
            realm = f'Basic realm="{self._rules.realm}"'
            return WebReply(401, {"WWW-Authenticate": realm})
        answers = self._resource(request)
        if not answers:
            return WebReply.text(404, f"no resource /{'/'.join(request.path)}")
        if request.method not in answers:
            return WebReply(405, {"Allow": ", ".join(sorted(answers))})
        return answers[request.method]()

    def _knows(self, request: WebRequest) -> bool:
        if self._rules.authentication == "none" or not self._password:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            pair = base64.b64decode(given, validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(pair, f"{USER}:{self._password}".encode())

    def _resource(self, request: WebRequest) -> dict[str, Callable[[], WebReply]]:
        """What each method does at the request's path; empty where there is no such resource."""
        path, rules = request.path, self._rules
        answers: dict[str, Callable[[], WebReply]] = {}
        names = path[::2]
        if len(path) % 2:
            if names in _SEARCHED:
                answers["GET"] = lambda: qido.search(
                    self._policy(), rules.qido, self._store, request
                )
            elif path[-1] == "metadata" and names[:-1] in _RETRIEVED:
                answers["GET"] = lambda: wado.metadata(rules.wado, self._store, request)
        elif names in _RETRIEVED:
            answers["GET"] = lambda: wado.retrieve(rules.wado, self._store, request)
        if path[:1] == ("studies",) and len(path) <= 2:
            answers["POST"] = lambda: stow.store(
                self._policy(), rules.stow, self._receiver, request
            )
        return answers


def root_of(rules: WebRules, aetitle: str) -> str:
    """Path of the services of an archive titled ``aetitle``."""
    return rules.root.replace("{aetitle}", aetitle)


def below(root: str, path: str) -> tuple[str, ...]:
    """``path`` below ``root``, split at its slashes and decoded; empty where it is elsewhere."""
    if not path.startswith(f"{root}/"):
        return ()
    rest = path[len(root) + 1 :].rstrip("/")
    return tuple(unquote(each) for each in rest.split("/"))
