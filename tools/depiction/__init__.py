"""Small pictures of DICOM objects: of what they show, or of what they hold."""

from __future__ import annotations

from typing import Final

from PIL import Image
from pydicom import Dataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
    RTPlanStorage,
    RTStructureSetStorage,
    TwelveLeadECGWaveformStorage,
    XRayRadiationDoseSRStorage,
)

from dicom.errors import UsageError
from tools.depiction import documents, images, overlays, treatment, waveforms
from tools.depiction.canvas import Depictor, Find

__all__ = ["Depictor", "Find", "depict"]

#: How objects are depicted; images of SOP classes that are not named here are shown as they are.
_BY_SOP_CLASS: Final[dict[UID, Depictor]] = {
    PositronEmissionTomographyImageStorage: images.inverted,
    NuclearMedicineImageStorage: images.inverted,
    RTDoseStorage: treatment.dose_wash,
    RTStructureSetStorage: treatment.contours,
    RTPlanStorage: treatment.beams_eye,
    GrayscaleSoftcopyPresentationStateStorage: overlays.presented,
    KeyObjectSelectionDocumentStorage: overlays.key_image,
    BasicTextSRStorage: documents.content_tree,
    XRayRadiationDoseSRStorage: documents.content_tree,
    EncapsulatedPDFStorage: documents.pdf_page,
    TwelveLeadECGWaveformStorage: waveforms.traces,
}


def depict(made: Dataset, find: Find, side: int) -> Image.Image:
    """An RGB picture of ``made`` within a square of ``side`` pixels.

    Args:
        made: read from a file, so that its pixels are there frame by frame.
        find: gets what ``made`` refers to.

    Raises:
        UsageError: nobody knows how to depict objects of its SOP class.
    """
    depictor = _BY_SOP_CLASS.get(made.SOPClassUID)
    if depictor is None:
        if "PixelData" not in made:
            raise UsageError(
                f"{made.SOPClassUID.name} has no pixels and no depiction; add one to"
                " tools.depiction"
            )
        depictor = images.as_shown
    return depictor(made, find, side)
