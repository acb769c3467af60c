"""One object on its way out: what is said of it, and the elements that it is made of."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from dicom.datasets.elements import Element, joined, split, tag_text
from dicom.datasets.encoding import Encoding, MalformedDatasetError, encoding_of
from dicom.datasets.part10 import Part10File
from dicom.errors import UsageError
from dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from modalities.misbehaviour.values import tag_of

_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_PIXEL_DATA: Final = "PixelData"


@dataclass(frozen=True)
class EncodedObject:
    """An object, its dataset taken apart into elements.

    Attributes:
        sop_class_uid, sop_instance_uid: what command set and file meta information say.
        transfer_syntax_uid: what is negotiated, and what the file meta information says.
        elements: the dataset's, top level.
        encoding: what the elements are encoded in, whatever ``transfer_syntax_uid`` says.
        trailer: bytes after the dataset.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    elements: tuple[Element, ...]
    encoding: Encoding
    trailer: bytes = b""

    @classmethod
    def read(cls, file: Part10File) -> EncodedObject:
        """Take a Part-10 file apart.

        Raises:
            UsageError: it can't be read, or its dataset is not encoded as its file meta
                information says.
        """
        encoding = encoding_of(file.transfer_syntax_uid)
        try:
            content = file.path.read_bytes()[file.offset :]
            if encoding.deflated:
                content = zlib.decompressobj(_RAW_DEFLATE).decompress(content)
        except (OSError, zlib.error) as error:
            raise UsageError(f"{file.path} can't be read: {error}") from error
        return cls(
            file.sop_class_uid,
            file.sop_instance_uid,
            file.transfer_syntax_uid,
            taken_apart(content, encoding),
            encoding,
        )

    def dataset(self) -> bytes:
        """The encoded dataset, exactly as it goes out.

        Raises:
            UsageError: a length does not fit into its header.
        """
        content = joined(self.elements, self.encoding) + self.trailer
        if not self.encoding.deflated:
            return content
        deflate = zlib.compressobj(wbits=_RAW_DEFLATE)
        content = deflate.compress(content) + deflate.flush()
        return content + b"\0" * (len(content) % 2)  # PS3.5 annex A.5

    def part10(self) -> bytes:
        """The object as a DICOM file (PS3.10 section 7.1) around exactly these bytes."""
        meta = FileMetaDataset()
        meta.FileMetaInformationGroupLength = 0  # computed on writing
        meta.FileMetaInformationVersion = b"\x00\x01"
        meta.MediaStorageSOPClassUID = UID(self.sop_class_uid)
        meta.MediaStorageSOPInstanceUID = UID(self.sop_instance_uid)
        meta.TransferSyntaxUID = UID(self.transfer_syntax_uid)
        meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
        meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
        buffer = BytesIO()
        buffer.write(bytes(128) + b"DICM")
        write_file_meta_info(DicomFileLike(buffer), meta, enforce_standard=False)
        return buffer.getvalue() + self.dataset()

    def find(self, attribute: str) -> Element | None:
        """The first top-level element of ``attribute``."""
        tag = tag_of(attribute)
        return next((each for each in self.elements if each.tag == tag), None)

    def require(self, attribute: str) -> Element:
        """As ``find``.

        Raises:
            UsageError: the object has none: nothing there could be altered.
        """
        element = self.find(attribute)
        if element is None:
            raise UsageError(
                f"{attribute} {tag_text(tag_of(attribute))} can't be altered:"
                f" {self.sop_instance_uid} has no such attribute at its top level; choose one that"
                " it has, or 'set' it first"
            )
        return element

    def pixels(self, *, encapsulated: bool | None = None) -> Element:
        """Its Pixel Data.

        Args:
            encapsulated: whether it must be (PS3.5 annex A.4), None for either.

        Raises:
            UsageError: it has none, or of the other sort.
        """
        element = self.require(_PIXEL_DATA)
        if encapsulated is not None and encapsulated != (element.length is not None):
            wanted = "an encapsulated" if encapsulated else "an uncompressed"
            raise UsageError(
                f"the pixels of {self.sop_instance_uid} are in"
                f" {UID(self.transfer_syntax_uid).name}; this needs {wanted} transfer syntax"
            )
        return element

    def exchanged(self, old: Element, *new: Element) -> EncodedObject:
        """A copy with ``new`` in the place of ``old``."""
        at = next(index for index, each in enumerate(self.elements) if each is old)
        return replace(self, elements=(*self.elements[:at], *new, *self.elements[at + 1 :]))

    def with_element(self, element: Element) -> EncodedObject:
        """A copy with ``element`` in its place by tag, instead of one that was there."""
        old = next((each for each in self.elements if each.tag == element.tag), None)
        if old is not None:
            return self.exchanged(old, element)
        before = tuple(each for each in self.elements if each.tag < element.tag)
        after = tuple(each for each in self.elements if each.tag > element.tag)
        return replace(self, elements=(*before, element, *after))

    def encode(self, dataset: Dataset) -> tuple[Element, ...]:
        """The elements of a small dataset, in this object's encoding."""
        from pynetdicom import dsutils

        encoding = self.encoding
        content = dsutils.encode(dataset, encoding.implicit_vr, encoding.little_endian)
        return taken_apart(content or b"", encoding)


def taken_apart(content: bytes, encoding: Encoding) -> tuple[Element, ...]:
    """The top-level elements of an encoded dataset.

    Raises:
        UsageError: it is none in this encoding.
    """
    try:
        return split(content, encoding)
    except MalformedDatasetError as error:
        raise UsageError(
            f"the dataset can't be altered: {error}; alter the object it was made from"
        ) from error
