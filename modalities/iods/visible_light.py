"""Modules that the visible light IODs share (PS3.3 A.32)."""

from __future__ import annotations

from pydicom import Dataset

from dicom.datasets.codes import Code


def describe_visible_light(shared: Dataset) -> None:
    """General Image and VL Image modules (PS3.3 C.7.6.1, C.8.12.1), as far as they are the same."""
    shared.ImageType = ["ORIGINAL", "PRIMARY"]
    shared.PatientOrientation = None


def set_region(image: Dataset, region: Code) -> None:
    """What is seen, and the Acquisition Context module (PS3.3 C.7.6.14), which says nothing."""
    image.AnatomicRegionSequence = [region.item()]
    image.AcquisitionContextSequence = []
