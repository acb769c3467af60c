"""Waveforms on the paper that they are printed on."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image
from pydicom import Dataset

from tools.depiction.canvas import Find, blank, written

#: Seconds of each trace that are drawn, and µV between two traces' baselines.
_SECONDS, _APART = 2.5, 1700.0
_PAPER, _FINE, _COARSE, _INK = "#fff8f4", "#ffe0d8", "#ffb8a8", "#202020"
#: Of a coarse square of the grid: 0.2 s.
_SQUARE_SECONDS: Final = 0.2


def traces(recording: Dataset, find: Find, side: int) -> Image.Image:
    """The channels of the first multiplex group in two columns."""
    del find
    group = recording.WaveformSequence[0]
    samples = recording.waveform_array(0)
    picture, draw = blank(side, _PAPER)
    for fine, colour in ((True, _FINE), (False, _COARSE)):
        step = side / 2 / _SECONDS * _SQUARE_SECONDS / (5 if fine else 1)
        for line in range(int(side / step) + 1):
            draw.line((line * step, 0, line * step, side), fill=colour)
            draw.line((0, line * step, side, line * step), fill=colour)
    rows = -(-samples.shape[1] // 2)
    height = side / (rows + 0.5)
    shown = samples[: int(_SECONDS * float(group.SamplingFrequency))]
    for channel, definition in enumerate(group.ChannelDefinitionSequence):
        left, base = side / 2 * (channel // rows), height * (channel % rows + 0.85)
        x = left + np.linspace(0, side / 2 - 4, len(shown))
        y = base - shown[:, channel] * (height / _APART)
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=_INK)
        written(draw, (left + 3, base - height * 0.6), str(definition.ChannelLabel), "#a02020")
    return picture
