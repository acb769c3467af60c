"""QIDO-RS as origin server (PS3.18 10.6): candidates from the index, keys matched as by C-FIND."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.valuerep import PersonName

from modalities.matching import matches, texts
from orchestrator.stacks.profile.policy import Policy
from orchestrator.stacks.profile.query import attributes, entities
from orchestrator.stacks.profile.store import Held, ObjectStore
from orchestrator.stacks.profile.vendor import Level
from orchestrator.stacks.profile.web.exchange import JSON, Reply, WebRequest, as_json
from orchestrator.stacks.profile.web.rules import QidoRules

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
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_TEXT_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_UNIQUE: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class _BadRequestError(ValueError):
    """A parameter that can't be what it is."""


def search(policy: Policy, rules: QidoRules, store: ObjectStore, request: WebRequest) -> Reply:
    """Answer a query; ``request.path`` is that of a resource of QIDO-RS."""
    acceptable = {each.name for each in request.accepted} & {JSON, "application/json", "*/*"}
    if not acceptable and rules.not_acceptable is not None:
        return Reply.text(rules.not_acceptable, f"only {JSON} is answered")
    try:
        query = _Query.read(rules, request)
    except _UnknownAttributeError as error:
        return Reply.text(rules.unknown_attribute or 400, str(error))
    except _BadRequestError as error:
        return Reply.text(rules.invalid, str(error))
    found = [_answer(policy, rules, query, request, *each) for each in query.run(store)]
    found = found[query.offset :]
    limit = query.limit
    headers: dict[str, str] = {}
    if rules.most_results is not None and len(found) > rules.most_results and not limit:
        limit = rules.most_results
        headers["Warning"] = f'299 {request.base} "more than {limit} results; the rest is left out"'
    found = found[:limit] if limit else found
    if not found and rules.no_match == 204:
        return Reply(204)
    return Reply.dicom_json(200, [as_json(each) for each in found], headers)


class _UnknownAttributeError(ValueError):
    """A parameter that is no attribute."""


@dataclass(frozen=True)
class _Query:
    """What is asked: level, keys to match, unique keys for the index, how to answer.

    ``in_path`` and ``asked`` are the unique keys that the path and the parameters name.
    """

    rules: QidoRules
    level: Level
    keys: Dataset
    exact: Mapping[str, Sequence[str]]
    in_path: frozenset[str]
    asked: frozenset[str]
    include: tuple[int, ...] = ()
    limit: int = 0
    offset: int = 0

    @classmethod
    def read(cls, rules: QidoRules, request: WebRequest) -> _Query:
        """Take path and parameters apart.

        Raises:
            _UnknownAttributeError, _BadRequestError: see their names.
        """
        *above, resource = request.path
        exact = {_UIDS[name]: [uid] for name, uid in zip(above[::2], above[1::2], strict=True)}
        in_path = frozenset(exact)
        keys = Dataset()
        include: list[int] = []
        numbers = {"limit": 0, "offset": 0}
        for name, value in _parameters(request.query, decoded=rules.decodes_percent):
            if name in numbers:
                numbers[name] = _number(name, value)
            elif name == "includefield":
                include += [tag for each in value.split(",") if (tag := _tag(each)) is not None]
            elif name not in _CONTROL:
                _add_key(keys, rules, name, value)
        asked = frozenset(
            keyword for keyword in _UNIQUE if keyword in keys and texts(keys[keyword])
        )
        for keyword in asked:
            values = texts(keys[keyword])
            exact[keyword] = [each for each in values if each in exact.get(keyword, values)]
        level = LEVEL_OF[resource]
        return cls(rules, level, keys, exact, in_path, asked, tuple(include), **numbers)

    def run(self, store: ObjectStore) -> Iterator[tuple[list[Held], Dataset]]:
        """The matching entities with their attributes, the newest first."""
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


def _parameters(query: str, *, decoded: bool) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        yield (unquote_plus(name), unquote_plus(value)) if decoded else (name, value)


def _add_key(keys: Dataset, rules: QidoRules, name: str, value: str) -> None:
    """Add one attribute to match; items of sequences by dotted names."""
    known = [_tag(each) for each in name.split(".")]
    *parents, last = (tag for tag in known if tag is not None) if None not in known else (0,)
    if not last:
        if rules.unknown_attribute is not None:
            raise _UnknownAttributeError(f"{name!r} is no attribute")
        return
    if parents and not rules.matches_sequences:
        return
    holder = keys
    for tag in parents:
        if tag not in holder:
            holder.add_new(tag, "SQ", [Dataset()])
        holder = holder[tag].value[0]
    vr = dictionary_VR(last)
    if vr == "SQ":
        holder.add_new(last, vr, [])
        return
    many = vr == "UI" or rules.lists == "any"
    values = value.split(",") if many else [value]
    if vr == "UI" and any(mark in each for each in values for mark in "*?"):
        raise _BadRequestError(f"{name} is a UID: {value!r} can't be matched with wildcards")
    try:
        # as text whatever the VR: ranges and wildcards are no values of it
        holder.add(_element(last, "IS" if vr == "US" else vr, values))
    except (ValueError, TypeError) as error:
        raise _BadRequestError(f"{name} can't be matched with {value!r}: {error}") from error


def _element(tag: int, vr: str, values: list[str]) -> DataElement:
    value = values[0] if len(values) == 1 else values
    return DataElement(tag, vr, value, validation_mode=IGNORE)


def _tag(name: str) -> int | None:
    """Tag of an attribute by keyword or by eight hexadecimal digits."""
    if _TAG.fullmatch(name):
        tag = int(name, 16)
        return tag if keyword_for_tag(tag) else None
    return tag_for_keyword(name)


def _number(name: str, value: str) -> int:
    if not value.isdecimal():
        raise _BadRequestError(f"{name} is {value!r}, expected a number")
    return int(value)


def _folded(element: DataElement) -> DataElement:
    values = [each.casefold() for each in texts(element)]
    vr = "LO" if element.VR in ("CS", "AE", "UR") else element.VR
    return _element(element.tag, vr, values)


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
