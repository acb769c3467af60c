"""Storage SCP (PS3.4 annex B): keeps the fingerprints of what it receives, not the data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import register_uid, uid_to_service_class

from dicom.datasets.arrival import fingerprint_on_arrival
from dicom.datasets.encoding import MalformedDatasetError
from dicom.dimse.responses import SUCCESS, Failure, Reply
from modalities.commands import ReceivedInstance
from modalities.scp.acceptor import ACCEPTORS, Hosting, Role, supported

_CANNOT_UNDERSTAND: Final = Failure(status=0xC000, comment="{error}")
#: Where PS3.6 puts storage SOP classes; retired ones are unknown to pynetdicom.
_STORAGE_ARC: Final = "1.2.840.10008.5.1.4.1.1."
_registering = Lock()


class StorageAcceptor:
    """Stores whatever is a storage SOP class, or the configured classes, in the proposed order."""

    def __init__(self, hosting: Hosting) -> None:
        self._listen, self._intake = hosting.listen, hosting.intake

    @property
    def events(self) -> Mapping[Any, Callable[[Any], Any]]:
        """C-STORE."""
        return {evt.EVT_C_STORE: self._store}

    def supports(
        self, proposed: PresentationContext, role: Role | None
    ) -> PresentationContext | None:
        """An accepted class in its proposed or the configured transfer syntaxes."""
        del role
        abstract = proposed.abstract_syntax
        accepted = self._listen.accepted_sop_classes
        if abstract is None or (accepted is not None and abstract not in accepted):
            return None
        if not _is_storage(abstract):
            return None
        syntaxes = self._listen.accepted_transfer_syntaxes
        return supported(abstract, proposed.transfer_syntax if syntaxes is None else syntaxes)

    def _store(self, event: Any) -> int | Dataset:
        request = event.request
        try:
            held = fingerprint_on_arrival(request.DataSet, str(event.context.transfer_syntax))
        except MalformedDatasetError as error:
            return Reply.failed(_CANNOT_UNDERSTAND, str(error)).command_attributes()
        requested = event.assoc.requestor.primitive
        self._intake.add_instance(
            ReceivedInstance(
                fingerprint=held,
                calling_aetitle=requested.calling_ae_title.strip(),
                called_aetitle=requested.called_ae_title.strip(),
                move_originator=(request.MoveOriginatorApplicationEntityTitle or "").strip(),
            )
        )
        return SUCCESS


@ACCEPTORS.register("storage")
def _storage(hosting: Hosting) -> StorageAcceptor | None:
    return StorageAcceptor(hosting) if hosting.listen.storage else None


def _is_storage(abstract: UID) -> bool:
    """Whether ``abstract`` is, or by default is taken as, a storage SOP class.

    pynetdicom serves a class it does not know only once it is registered; unknown and private
    classes that a peer proposes to a storage SCP are storage classes.
    """
    with _registering:
        service = uid_to_service_class(abstract)
        standard = abstract.startswith("1.2.840.10008.")
        if service is ServiceClass and (not standard or abstract.startswith(_STORAGE_ARC)):
            keyword = "Storage_" + re.sub(r"\D", "_", abstract)
            register_uid(abstract, keyword, StorageServiceClass)
            service = StorageServiceClass
    return service is StorageServiceClass
