"""What an ultrasound scanner does to echoes: beams in a fan, speckle, log compression.

Scenes are drawn beam by beam, where shadows and gain are simple, and converted to the screen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from modalities.phantoms.fields import Field, soften
from modalities.studies.plan import StudyPlan

#: Part of the screen that the fan may take: across, down. The rest is for text and scales.
_SCREEN: Final = (0.84, 0.88)
_DYNAMIC_RANGE_DB: Final = 62.0
_GREYS: Final = 4096
#: How often speckle is averaged with its neighbours: across beams, along a beam.
_BLUR: Final = (3, 1)


@dataclass(frozen=True)
class Fan:
    """A fan of beams on a screen.

    Beams are equally spaced in the tangent of their angle, samples in depth; with that the
    geometry needs no function that machines round differently.

    Attributes:
        rows, columns: of the screen, in pixels.
        radius_mm: of the transducer's surface; 0 where all beams leave from one point.
        depth_mm: from the surface to the last sample.
        half_angle: of the fan, in degrees.
        beams, samples: of one frame.
    """

    rows: int
    columns: int
    radius_mm: float
    depth_mm: float
    half_angle: float
    beams: int
    samples: int

    @property
    def _tangent(self) -> float:
        return math.tan(math.radians(self.half_angle))

    @property
    def mm_per_pixel(self) -> float:
        """The same in both directions."""
        angle = math.radians(self.half_angle)
        width = 2 * (self.radius_mm + self.depth_mm) * math.sin(angle)
        height = self.depth_mm + self.radius_mm * (1 - math.cos(angle))
        across, down = _SCREEN
        return max(width / (across * self.columns), height / (down * self.rows))

    @property
    def _middle(self) -> float:
        """Column of the middle beam."""
        return (self.columns - 1) / 2

    @property
    def _bottom(self) -> float:
        """Row of the deepest sample of the middle beam."""
        return self.rows * 0.98 - 1

    @cached_property
    def millimetres(self) -> tuple[Field, Field]:
        """Where the samples lie, each shaped (beams, samples): to the right of the middle beam,
        and below the middle of the transducer's surface."""
        tangent = np.linspace(-self._tangent, self._tangent, self.beams)[:, None]
        distance = self.radius_mm + np.linspace(0, self.depth_mm, self.samples)[None, :]
        down = distance / np.sqrt(1 + tangent * tangent)
        return (
            (down * tangent).astype(np.float32),
            (down - self.radius_mm).astype(np.float32),
        )

    @cached_property
    def depth(self) -> Field:
        """Depth below the surface along a beam in mm, shaped (1, samples)."""
        return np.linspace(0, self.depth_mm, self.samples, dtype=np.float32)[None, :]

    @cached_property
    def _lookup(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Field, Field]:
        """For each pixel inside the fan: its index on the screen, that of the first of its four
        samples, and its parts of the way to the next beam and to the next sample."""
        across = (np.arange(self.columns) - self._middle)[None, :] * self.mm_per_pixel
        lowest = self.radius_mm + self.depth_mm
        down = (np.arange(self.rows) - self._bottom)[:, None] * self.mm_per_pixel + lowest
        tangent = across / np.maximum(down, 1e-6)
        distance = np.sqrt(across * across + down * down) - self.radius_mm
        inside = (down > 0) & (np.abs(tangent) <= self._tangent)
        inside &= (distance >= 0) & (distance <= self.depth_mm)
        pixels = np.flatnonzero(inside)
        beam = (tangent.ravel()[pixels] / self._tangent + 1) * ((self.beams - 1) / 2)
        sample = distance.ravel()[pixels] * ((self.samples - 1) / self.depth_mm)
        first_beam = np.clip(beam.astype(np.intp), 0, self.beams - 2)
        first_sample = np.clip(sample.astype(np.intp), 0, self.samples - 2)
        return (
            pixels,
            first_beam * self.samples + first_sample,
            (beam - first_beam).astype(np.float32),
            (sample - first_sample).astype(np.float32),
        )

    @property
    def pixels(self) -> NDArray[np.intp]:
        """Indices of the screen's pixels inside the fan, row by row."""
        return self._lookup[0]

    def converted(self, samples: Field) -> Field:
        """``samples`` (beams, samples) at each of ``pixels``, interpolated."""
        _, first, to_beam, to_sample = self._lookup
        flat = np.ascontiguousarray(samples).ravel()
        near = flat[first]
        near += (flat[first + 1] - near) * to_sample
        far = flat[first + self.samples]
        far += (flat[first + self.samples + 1] - far) * to_sample
        near += (far - near) * to_beam
        return near

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The screen's part that holds the fan: first column and row, last column and row."""
        rows, columns = np.divmod(self.pixels, self.columns)
        if not rows.size:
            return 0, 0, self.columns - 1, self.rows - 1
        return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())

    def region(
        self, box: tuple[int, int, int, int], data_type: int, *, under: bool = False
    ) -> Dataset:
        """An item of the Sequence of Ultrasound Regions (PS3.3 C.8.5.5): a 2D region in cm.

        Its reference pixel is the middle of the transducer's surface.

        Args:
            box: first column and row, last column and row.
            data_type: Region Data Type: 1 tissue, 2 colour flow.
            under: another region has priority where both overlap.
        """
        left, top, right, bottom = box
        item = Dataset()
        item.RegionSpatialFormat = 1
        item.RegionDataType = data_type
        item.RegionFlags = int(under)
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
        surface = round(self._bottom - self.depth_mm / self.mm_per_pixel)
        item.ReferencePixelX0, item.ReferencePixelY0 = round(self._middle) - left, surface - top
        item.ReferencePixelPhysicalValueX = item.ReferencePixelPhysicalValueY = 0.0
        item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
        item.PhysicalDeltaX = item.PhysicalDeltaY = round(self.mm_per_pixel / 10, 6)
        return item

    def draw_scales(self, screen: NDArray[np.uint8]) -> None:
        """Depth marks every centimetre, longer every five, and a bar of greys, on the right."""
        rows, columns = screen.shape[:2]
        left = columns * 95 // 100
        bar = np.linspace(255, 0, max(rows // 3, 1)).astype(np.uint8)
        bar = bar.reshape(-1, 1, *([1] * (screen.ndim - 2)))
        screen[rows // 8 : rows // 8 + len(bar), left : left + max(columns // 50, 1)] = bar[
            : rows - rows // 8
        ]
        for centimetre in range(int(self.depth_mm / 10) + 1):
            row = round(self._bottom - (self.depth_mm - 10 * centimetre) / self.mm_per_pixel)
            length = max(columns // (60 if centimetre % 5 == 0 else 130), 1)
            screen[max(row, 0), left - columns // 50 - length : left - columns // 50] = 200


def speckle(plan: StudyPlan, fan: Fan, stream: int) -> Field:
    """Amplitude of fully developed speckle, Rayleigh-distributed with a mean power of 1."""
    shape = fan.beams, fan.samples
    power = np.zeros(shape, np.float32)
    scale = 2.0
    for times in _BLUR:
        # what averaging leaves of the variance: the squares of its binomial weights
        scale *= math.comb(4 * times, 2 * times) / 16**times
    for part in (stream, stream + 1):
        channel = plan.noise(shape, part)
        for axis, times in enumerate(_BLUR):
            channel = soften(channel, axis, times)
        power += channel * channel
    amplitude: Field = np.sqrt(power / np.float32(scale))
    return amplitude


def compressed(amplitude: Field) -> NDArray[np.uint8]:
    """Grey values of echo amplitudes: 255 at 1 and above, less by the decibel."""
    index = np.minimum(amplitude * np.float32(_GREYS - 1), np.float32(_GREYS - 1))
    greys: NDArray[np.uint8] = np.take(_COMPRESSION, index.astype(np.intp))
    return greys


def _compression() -> NDArray[np.uint8]:
    greys = [0]
    for level in range(1, _GREYS):
        decibels = 20 * math.log10(level / (_GREYS - 1))
        greys.append(max(round(255 * (1 + decibels / _DYNAMIC_RANGE_DB)), 0))
    return np.array(greys, np.uint8)


_COMPRESSION: Final = _compression()
