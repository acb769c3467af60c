"""What a node can carry out: services, each registered with the command that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Generic, Protocol, TypeVar, Union

from pydantic import Field, TypeAdapter

from dicom.association.ends import Caller
from dicom.registry import Registry
from modalities.commands import Command, Report
from modalities.nodes.reception import Reception

C = TypeVar("C", bound=Command)
C_contra = TypeVar("C_contra", bound=Command, contravariant=True)
#: On top of what the command itself may take, in seconds.
_CONTROL_SECONDS: Final = 10.0
_LONGEST_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class OwnNode:
    """The node that carries a command out.

    Attributes:
        name: the node's name in traces.
        exchange: folder that commands' paths are relative to.
        reception: the node's own SCP, which some services wait for an answer at.
    """

    name: str
    exchange: Path
    reception: Reception


class Handler(Protocol[C_contra]):
    """Carries out one sort of command."""

    def __call__(self, command: C_contra, here: OwnNode) -> Report:
        """Carry it out; what the peer or the network does is in the report.

        Raises:
            UsageError: it can't be carried out as written.
        """


@dataclass(frozen=True)
class Service(Generic[C]):
    """A sort of command, who carries it out, and the longest that this can take, in seconds."""

    command: type[C]
    carry_out: Handler[C]
    patience: Callable[[C], float]


SERVICES: Final[Registry[Service[Any]]] = Registry("service", "modalities.services")


def service(
    command: type[C], patience: Callable[[C], float] = lambda _command: 0.0
) -> Callable[[Handler[C]], Handler[C]]:
    """Decorator that registers who carries out ``command``.

    Args:
        command: its ``kind`` has a default, which is the service's name.
        patience: the longest that a command can take, in seconds; see ``association_seconds``.

    Raises:
        ValueError: the kind is taken.
    """

    def add(handler: Handler[C]) -> Handler[C]:
        kind = command.model_fields["kind"].default
        SERVICES.register(kind)(Service(command, handler, patience))
        return handler

    return add


def association_seconds(caller: Caller, exchanges: int = 1) -> float:
    """The longest that one association with so many requests and one response each can take."""
    timeouts = caller.timeouts
    once = 2 * timeouts.connect + 2 * timeouts.acse
    return once + exchanges * (timeouts.dimse + timeouts.network)


def carry_out(command: Command, here: OwnNode) -> Report:
    """Have the service that ``command`` belongs to carry it out.

    Raises:
        UsageError: it can't be carried out as written.
    """
    report: Report = SERVICES[command.kind].carry_out(command, here)
    return report


def parse(data: object) -> Command:
    """The command in decoded JSON.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return _any_command().validate_python(data)


def patience(command: Command) -> float:
    """How long to wait for the answer of a node that carries out ``command``, in seconds."""
    longest: float = SERVICES[command.kind].patience(command)
    return min(longest + _CONTROL_SECONDS, _LONGEST_SECONDS)


@lru_cache(maxsize=1)
def _any_command() -> TypeAdapter[Command]:
    sorts = tuple(each.command for each in SERVICES.values())
    # the sorts are only known here, so mypy can't see the union
    union: Any = Annotated[Union[sorts], Field(discriminator="kind")]  # noqa: UP007
    return TypeAdapter(union)
