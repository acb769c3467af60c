"""What a node's own SCP offers: acceptors, one a service, each registered with what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from pydicom import Dataset
from pynetdicom.dimse_primitives import DimsePrimitiveType
from pynetdicom.dsutils import decode

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.requested import Proposal, Roles
from dicom.datasets.encoding import UNREADABLE, MalformedDatasetError, encoding_of
from dicom.registry import Registry
from modalities.scp.behaviour import ScpBehaviour
from modalities.scp.intake import Intake


class Support(NamedTuple):
    """What is supported of a SOP class: transfer syntaxes, the preferred one first.

    ``roles`` are those granted; None answers nothing to a proposal of roles.
    """

    transfer_syntaxes: Sequence[str]
    roles: Roles | None = None


class Acceptor(Protocol):
    """One service that the node's SCP offers."""

    def supports(self, proposed: Proposal, roles: Roles | None) -> Support | None:
        """What is supported of a proposed context; None: it is not of this service.

        ``roles`` is what the requestor proposed for the SOP class, if anything.
        """

    def answer(
        self, association: AcceptedAssociation, context: Context, request: DimsePrimitiveType
    ) -> bool:
        """Answer a request in a context that this one supports; False: it is none of its service.

        Raises:
            AssociationEndedError: the association ended meanwhile.
        """


@dataclass(frozen=True)
class AcceptorNeeds:
    """What an acceptor is made from.

    Attributes:
        behaviour: how the SCP is to behave.
        exchange: folder that paths are relative to.
        intake: what has arrived, kept for whoever asks.
    """

    behaviour: ScpBehaviour
    exchange: Path
    intake: Intake


#: Makes an acceptor, or None where the service is switched off.
MakeAcceptor = Callable[[AcceptorNeeds], "Acceptor | None"]
ACCEPTORS: Final[Registry[MakeAcceptor]] = Registry("acceptor", "modalities.acceptors")


def leniently_read(content: bytes, transfer_syntax: str) -> Dataset:
    """The dataset in ``content``, as far as it goes: a node takes what can be made out.

    Raises:
        MalformedDatasetError: a value can't be read.
    """
    encoding = encoding_of(transfer_syntax)
    try:
        dataset = decode(
            BytesIO(content), encoding.implicit_vr, encoding.little_endian, encoding.deflated
        )
        for _ in dataset.iterall():
            pass
    except UNREADABLE as error:
        raise MalformedDatasetError(f"the dataset can't be read: {error}") from error
    return dataset
