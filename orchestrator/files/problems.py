"""What is wrong in a file that a user wrote: all of it at once, each with its place and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dicom.near_words import near_word
from dicom.yaml_positions import Document, NodePath, child, present
from orchestrator.errors import InputError

#: pydantic's words for types in the words of someone who writes YAML.
_YAML_WORDS: Final = {
    "a valid dictionary": "a mapping",
    "a valid mapping": "a mapping",
    "a valid tuple": "a list",
    "a valid list": "a list",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid number": "a number",
    "a valid integer": "a whole number",
}
_PATTERN_WORDS: Final = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "lower-case letters and digits, words joined by hyphens",
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "a lower-case name, words joined by hyphens",
    r"^[ -\[\]-~]+$": "an AE title: up to 16 characters, no backslash, no control characters",
}


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    ``path`` leads to the offending key or value (``fault.wrong-pott``), ``seen`` is what is wrong
    with it, ``expected`` what would be right, ``suggestion`` the nearest right word (or empty).
    """

    file: str
    line: int
    column: int
    path: str
    seen: str
    expected: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " + (f"{self.path}: " if self.path else "")
        if self.suggestion:
            return f"{where}{self.seen}; did you mean {self.suggestion!r}?"
        return f"{where}{self.seen}" + (f"; expected {self.expected}" if self.expected else "")


class InvalidFileError(InputError):
    """Everything that is wrong in one or several files; ``str`` is one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass
class Findings:
    """Collects the problems of one document. ``file`` is the file as it is shown."""

    file: str
    document: Document
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        path: NodePath,
        seen: str,
        *,
        expected: str = "",
        near: str | None = None,
        value: bool = False,
    ) -> None:
        """Note a problem with the key of ``path`` (or, with ``value``, with its value)."""
        find = self.document.value_position if value else self.document.position
        line, column = find(path)
        self.problems.append(
            Problem(self.file, line, column, dotted(path), seen, expected, near or "")
        )

    def add_unknown(
        self, path: NodePath, sort: str, seen: str, known: Iterable[str], *, value: bool = False
    ) -> None:
        """Note a word that is none of the ``known`` ones."""
        words = sorted(known)
        expected = f"one of: {', '.join(words)}" if words else f"no {sort} at all"
        self.add(
            path,
            f"unknown {sort} {seen!r}",
            expected=expected,
            near=near_word(seen, words),
            value=value,
        )

    def add_yaml_faults(self) -> None:
        """Note what is wrong with the file as YAML."""
        for fault in self.document.faults:
            self.problems.append(
                Problem(self.file, *fault.position, dotted(fault.path), fault.message)
            )

    def add_validation(
        self, error: ValidationError, model: type[BaseModel], prefix: NodePath = ()
    ) -> None:
        """Note every error of validating the data below ``prefix`` as ``model``."""
        data = _at(self.document.data, prefix)
        for details in error.errors(include_url=False):
            path = present(data, details["loc"])
            if details["type"] == "missing":
                path = (*path, details["loc"][-1])
            self._add_details(details, (*prefix, *path), _known_keys(model, path))

    def _add_details(self, details: ErrorDetails, path: NodePath, known: Mapping[str, str]) -> None:
        kind, context = details["type"], details.get("ctx", {})
        saw = self._saw(path)
        if kind == "extra_forbidden":
            self.add_unknown(path, "key", str(path[-1]), known)
        elif kind == "missing":
            key = str(path[-1])
            self.add(path, f"{key!r} is missing", expected=known.get(key, ""))
        elif kind == "outcome":
            self.add(
                path,
                context["seen"],
                expected=context["expected"],
                near=context["near"],
                value=True,
            )
        elif kind == "literal_error":
            words = re.findall(r"'([^']+)'", str(context["expected"]))
            near = near_word(self.document.scalars.get(path, ""), words)
            self.add(path, saw, expected=str(context["expected"]), near=near, value=True)
        elif kind == "string_pattern_mismatch":
            pattern = str(context["pattern"])
            self.add(
                path, saw, expected=_PATTERN_WORDS.get(pattern, f"text like {pattern}"), value=True
            )
        elif kind in ("value_error", "assertion_error"):
            self.add(path, details["msg"].partition(", ")[2], value=True)
        else:
            self.add(path, saw, expected=_in_yaml_words(details["msg"]), value=True)

    def _saw(self, path: NodePath) -> str:
        if path in self.document.scalars:
            return f"saw {self.document.scalars[path]!r}"
        value = _at(self.document.data, path)
        return "saw a mapping" if isinstance(value, Mapping) else "saw a list"


def dotted(path: NodePath) -> str:
    """``routes.store.from``, ``expect.fault[0].outcome``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def shown(file: Path) -> str:
    """The file as an error names it: relative to the current folder where it lies below it."""
    absolute, here = file.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(file)


def _at(data: object, path: NodePath) -> object:
    for key in path:
        data = child(data, key)
    return data


def _in_yaml_words(message: str) -> str:
    text = message.removeprefix("Input should be ")
    text = re.sub(r"^\w+ should have (.*?)( after validation.*|)$", r"\1", text)
    for theirs, ours in _YAML_WORDS.items():
        text = text.replace(theirs, ours)
    return text[:1].lower() + text[1:]


def _known_keys(model: type[BaseModel], path: NodePath) -> Mapping[str, str]:
    """Keys that may stand where ``path`` ends, with their descriptions, by the JSON Schema."""
    schema = _schema(model)
    places = list(_resolved(schema, schema))
    for key in path[:-1]:
        places = [
            deeper
            for place in places
            for below in _below(place, key)
            for deeper in _resolved(below, schema)
        ]
    return {
        key: str(schema.get("description", ""))
        for place in places
        for key, schema in place.get("properties", {}).items()
    }


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _below(place: Mapping[str, Any], key: str | int) -> Iterator[Mapping[str, Any]]:
    if key in place.get("properties", {}):
        yield place["properties"][key]
    elif isinstance(place.get("additionalProperties"), dict):
        yield place["additionalProperties"]
    elif "patternProperties" in place:
        yield from place["patternProperties"].values()
    elif isinstance(place.get("items"), dict):
        yield place["items"]


def _resolved(place: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in place:
        yield from _resolved(root["$defs"][place["$ref"].rpartition("/")[2]], root)
    yield place
    for member in (*place.get("anyOf", ()), *place.get("oneOf", ())):
        yield from _resolved(member, root)
