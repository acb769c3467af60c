"""DIMSE-N messages (PS3.7 section 10): requests of an SCU, and the answer to a notification."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset
from pynetdicom.dimse_messages import (
    N_ACTION_RQ,
    N_CREATE_RQ,
    N_EVENT_REPORT_RSP,
    N_SET_RQ,
    DIMSEMessage,
)
from pynetdicom.dimse_primitives import N_ACTION, N_CREATE, N_EVENT_REPORT, N_SET

from dicom.datasets.identifier import encoded
from dicom.dimse.scu import message_of


def action_request(
    message_id: int,
    sop_class: str,
    sop_instance: str,
    action_type: int,
    information: Dataset,
    transfer_syntax: str,
) -> DIMSEMessage:
    """N-ACTION-RQ with Action Information.

    Raises:
        UsageError: ``information`` can't be encoded.
    """
    request = N_ACTION()
    request.MessageID = message_id
    request.RequestedSOPClassUID = sop_class
    request.RequestedSOPInstanceUID = sop_instance
    request.ActionTypeID = action_type
    request.ActionInformation = encoded(information, transfer_syntax)
    return message_of(N_ACTION_RQ(), request)


def create_request(
    message_id: int,
    sop_class: str,
    sop_instance: str,
    attributes: Dataset,
    transfer_syntax: str,
) -> DIMSEMessage:
    """N-CREATE-RQ with an Attribute List.

    Raises:
        UsageError: ``attributes`` can't be encoded.
    """
    request = N_CREATE()
    request.MessageID = message_id
    request.AffectedSOPClassUID = sop_class
    request.AffectedSOPInstanceUID = sop_instance
    request.AttributeList = encoded(attributes, transfer_syntax)
    return message_of(N_CREATE_RQ(), request)


def set_request(
    message_id: int,
    sop_class: str,
    sop_instance: str,
    modifications: Dataset,
    transfer_syntax: str,
) -> DIMSEMessage:
    """N-SET-RQ with a Modification List.

    Raises:
        UsageError: ``modifications`` can't be encoded.
    """
    request = N_SET()
    request.MessageID = message_id
    request.RequestedSOPClassUID = sop_class
    request.RequestedSOPInstanceUID = sop_instance
    request.ModificationList = encoded(modifications, transfer_syntax)
    return message_of(N_SET_RQ(), request)


def event_response(request: N_EVENT_REPORT, status: int) -> DIMSEMessage:
    """N-EVENT-REPORT-RSP without Event Reply."""
    response: Any = N_EVENT_REPORT()  # the library declares its optional parameters as None
    response.MessageIDBeingRespondedTo = request.MessageID
    response.AffectedSOPClassUID = request.AffectedSOPClassUID
    response.AffectedSOPInstanceUID = request.AffectedSOPInstanceUID
    response.EventTypeID = request.EventTypeID
    response.Status = status
    return message_of(N_EVENT_REPORT_RSP(), response)
