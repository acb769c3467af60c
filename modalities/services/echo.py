"""Verification SCU (PS3.4 annex A)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pynetdicom.dimse_messages import C_ECHO_RQ
from pynetdicom.dimse_primitives import C_ECHO

from dicom.association.ends import Caller, Target
from dicom.association.requestor import Association
from dicom.dimse.scu import UNCOMPRESSED, VERIFICATION, check_status, message_of, tls_of
from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, association_seconds, service
from modalities.reports import exchanged


class Echo(Command):
    """C-ECHO (PS3.7 9.1.5)."""

    kind: Literal["echo"] = "echo"
    target: Target
    caller: Caller
    transfer_syntaxes: tuple[str, ...] | None = None


@service(Echo, patience=lambda command: association_seconds(command.caller))
def _echo(command: Echo, here: OwnNode) -> Report:
    return echo(command, here.exchange, here.name)


def echo(command: Echo, exchange: Path, observer: str) -> Report:
    """Carry out a C-ECHO.

    Raises:
        UsageError: the command names files or titles that can't be used.
    """
    syntaxes = command.transfer_syntaxes or UNCOMPRESSED
    association = Association(
        command.target,
        command.caller,
        [(VERIFICATION, syntaxes)],
        tls_of(command.target, exchange),
        observer,
    )
    request = C_ECHO()
    request.MessageID = 1
    request.AffectedSOPClassUID = VERIFICATION

    def carry_out() -> str:
        association.open()
        association.require(1)
        association.send(message_of(C_ECHO_RQ(), request), 1)
        return check_status(association.receive())

    return exchanged(association, carry_out)
