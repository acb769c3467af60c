"""multipart/related messages (RFC 2046 5.1, RFC 2387) as DICOMweb uses them, part by part."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final, NamedTuple, Protocol

#: Media type of a DICOM file (PS3.18 8.7.3.2).
DICOM: Final = "application/dicom"
_BLOCK: Final = 1 << 16
#: Headers of a part: a content type and a few more lines.
_LONGEST_HEADERS: Final = 1 << 16


class MultipartError(ValueError):
    """A message that is no multipart message, or ends before its closing delimiter."""


class Readable(Protocol):
    """Anything that gives bytes until there are no more."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Part(NamedTuple):
    """One part: its headers, and its body byte for byte."""

    headers: Message
    content: bytes


class MediaType(NamedTuple):
    """A media type with its parameters; type, names and boundary-free values as written."""

    name: str
    parameters: dict[str, str]


def media_type(text: str) -> MediaType:
    """``multipart/related; type="application/dicom"`` taken apart; the type in lower case."""
    message = Message()
    message["Content-Type"] = text
    found = message.get_params(failobj=[])
    name = found[0][0].lower() if found else ""
    return MediaType(name, {key.lower(): value for key, value in found[1:]})


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type gives.

    Raises:
        MultipartError: it is not multipart, or gives none.
    """
    name, parameters = media_type(content_type)
    boundary = parameters.get("boundary", "")
    if not name.startswith("multipart/") or not boundary:
        raise MultipartError(f"expected multipart with a boundary, saw {content_type!r}")
    return boundary.encode("latin-1")


def read_parts(stream: Readable, boundary: bytes, longest: int = 1 << 32) -> Iterator[Part]:
    """The parts of a message as they arrive; one at a time is in memory.

    Args:
        stream: the message's body.
        boundary: as its Content-Type gives it.
        longest: bytes that one part may have.

    Raises:
        MultipartError: the closing delimiter is missing, a part has no end of its headers, or is
            longer than ``longest``. The parts before it have been given.
    """
    delimiter = b"\r\n--" + boundary
    source = _Source(stream)
    # the first delimiter needs no line break before it, and prose may stand there
    source.buffer += b"\r\n"
    source.until(delimiter, longest)
    while not source.closed():
        headers = source.until(b"\r\n\r\n", _LONGEST_HEADERS)
        yield Part(_headers(headers), source.until(delimiter, longest))


@dataclass(frozen=True)
class Writing:
    """A multipart/related message of DICOM files that is being written: what is around its parts.

    ``boundary`` is by default one that nothing else contains.
    """

    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def content_type(self) -> str:
        """The message's Content-Type."""
        return f'multipart/related; type="{DICOM}"; boundary={self.boundary}'

    def part(self, content_type: str = DICOM) -> tuple[bytes, bytes]:
        """What goes before the content of a part, and what behind it."""
        return f"--{self.boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode(), b"\r\n"

    @property
    def end(self) -> bytes:
        """The closing delimiter."""
        return f"--{self.boundary}--\r\n".encode()


class _Source:
    """What was read of the stream and is not used yet."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.buffer = bytearray()

    def until(self, mark: bytes, longest: int) -> bytes:
        """Everything before the next ``mark``, which is used up too."""
        searched = 0
        while (found := self.buffer.find(mark, searched)) < 0:
            searched = max(0, len(self.buffer) - len(mark) + 1)
            if searched > longest:
                raise MultipartError(f"no end of a part within {longest} bytes")
            self._more(mark)
        content = bytes(self.buffer[:found])
        del self.buffer[: found + len(mark)]
        return content

    def closed(self) -> bool:
        """Whether the delimiter that was just used up is the closing one."""
        while len(self.buffer) < 2:
            self._more(b"--")
        return self.buffer.startswith(b"--")

    def _more(self, wanted: bytes) -> None:
        data = self._stream.read(_BLOCK)
        if not data:
            raise MultipartError(
                f"the message ends after {len(self.buffer)} more bytes, expected {wanted!r}:"
                " it was cut off"
            )
        self.buffer += data


def _headers(text: bytes) -> Message:
    return BytesHeaderParser().parsebytes(text.lstrip(b"\r\n") + b"\r\n\r\n")
