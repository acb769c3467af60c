"""C-FIND as SCP (PS3.4 C.4.1): candidates from the index, keys matched against the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.tag import BaseTag, Tag

from archive.identifiers import LEVELS, UNIQUE_KEY, Identifier
from archive.policy import Policy
from archive.store import Held, ObjectStore
from archive.vendor import Level
from dicom.datasets.matching import matches

#: Keys that say how to answer, and are no attributes to match.
_CONTROL: Final = frozenset({0x00080005, 0x00080052, 0x00080054})
_CHARACTER_SET: Final = Tag(0x00080005)


def find(
    store: ObjectStore, policy: Policy, identifier: Identifier, asked: Dataset
) -> Iterator[Dataset]:
    """Identifiers of all entities at the asked level that match ``asked``, oldest first."""
    exact = {
        keyword: values
        for keyword, values in identifier.keys.items()
        # Patient ID is LO: it may hold wildcards, which the index does not know
        if not any(mark in value for value in values for mark in "*?")
    }
    held = store.select(exact)
    keys = [element for element in asked if element.tag not in _CONTROL]
    for members in entities(held, identifier.level):
        entity = attributes(identifier.level, members, [key.tag for key in keys])
        if all(matches(key, entity) for key in keys):
            yield _answer(policy, identifier.level, asked, keys, entity)


def entities(held: Sequence[Held], level: Level) -> Iterator[list[Held]]:
    """``held`` grouped by unique keys down to a level; one group is one entity."""
    columns = [UNIQUE_KEY[each] for each in LEVELS[: LEVELS.index(level) + 1]]
    groups: dict[tuple[str, ...], list[Held]] = {}
    for each in held:
        values = {
            "PatientID": each.patient_id,
            "StudyInstanceUID": each.study,
            "SeriesInstanceUID": each.series,
            # the same instance twice (F13b) is two entities
            "SOPInstanceUID": f"{each.sop_instance}|{each.number}",
        }
        groups.setdefault(tuple(values[column] for column in columns), []).append(each)
    yield from groups.values()


def attributes(level: Level, members: Sequence[Held], wanted: Sequence[BaseTag]) -> Dataset:
    """The asked attributes of one entity, from its first object and by counting."""
    first = members[0]
    tags = [*wanted, _CHARACTER_SET]
    dataset = dcmread(first.path, stop_before_pixels=True, specific_tags=list(tags))
    for keyword, value in _counted(level, members).items():
        tag = Tag(tag_for_keyword(keyword) or 0)
        if tag in wanted:
            dataset.add_new(tag, dictionary_VR(tag), value)
    return dataset


def _counted(level: Level, members: Sequence[Held]) -> dict[str, object]:
    """Attributes that no object holds (PS3.4 tables C.6-2, C.6-4, C.6.2.1-1)."""
    counted: dict[str, object] = {}
    if level == "PATIENT":
        counted["NumberOfPatientRelatedStudies"] = len({each.study for each in members})
        counted["NumberOfPatientRelatedSeries"] = len({each.series for each in members})
        counted["NumberOfPatientRelatedInstances"] = len(members)
    if level == "STUDY":
        counted["ModalitiesInStudy"] = sorted({each.modality for each in members} - {""})
        counted["SOPClassesInStudy"] = sorted({each.sop_class for each in members})
        counted["NumberOfStudyRelatedSeries"] = len({each.series for each in members})
        counted["NumberOfStudyRelatedInstances"] = len(members)
    if level == "SERIES":
        counted["NumberOfSeriesRelatedInstances"] = len(members)
    return counted


def _answer(
    policy: Policy, level: Level, asked: Dataset, keys: Sequence[DataElement], entity: Dataset
) -> Dataset:
    answer = Dataset()
    for key in keys:
        element = entity.get(key.tag)
        if element is None:
            element = DataElement(key.tag, key.VR, [] if key.VR == "SQ" else None)
        answer.add(element)
    character_set = policy.profile.query.answers_character_set
    if character_set is not None:
        answer.SpecificCharacterSet = character_set
    elif "SpecificCharacterSet" in entity:
        answer.SpecificCharacterSet = entity.SpecificCharacterSet
    answer.QueryRetrieveLevel = asked.get("QueryRetrieveLevel", level)
    answer.RetrieveAETitle = policy.settings.aetitle
    return answer
