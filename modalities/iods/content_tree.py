"""Content items of structured reports (PS3.3 C.17.3) and what their documents have in common."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from pydicom import Dataset
from pydicom.uid import UID

from dicom.datasets.codes import Code, dcm

CONTAINS: Final = "CONTAINS"
HAS_CONCEPT_MOD: Final = "HAS CONCEPT MOD"
HAS_OBS_CONTEXT: Final = "HAS OBS CONTEXT"
HAS_PROPERTIES: Final = "HAS PROPERTIES"


def container(
    name: Code,
    content: Sequence[Dataset],
    *,
    relation: str = CONTAINS,
    template: str = "",
) -> Dataset:
    """A CONTAINER with separate items; ``template`` is a TID of PS3.16."""
    item = _item("CONTAINER", name, relation)
    item.ContinuityOfContent = "SEPARATE"
    if template:
        used = Dataset()
        used.MappingResource = "DCMR"
        used.TemplateIdentifier = template
        item.ContentTemplateSequence = [used]
    item.ContentSequence = list(content)
    return item


def document(plan_object: Dataset, root: Dataset) -> None:
    """Make ``root``, a container, the root of the document ``plan_object`` (PS3.3 C.17.3)."""
    del root.RelationshipType
    plan_object.update(root)


def text(name: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """A TEXT item."""
    item = _item("TEXT", name, relation)
    item.TextValue = value
    return item


def coded(
    name: Code, value: Code, *, relation: str = CONTAINS, content: Sequence[Dataset] = ()
) -> Dataset:
    """A CODE item, with ``content`` below it."""
    item = _item("CODE", name, relation)
    item.ConceptCodeSequence = [value.item()]
    return _with(item, content)


def measured(name: Code, value: Decimal | int, unit: Code, *, relation: str = CONTAINS) -> Dataset:
    """A NUM item; ``value`` is in ``unit``."""
    measurement = Dataset()
    measurement.NumericValue = str(value)
    measurement.MeasurementUnitsCodeSequence = [unit.item()]
    item = _item("NUM", name, relation)
    item.MeasuredValueSequence = [measurement]
    return item


def moment(name: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """A DATETIME item; ``value`` is YYYYMMDDHHMMSS."""
    item = _item("DATETIME", name, relation)
    item.DateTime = value
    return item


def person(name: Code, value: str, *, relation: str = CONTAINS) -> Dataset:
    """A PNAME item."""
    item = _item("PNAME", name, relation)
    item.PersonName = value
    return item


def uid(name: Code, value: UID, *, relation: str = CONTAINS) -> Dataset:
    """A UIDREF item."""
    item = _item("UIDREF", name, relation)
    item.UID = value
    return item


def image(referenced: Dataset, *, name: Code | None = None, relation: str = CONTAINS) -> Dataset:
    """An IMAGE item; ``referenced`` is a SOP Instance Reference macro."""
    item = _item("IMAGE", name, relation)
    item.ReferencedSOPSequence = [referenced]
    return item


def language() -> Dataset:
    """TID 1204: all that is below it is in English."""
    return coded(
        dcm("121049", "Language of Content Item and Descendants"),
        Code("en", "RFC5646", "English"),
        relation=HAS_CONCEPT_MOD,
    )


def _item(value_type: str, name: Code | None, relation: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = relation
    item.ValueType = value_type
    if name is not None:
        item.ConceptNameCodeSequence = [name.item()]
    return item


def _with(item: Dataset, content: Sequence[Dataset]) -> Dataset:
    if content:
        item.ContentSequence = list(content)
    return item
