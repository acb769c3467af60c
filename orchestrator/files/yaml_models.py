"""A YAML file that a user wrote, read as one model: all that is wrong in it at once."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dicom.yaml_positions import read
from orchestrator.errors import InputError
from orchestrator.files.problems import Findings, InvalidFileError, shown

M = TypeVar("M", bound=BaseModel)


def read_model(file: Path, model: type[M], what: str) -> M:
    """Read ``file`` as a ``model``.

    Args:
        what: completes "expected …" in the error where there is no such file.

    Raises:
        InputError: the file can't be read.
        InvalidFileError: it is wrong; every problem is in the error, with its line.
    """
    try:
        findings = Findings(shown(file), read(file))
    except OSError as error:
        raise InputError(
            f"can't read {shown(file)}: {error.strerror or type(error).__name__}; expected {what}"
        ) from error
    findings.add_yaml_faults()
    if findings.problems:
        raise InvalidFileError(findings.problems)
    try:
        return model.model_validate(findings.document.data)
    except ValidationError as error:
        findings.add_validation(error, model)
        raise InvalidFileError(findings.problems) from None
