"""What became of a burst: counted, because nobody reads a hundred thousand lines."""

from __future__ import annotations

from dicom.frozen import Frozen
from dicom.ladder import ObjectReport, Outcome


class AssociationReport(Frozen):
    """What one association did.

    Attributes:
        outcome: what ended the association before its time; a success where it was released in
            order, whatever became of the objects.
        comment: the peer's or the system's own words about it.
        planned: objects that it was to send.
        outcomes: objects by what became of them: the status of the response (``0x0000``,
            ``0xB000``), ``context 3`` where their context was refused, and for those that could
            not be sent any more what ended the association. Those that were not sent because
            someone stopped the burst are in none.
        failures: the first objects that were not stored; the rest is in ``outcomes``.
        bytes: of the datasets that were answered.
        seconds: from its request to its release.
        making: seconds of these in which objects were made or begun to be read.
        waiting: seconds of these in which it waited for the peer's answers.
    """

    outcome: Outcome
    comment: str
    planned: int
    outcomes: dict[str, int]
    failures: tuple[ObjectReport, ...]
    bytes: int
    seconds: float
    making: float
    waiting: float


class ResponseTimes(Frozen):
    """Seconds from an object's first byte to its response: median, 95th percentile, longest."""

    median: float
    most: float
    longest: float

    @property
    def all(self) -> tuple[float, float, float]:
        """The three of them."""
        return self.median, self.most, self.longest


class BurstReport(Frozen):
    """What all associations of a burst did, in the order of their streams.

    Attributes:
        associations: those that were begun.
        planned: objects that were to be sent.
        seconds: from the first association request to the last release.
        responses: of all objects that were answered; None where none was.
        stopped: someone ended the burst before everything was sent.
    """

    associations: tuple[AssociationReport, ...]
    planned: int
    seconds: float
    responses: ResponseTimes | None
    stopped: bool

    @property
    def outcomes(self) -> dict[str, int]:
        """Objects of all associations by what became of them, most frequent first."""
        total: dict[str, int] = {}
        for association in self.associations:
            for outcome, count in association.outcomes.items():
                total[outcome] = total.get(outcome, 0) + count
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    @property
    def answered(self) -> int:
        """Objects that the peer answered, with whatever status."""
        return sum(count for outcome, count in self.outcomes.items() if outcome.startswith("0x"))

    @property
    def bytes(self) -> int:
        """Of the datasets that were answered."""
        return sum(association.bytes for association in self.associations)

    @property
    def objects_per_second(self) -> float:
        """Answered objects by the time of the whole burst."""
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def megabytes_per_second(self) -> float:
        """Millions of bytes of answered datasets by the time of the whole burst."""
        return self.bytes / self.seconds / 1e6 if self.seconds else 0.0

    @property
    def making(self) -> float:
        """Share of the associations' time that went into making or reading objects, 0 to 1."""
        return self._share(sum(each.making for each in self.associations))

    @property
    def waiting(self) -> float:
        """Share of the associations' time in which they waited for answers, 0 to 1."""
        return self._share(sum(each.waiting for each in self.associations))

    def _share(self, seconds: float) -> float:
        every = sum(association.seconds for association in self.associations)
        return seconds / every if every else 0.0

    @property
    def first_failure(self) -> ObjectReport | AssociationReport | None:
        """What stopped first, in the order of the streams; None: every object was stored."""
        for association in self.associations:
            if association.failures:
                return association.failures[0]
            if not association.outcome.succeeded:
                return association
        return None
