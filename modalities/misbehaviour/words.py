"""Misbehaviour in words: ``set StudyDate 20269999`` is ``{kind: set, attribute: …, value: …}``.

The text form is the kind, then its arguments in the order in which they are declared, or by name
(``stall after_bytes=4000``); quotes keep spaces. ``str`` of a model gives it back.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo

from dicom.frozen import Frozen
from dicom.near_words import did_you_mean
from dicom.registry import Registry

T = TypeVar("T", bound="Worded")


class Worded(Frozen):
    """Frozen data of some ``kind`` (a literal with a default, its name in a registry)."""

    kind: str

    def __str__(self) -> str:
        """The text form: required arguments by position, or by name where they have an equals
        sign; others by name where they differ from their default."""
        words = [self.kind]
        for name, field in _arguments(type(self)).items():
            value = getattr(self, name)
            if field.is_required() and "=" not in str(value):
                words.append(shlex.quote(str(value)))
            elif field.is_required():  # it might be taken for a named one
                words.append(f"{name}={shlex.quote(str(value))}")
            elif value != field.default:
                words.append(f"{name}={shlex.quote(_shown(value))}")
        return " ".join(words)


class LateSchema(WithJsonSchema):
    """JSON Schema made on demand: the kinds are only known once all their files are imported."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self.make = make
        super().__init__({})

    def __get_pydantic_json_schema__(self, *_: Any) -> dict[str, Any]:
        return self.make()


def read(value: object, registry: Registry[type[T]], base: type[T]) -> T:
    """The model that ``value`` stands for: itself, its text form, or a mapping with its ``kind``.

    Raises:
        ValueError: none of these; the message has the nearest right word.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str):
        return _from_text(value, registry)
    if isinstance(value, Mapping) and isinstance(kind := value.get("kind"), str):
        return _made(_known(kind, registry), {str(key): each for key, each in value.items()})
    kinds = ", ".join(registry)
    raise ValueError(f"expected words such as 'remove PatientID', or a mapping with kind: {kinds}")


def json_schema(registry: Registry[type[T]]) -> dict[str, Any]:
    """JSON Schema of what ``read`` takes."""
    texts = "|".join(registry)
    models = [_inlined(registry[kind]) for kind in registry]
    return {"anyOf": [{"type": "string", "pattern": f"^({texts})( |$)"}, *models]}


def usage(model: type[Worded]) -> str:
    """The text form with placeholders: ``set <attribute> <value>``, options in brackets.

    An option is shown with its default; where only some words will do, with the others behind it.
    """
    words = [str(model.model_fields["kind"].default)]
    for name, field in _arguments(model).items():
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        if field.is_required():
            words.append(f"<{'|'.join(choices) or name}>")
        elif field.default is None:
            words.append(f"[{name}]")
        else:
            others = [each for each in choices if each != field.default]
            words.append(f"[{name}={'|'.join([_shown(field.default), *others])}]")
    return " ".join(words)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _from_text(text: str, registry: Registry[type[T]]) -> T:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{text!r} can't be read: {error}; close the quotes") from error
    if not words:
        raise ValueError(f"expected a kind and its arguments; one of: {', '.join(registry)}")
    model = _known(words[0], registry)
    given: dict[str, object] = {}
    free = list(_arguments(model))
    for word in words[1:]:
        name, equals, rest = word.partition("=")
        if not (equals and name in free):
            if not free:
                raise ValueError(f"too much in {text!r}: saw {word!r}; expected '{usage(model)}'")
            name, rest = free[0], word
        given[name] = rest
        free.remove(name)
    return _made(model, given)


def _known(kind: str, registry: Registry[type[T]]) -> type[T]:
    if kind not in registry:
        raise ValueError(registry.explain_unknown(kind))
    return registry[kind]


def _made(model: type[T], arguments: dict[str, object]) -> T:
    known = list(model.model_fields)
    for name in arguments:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"unknown argument {name!r}{hint} (expected '{usage(model)}')")
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        words = f"{where}: {first['msg']}" if where else first["msg"]
        raise ValueError(f"{words} (expected '{usage(model)}')") from error


def _arguments(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {name: field for name, field in model.model_fields.items() if name != "kind"}


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    for field in schema["properties"].values():
        field.pop("title", None)
    return {
        "type": "object",
        "description": schema.get("description", ""),
        "properties": schema["properties"],
        "required": ["kind", *schema.get("required", ())],
        "additionalProperties": False,
    }
