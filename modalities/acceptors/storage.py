"""Storage SCP (PS3.4 annex B): keeps the fingerprints of what it receives, not the data."""

from __future__ import annotations

from typing import Final

from pydicom.uid import UID
from pynetdicom.dimse_primitives import C_STORE, DimsePrimitiveType
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.requested import Proposal, Roles
from dicom.datasets.arrival import fingerprint_on_arrival
from dicom.datasets.encoding import MalformedDatasetError
from dicom.dimse.responses import SUCCESS, Failure
from dicom.services.responses import failed, response_to
from modalities.commands import ReceivedInstance
from modalities.scp.acceptor import ACCEPTORS, AcceptorNeeds, Support

_CANNOT_UNDERSTAND: Final = Failure(status=0xC000, comment="{error}")
#: Where PS3.6 puts storage SOP classes; retired ones are unknown to pynetdicom.
_STORAGE_ARC: Final = "1.2.840.10008.5.1.4.1.1."


class StorageAcceptor:
    """Stores whatever is a storage SOP class, or the configured classes, in the proposed order."""

    def __init__(self, needs: AcceptorNeeds) -> None:
        self._behaviour, self._intake = needs.behaviour, needs.intake

    def supports(self, proposed: Proposal, roles: Roles | None) -> Support | None:
        del roles
        accepted = self._behaviour.accepted_sop_classes
        if accepted is not None and proposed.abstract_syntax not in accepted:
            return None
        if not _is_storage(proposed.abstract_syntax):
            return None
        syntaxes = self._behaviour.accepted_transfer_syntaxes
        return Support(proposed.transfer_syntaxes if syntaxes is None else syntaxes)

    def answer(
        self, association: AcceptedAssociation, context: Context, request: DimsePrimitiveType
    ) -> bool:
        if not isinstance(request, C_STORE):
            return False
        response = response_to(request)
        response.Status = SUCCESS
        try:
            held = fingerprint_on_arrival(request.DataSet, context.transfer_syntax)
        except MalformedDatasetError as error:
            failed(response, _CANNOT_UNDERSTAND, error=str(error))
        else:
            self._intake.add_instance(
                ReceivedInstance(
                    fingerprint=held,
                    calling_aetitle=association.calling,
                    called_aetitle=association.called,
                    move_originator=(request.MoveOriginatorApplicationEntityTitle or "").strip(),
                )
            )
        association.send(response, context)
        return True


@ACCEPTORS.register("storage")
def _storage(needs: AcceptorNeeds) -> StorageAcceptor | None:
    return StorageAcceptor(needs) if needs.behaviour.storage else None


def _is_storage(sop_class: str) -> bool:
    """Whether ``sop_class`` is, or by default is taken as, a storage SOP class.

    Unknown and private classes that a peer proposes to a storage SCP are storage classes.
    """
    service = uid_to_service_class(UID(sop_class))
    unknown = service is ServiceClass
    standard = sop_class.startswith("1.2.840.10008.")
    return service is StorageServiceClass or (
        unknown and (not standard or sop_class.startswith(_STORAGE_ARC))
    )
