"""Records of every version of the schema that can be read, in the shape of the present one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from orchestrator.errors import InputError
from orchestrator.model.results import SCHEMA_VERSION, RunResult

_MAJOR, _MINOR = (int(part) for part in SCHEMA_VERSION.split("."))
#: The newest minor version that is known of each major one.
_KNOWN: Final[Mapping[int, int]] = {1: 0, _MAJOR: _MINOR}


def parse(file: Path, content: Any) -> RunResult:
    """The record in ``content``, the JSON of ``file``.

    One of a newer minor version is read without what this version does not know.

    Raises:
        InputError: it is no record, it is damaged, or its major version is unknown.
    """
    version = content.get("schema_version") if isinstance(content, dict) else None
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise InputError(
            f"{file}: schema_version is {version!r}; expected one like '{SCHEMA_VERSION}'."
        )
    major, minor = (int(part) for part in parts)
    if major not in _KNOWN:
        read = " and ".join(f"{known}.x" for known in _KNOWN)
        raise InputError(
            f"{file}: its schema has version {version}, this pacslab reads {read}."
            " Read it with the pacslab that wrote it (its version is in the key 'pacslab')."
        )
    try:
        if major == 1:
            _from_1(content)
        return _without_news(content) if minor > _KNOWN[major] else _valid(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InputError(f"{file}: {where}: {first['msg']}; the record is damaged.") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file}: no cells with phases ({error}); the record is damaged."
        ) from error


def _from_1(content: Any) -> None:
    """Schema 1 has the words and the reason of what was expected, and no rule."""
    content["schema_version"] = SCHEMA_VERSION
    for cell in content["cells"]:
        for phase in cell["phases"]:
            phase["expected"] = {"words": phase["expected"], "why": phase.pop("why")}


def _without_news(content: Any) -> RunResult:
    try:
        return _valid(content)
    except ValidationError as error:
        for problem in error.errors():
            if problem["type"] == "extra_forbidden":
                _drop(content, problem["loc"])
    return _valid(content)


def _valid(content: Any) -> RunResult:
    return RunResult.model_validate(content)


def _drop(content: Any, location: tuple[int | str, ...]) -> None:
    for step in location[:-1]:
        content = content[step]
    del content[location[-1]]
