"""The electrocardiogram obeys the laws of leads, and beats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from modalities.generation import generate, write_study


def leads(recording: Dataset) -> dict[str, NDArray[np.float64]]:
    """Traces by label, in the unit of their channels."""
    traces = recording.waveform_array(0)
    channels = recording.WaveformSequence[0].ChannelDefinitionSequence
    return {
        channel.ChannelLabel: traces[:, place].astype(float)
        for place, channel in enumerate(channels)
    }


def beats(trace: NDArray[np.float64]) -> NDArray[np.int_]:
    """Where R peaks are: maxima of what is more than half as high as the highest."""
    high = np.concatenate([[False], trace > trace.max() / 2, [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(high) == 1), np.flatnonzero(np.diff(high) == -1)
    return np.array(
        [start + np.argmax(trace[start:end]) for start, end in zip(starts, ends, strict=True)]
    )


def test_ten_seconds_of_twelve_leads() -> None:
    (recording,) = generate("ECG", images=1)
    group = recording.WaveformSequence[0]
    assert group.NumberOfWaveformSamples / group.SamplingFrequency == 10
    assert list(leads(recording)) == [
        "I",
        "II",
        "III",
        "aVR",
        "aVL",
        "aVF",
        "V1",
        "V2",
        "V3",
        "V4",
        "V5",
        "V6",
    ]
    assert all(
        channel.ChannelSensitivityUnitsSequence[0].CodeValue == "uV"
        for channel in group.ChannelDefinitionSequence
    )


@pytest.mark.parametrize("seed", [1, 7, 30])
def test_limb_leads_obey_einthoven_and_goldberger(seed: int) -> None:
    (recording,) = generate("ECG", images=1, seed=seed)
    trace = leads(recording)
    assert np.array_equal(trace["II"], trace["I"] + trace["III"])
    assert np.abs(trace["aVR"] + trace["aVL"] + trace["aVF"]).max() <= 2
    assert np.abs(trace["aVR"] + (trace["I"] + trace["II"]) / 2).max() <= 1


@pytest.mark.parametrize("seed", [1, 2, 7, 30])
def test_the_heart_beats_at_the_rate_that_is_annotated(seed: int) -> None:
    for recording in generate("ECG", images=3, seed=seed):
        peaks = beats(leads(recording)["II"])
        rate = 60 * 500 / np.diff(peaks).mean()
        assert rate == pytest.approx(
            float(recording.WaveformAnnotationSequence[0].NumericValue), abs=1
        )
        assert 55 <= rate <= 95


def test_r_grows_and_s_shrinks_over_the_chest() -> None:
    (recording,) = generate("ECG", images=1)
    trace = leads(recording)
    assert trace["V1"].max() < trace["V2"].max() < trace["V3"].max() < trace["V4"].max()
    assert trace["V2"].min() < trace["V4"].min() < trace["V6"].min()
    assert trace["aVR"].max() < -trace["aVR"].min()
    assert 800 < trace["II"].max() < 1500


def test_rates_differ_from_patient_to_patient() -> None:
    rates = {
        recording.WaveformAnnotationSequence[0].NumericValue
        for seed in range(8)
        for recording in generate("ECG", images=1, seed=seed)
    }
    assert len(rates) > 4


@pytest.mark.parametrize(
    "syntax", ["ImplicitVRLittleEndian", "ExplicitVRBigEndian", "DeflatedExplicitVRLittleEndian"]
)
def test_samples_are_the_same_in_every_byte_order(tmp_path: Path, syntax: str) -> None:
    (reference,) = generate("ECG", images=1)
    (written,) = write_study(tmp_path, "ECG", images=1, transfer_syntax=syntax)
    read = pydicom.dcmread(written.path)
    group = read.WaveformSequence[0]
    order = "<i2" if read.file_meta.TransferSyntaxUID.is_little_endian else ">i2"
    stored = np.frombuffer(group.WaveformData, order).reshape(5000, 12)
    assert np.array_equal(stored, reference.waveform_array(0).astype(int))
