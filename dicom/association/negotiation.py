"""An A-ASSOCIATE-RQ from what a caller wants, and what an A-ASSOCIATE-AC grants (PS3.8 9.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)

from dicom.association import upper_layer
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

#: (abstract syntax, transfer syntaxes) per presentation context ID.
Proposed = Mapping[int, tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class Granted:
    """What an acceptor answered.

    Attributes:
        results: result per context ID (PS3.8 table 9-18).
        syntaxes: accepted transfer syntax per accepted context ID.
        negotiated: all the rest.
    """

    results: dict[int, int] = field(default_factory=dict)
    syntaxes: dict[int, str] = field(default_factory=dict)
    negotiated: Negotiated = field(default_factory=Negotiated)


def associate_request(target: Target, caller: Caller, proposed: Proposed) -> bytes:
    """An encoded A-ASSOCIATE-RQ.

    Raises:
        UsageError: a title, UID, length or name that no such PDU can carry.
    """
    request = A_ASSOCIATE()
    try:
        request.application_context_name = (
            caller.application_context or upper_layer.APPLICATION_CONTEXT
        )
        request.calling_ae_title = caller.calling
        request.called_ae_title = target.called
        request.presentation_context_definition_list = [
            upper_layer.presentation_context(number, abstract, syntaxes)
            for number, (abstract, syntaxes) in proposed.items()
        ]
        request.user_information = _user_information(caller)
        encoded: bytes = A_ASSOCIATE_RQ(request).encode()
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"no A-ASSOCIATE-RQ can be made from calling {caller.calling!r}, called"
            f" {target.called!r}: {error}"
        ) from error
    return encoded


def read_answer(pdu: bytes, proposed: Proposed) -> Granted:
    """What an encoded A-ASSOCIATE-AC grants of what was ``proposed``.

    Raises:
        Exception: whatever the library's decoder makes of a malformed PDU.
    """
    answer = A_ASSOCIATE_AC()
    answer.decode(pdu)
    granted = Granted(negotiated=_negotiated(answer.user_information))
    for item in answer.presentation_context:
        context_id, result = item.presentation_context_id, item.result_reason
        if context_id is None or context_id not in proposed or result is None:
            continue
        granted.results[context_id] = result
        syntax = str(item.transfer_syntax)
        if result == 0 and syntax in proposed[context_id][1]:
            granted.syntaxes[context_id] = syntax
    return granted


def _user_information(caller: Caller) -> list[Any]:
    """User data sub-items in the order of PS3.7 annex D.3.3."""
    ours = upper_layer.user_information(caller.max_pdu_length)
    items: list[Any] = [ours.length, ours.implementation]
    if caller.implementation_class_uid is not None:
        ours.implementation.implementation_class_uid = caller.implementation_class_uid
    if caller.implementation_version_name != "":
        if caller.implementation_version_name is not None:
            ours.version.implementation_version_name = caller.implementation_version_name
        items.append(ours.version)
    if caller.asynchronous is not None:
        items.append(_window(caller.asynchronous))
    items += map(_role, caller.roles)
    items += map(_extended, caller.extended)
    items += map(_common_extended, caller.common_extended)
    if caller.user_identity is not None:
        items.append(_identity(caller.user_identity))
    return items


def _window(asynchronous: AsynchronousOperations) -> AsynchronousOperationsWindowNegotiation:
    item = AsynchronousOperationsWindowNegotiation()
    item.maximum_number_operations_invoked = asynchronous.invoked
    item.maximum_number_operations_performed = asynchronous.performed
    return item


def _role(role: RoleSelection) -> SCP_SCU_RoleSelectionNegotiation:
    item = SCP_SCU_RoleSelectionNegotiation()
    item.sop_class_uid = role.sop_class
    item.scu_role = role.scu
    item.scp_role = role.scp
    return item


def _extended(extended: ExtendedNegotiation) -> SOPClassExtendedNegotiation:
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid = extended.sop_class
    item.service_class_application_information = bytes(extended.information)
    return item


def _common_extended(common: CommonExtendedNegotiation) -> SOPClassCommonExtendedNegotiation:
    item = SOPClassCommonExtendedNegotiation()
    item.sop_class_uid = common.sop_class
    item.service_class_uid = common.service_class
    item.related_general_sop_class_identification = list(common.related_general)
    return item


def _identity(identity: UserIdentity) -> UserIdentityNegotiation:
    item = UserIdentityNegotiation()
    item.user_identity_type = identity.type_code
    item.positive_response_requested = identity.positive_response_requested
    item.primary_field = identity.primary_field
    item.secondary_field = identity.passcode.encode()
    return item


def _negotiated(information: Any) -> Negotiated:
    if information is None:
        return Negotiated()
    window = information.async_ops_window
    identity = information.user_identity
    response = getattr(identity, "server_response", None)
    return Negotiated(
        max_pdu_length=int(information.maximum_length or 0),
        implementation_class_uid=str(information.implementation_class_uid or ""),
        implementation_version_name=str(information.implementation_version_name or "").strip(),
        user_identity_response=None
        if identity is None
        else (response or b"").decode("utf-8", "backslashreplace"),
        asynchronous=None
        if window is None
        else AsynchronousOperations(
            invoked=window.maximum_number_operations_invoked,
            performed=window.maximum_number_operations_performed,
        ),
        roles=tuple(
            RoleSelection(sop_class=str(uid), scu=bool(item.scu_role), scp=bool(item.scp_role))
            for uid, item in information.role_selection.items()
        ),
        extended=tuple(
            ExtendedNegotiation(
                sop_class=str(item.uid),
                information=tuple(item.service_class_application_information or b""),
            )
            for item in information.ext_neg
        ),
    )
