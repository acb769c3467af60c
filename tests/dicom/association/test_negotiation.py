"""What a caller negotiates, to the byte in the A-ASSOCIATE-RQ, and what real acceptors answer."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_items import UserInformationItem

from dicom.association.ends import Caller, Target
from dicom.association.negotiated import (
    AsynchronousOperations,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    Negotiated,
    RoleSelection,
    UserIdentity,
)
from dicom.errors import UsageError
from dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from modalities.commands import Report
from modalities.services.echo import Echo, echo
from tests.modalities.peers import Conversation, Orthanc, ScriptedPeers, StoreScp
from tests.modalities.services.conftest import serving
from tests.peers import LOOPBACK

CT = "1.2.840.10008.5.1.4.1.1.2"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"
VERIFICATION = "1.2.840.10008.1.1"
EVERYTHING = {
    "max_pdu_length": 65536,
    "user_identity": UserIdentity(
        kind="username-passcode",
        primary="ärztin",
        passcode="gehéim",
        positive_response_requested=True,
    ),
    "asynchronous": AsynchronousOperations(invoked=0, performed=7),
    "roles": (
        RoleSelection(sop_class=CT, scu=False, scp=True),
        RoleSelection(sop_class=FIND, scu=True, scp=True),
    ),
    "extended": (ExtendedNegotiation(sop_class=FIND, information=(1, 0, 1)),),
    "common_extended": (
        CommonExtendedNegotiation(
            sop_class="1.2.840.10008.5.1.4.1.1.88.40",
            service_class="1.2.840.10008.4.2",
            related_general=("1.2.840.10008.5.1.4.1.1.88.22",),
        ),
    ),
    "implementation_class_uid": "1.2.826.0.1.99",
    "implementation_version_name": "VENDOR 7.1",
}


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


def with_settings(caller: Caller, **settings: Any) -> Caller:
    return Caller.model_validate({**caller.model_dump(), **settings})


def with_item(acceptance: bytes, item: str) -> bytes:
    """An A-ASSOCIATE-AC with one more user data sub-item, in hexadecimal digits, at its end."""
    more = bytes.fromhex(item)
    start = acceptance.rindex(b"\x50\x00", 0, acceptance.index(b"\x51\x00\x00\x04") + 1)
    length = int.from_bytes(acceptance[start + 2 : start + 4], "big") + len(more)
    whole = acceptance[: start + 2] + length.to_bytes(2, "big") + acceptance[start + 4 :] + more
    return whole[:2] + (len(whole) - 6).to_bytes(4, "big") + whole[6:]


@pytest.fixture
def request_of(peers: ScriptedPeers, caller: Caller, tmp_path: Path) -> Any:
    """The A-ASSOCIATE-RQ, as bytes, that a caller with some settings sends."""
    seen: list[bytes] = []

    def script(peer: Conversation) -> None:
        seen.append(peer.pdu())

    target = peers.play(script)

    def ask(**settings: Any) -> bytes:
        echo(Echo(target=target, caller=with_settings(caller, **settings)), tmp_path, "ct")
        return seen[-1]

    return ask


def decoded(pdu: bytes) -> tuple[A_ASSOCIATE_RQ, UserInformationItem]:
    request = A_ASSOCIATE_RQ()
    request.decode(pdu)
    assert request.user_information is not None
    return request, request.user_information


class TestTheRequest:
    def test_defaults_add_nothing(self, request_of: Any) -> None:
        request, information = decoded(request_of())
        assert [type(each).__name__ for each in information.user_data] == [
            "MaximumLengthSubItem",
            "ImplementationClassUIDSubItem",
            "ImplementationVersionNameSubItem",
        ]
        assert information.maximum_length == 16382
        assert information.implementation_class_uid == IMPLEMENTATION_CLASS_UID
        assert information.implementation_version_name == IMPLEMENTATION_VERSION_NAME
        assert request.application_context_name == "1.2.840.10008.3.1.1.1"

    def test_everything_that_was_set_is_there_once_and_in_order(self, request_of: Any) -> None:
        _, information = decoded(request_of(**EVERYTHING))
        assert [type(each).__name__.removesuffix("SubItem") for each in information.user_data] == [
            "MaximumLength",
            "ImplementationClassUID",
            "ImplementationVersionName",
            "AsynchronousOperationsWindow",
            "SCP_SCU_RoleSelection",
            "SCP_SCU_RoleSelection",
            "SOPClassExtendedNegotiation",
            "SOPClassCommonExtendedNegotiation",
            "UserIdentitySubItemRQ",
        ]
        assert information.maximum_length == 65536
        assert information.implementation_class_uid == "1.2.826.0.1.99"
        assert information.implementation_version_name == "VENDOR 7.1"
        window = information.async_ops_window
        assert window is not None
        assert (window.max_operations_invoked, window.max_operations_performed) == (0, 7)
        assert {
            str(uid): (item.scu_role, item.scp_role)
            for uid, item in information.role_selection.items()
        } == {CT: (0, 1), FIND: (1, 1)}
        (extended,) = information.ext_neg
        assert (extended.uid, extended.app_info) == (FIND, b"\x01\x00\x01")
        (common,) = information.common_ext_neg
        assert common.sop_class_uid == "1.2.840.10008.5.1.4.1.1.88.40"
        assert common.service_class_uid == "1.2.840.10008.4.2"
        assert common.related_general_sop_class_identification == ["1.2.840.10008.5.1.4.1.1.88.22"]

    @pytest.mark.parametrize(
        ("identity", "expected"),
        [
            ({"kind": "username", "primary": "anna"}, "01 00 0004 616e6e61 0000"),
            (
                {"kind": "username-passcode", "primary": "anna", "passcode": "pw"},
                "02 00 0004 616e6e61 0002 7077",
            ),
            (
                {"kind": "kerberos", "primary": base64.b64encode(b"\x00\xff").decode()},
                "03 00 0002 00ff 0000",
            ),
            ({"kind": "saml", "primary": "<a/>"}, "04 00 0004 3c612f3e 0000"),
            (
                {"kind": "jwt", "primary": "e.y.J", "positive_response_requested": True},
                "05 01 0005 652e792e4a 0000",
            ),
        ],
        ids=lambda value: value["kind"] if isinstance(value, dict) else "",
    )
    def test_a_user_identity_is_encoded_as_its_kind(
        self, identity: dict[str, Any], expected: str, request_of: Any
    ) -> None:
        payload = bytes.fromhex(expected)
        item = b"\x58\x00" + len(payload).to_bytes(2, "big") + payload
        assert request_of(user_identity=identity).endswith(item)

    def test_another_application_context_is_sent(self, request_of: Any) -> None:
        request, _ = decoded(request_of(application_context="1.2.840.10008.3.1.1.2"))
        assert request.application_context_name == "1.2.840.10008.3.1.1.2"

    def test_an_empty_version_name_sends_none(self, request_of: Any) -> None:
        _, information = decoded(request_of(implementation_version_name=""))
        assert information.implementation_version_name is None
        assert len(information.user_data) == 2

    @pytest.mark.parametrize(
        "settings",
        [
            {"implementation_version_name": "longer than sixteen"},
            {"implementation_class_uid": "1" * 65},
            {"application_context": "1" * 65},
            {"roles": [{"sop_class": "1" * 65, "scp": True}]},
        ],
        ids=["version", "class", "context", "role"],
    )
    def test_what_no_request_can_carry_is_no_request(
        self, settings: dict[str, Any], request_of: Any
    ) -> None:
        with pytest.raises(UsageError, match="no A-ASSOCIATE-RQ can be made"):
            request_of(**settings)


@pytest.mark.parametrize(
    ("identity", "complaint"),
    [
        ({"kind": "username", "primary": "anna", "passcode": "pw"}, "passcode belongs to"),
        ({"kind": "username-passcode", "primary": "anna"}, "passcode belongs to"),
        ({"kind": "kerberos", "primary": "not base 64!"}, "Base64"),
        ({"kind": "saml", "primary": "x" * 65536}, "more than 65535 bytes"),
        ({"kind": "jwt", "primary": ""}, "at least 1 character"),
    ],
)
def test_an_identity_that_cannot_be_says_why(identity: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        UserIdentity.model_validate(identity)


def test_a_passcode_is_never_printed() -> None:
    shown = repr(UserIdentity(kind="username-passcode", primary="anna", passcode="hidden"))
    assert "hidden" not in shown
    assert "anna" not in shown


class TestTheAnswer:
    @pytest.fixture
    def acceptor(self) -> Any:
        """A pynetdicom SCP that answers as a test says: negotiated, and rejecting users or not."""
        with ExitStack() as servers:

            def start(*handlers: tuple[Any, Any]) -> Target:
                entity = AE("PEER")
                entity.add_supported_context(VERIFICATION)
                entity.add_supported_context(CT, scu_role=True, scp_role=True)
                entity.maximum_pdu_size = 12345
                entity.implementation_class_uid = UID("1.2.3.4")
                entity.implementation_version_name = "PEER 1"
                return servers.enter_context(serving(entity, *handlers))

            yield start

    def negotiated(self, target: Target, caller: Caller, tmp_path: Path) -> Negotiated:
        report = echo(Echo(target=target, caller=caller), tmp_path, "ct")
        assert stopped_at(report) == "dimse: None", report.comment
        (answer,) = report.negotiated
        return answer

    def test_who_answered_and_how_much_it_takes_is_reported(
        self, acceptor: Any, caller: Caller, tmp_path: Path
    ) -> None:
        answer = self.negotiated(acceptor(), caller, tmp_path)
        assert answer == Negotiated(
            max_pdu_length=12345,
            implementation_class_uid="1.2.3.4",
            implementation_version_name="PEER 1",
        )

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ("59 00 0002 0000", {"user_identity_response": ""}),
            ("59 00 0009 0007 6772616e746564", {"user_identity_response": "granted"}),
            ("59 00 0004 0002 ff41", {"user_identity_response": "\\xffA"}),
            (
                "53 00 0004 0003 0000",
                {"asynchronous": AsynchronousOperations(invoked=3, performed=0)},
            ),
        ],
        ids=["user-accepted", "token", "not-utf-8", "window"],
    )
    def test_an_item_of_the_answer_is_reported(
        self,
        item: str,
        expected: dict[str, Any],
        peers: ScriptedPeers,
        caller: Caller,
        tmp_path: Path,
    ) -> None:
        target = peers.play(lambda peer: peer.send(with_item(peer.acceptance(), item)))
        report = echo(Echo(target=target, caller=caller), tmp_path, "ct")
        (answer,) = report.negotiated
        assert {key: getattr(answer, key) for key in expected} == expected

    def test_a_token_that_pynetdicom_answers_is_reported(
        self, acceptor: Any, caller: Caller, tmp_path: Path
    ) -> None:
        seen: list[Any] = []

        def admit(event: Any) -> tuple[bool, bytes]:
            seen.append((event.user_id_type, event.primary_field, event.secondary_field))
            return True, b"granted"

        identity = UserIdentity(kind="jwt", primary="e.y.J", positive_response_requested=True)
        caller = with_settings(caller, user_identity=identity)
        answer = self.negotiated(acceptor((evt.EVT_USER_ID, admit)), caller, tmp_path)
        assert answer.user_identity_response == "granted"
        assert seen == [(5, b"e.y.J", b"")]

    def test_no_response_is_told_apart_from_an_empty_one(
        self, acceptor: Any, caller: Caller, tmp_path: Path
    ) -> None:
        identity = UserIdentity(kind="username", primary="anna")
        caller = with_settings(caller, user_identity=identity)
        answer = self.negotiated(acceptor(), caller, tmp_path)
        assert answer.user_identity_response is None

    def test_a_user_that_is_not_let_in_is_rejected(
        self, acceptor: Any, caller: Caller, tmp_path: Path
    ) -> None:
        target = acceptor((evt.EVT_USER_ID, lambda _event: (False, None)))
        identity = UserIdentity(kind="username", primary="mallory")
        caller = with_settings(caller, user_identity=identity)
        report = echo(Echo(target=target, caller=caller), tmp_path, "ct")
        assert stopped_at(report) == "associate: rejected 2/2/1"  # pynetdicom's; F2g has 1/2/1
        assert report.negotiated == ()

    def test_extended_negotiation_that_the_acceptor_answers_is_reported(
        self, acceptor: Any, caller: Caller, tmp_path: Path
    ) -> None:
        target = acceptor((evt.EVT_SOP_EXTENDED, lambda event: dict(event.app_info)))
        extended = ExtendedNegotiation(sop_class=FIND, information=(1, 1, 0, 1))
        caller = with_settings(caller, extended=[extended])
        assert self.negotiated(target, caller, tmp_path).extended == (extended,)


def test_the_trace_names_what_was_negotiated_but_no_secret(
    peers: ScriptedPeers, caller: Caller, tmp_path: Path
) -> None:
    target = peers.play(lambda peer: peer.send(with_item(peer.acceptance(), "59 00 0002 0000")))
    caller = with_settings(caller, **EVERYTHING)
    request, answer = echo(Echo(target=target, caller=caller), tmp_path, "ct").traces[0].pdus[:2]
    assert request.fields["user_identity"] == "type 2"
    assert request.fields["max_operations_performed"] == 7
    assert request.fields["extended_negotiation"] == [
        "Study Root Query/Retrieve Information Model - FIND: 01 00 01"
    ]
    assert answer.fields["user_identity"] == "server response"
    for secret in ("ärztin", "gehéim"):
        assert secret not in request.model_dump_json()


@pytest.mark.local
class TestRealAcceptors:
    def test_orthanc_accepts_everything_that_can_be_negotiated(
        self, orthanc: Orthanc, caller: Caller, tmp_path: Path
    ) -> None:
        target = Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")
        caller = with_settings(caller, **EVERYTHING)
        report = echo(Echo(target=target, caller=caller), tmp_path, "ct")
        assert stopped_at(report) == "dimse: None", report.comment
        (answer,) = report.negotiated
        assert answer.implementation_version_name.startswith("OFFIS_DCMTK")
        assert answer.user_identity_response is None  # F2g: it does not look at it

    def test_storescp_accepts_everything_that_can_be_negotiated(
        self, storescp: StoreScp, caller: Caller, tmp_path: Path
    ) -> None:
        caller = with_settings(caller, **EVERYTHING)
        report = echo(Echo(target=storescp.target, caller=caller), tmp_path, "ct")
        assert stopped_at(report) == "dimse: None", report.comment

    def test_storescp_rejects_another_application_context(
        self, storescp: StoreScp, caller: Caller, tmp_path: Path
    ) -> None:
        caller = with_settings(caller, application_context="1.2.840.10008.3.1.1.2")
        report = echo(Echo(target=storescp.target, caller=caller), tmp_path, "ct")
        assert stopped_at(report) == "associate: rejected 1/1/2"
