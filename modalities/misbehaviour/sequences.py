"""A sequence to break: one that the object has, or one put in for the purpose."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset
from pydicom.sequence import Sequence

from dicom.datasets.elements import Element, dictionary_vr
from dicom.errors import UsageError
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import tag_of

#: Optional in every study, so that it harms no object that lacks it.
USUAL: Final = "ProcedureCodeSequence"


def one_item_sequence(instance: EncodedObject, attribute: str) -> tuple[EncodedObject, Element]:
    """The object with a sequence ``attribute`` of one item of defined length, and that element.

    A sequence that is there is exchanged for one with a single coded item, so that the result
    does not depend on how it was encoded.

    Raises:
        UsageError: the attribute is no sequence.
    """
    if dictionary_vr(tag_of(attribute)) != "SQ":
        raise UsageError(f"{attribute} is no sequence; choose one such as {USUAL}")
    item = Dataset()
    item.CodeValue = "LAB-1"
    item.CodingSchemeDesignator = "99PACSLAB"
    item.CodeMeaning = "Broken on purpose"
    holder = Dataset()
    holder.add_new(tag_of(attribute), "SQ", Sequence([item]))
    (element,) = instance.encode(holder)
    return instance.with_element(element), element
