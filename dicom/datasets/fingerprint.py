"""Fingerprint of a dataset: equal exactly when two copies hold the same values.

A C-STORE may legitimately change how a dataset is encoded (Implicit to Explicit VR, byte order,
defined to undefined length) and everything in group 0002. The fingerprint therefore covers
values, tag by tag, and names what differs. Group length elements (gggg,0000), retired since
2008, are left out, as is the trailing padding of each value (PS3.5 section 6.2): all of it in text
and in private attributes, whose VR an Implicit VR dataset does not say; one NUL of a stream of
bytes or words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian

#: Bytes per word of the value representations that are streams of words (PS3.5 section 6.2).
_WORD_BYTES: Final = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
#: Value representations that are binary numbers: every byte counts.
_NUMBERS: Final = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})


class Fingerprint(BaseModel):
    """Identity, encoding and value hashes of one instance.

    ``elements`` maps ``ggggeeee`` of every top-level attribute to 16 hex digits of SHA-256 over
    its value in Explicit VR Little Endian.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    transfer_syntax_uid: str
    elements: dict[str, str]

    @property
    def digest(self) -> str:
        """One hash over all attributes: 64 hex digits of SHA-256."""
        joined = ";".join(f"{tag}={value}" for tag, value in sorted(self.elements.items()))
        return hashlib.sha256(joined.encode()).hexdigest()

    def differences(self, other: Fingerprint) -> tuple[str, ...]:
        """Tags (``ggggeeee``) added, removed or changed between this copy and ``other``."""
        tags = self.elements.keys() | other.elements.keys()
        return tuple(
            sorted(tag for tag in tags if self.elements.get(tag) != other.elements.get(tag))
        )


def fingerprint(dataset: Dataset, transfer_syntax_uid: str) -> Fingerprint:
    """Compute the fingerprint of ``dataset``, which was encoded in ``transfer_syntax_uid``.

    Give it a dataset as read from a file or from the wire: values not yet looked at are hashed as
    the bytes they were, without interpreting them, so that even an invalid value compares.
    """
    elements = dict(_element_hashes(dataset, big_endian=transfer_syntax_uid == ExplicitVRBigEndian))
    return Fingerprint(
        sop_class_uid=_text(dataset, "SOPClassUID"),
        sop_instance_uid=_text(dataset, "SOPInstanceUID"),
        study_instance_uid=_text(dataset, "StudyInstanceUID"),
        series_instance_uid=_text(dataset, "SeriesInstanceUID"),
        patient_id=_text(dataset, "PatientID"),
        transfer_syntax_uid=transfer_syntax_uid,
        elements=elements,
    )


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value)


def _element_hashes(dataset: Dataset, *, big_endian: bool) -> Iterator[tuple[str, str]]:
    for tag in sorted(dataset.keys()):
        if tag.group == 0x0002 or tag.element == 0x0000:
            continue
        value = _canonical_value(dataset, tag, big_endian=big_endian)
        yield f"{tag.group:04X}{tag.element:04X}", hashlib.sha256(value).hexdigest()[:16]


def _canonical_value(dataset: Dataset, tag: BaseTag, *, big_endian: bool) -> bytes:
    raw = dataset.get_item(tag)
    if isinstance(raw, RawDataElement) and not big_endian and _vr(raw) != "SQ":
        return _unpadded(raw.value or b"", tag)
    element = dataset[tag]
    if element.VR == "SQ":
        items = (_element_hashes(item, big_endian=big_endian) for item in element.value)
        joined = "|".join(";".join(f"{t}={h}" for t, h in item) for item in items)
        return (joined or "one empty item" if element.value else "").encode()
    return _unpadded(_encode(element, dataset, big_endian=big_endian), tag)


def _unpadded(value: bytes, tag: BaseTag) -> bytes:
    """``value`` without what may have been added to make its length even.

    What the data dictionary says of ``tag`` counts, because every encoding of a dataset has it.
    """
    vr = dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "UN"
    if vr in _NUMBERS:
        return value
    return value.removesuffix(b"\0") if vr.startswith("O") else value.rstrip(b" \0")


def _vr(raw: RawDataElement) -> str:
    if raw.VR not in (None, "UN"):
        return str(raw.VR)
    return dictionary_VR(raw.tag) if dictionary_has_tag(raw.tag) else "UN"


def _encode(element: DataElement, dataset: Dataset, *, big_endian: bool) -> bytes:
    """The value as Implicit VR Little Endian would hold it (8 bytes of tag and length removed)."""
    width = _WORD_BYTES.get(element.VR)
    if width is not None and isinstance(element.value, bytes) and big_endian:
        # pydicom keeps streams of words as the bytes they were, in the byte order they were
        words = np.frombuffer(element.value[: len(element.value) // width * width], f">u{width}")
        return words.astype(f"<u{width}").tobytes()
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = True
    declared = dataset.get("SpecificCharacterSet", dataset._parent_encoding)
    write_data_element(buffer, element, convert_encodings(declared))
    return buffer.getvalue()[8:]
