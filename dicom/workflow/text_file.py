"""A YAML file whose scalars are text, read as one model; mistakes are named with their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from dicom.errors import UsageError
from dicom.yaml_positions import EMPTY, Document, present, read

M = TypeVar("M", bound=BaseModel)
_LARGEST: Final = 16 * 1024 * 1024


def read_text_file(path: Path, model: type[M]) -> M:
    """``path`` as a ``model``; one that is empty says nothing of it.

    Raises:
        UsageError: it can't be read, is no YAML, or does not fit; each mistake with its line.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is larger than {_LARGEST} bytes: expected a short list")
        document = read(path, as_text=True)
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from error
    faults = [each for each in document.faults if each != EMPTY]
    if faults:
        lines = (f"{path}:{each.position.line}: no YAML: {each.message}" for each in faults)
        raise UsageError("\n".join(lines))
    try:
        return model.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        problems = (_problem(path, document, each) for each in error.errors())
        raise UsageError("\n".join(problems)) from error


def _problem(path: Path, document: Document, error: Any) -> str:
    words = error["msg"].removeprefix("Value error, ")
    where = ".".join(str(step) for step in error["loc"])
    line, _column = document.position(present(document.data, error["loc"]))
    seen = error["input"]
    shown = f"; saw {seen!r}" if isinstance(seen, str) else ""
    return f"{path}:{line}: {where}: {words}{shown}"
