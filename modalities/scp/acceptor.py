"""What a node's own SCP offers: acceptors, one a service, each registered with what it needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pydantic import Field
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext

from modalities.dimse.scu import UNCOMPRESSED
from modalities.frozen import Frozen
from modalities.registry import Registry

if TYPE_CHECKING:
    from modalities.scp.intake import Intake
    from modalities.services.listen import Listen

SUCCESS: Final = 0x0000
PENDING: Final = 0xFF00
#: Error Comment (0000,0902) is VR LO: 64 characters.
_COMMENT_LENGTH: Final = 64
_FACT: Final = re.compile(r"\{(\w+)\}")


class Failure(Frozen):
    """A failed DIMSE response (PS3.7 annex C): status, Error Comment and Error ID where given.

    ``comment`` may name facts in braces: ``{error}``, which is what is wrong with the request,
    and an archive's also ``{calling}``, ``{study}`` and ``{destination}``. What exceeds the 64
    characters of VR LO is cut off.
    """

    status: int = Field(ge=0, le=0xFFFF)
    comment: str = ""
    error_id: int | None = Field(
        default=None, ge=0, le=0xFFFF, description="only normalized services (N-…) have it"
    )

    def said(self, **facts: str) -> str:
        """The Error Comment with ``facts`` filled in; one that is not known is left out."""
        words = _FACT.sub(lambda match: facts.get(match[1], ""), self.comment)
        return words[:_COMMENT_LENGTH]


class Reply(NamedTuple):
    """A DIMSE response without its envelope: status, dataset, and what is said about a failure."""

    status: int = SUCCESS
    dataset: Dataset | None = None
    comment: str = ""
    error_id: int | None = None

    @classmethod
    def failed(cls, failure: Failure, error: str = "") -> Reply:
        """The response that ``failure`` asks for, with ``error`` filled in."""
        return cls(failure.status, None, failure.said(error=error), failure.error_id)

    def command_attributes(self) -> Dataset:
        """Status (0000,0900), and Error Comment and Error ID where there are any."""
        attributes = Dataset()
        attributes.Status = self.status
        if self.comment:
            attributes.ErrorComment = self.comment
        if self.error_id is not None:
            attributes.ErrorID = self.error_id
        return attributes


class Role(NamedTuple):
    """SCP/SCU role selection (PS3.7 D.3.3.4) as a requestor proposed it."""

    scu: bool
    scp: bool


class Acceptor(Protocol):
    """One service that the node's SCP offers."""

    @property
    def events(self) -> Mapping[Any, Callable[[Any], Any]]:
        """Who answers which of pynetdicom's events; only for contexts that this one supports."""

    def supports(
        self, proposed: PresentationContext, role: Role | None
    ) -> PresentationContext | None:
        """What is supported of a proposed context (see ``supported``); None: not this service.

        ``role`` is what the requestor proposed for the SOP class, if anything.
        """


@dataclass(frozen=True)
class Hosting:
    """What an acceptor is made from.

    Attributes:
        listen: how the SCP is to behave.
        exchange: folder that paths are relative to.
        intake: what has arrived, kept for whoever asks.
    """

    listen: Listen
    exchange: Path
    intake: Intake


#: Makes an acceptor, or None where the service is switched off.
MakeAcceptor = Callable[[Hosting], "Acceptor | None"]
ACCEPTORS: Final[Registry[MakeAcceptor]] = Registry("acceptor", "modalities.acceptors")


def supported(
    abstract_syntax: UID,
    transfer_syntaxes: Any = UNCOMPRESSED,
    role: Role | None = None,
) -> PresentationContext:
    """A context in the given syntaxes, the preferred one first; ``role`` is the one granted."""
    context = PresentationContext()
    context.abstract_syntax = abstract_syntax
    context.transfer_syntax = [UID(each) for each in transfer_syntaxes]
    if role is not None:
        context.scu_role, context.scp_role = role
    return context
