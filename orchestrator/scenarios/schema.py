"""JSON Schemas of the files that people and programs exchange with the lab.

``python -m orchestrator.scenarios.schema [folder]`` writes the published ones anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from dicom.registry import unknown_word
from dicom.settings import ArchiveSettings
from orchestrator.errors import InputError
from orchestrator.faults.base import FAULTS
from orchestrator.model.results import RunResult
from orchestrator.model.scenario import Scenario
from orchestrator.probes.base import PROBES

JsonSchema = dict[str, Any]
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS: Final = "#/$defs/"


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def scenario_schema() -> JsonSchema:
    """Of scenario files, with every fault's arguments, the probes and an archive's settings."""
    faults = {name: FAULTS[name] for name in FAULTS}
    models: list[type[BaseModel]] = [Scenario, ArchiveSettings, *faults.values()]
    _, collected = models_json_schema(
        [(model, "validation") for model in models],
        by_alias=True,
        ref_template=_DEFINITIONS + "{model}",
        schema_generator=_Untitled,
    )
    definitions: dict[str, JsonSchema] = collected["$defs"]
    definitions["FaultUse"] = _fault_use(faults)
    definitions["SettingsByRole"] = {
        "type": "object",
        "description": "neutral settings per archive role, only the ones that matter here",
        "additionalProperties": _reference("ArchiveSettings"),
    }
    definitions["Route"]["properties"]["probe"]["enum"] = list(PROBES)
    for owner in ("Scenario", "Variant", "Remedy"):
        properties = definitions[owner]["properties"]
        for key, definition in (("fault", "FaultUse"), ("settings", "SettingsByRole")):
            if key in properties:
                properties[key] = _reference(definition)
    return {"$schema": _DIALECT, **definitions.pop("Scenario"), "$defs": definitions}


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


def _fault_use(faults: Mapping[str, type[BaseModel]]) -> JsonSchema:
    """A fault by its bare name, or with its arguments."""
    bare = [name for name, model in faults.items() if not _required(model)]
    return {
        "description": "the one thing that is broken",
        "oneOf": [
            {"enum": bare},
            *(_with_arguments(name, model) for name, model in faults.items()),
        ],
    }


def _with_arguments(name: str, model: type[BaseModel]) -> JsonSchema:
    arguments = _reference(model.__name__)
    return {
        "type": "object",
        "properties": {
            name: arguments if _required(model) else {"anyOf": [arguments, {"type": "null"}]}
        },
        "required": [name],
        "additionalProperties": False,
    }


def _required(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _reference(definition: str) -> JsonSchema:
    return {"$ref": _DEFINITIONS + definition}


def main(arguments: list[str]) -> None:
    """Write every published schema into a folder (``schema`` unless given)."""
    folder = Path(arguments[0] if arguments else "schema")
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        published(folder, name).write_text(schema_text(name), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
