"""What a node's own SCP offers: acceptors, one a service, each registered with what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext

from dicom.dimse.scu import UNCOMPRESSED
from dicom.registry import Registry

if TYPE_CHECKING:
    from modalities.scp.intake import Intake
    from modalities.services.listen import Listen


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
