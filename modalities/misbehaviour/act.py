"""What an act of wire misbehaviour is: a script that exchanges what goes out, PDU by PDU."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BeforeValidator, SerializeAsAny

from dicom.association.ends import Caller, Target
from dicom.errors import UsageError
from dicom.registry import Registry
from modalities.misbehaviour.words import LateSchema, Worded, json_schema, read

A = TypeVar("A", bound="Act")
#: Nothing that an act waits for lasts longer, in seconds: a silent connection can stop an archive.
LONGEST: Final = 60.0


@dataclass(frozen=True)
class Pause:
    """Send nothing for so many seconds, or until the peer says something."""

    seconds: float


@dataclass(frozen=True)
class Silence:
    """Send nothing any more, and listen for at least so many seconds."""

    seconds: float


@dataclass(frozen=True)
class HangUp:
    """End the connection: ``close`` (FIN; what the peer still says is read) or ``reset`` (RST)."""

    how: Literal["close", "reset"]


#: What a script has happen instead of the sending of a PDU.
Step = bytes | Pause | Silence | HangUp


class Script:
    """What one association sends instead of what it was to send; this one changes nothing.

    Attributes:
        happened: whether the misbehaviour has taken place.
    """

    happened = False

    def outgoing(self, pdu: bytes, peer_max_length: int) -> Iterator[Step]:
        """What happens instead of the sending of ``pdu``, one whole PDU.

        Args:
            pdu: what was to be sent.
            peer_max_length: the longest PDU that the peer takes; 0: any, or not known yet.
        """
        yield pdu

    def passes(self, pdu: bytes) -> bool:
        """Whether the SCU is to see this PDU of the peer's."""
        return True


class Act(Worded, ABC):
    """One way to break the upper layer or DIMSE. Fields are its arguments; the docstring says what.

    An act is bounded: it waits at most ``seconds`` and never sends without end.
    """

    @abstractmethod
    def script(self) -> Script:
        """A new script, for one association."""

    @property
    def lasts(self) -> float:
        """Seconds that it can add to an association."""
        return 0.0

    def beside(self, target: Target, caller: Caller) -> AbstractContextManager[None]:
        """What goes on beside the association, as long as the context is entered."""
        return contextlib.nullcontext()


ACTS: Final[Registry[type[Act]]] = Registry("misbehaviour", "modalities.misbehaviour.acts")


def act(model: type[A]) -> type[A]:
    """Decorator that registers an act by its ``kind``."""
    ACTS.register(str(model.model_fields["kind"].default))(model)
    return model


def _read(value: object) -> Act:
    return read(value, ACTS, Act)  # type: ignore[type-abstract]


#: An act in any of its forms: words, mapping with ``kind``, or the data itself.
AnyAct = Annotated[
    SerializeAsAny[Act], BeforeValidator(_read), LateSchema(lambda: json_schema(ACTS))
]


def parse_act(text: str) -> Act:
    """The act in words such as ``stall after_bytes=4000``.

    Raises:
        UsageError: it is none; the message has the nearest right word.
    """
    try:
        return _read(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
