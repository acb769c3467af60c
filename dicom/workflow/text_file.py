"""A YAML file whose scalars are text, read as one model; mistakes are named with their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dicom.errors import UsageError

M = TypeVar("M", bound=BaseModel)
_LARGEST: Final = 16 * 1024 * 1024
_NULL: Final = "tag:yaml.org,2002:null"


class _TextLoader(yaml.SafeLoader):
    """Resolves nothing but null: an accession number of ``0012`` keeps its zeros, and 10:30 is no
    number in base 60."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == _NULL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_text_file(path: Path, model: type[M]) -> M:
    """``path`` as a ``model``.

    Raises:
        UsageError: it can't be read, is no YAML, or does not fit; each mistake with its line.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is larger than {_LARGEST} bytes: expected a short list")
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_TextLoader)
        data = yaml.load(text, Loader=_TextLoader)  # noqa: S506  a SafeLoader
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not in UTF-8: {error.reason}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML: {error}") from error
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as error:
        problems = (_problem(path, node, each) for each in error.errors())
        raise UsageError("\n".join(problems)) from error


def _problem(path: Path, node: yaml.Node | None, error: Any) -> str:
    words = error["msg"].removeprefix("Value error, ")
    where = ".".join(str(step) for step in error["loc"])
    seen = error["input"]
    shown = f"; saw {seen!r}" if isinstance(seen, str) else ""
    return f"{path}:{_line(node, error['loc'])}: {where}: {words}{shown}"


def _line(node: yaml.Node | None, location: tuple[str | int, ...]) -> int:
    """The line of what ``location`` leads to, as far as it leads."""
    line = 1 if node is None else node.start_mark.line + 1
    for step in location:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    line, found = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = node.value[step]
            line = found.start_mark.line + 1
        # a step that is no key names the alternative of a union that was tried
        node = node if found is None else found
    return line
