"""What an alteration of an object is, and how it is written."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Annotated, BinaryIO, Final, TypeVar

from pydantic import BeforeValidator, SerializeAsAny
from pydicom import dcmread

from dicom.datasets.encoding import UNREADABLE
from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.datasets.part10 import Part10File
from dicom.errors import UsageError
from dicom.registry import Registry
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.words import LateSchema, Worded, json_schema, read

A = TypeVar("A", bound="Alteration")


class Alteration(Worded, ABC):
    """One way in which an object is wrong. Its fields are its arguments; the docstring says what.

    The same object and arguments always give the same bytes.
    """

    @abstractmethod
    def alter(self, instance: EncodedObject) -> EncodedObject:
        """The object with this wrong with it; pure.

        Raises:
            UsageError: nothing in this object can be wrong in this way.
        """


ALTERATIONS: Final[Registry[type[Alteration]]] = Registry(
    "alteration", "modalities.misbehaviour.alterations"
)


def alteration(model: type[A]) -> type[A]:
    """Decorator that registers an alteration by its ``kind``."""
    ALTERATIONS.register(str(model.model_fields["kind"].default))(model)
    return model


def _read(value: object) -> Alteration:
    return read(value, ALTERATIONS, Alteration)  # type: ignore[type-abstract]


#: An alteration in any of its forms: words, mapping with ``kind``, or the data itself.
AnyAlteration = Annotated[
    SerializeAsAny[Alteration],
    BeforeValidator(_read),
    LateSchema(lambda: json_schema(ALTERATIONS)),
]


def parse(text: str) -> Alteration:
    """The alteration in words such as ``remove PatientID``.

    Raises:
        UsageError: it is none; the message has the nearest right word.
    """
    try:
        return _read(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def altered(file: Part10File, alterations: Sequence[Alteration]) -> EncodedObject:
    """The object in ``file`` with all ``alterations``, one after another.

    Raises:
        UsageError: one of them can't be done to it.
    """
    instance = EncodedObject.read(file)
    for each in alterations:
        try:
            instance = _in_step(instance, each.alter(instance))
        except struct.error as error:
            raise UsageError(
                f"'{each}' can't be done to {instance.sop_instance_uid}: what it changes is cut"
                f" short ({error}); do it before the other alterations, or to another object"
            ) from error
    return instance


@dataclass(frozen=True)
class AlteredFile(Part10File):
    """A Part-10 file that is sent with ``alterations``; what it says of itself is as altered."""

    original: Part10File
    alterations: tuple[Alteration, ...]

    def open_dataset(self) -> BinaryIO:
        """The altered dataset, made anew so that many files need no more memory than one."""
        return BytesIO(altered(self.original, self.alterations).dataset())


def alter_file(file: Part10File, alterations: Sequence[Alteration]) -> Part10File:
    """``file`` as it is sent with ``alterations``; without any, the file itself.

    Raises:
        UsageError: one of them can't be done to it.
    """
    if not alterations:
        return file
    instance = altered(file, alterations)
    instance.dataset()  # now, so that what can't be encoded is known before anything is sent
    return AlteredFile(
        file.path,
        instance.sop_class_uid,
        instance.sop_instance_uid,
        instance.transfer_syntax_uid,
        file.offset,
        file,
        tuple(alterations),
    )


def _in_step(before: EncodedObject, after: EncodedObject) -> EncodedObject:
    """Command and file meta information follow the dataset, as an SCU's do (``part10.inspect``)."""
    sop_class, instance = _uid(after, "SOPClassUID"), _uid(after, "SOPInstanceUID")
    if sop_class != _uid(before, "SOPClassUID") and before.sop_class_uid == after.sop_class_uid:
        after = replace(after, sop_class_uid=sop_class or after.sop_class_uid)
    if instance != _uid(before, "SOPInstanceUID") and (
        before.sop_instance_uid == after.sop_instance_uid
    ):
        after = replace(after, sop_instance_uid=instance or after.sop_instance_uid)
    return after


def _uid(instance: EncodedObject, attribute: str) -> str:
    element = instance.find(attribute)
    return "" if element is None else element.value.rstrip(b"\0 ").decode("ascii", "replace")


def fingerprint_of_altered(instance: EncodedObject) -> Fingerprint | None:
    """Fingerprint of what goes out; None where it can't be read, so that nobody can hold it."""
    try:
        dataset = dcmread(BytesIO(instance.part10()))
        return fingerprint(dataset, instance.transfer_syntax_uid)
    except UNREADABLE:
        return None
