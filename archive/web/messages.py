"""A request that arrived at the web port, and the reply to it; no sockets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from pydicom import Dataset

from dicom.web.multipart import MediaType, Readable, media_type

JSON: Final = "application/dicom+json"
_BLOCK: Final = 1 << 16


class Piece(NamedTuple):
    """A piece of a body: bytes, or a file that is read when its turn comes."""

    content: bytes | Path

    @property
    def length(self) -> int:
        """Bytes of it."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size

    def blocks(self) -> Iterator[bytes]:
        """Its bytes."""
        if isinstance(self.content, bytes):
            yield self.content
            return
        with self.content.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


@dataclass(frozen=True)
class WebRequest:
    """What of a request matters here.

    Attributes:
        method, path, query: of the request line; the path below the services' root, split at its
            slashes and decoded (empty: elsewhere), the query with its percent-encoding still on.
        headers: by name in lower case.
        body: to be read once.
        base: URL of the services' root, as the client reached it.
        peer: address of the client.
    """

    method: str
    path: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    body: Readable
    base: str
    peer: str

    @property
    def accepted(self) -> tuple[MediaType, ...]:
        """The media types of Accept; ``*/*`` where there is none."""
        header = self.headers.get("accept") or "*/*"
        return tuple(media_type(each) for each in _split(header))


@dataclass(frozen=True)
class WebReply:
    """Status, headers besides Content-Length, and the pieces of the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[Piece] = ()

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(piece.length for piece in self.pieces)

    @classmethod
    def text(cls, status: int, words: str, **headers: str) -> WebReply:
        """A refusal in words; header names with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = Piece(f"{words}\n".encode())
        return cls(status, {"Content-Type": "text/plain; charset=utf-8", **named}, (body,))

    @classmethod
    def dicom_json(
        cls, status: int, answer: object, headers: Mapping[str, str] | None = None
    ) -> WebReply:
        """DICOM JSON (PS3.18 annex F)."""
        body = Piece(json.dumps(answer, ensure_ascii=False).encode())
        return cls(status, {"Content-Type": JSON, **(headers or {})}, (body,))


def as_json(dataset: Dataset) -> dict[str, object]:
    """A dataset in the DICOM JSON model, by tag; a value that is empty is left out (F.2.5)."""
    return dict(sorted(without_empty(dataset.to_json_dict()).items()))


def without_empty(model: Mapping[str, object]) -> dict[str, object]:
    """The DICOM JSON model without values that are empty arrays, which pydicom writes."""
    kept: dict[str, object] = {}
    for tag, element in model.items():
        if isinstance(element, dict) and element.get("vr") == "SQ":
            items = [without_empty(item) for item in element.get("Value", ())]
            kept[tag] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        elif isinstance(element, dict) and element.get("Value") in ([], [None]):
            kept[tag] = {"vr": element["vr"]}
        else:
            kept[tag] = element
    return kept


def _split(header: str) -> Iterable[str]:
    """The elements of a list header; a comma within quotes separates nothing."""
    part, quoted = "", False
    for mark in header:
        quoted ^= mark == '"'
        if mark == "," and not quoted:
            yield part.strip()
            part = ""
        else:
            part += mark
    yield part.strip()
