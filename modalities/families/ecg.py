"""12-lead ECG Waveform Storage (PS3.3 A.34.3): ten seconds of sinus rhythm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import TwelveLeadECGWaveformStorage

from dicom.datasets.codes import Code, ucum
from modalities.families import family
from modalities.iods.derived_series import ACQUISITION, describe_series
from modalities.phantoms.electrocardiogram import (
    LEADS,
    SAMPLES,
    SAMPLING_HZ,
    heart_rate,
    microvolts,
)
from modalities.studies.plan import StudyPlan

#: Codes of the leads in CID 3001 (ISO/IEEE 11073-10102).
_CODES: Final = {
    "I": Code("2:1", "MDC", "Lead I"),
    "II": Code("2:2", "MDC", "Lead II"),
    "III": Code("2:61", "MDC", "Lead III"),
    "aVR": Code("2:62", "MDC", "aVR, augmented voltage, right"),
    "aVL": Code("2:63", "MDC", "aVL, augmented voltage, left"),
    "aVF": Code("2:64", "MDC", "aVF, augmented voltage, foot"),
    **{f"V{n}": Code(f"2:{n + 2}", "MDC", f"Lead V{n}") for n in range(1, 7)},
}
_MICROVOLT: Final = Code("uV", "UCUM", "microvolt")


@family("ECG", title="12-lead ECG, 10 s", sop_class=TwelveLeadECGWaveformStorage)
def ecg(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Recordings at rest, one after another."""
    describe_series(plan, shared, 1, "ECG at rest", without=ACQUISITION)
    shared.BodyPartExamined = "HEART"
    shared.AcquisitionDateTime = f"{shared.StudyDate}{shared.StudyTime}"
    for number in range(1, plan.images + 1):
        made = plan.object(shared, TwelveLeadECGWaveformStorage, number)
        made.AcquisitionContextSequence = []
        leads = microvolts(plan, number)
        made.WaveformSequence = [_multiplex_group(leads, plan.transfer_syntax.is_little_endian)]
        made.WaveformAnnotationSequence = [_rate(heart_rate(plan, number))]
        yield made


def _multiplex_group(leads: NDArray[np.int16], little_endian: bool) -> Dataset:
    """Waveform module (PS3.3 C.10.9); ``leads`` is (samples, leads) in µV."""
    group = Dataset()
    group.MultiplexGroupLabel = "RHYTHM"
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = len(LEADS)
    group.NumberOfWaveformSamples = SAMPLES
    group.SamplingFrequency = SAMPLING_HZ
    group.ChannelDefinitionSequence = [_channel(lead) for lead in LEADS]
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.WaveformData = leads.astype("<i2" if little_endian else ">i2").tobytes()
    group["WaveformData"].VR = "OW"
    return group


def _channel(lead: str) -> Dataset:
    channel = Dataset()
    channel.ChannelLabel = lead
    channel.ChannelSourceSequence = [_CODES[lead].item()]
    channel.ChannelSensitivity = 1
    channel.ChannelSensitivityUnitsSequence = [_MICROVOLT.item()]
    channel.ChannelSensitivityCorrectionFactor = 1
    channel.ChannelBaseline = 0
    channel.ChannelTimeSkew = 0
    channel.WaveformBitsStored = 16
    channel.FilterLowFrequency = "0.05"
    channel.FilterHighFrequency = 150
    return channel


def _rate(beats_per_minute: int) -> Dataset:
    """An annotation of the whole group (PS3.3 C.10.10) with a measurement of CID 3229."""
    item = Dataset()
    item.ReferencedWaveformChannels = [1, 0]
    item.AnnotationGroupNumber = 1
    item.ConceptNameCodeSequence = [Code("8867-4", "LN", "Heart rate").item()]
    item.NumericValue = beats_per_minute
    item.MeasurementUnitsCodeSequence = [ucum("{H.B.}/min", "Heart beat per minute").item()]
    return item
