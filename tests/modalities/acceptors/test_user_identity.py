"""User identity at a node's own SCP (PS3.7 D.3.3.7)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dicom.association.ends import Caller, Target
from dicom.association.negotiated import UserIdentity
from modalities.commands import Report
from modalities.generation import WrittenFile
from modalities.nodes.node import ModalityNode
from modalities.services.echo import Echo
from modalities.services.listen import Listen
from tests.peers import LOOPBACK, tool

RULES = {"users": {"nora": "secret", "guest": ""}, "tokens": {"a.b.c": "welcome"}}


class Guarded:
    """A node that asks who one is, and a CT that calls it."""

    def __init__(self, node: ModalityNode, exchange: Path, caller: Caller) -> None:
        self._node, self._caller = node, caller
        self._ct = ModalityNode("ct", exchange)
        self.port = 0

    def listen(self, **changes: object) -> None:
        listen = {"aetitle": "WS", "port": 0, "user_identity": {**RULES, **changes}}
        self.port = self._node.run(Listen.model_validate(listen)).port

    def echo(self, **identity: object) -> Report:
        given = UserIdentity.model_validate(identity) if identity else None
        caller = self._caller.model_copy(update={"user_identity": given})
        target = Target(host=LOOPBACK, port=self.port, called="WS")
        return self._ct.run(Echo(target=target, caller=caller))


@pytest.fixture
def guarded(node: ModalityNode, tmp_path: Path, caller: Caller) -> Guarded:
    return Guarded(node, tmp_path, caller)


@pytest.mark.parametrize(
    ("identity", "ending"),
    [
        ({"kind": "username", "primary": "guest"}, "None"),
        ({"kind": "username-passcode", "primary": "nora", "passcode": "secret"}, "None"),
        ({"kind": "jwt", "primary": "a.b.c"}, "None"),
        ({"kind": "username", "primary": "nora"}, "rejected 1/2/1"),
        ({"kind": "username-passcode", "primary": "nora", "passcode": "no"}, "rejected 1/2/1"),
        ({"kind": "username", "primary": "stranger"}, "rejected 1/2/1"),
        ({"kind": "saml", "primary": "<forged/>"}, "rejected 1/2/1"),
        ({}, "rejected 1/2/1"),
    ],
)
def test_only_known_users_are_let_in(
    guarded: Guarded, identity: dict[str, object], ending: str
) -> None:
    guarded.listen()
    assert str(guarded.echo(**identity).outcome.signature) == ending


def test_the_rejection_is_the_configured_one(guarded: Guarded) -> None:
    guarded.listen(rejection=(2, 2, 1))
    assert str(guarded.echo().outcome.signature) == "rejected 2/2/1"


def test_anonymous_peers_are_let_in_where_identity_is_optional(guarded: Guarded) -> None:
    guarded.listen(required=False)
    assert guarded.echo().outcome.succeeded
    report = guarded.echo(kind="username", primary="stranger")
    assert str(report.outcome.signature) == "rejected 1/2/1"


@pytest.mark.parametrize(
    ("identity", "response"),
    [
        ({"kind": "username", "primary": "guest"}, ""),
        ({"kind": "jwt", "primary": "a.b.c"}, "welcome"),
    ],
)
def test_a_positive_response_is_given_to_who_asks_for_it(
    guarded: Guarded, identity: dict[str, object], response: str
) -> None:
    guarded.listen()
    (asked,) = guarded.echo(**identity, positive_response_requested=True).negotiated
    assert asked.user_identity_response == response
    (unasked,) = guarded.echo(**identity).negotiated
    assert unasked.user_identity_response is None


@pytest.mark.local
@pytest.mark.parametrize(("passcode", "exit_code"), [("secret", 0), ("wrong", 1)])
def test_dcmtk_is_let_in_with_the_right_passcode_only(
    guarded: Guarded, study: list[WrittenFile], passcode: str, exit_code: int
) -> None:
    guarded.listen()
    options = ["-usr", "nora", "-pwd", passcode, "-rsp", "-aec", "WS"]
    done = subprocess.run(
        [tool("storescu"), *options, LOOPBACK, str(guarded.port), str(study[0].path)],
        timeout=30,
        capture_output=True,
        check=False,
    )
    assert (done.returncode != 0) == bool(exit_code)
