"""QIDO-RS as origin server (PS3.18 10.6): candidates from the index, keys matched as by C-FIND."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.valuerep import PersonName

from archive.policy import Policy
from archive.query import attributes, entities
from archive.store import Held, ObjectStore
from archive.vendor import Level
from archive.web.messages import JSON, WebReply, WebRequest, as_json
from archive.web.parameters import ParameterError, add_key, number, parameters, tag_of, text_element
from archive.web.rules import QidoRules
from dicom.datasets.matching import matches, texts

LEVEL_OF: Final[Mapping[str, Level]] = {
    "studies": "STUDY",
    "series": "SERIES",
    "instances": "IMAGE",
}
_UIDS: Final[Mapping[str, str]] = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID"}
#: Parameters that say how to answer (PS3.18 8.3.4).
_CONTROL: Final = frozenset(
    {"includefield", "fuzzymatching", "limit", "offset", "emptyvaluematching"}
)
_TEXT_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_UNIQUE: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def search(policy: Policy, rules: QidoRules, store: ObjectStore, request: WebRequest) -> WebReply:
    """Answer a query; ``request.path`` is that of a resource of QIDO-RS."""
    acceptable = {each.name for each in request.accepted} & {JSON, "application/json", "*/*"}
    if not acceptable and rules.not_acceptable is not None:
        return WebReply.text(rules.not_acceptable, f"only {JSON} is answered")
    try:
        query = _Query.read(rules, request)
    except ParameterError as error:
        return WebReply.text(error.status, str(error))
    found = [_answer(policy, rules, query, request, *each) for each in query.run(store)]
    found = found[query.offset :]
    limit = query.limit
    headers: dict[str, str] = {}
    if rules.most_results is not None and len(found) > rules.most_results and not limit:
        limit = rules.most_results
        headers["Warning"] = f'299 {request.base} "more than {limit} results; the rest is left out"'
    found = found[:limit] if limit else found
    if not found and rules.no_match == 204:
        return WebReply(204)
    return WebReply.dicom_json(200, [as_json(each) for each in found], headers)


@dataclass(frozen=True)
class _Query:
    """What is asked: level, keys to match, unique keys for the index, how to answer.

    ``in_path`` and ``asked`` are the unique keys that the path and the parameters name;
    ``impossible`` says that some key has nothing that could match.
    """

    rules: QidoRules
    level: Level
    keys: Dataset
    exact: Mapping[str, Sequence[str]]
    in_path: frozenset[str]
    asked: frozenset[str]
    include: tuple[int, ...] = ()
    impossible: bool = False
    limit: int = 0
    offset: int = 0

    @classmethod
    def read(cls, rules: QidoRules, request: WebRequest) -> _Query:
        """Take path and parameters apart.

        Raises:
            ParameterError: a parameter is none that the vendor takes.
        """
        *above, resource = request.path
        exact = {_UIDS[name]: [uid] for name, uid in zip(above[::2], above[1::2], strict=True)}
        in_path = frozenset(exact)
        keys = Dataset()
        include: list[int] = []
        impossible = False
        numbers = {"limit": 0, "offset": 0}
        for name, value in parameters(request.query, decoded=rules.decodes_percent):
            if name in numbers:
                numbers[name] = number(rules, name, value)
            elif name == "includefield":
                include += [tag for each in value.split(",") if (tag := tag_of(each)) is not None]
            elif name not in _CONTROL and not add_key(keys, rules, name, value):
                impossible = True
        asked = frozenset(
            keyword for keyword in _UNIQUE if keyword in keys and texts(keys[keyword])
        )
        for keyword in asked:
            values = texts(keys[keyword])
            exact[keyword] = [each for each in values if each in exact.get(keyword, values)]
        level = LEVEL_OF[resource]
        return cls(rules, level, keys, exact, in_path, asked, tuple(include), impossible, **numbers)

    def run(self, store: ObjectStore) -> Iterator[tuple[list[Held], Dataset]]:
        """The matching entities with their attributes, the newest first."""
        if self.impossible:
            return
        held = store.select(self.exact)
        tags = [*self.wanted(), *(element.tag for element in self.keys)]
        for members in reversed(list(entities(held, self.level))):
            entity = attributes(self.level, members, [Tag(tag) for tag in tags])
            if all(self._fits(key, entity) for key in self.keys):
                yield members, entity

    def wanted(self) -> list[int]:
        """Tags of the attributes that an answer has, if the entity does."""
        keywords: list[str] = list(self.rules.study if self._shows("StudyInstanceUID") else ())
        if self.level in ("SERIES", "IMAGE"):
            own = self.level == "SERIES"
            keywords += self.rules.series if own or self._shows("SeriesInstanceUID") else ()
            keywords += ["StudyInstanceUID", "SeriesInstanceUID"]
        if self.level == "IMAGE":
            keywords += self.rules.instances
        if self.level != "STUDY":
            # counted, and of another level than what is returned
            keywords = [each for each in keywords if each not in _OF_STUDIES]
        if self.level != "SERIES":
            keywords = [each for each in keywords if each != "NumberOfSeriesRelatedInstances"]
        return [*(tag_for_keyword(each) or 0 for each in keywords), *self.include]

    def _shows(self, keyword: str) -> bool:
        """Whether attributes of the level above that ``keyword`` identifies are returned."""
        if self.level == "STUDY":
            return True
        named = self.asked if self.rules.parents == "unless-asked" else self.in_path
        return keyword not in named

    def _fits(self, key: DataElement, entity: Dataset) -> bool:
        if self.level == "STUDY" and key.keyword in self.rules.unmatched_in_studies and texts(key):
            return False
        if self.rules.case_sensitive or key.VR in ("UI", "SQ"):
            return matches(key, entity)
        folded = Dataset()
        if key.tag in entity:
            folded.add(_folded(entity[key.tag]))
        return matches(_folded(key), folded)


_OF_STUDIES: Final = frozenset(
    {"ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"}
)


def _folded(element: DataElement) -> DataElement:
    values = [each.casefold() for each in texts(element)]
    vr = "LO" if element.VR in ("CS", "AE", "UR") else element.VR
    return text_element(element.tag, vr, values)


def _answer(
    policy: Policy,
    rules: QidoRules,
    query: _Query,
    request: WebRequest,
    members: list[Held],
    entity: Dataset,
) -> Dataset:
    """One answer; attributes that the entity does not have are left out."""
    answer = Dataset()
    for tag in (*query.wanted(), *(key.tag for key in query.keys)):
        if tag in entity:
            answer.add(_writable(entity[tag], rules.character_set))
    character_set = rules.character_set or entity.get("SpecificCharacterSet")
    if character_set:
        answer.SpecificCharacterSet = character_set
    first = members[0]
    url = f"{request.base}/studies/{first.study}"
    if query.level != "STUDY":
        url += f"/series/{first.series}"
    if query.level == "IMAGE":
        url += f"/instances/{first.sop_instance}"
    answer.RetrieveURL = url
    shown = {"always": True, "never": False, "instances": query.level == "IMAGE"}
    if shown[rules.availability]:
        answer.InstanceAvailability = "ONLINE"
    if rules.retrieve_aetitle:
        answer.RetrieveAETitle = policy.settings.aetitle
    return answer


def _writable(element: DataElement, character_set: str | None) -> DataElement:
    """What is left of a text where the product keeps it in one character set."""
    if character_set in (None, "ISO_IR 192") or element.VR not in _TEXT_VRS:
        return element
    encoding = convert_encodings(character_set)[0]

    def cut(value: object) -> str:
        return str(value).encode(encoding, "ignore").decode(encoding)

    value = element.value
    if isinstance(value, MultiValue):
        return DataElement(element.tag, element.VR, [cut(each) for each in value])
    if isinstance(value, str | PersonName):
        return DataElement(element.tag, element.VR, cut(value))
    return element
