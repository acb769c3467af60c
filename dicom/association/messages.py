"""DIMSE messages put together from the fragments in P-DATA-TF PDUs (PS3.7 6.3.1, PS3.8 annex E).

pynetdicom's decoder takes every fragment for one of the message at hand. What a vendor makes of a
fragment that is not due is for rules to say, so fragments are handed to it one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import DimsePrimitiveType
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.pdu_primitives import P_DATA

from dicom.association.pdu_stream import BrokenProtocolError
from dicom.association.rules import PduRules

#: Bits of a fragment's message control header (PS3.8 annex E.2).
_COMMAND: Final = 0x01
_LAST: Final = 0x02


class IncomingMessage(NamedTuple):
    """One whole message.

    ``last_fragment`` is the byte of its dataset at which the last fragment begins, 0 without
    dataset, or where it does not matter: what comes before it has come in earlier fragments.
    """

    context_id: int
    primitive: DimsePrimitiveType
    last_fragment: int = 0


class MessageReader:
    """Takes the P-DATA-TF PDUs of one association in turn, by ``rules``."""

    def __init__(self, rules: PduRules) -> None:
        self._rules = rules
        self._begin()

    def take(self, pdu: bytes) -> Iterator[IncomingMessage]:
        """The messages that end in ``pdu``, each as soon as it is whole.

        Raises:
            BrokenProtocolError: a fragment is not due, and the rules are to abort then, or the
                PDU or a command set can't be read.
        """
        data = P_DATA_TF()
        try:
            data.decode(pdu)
            for item in data.to_primitive().presentation_data_value_list:
                message = self._add(item)
                if message is not None:
                    yield message
        except BrokenProtocolError:
            raise
        except Exception as error:  # whatever a decoder makes of a malformed message
            words = f"message can't be decoded: {error}"
            raise BrokenProtocolError(self._rules.malformed_pdu, words) from error

    def _begin(self) -> None:
        """Wait for the first fragment of a command."""
        self._message = DIMSEMessage()
        self._context_id: int | None = None
        self._dataset_due = False
        self._dataset_length = self._last_fragment = 0

    def _add(self, item: tuple[int, bytes]) -> IncomingMessage | None:
        context_id, fragment = item
        control, value_length = fragment[0], len(fragment) - 1
        is_command = bool(control & _COMMAND)
        stray = self._context_id not in (None, context_id)
        if stray or is_command == self._dataset_due:
            self._refuse(f"fragment {control:#04x} of context {context_id}")
            return None
        self._context_id = context_id
        if not is_command:
            self._last_fragment = self._dataset_length
            self._dataset_length += value_length
        primitive = P_DATA()
        # pynetdicom's annotation says tuple, its check at run time wants a list
        primitive.presentation_data_value_list = [[context_id, fragment]]  # type: ignore[list-item]
        if self._message.decode_msg(primitive):
            message = IncomingMessage(
                context_id, self._message.message_to_primitive(), self._last_fragment
            )
            self._begin()
            return message
        if is_command and control & _LAST:
            self._dataset_due = True
        return None

    def _refuse(self, words: str) -> None:
        """Abort, or forget the message that the fragment is not of."""
        if not self._dataset_due:
            due, how = "a command", self._rules.misplaced_fragment
        elif self._rules.broken_dataset is not None:
            due, how = "a dataset", self._rules.broken_dataset
        else:
            self._begin()
            return
        raise BrokenProtocolError(how, f"{words} where one of {due} was due")
