"""Verification as SCP (PS3.4 annex A)."""

from __future__ import annotations

from pynetdicom.dimse_primitives import C_ECHO

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.dimse.responses import SUCCESS
from dicom.services.responses import response_to


def answer_echo(association: AcceptedAssociation, context: Context, request: C_ECHO) -> None:
    """Answer a C-ECHO with success."""
    response = response_to(request)
    response.Status = SUCCESS
    association.send(response, context)
