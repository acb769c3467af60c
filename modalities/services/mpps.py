"""Modality Performed Procedure Step SCU (PS3.4 annex F): N-CREATE and N-SET."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydicom.uid import generate_uid
from pynetdicom.dimse_messages import DIMSEMessage

from dicom.association.ends import Caller, Target
from dicom.association.requestor import Association
from dicom.datasets.identifier import dataset_of
from dicom.dimse.normalized import create_request, set_request
from dicom.dimse.scu import UNCOMPRESSED, check_status, tls_of
from dicom.workflow.performed_step import (
    MPPS,
    finished,
    in_progress,
    performed_series,
    refer_to_instances,
    without,
)
from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, association_seconds, service
from modalities.reports import exchanged

_CONTEXT: Final = 1
#: What an SH takes (PS3.5 table 6.2-1).
_LONGEST_ID: Final = 16


class MppsCreate(Command):
    """N-CREATE of a procedure step that is in progress.

    What is known of the patient and the order comes from ``worklist_item``, one of a worklist
    query's ``answers``; without it the step is one that nobody scheduled, in the study
    ``study_instance_uid`` (None: a new one). ``attributes`` (dotted keywords, see
    ``dicom.datasets.identifier``) go before what follows from all that; ``omit`` names
    attributes to leave out. ``started`` is local time, None now. ``sop_instance_uid`` None is a new
    one, and in the report.
    """

    kind: Literal["mpps-create"] = "mpps-create"
    target: Target
    caller: Caller
    modality: str
    worklist_item: dict[str, str] = Field(default_factory=dict)
    study_instance_uid: str | None = None
    sop_instance_uid: str | None = None
    started: datetime.datetime | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    omit: tuple[str, ...] = ()
    character_set: str | None = None


class MppsSet(Command):
    """N-SET of the procedure step ``sop_instance_uid`` to ``status``.

    Performed Series Sequence follows from ``files``: their series, and references to each. A
    discontinuation's reason goes into ``attributes``
    (``PerformedProcedureStepDiscontinuationReasonCodeSequence.CodeValue`` and so on); these and
    ``omit`` are as in ``MppsCreate``. ``ended`` is local time, None now; a step in progress has no
    end.
    """

    kind: Literal["mpps-set"] = "mpps-set"
    target: Target
    caller: Caller
    sop_instance_uid: str
    status: Literal["IN PROGRESS", "COMPLETED", "DISCONTINUED"] = "COMPLETED"
    files: tuple[str, ...] = ()
    ended: datetime.datetime | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    omit: tuple[str, ...] = ()
    character_set: str | None = None


@service(MppsCreate, patience=lambda command: association_seconds(command.caller))
def _create(command: MppsCreate, here: OwnNode) -> Report:
    return mpps_create(command, here.exchange, here.name)


@service(MppsSet, patience=lambda command: association_seconds(command.caller))
def _set(command: MppsSet, here: OwnNode) -> Report:
    return mpps_set(command, here.exchange, here.name)


def mpps_create(command: MppsCreate, exchange: Path, observer: str) -> Report:
    """Carry out the N-CREATE; ``sop_instance_uid`` is the step's.

    Raises:
        UsageError: an attribute is none, or its value does not fit it.
    """
    uid = command.sop_instance_uid or generate_uid(None)
    started = command.started or datetime.datetime.now()
    attributes = in_progress(
        command.worklist_item,
        study_uid=command.study_instance_uid or generate_uid(None),
        station=command.caller.calling,
        modality=command.modality,
        step_id=f"PPS{started:%d%H%M%S%f}"[:_LONGEST_ID],
        started=started,
    )
    wanted = without(attributes | command.attributes, command.omit)
    dataset = dataset_of(wanted, command.character_set)

    def request(syntax: str) -> DIMSEMessage:
        return create_request(1, MPPS, uid, dataset, syntax)

    return _performed(command, uid, request, exchange, observer)


def mpps_set(command: MppsSet, exchange: Path, observer: str) -> Report:
    """Carry out the N-SET.

    Raises:
        UsageError: an attribute is none or its value does not fit it, or a file is none.
    """
    series = performed_series(exchange / name for name in command.files)
    ended = command.ended or datetime.datetime.now()
    attributes = finished(
        command.status, series, None if command.status == "IN PROGRESS" else ended
    )
    wanted = without(attributes | command.attributes, command.omit)
    dataset = dataset_of(wanted, command.character_set)
    refer_to_instances(dataset, series)

    def request(syntax: str) -> DIMSEMessage:
        return set_request(1, MPPS, command.sop_instance_uid, dataset, syntax)

    return _performed(command, command.sop_instance_uid, request, exchange, observer)


def _performed(
    command: MppsCreate | MppsSet,
    uid: str,
    request: Callable[[str], DIMSEMessage],
    exchange: Path,
    observer: str,
) -> Report:
    """Send the one request, made for the transfer syntax, and report on the step ``uid``."""
    association = Association(
        command.target,
        command.caller,
        [(MPPS, UNCOMPRESSED)],
        tls_of(command.target, exchange),
        observer,
    )

    def carry_out() -> str:
        association.open()
        association.send(request(association.require(_CONTEXT)), _CONTEXT)
        return check_status(association.receive())

    report = exchanged(association, carry_out)
    return report.model_copy(update={"sop_instance_uid": uid})
