"""Data before there is an association."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pynetdicom.dimse_messages import C_ECHO_RQ
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu import P_DATA_TF

from dicom.association.upper_layer import ASSOCIATE_RQ
from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst


@act
class DataBeforeAssociation(Act):
    """A C-ECHO-RQ goes out before the A-ASSOCIATE-RQ (PS3.8 9.2: unexpected PDU)."""

    kind: Literal["data-before-association"] = "data-before-association"

    def script(self) -> Script:
        """Put it in."""
        return _Hasty(ASSOCIATE_RQ)


class _Hasty(OnFirst):
    def deed(self, pdu: bytes) -> Iterator[Step]:
        request = C_ECHO()
        request.MessageID = 1
        request.AffectedSOPClassUID = "1.2.840.10008.1.1"
        message = C_ECHO_RQ()
        message.primitive_to_message(request)
        for primitive in message.encode_msg(1, 16384):
            yield P_DATA_TF(primitive).encode()
        yield pdu
