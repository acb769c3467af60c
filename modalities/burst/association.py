"""An association whose data phase is a burst's: prepared pieces out, success seen at a glance."""

from __future__ import annotations

from collections.abc import Iterator

from dicom.association.requestor import Association
from dicom.association.upper_layer import P_DATA
from dicom.dimse.scu import check_status
from dicom.errors import UsageError
from dicom.ladder import Rung, Signature, StoppedError
from modalities.burst.link import BurstLink
from modalities.burst.messages import Fragmenter, Piece, is_success


class BurstAssociation(Association):
    """An association that sends prepared pieces and recognises a plain success at a glance."""

    def open_for_burst(self, eager: float) -> Fragmenter:
        """Open, and make what cuts messages to the length that the peer takes.

        Raises:
            StoppedError: as ``open``.
        """
        self.open()
        if self._link is not None:
            self._link = BurstLink(self._link, eager)
        return Fragmenter(self._peer_max_length)

    @property
    def broken(self) -> bool:
        """Whether nothing more can be sent; ``answer`` says why."""
        return self._link is None or self._link.broken

    def deliver(self, batches: Iterator[list[Piece]]) -> None:
        """Send ``batches`` to their end, or until the peer gives up.

        Raises:
            StoppedError: at ``dimse`` (timeout: the peer takes no more data).
            UsageError: the dataset can't be read to its end; the connection is useless then.
        """
        timeout = self._caller.timeouts.network
        with self._watched(Rung.DIMSE):
            link = self._taken_over()
            try:
                for pieces in batches:
                    link.send_pieces(pieces, timeout)
                    if link.broken:
                        return
            except UsageError as error:
                link.give_up(str(error))
                raise

    def answer(self, context_id: int, message_id: int) -> int:
        """Status (success or warning) of the response to ``message_id``.

        Raises:
            StoppedError: at ``dimse``; with kind ``status``: the peer refuses the object.
        """
        with self._watched(Rung.DIMSE):
            link = self._taken_over()
            kind, pdu = link.receive(self._caller.timeouts.dimse)
            if kind == P_DATA and is_success(pdu, context_id, message_id):
                return 0x0000
            link.unread(pdu)
        response = self.receive()
        answered = getattr(response, "MessageIDBeingRespondedTo", None)
        if answered != message_id:
            self.abort()
            words = f"{type(response).__name__} to message {answered}; expected to {message_id}"
            raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words)
        check_status(response)
        status: int = getattr(response, "Status", 0x0000)
        return status

    def ending(self) -> StoppedError:
        """What the peer gave up with, after it answered what was on its way."""
        try:
            message = self.receive()
        except StoppedError as stopped:
            return stopped
        self.abort()
        words = f"the peer said {type(message).__name__} where nothing was to be said"
        return StoppedError(Rung.DIMSE, Signature.aborted(2, 2), words)

    def cut(self) -> None:
        """End the connection at once, whichever thread uses it."""
        link = self._link
        if isinstance(link, BurstLink):
            link.cut()

    def _taken_over(self) -> BurstLink:
        if not isinstance(self._link, BurstLink):
            raise StoppedError(Rung.DIMSE, Signature(kind="closed"), "the association is closed")
        return self._link
