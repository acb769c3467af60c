"""QIDO-RS user agent (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from pydantic import Field
from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword

from dicom.association.ends import Timeouts
from dicom.datasets.identifier import attributes_of
from dicom.errors import UsageError
from dicom.near_words import did_you_mean
from dicom.web.call import HttpCall
from dicom.web.dicom_json import datasets
from dicom.web.target import WebTarget
from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, service
from modalities.reports import requested

#: A body may take this long in all, besides its head.
_LONGEST_QUERY_SECONDS: Final = 600.0
#: Stay as they are in a query (RFC 3986 3.4): wildcards, and what separates the UIDs of a list.
_SAFE: Final = "*,"


class Qido(Command):
    """QIDO-RS at one level. Answers come as ``Report.answers``.

    ``keys`` maps attribute keywords (dotted for items of sequences) to match values; an empty
    value asks for the attribute without matching it. Several UIDs are separated by backslashes.
    ``study_instance_uid`` and ``series_instance_uid`` go into the path. ``include`` are further
    attributes, or ``all``.
    """

    kind: Literal["qido"] = "qido"
    target: WebTarget
    timeouts: Timeouts = Timeouts()
    level: Literal["studies", "series", "instances"] = "studies"
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    keys: dict[str, str] = Field(default_factory=dict)
    include: tuple[str, ...] = ()
    limit: int | None = None
    offset: int | None = None
    accept: str = "application/dicom+json"


@service(Qido, patience=lambda _command: _LONGEST_QUERY_SECONDS)
def _qido(command: Qido, here: OwnNode) -> Report:
    return qido(command, here.exchange, here.name)


def qido(command: Qido, exchange: Path, observer: str) -> Report:
    """Carry out one query; no match is a success without answers, whether 200 or 204.

    Raises:
        UsageError: a key is no attribute keyword, or a level can't be asked for that way.
    """
    path = _path(command)
    request = HttpCall(command.target, command.timeouts, exchange, observer)
    answers: list[dict[str, str]] = []

    def carry_out() -> str:
        answer = request.request("GET", path, {"Accept": command.accept})
        if not answer.succeeded:
            raise answer.refused()
        if body := answer.text():
            answers.extend([attributes_of(each) for each in datasets(body)])
        return answer.header("Warning")

    report = requested(request, carry_out)
    return report.model_copy(update={"answers": tuple(answers)})


def _path(command: Qido) -> str:
    """Path and query (PS3.18 tables 10.6.1-2 and 8.3.4-1)."""
    path = ""
    if command.study_instance_uid is not None:
        path += f"/studies/{command.study_instance_uid}"
    if command.series_instance_uid is not None:
        path += f"/series/{command.series_instance_uid}"
    parents = {"studies": 0, "series": 1, "instances": 2}[command.level]
    given = sum(
        uid is not None for uid in (command.study_instance_uid, command.series_instance_uid)
    )
    if given > parents or (command.series_instance_uid and not command.study_instance_uid):
        raise UsageError(
            f"{path}/{command.level} is no resource of QIDO-RS; expected at most the UIDs of the"
            " levels above, the study's before the series'"
        )
    query = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in _parameters(command))
    return f"{path}/{command.level}" + (f"?{query}" if query else "")


def _parameters(command: Qido) -> Iterator[tuple[str, str]]:
    for name, value in command.keys.items():
        _check(name)
        if not value:
            yield "includefield", name
        elif dictionary_VR(name.rpartition(".")[2]) == "UI":
            yield name, value.replace("\\", ",")
        else:
            yield name, value
    for name in command.include:
        if name != "all":
            _check(name)
        yield "includefield", name
    if command.limit is not None:
        yield "limit", str(command.limit)
    if command.offset is not None:
        yield "offset", str(command.offset)


def _check(name: str) -> None:
    for keyword in name.split("."):
        if tag_for_keyword(keyword) is None:
            hint = did_you_mean(keyword, keyword_dict)
            raise UsageError(f"unknown attribute keyword {keyword!r} in query keys{hint}")
