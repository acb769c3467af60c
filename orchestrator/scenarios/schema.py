"""JSON Schemas of the files that people and programs exchange with the lab.

``python -m orchestrator.scenarios.schema [folder]`` writes the published ones anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from dicom.frozen import Frozen
from dicom.registry import unknown_word
from dicom.settings import ArchiveSettings
from orchestrator.errors import InputError
from orchestrator.faults.base import FAULTS
from orchestrator.model.results import RunResult
from orchestrator.model.scenario import Remedy, Route, Scenario, Slug, Variant, fix_tag
from orchestrator.probes.base import PROBES

JsonSchema = dict[str, Any]
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def scenario_schema() -> JsonSchema:
    """Of scenario files, with every fault's arguments, the probes and an archive's settings.

    Which role is an archive it can't tell, so it takes no settings of a modality.
    """
    settings: Any = GenericAlias(Mapping, (str, ArchiveSettings))
    remedy: Any = _narrowed(Remedy, settings=settings)
    fix: Any = Annotated[Literal["revert"], Tag("revert")] | Annotated[remedy, Tag("remedy")]
    fault: Any = reduce(or_, _written_faults())
    route = _narrowed(Route, probe=Literal[tuple(PROBES)])
    variant = _narrowed(
        Variant,
        settings=settings | None,
        fault=fault | None,
        fix=Annotated[fix, Discriminator(fix_tag)] | None,
    )
    scenario = _narrowed(
        Scenario,
        routes=GenericAlias(Mapping, (Slug, route)),
        settings=settings,
        fault=fault | None,
        fix=fix,
        variants=GenericAlias(Mapping, (Slug, variant)),
    )
    return _of(scenario)


def run_schema() -> JsonSchema:
    """Of ``run.json``, the record of a run."""
    return _of(RunResult, mode="serialization")


def profile_schema() -> JsonSchema:
    """Of vendor profiles."""
    from archive.vendor import VendorProfile

    return _of(VendorProfile)


def site_schema() -> JsonSchema:
    """Of files that describe an archive which already runs."""
    from orchestrator.stacks.external.site import Site

    return _of(Site)


SCHEMAS: Final[Mapping[str, Callable[[], JsonSchema]]] = {
    "scenario": scenario_schema,
    "run": run_schema,
    "profile": profile_schema,
    "site": site_schema,
}


def schema_text(name: str) -> str:
    """The schema of ``name`` files as JSON text, as published in ``schema/<name>.schema.json``.

    Raises:
        InputError: there is no such schema.
    """
    if name not in SCHEMAS:
        raise InputError(unknown_word("schema", name, tuple(SCHEMAS)))
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


def published(folder: Path, name: str) -> Path:
    """The file below ``folder`` in which a schema is published."""
    return folder / f"{name}.schema.json"


def _of(model: type[BaseModel], mode: JsonSchemaMode = "validation") -> JsonSchema:
    schema = model.model_json_schema(mode=mode, schema_generator=_Untitled)
    return {"$schema": _DIALECT, **schema}


def _narrowed(model: type[BaseModel], **types: Any) -> type[BaseModel]:
    """``model`` with these fields of narrower types."""
    fields: dict[str, Any] = {name: (types[name], model.model_fields[name]) for name in types}
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)


def _written_faults() -> Iterator[Any]:
    """The types of a fault in a file: its bare name, or a mapping of its name to its arguments."""
    needy = {name for name in FAULTS if any(map(_required, FAULTS[name].model_fields.values()))}
    yield Literal[tuple(name for name in FAULTS if name not in needy)]
    for name, fault in FAULTS.items():
        field: Any = (fault if name in needy else fault | None, Field(alias=name))
        yield create_model(f"{fault.__name__}Written", __base__=Frozen, fault=field)


def _required(field: FieldInfo) -> bool:
    return field.is_required()


def main(arguments: list[str]) -> None:
    """Write every published schema into a folder (``schema`` unless given)."""
    folder = Path(arguments[0] if arguments else "schema")
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        published(folder, name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
