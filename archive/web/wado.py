"""WADO-RS as origin server (PS3.18 10.4): instances as Part-10 files, and their metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydicom import dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian

from archive.encoding import reencode
from archive.store import Held, ObjectStore, part10_header
from archive.web.messages import JSON, Piece, WebReply, WebRequest, without_empty
from archive.web.rules import WadoRules
from dicom.datasets.encoding import MalformedDatasetError, encoding_of
from dicom.web.multipart import DICOM, MediaType, Writing

_KEYS: Final[Mapping[str, str]] = {
    "studies": "StudyInstanceUID",
    "series": "SeriesInstanceUID",
    "instances": "SOPInstanceUID",
}
_PIXEL_DATA: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
#: Values of more bytes are bulk data, of which metadata has the address only.
_BULK: Final = 1024


class _NotTranscodableError(ValueError):
    """A stored transfer syntax that can't become the acceptable one."""


def retrieve(rules: WadoRules, store: ObjectStore, request: WebRequest) -> WebReply:
    """The instances below a study, a series, or one instance."""
    offered = next((each for each in request.accepted if _is_multipart(each)), None)
    if offered is None:
        return WebReply.text(rules.not_acceptable, f"expected multipart/related; type={DICOM}")
    syntax = offered.parameters.get("transfer-syntax", "") or str(ExplicitVRLittleEndian)
    if syntax != "*" and not UID(syntax).is_transfer_syntax:
        return WebReply.text(rules.unknown_transfer_syntax, f"{syntax} is no transfer syntax")
    held = _held(store, request.path)
    if not held:
        return _nothing(request)
    message = Writing()
    pieces: list[Piece] = []
    try:
        for each in held:
            pieces += _part(rules, message, each, syntax)
    except _NotTranscodableError as error:
        return WebReply.text(rules.not_transcodable, str(error))
    pieces.append(Piece(message.end))
    return WebReply(200, {"Content-Type": message.content_type}, pieces)


def metadata(rules: WadoRules, store: ObjectStore, request: WebRequest) -> WebReply:
    """Attributes of the instances below a resource as DICOM JSON, bulk data by address."""
    names = {each.name for each in request.accepted}
    if not names & {JSON, "application/json", "*/*"}:
        return WebReply.text(rules.not_acceptable, f"expected {JSON}")
    held = _held(store, request.path[:-1])
    if not held:
        return _nothing(request)
    return WebReply.dicom_json(200, [_described(each, request.base) for each in held])


def _is_multipart(media: MediaType) -> bool:
    if media.name in ("*/*", "multipart/*"):
        return True
    kind = media.parameters.get("type", DICOM).lower()
    return media.name == "multipart/related" and kind == DICOM


def _held(store: ObjectStore, path: Sequence[str]) -> Sequence[Held]:
    keys = {_KEYS[name]: [uid] for name, uid in zip(path[::2], path[1::2], strict=True)}
    return store.select(keys)


def _nothing(request: WebRequest) -> WebReply:
    return WebReply.text(404, f"nothing at /{'/'.join(request.path)}")


def _part(rules: WadoRules, message: Writing, held: Held, wanted: str) -> list[Piece]:
    head, end = (Piece(each) for each in message.part())
    if wanted in ("*", held.transfer_syntax):
        return [head, Piece(held.path), end]
    stored = held.transfer_syntax
    if encoding_of(wanted).encapsulated or stored in rules.not_decodable:
        raise _NotTranscodableError(f"{UID(stored).name} can't be turned into {UID(wanted).name}")
    try:
        dataset = reencode(held.path, stored, wanted)
    except MalformedDatasetError as error:
        raise _NotTranscodableError(f"{held.sop_instance}: {error}") from error
    header = part10_header(held.sop_class, held.sop_instance, wanted)
    return [head, Piece(header), Piece(dataset), end]


def _described(held: Held, base: str) -> dict[str, object]:
    dataset = dcmread(held.path)
    bulk = f"{base}/studies/{held.study}/series/{held.series}/instances/{held.sop_instance}/bulk/"
    described: dict[str, object] = dataset.to_json_dict(
        bulk_data_threshold=_BULK,
        bulk_data_element_handler=lambda element: bulk + _hex(element.tag),
    )
    for keyword in _PIXEL_DATA:
        if keyword in dataset:
            element = dataset[keyword]
            address = {"vr": str(element.VR), "BulkDataURI": bulk + _hex(element.tag)}
            described[f"{element.tag:08X}"] = address
    return dict(sorted(without_empty(described).items()))


def _hex(tag: int) -> str:
    return f"{tag:08x}"
