"""Pixel Data of simulated images: native or encapsulated, in bounded memory."""

from __future__ import annotations

import io
import struct
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from dicom.errors import UsageError

#: Pixel Data up to this size, in bytes, stays in memory.
_MOST_IN_MEMORY: Final = 32 << 20
#: Bytes of a value with a length of 32 bits, which is even and not the undefined one.
_LONGEST_VALUE: Final = 0xFFFFFFFE
_JPEG_QUALITY: Final = 90
_JPEG_2000_RATIO: Final = 10
#: Largest difference of a JPEG-LS near-lossless sample from the original.
_JPEG_LS_ERROR: Final = 2


class PixelFormat(NamedTuple):
    """What the samples of a family's pixels are (Image Pixel module, PS3.3 C.7.6.3).

    Attributes:
        bits: Bits Stored; up to 8 are allocated 8, more 16.
        photometric: Photometric Interpretation of native pixels; ``RGB`` has three samples.
        signed: Pixel Representation.
    """

    bits: int = 8
    photometric: str = "MONOCHROME2"
    signed: bool = False

    @property
    def samples(self) -> int:
        """Samples per Pixel."""
        return 3 if self.photometric == "RGB" else 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """What frames are arrays of, in little endian: (rows, columns[, 3])."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{1 if self.bits <= 8 else 2}")


#: Encodes one frame, (rows, columns[, 3]), with its width in bits.
Encoder = Callable[[NDArray[Any], PixelFormat], bytes]


class Codec(NamedTuple):
    """How a transfer syntax encapsulates frames.

    Attributes:
        encode: one frame.
        colour: Photometric Interpretation of RGB frames once encoded (PS3.5 8.2).
        method: Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1), empty where lossless.
        most_bits: the deepest sample it takes.
        least_side: the fewest rows or columns, in pixels, that its encoder takes.
    """

    encode: Encoder
    colour: str = "RGB"
    method: str = ""
    most_bits: int = 16
    least_side: int = 1


def _by_pydicom(syntax: UID, plugin: str, **options: Any) -> Encoder:
    def encode(frame: NDArray[Any], pixels: PixelFormat) -> bytes:
        rows, columns = frame.shape[:2]
        encoded: bytes = get_encoder(syntax).encode(
            frame,
            encoding_plugin=plugin,
            rows=rows,
            columns=columns,
            number_of_frames=1,
            samples_per_pixel=pixels.samples,
            bits_allocated=frame.dtype.itemsize * 8,
            bits_stored=pixels.bits,
            pixel_representation=int(pixels.signed),
            photometric_interpretation=_encoder_colour(syntax, pixels),
            planar_configuration=0,
            **options,
        )
        return encoded

    return encode


def _encoder_colour(syntax: UID, pixels: PixelFormat) -> str:
    colour = CODECS[syntax].colour
    return colour if pixels.samples == 3 else pixels.photometric


def _by_pillow(frame: NDArray[Any], pixels: PixelFormat) -> bytes:
    """ISO/IEC 10918-1 baseline; colour becomes YBR with 4:2:2 chrominance."""
    del pixels
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling="4:2:2")
    return buffer.getvalue()


CODECS: Final[dict[UID, Codec]] = {
    RLELossless: Codec(_by_pydicom(RLELossless, "pylibjpeg")),
    JPEG2000Lossless: Codec(
        _by_pydicom(JPEG2000Lossless, "pylibjpeg"), colour="YBR_RCT", least_side=32
    ),
    JPEG2000: Codec(
        _by_pydicom(JPEG2000, "pylibjpeg", j2k_cr=[_JPEG_2000_RATIO]),
        colour="YBR_ICT",
        method="ISO_15444_1",
        least_side=32,  # OpenJPEG makes six resolutions, each half the one before
    ),
    JPEGLSLossless: Codec(_by_pydicom(JPEGLSLossless, "pyjpegls")),
    JPEGLSNearLossless: Codec(
        _by_pydicom(JPEGLSNearLossless, "pyjpegls", jls_error=_JPEG_LS_ERROR),
        method="ISO_14495_1",
    ),
    JPEGBaseline8Bit: Codec(_by_pillow, colour="YBR_FULL_422", method="ISO_10918_1", most_bits=8),
}

#: What simulated objects can be made in. Others have no encoder with a fitting licence.
TRANSFER_SYNTAXES: Final = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    *CODECS,
)


def require_encodable(
    syntax: UID, pixels: PixelFormat | None, size: tuple[int, int], frames: int, family: str
) -> None:
    """Look whether objects of ``family`` can be made in ``syntax``.

    Args:
        size: rows and columns.
        frames: how many; 0 for objects that are no multi-frame images.

    Raises:
        UsageError: they have no pixels to compress, or deeper, fewer or more than the syntax
            can hold.
    """
    codec = CODECS.get(syntax)
    if codec is None:
        if pixels is not None:
            _require_native(pixels, size, max(frames, 1), family)
        return
    if pixels is None:
        raise UsageError(
            f"{family} objects have no pixels that {syntax.name} could compress; expected an"
            " uncompressed transfer syntax, such as ExplicitVRLittleEndian"
        )
    if pixels.bits > codec.most_bits:
        raise UsageError(
            f"{family} pixels have {pixels.bits} bits, {syntax.name} holds {codec.most_bits};"
            " choose another transfer syntax, such as JPEG2000Lossless"
        )
    if min(size) < codec.least_side:
        raise UsageError(
            f"images of {size[0]} × {size[1]} pixels are too small for {syntax.name}; expected at"
            f" least {codec.least_side} × {codec.least_side}"
        )


def _require_native(pixels: PixelFormat, size: tuple[int, int], frames: int, family: str) -> None:
    needed = size[0] * size[1] * frames * pixels.samples * pixels.dtype.itemsize
    if needed > _LONGEST_VALUE:
        raise UsageError(
            f"{family} objects with {frames} frames of {size[0]} × {size[1]} pixels have {needed}"
            f" bytes of pixels, an uncompressed value holds {_LONGEST_VALUE} (PS3.5 7.1.2); choose"
            " fewer, or a transfer syntax that compresses, such as RLELossless"
        )


def set_pixel_data(
    image: Dataset,
    syntax: UID,
    pixels: PixelFormat,
    frames: NDArray[Any] | Iterable[NDArray[Any]],
) -> None:
    """Fill the Image Pixel module of ``image`` (PS3.3 C.7.6.3) and its lossy compression
    attributes (C.7.6.1.1.5), encoded for ``syntax``.

    Args:
        image: gets Rows, Columns and, where several frames are given, Number of Frames. Pixels
            that are too many for memory are in a temporary file, which is gone when it is.
        syntax: one of ``TRANSFER_SYNTAXES``.
        pixels: what the frames hold.
        frames: one frame as an array (rows, columns) or (rows, columns, 3), or an iterable of
            frames, which is drawn once, frame by frame. Values are converted to
            ``pixels.dtype``, so they must fit.
    """
    single = isinstance(frames, np.ndarray)
    each: Iterable[NDArray[Any]] = [frames] if isinstance(frames, np.ndarray) else frames
    codec = CODECS.get(syntax)
    counted = _Counted(array.astype(pixels.dtype, copy=False) for array in each)
    data = _spooled(
        _native(counted, syntax) if codec is None else _items(counted, codec.encode, pixels)
    )
    size = _size(data)
    if not single:
        image.NumberOfFrames = counted.number
    image.SamplesPerPixel = pixels.samples
    image.PhotometricInterpretation = pixels.photometric
    if pixels.samples == 3:
        image.PlanarConfiguration = 0
        if codec is not None:
            image.PhotometricInterpretation = codec.colour
    image.Rows, image.Columns = counted.shape
    image.BitsAllocated = pixels.dtype.itemsize * 8
    image.BitsStored, image.HighBit = pixels.bits, pixels.bits - 1
    image.PixelRepresentation = int(pixels.signed)
    image.LossyImageCompression = "00"
    if codec is not None and codec.method:
        image.LossyImageCompression = "01"
        image.LossyImageCompressionRatio = round(counted.size / size, 2)
        image.LossyImageCompressionMethod = codec.method
    if not isinstance(data, bytes):
        weakref.finalize(image, data.close)
    image.PixelData = data
    # 8-bit samples are bytes, which big endian must not swap (PS3.5 annex A)
    wide = codec is None and pixels.dtype.itemsize == 2
    image["PixelData"].VR = "OW" if wide or syntax == ImplicitVRLittleEndian else "OB"
    image["PixelData"].is_undefined_length = codec is not None


class _Counted:
    """Frames on their way, and what they turned out to be."""

    def __init__(self, frames: Iterable[NDArray[Any]]) -> None:
        self._frames = frames
        self.number = self.size = 0
        self.shape = (0, 0)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for frame in self._frames:
            self.number += 1
            self.size += frame.nbytes
            self.shape = frame.shape[0], frame.shape[1]
            yield frame


def _native(frames: Iterable[NDArray[Any]], syntax: UID) -> Iterator[bytes]:
    total = 0
    for frame in frames:
        swapped = frame if syntax.is_little_endian else frame.astype(frame.dtype.newbyteorder(">"))
        total += frame.nbytes
        yield swapped.tobytes()
    if total % 2:
        yield b"\0"


def _items(frames: Iterable[NDArray[Any]], encode: Encoder, pixels: PixelFormat) -> Iterator[bytes]:
    """An empty Basic Offset Table and one fragment a frame (PS3.5 A.4)."""
    yield struct.pack("<HHL", 0xFFFE, 0xE000, 0)
    for frame in frames:
        encoded = encode(frame, pixels)
        yield struct.pack("<HHL", 0xFFFE, 0xE000, len(encoded) + len(encoded) % 2)
        yield encoded + b"\0" * (len(encoded) % 2)


def _spooled(parts: Iterable[bytes]) -> bytes | BinaryIO:
    """All parts in memory, or in a temporary file, for the caller to close, where they are many."""
    kept: list[bytes] = []
    size = 0
    remaining = iter(parts)
    for part in remaining:
        kept.append(part)
        size += len(part)
        if size > _MOST_IN_MEMORY:
            break
    else:
        return kept[0] if len(kept) == 1 else b"".join(kept)
    file = tempfile.TemporaryFile(prefix="pacslab-pixels-")  # noqa: SIM115  outlives this call
    file.writelines(kept)
    file.writelines(remaining)
    file.seek(0)
    return cast(BinaryIO, file)


def _size(data: bytes | BinaryIO) -> int:
    if isinstance(data, bytes):
        return len(data)
    size = data.seek(0, io.SEEK_END)
    data.seek(0)
    return size
