"""One association from request to end: admission, negotiation, and its DIMSE requests in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pydicom import Dataset
from pynetdicom.dimse_primitives import (
    C_ECHO,
    C_FIND,
    C_GET,
    C_MOVE,
    C_STORE,
    DimsePrimitiveType,
)

from archive.identifiers import IdentifierError, read_query, read_retrieve
from archive.policy import QUERY_CLASSES, Policy
from archive.query import find
from archive.receive import Receiver
from archive.retrieve import Retrieval, matching
from archive.sender import Sender
from archive.store import Held, ObjectStore
from archive.workflow import Workflow
from dicom.association.accepted import AcceptedAssociation, AssociationEndedError, Context
from dicom.association.messages import IncomingMessage
from dicom.association.requested import ACCEPTED
from dicom.association.rules import Abort
from dicom.datasets.codec import decode
from dicom.datasets.encoding import MalformedDatasetError
from dicom.services.query import answer_find
from dicom.services.responses import RefusedError, content_of
from dicom.services.verification import answer_echo
from dicom.settings import Service

_SERVICE: Final[dict[type[DimsePrimitiveType], Service]] = {
    C_ECHO: "echo",
    C_STORE: "store",
    C_FIND: "find",
    C_MOVE: "move",
    C_GET: "get",
}
#: First byte of extended negotiation for query/retrieve: relational queries (PS3.4 C.5.1.1).
_RELATIONAL: Final = b"\x01"


class Conversation:
    """Serves ``association`` by ``policy`` until it ends.

    Args:
        policy: decisions; the one in force when the association was asked for.
        association: with its request read.
        store: the archive's objects.
        receiver: takes objects into it.
        make_sender: makes a sender to a known destination's title.
        workflow: answers what is no storage, query or retrieve.
        log: the archive's.
    """

    def __init__(
        self,
        policy: Policy,
        association: AcceptedAssociation,
        store: ObjectStore,
        receiver: Receiver,
        make_sender: Callable[[Policy, str, Sequence[Held]], Sender],
        workflow: Workflow,
        log: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._association = association
        self._store = store
        self._receiver = receiver
        self._make_sender = make_sender
        self._workflow = workflow
        self._log = log
        self._relational: set[str] = set()

    def admit(self, open_associations: int) -> bool:
        """Reject the association or accept it with negotiated contexts."""
        association = self._association
        who = f"association from {association.calling}@{association.peer} to {association.called}"
        rejection = self._policy.refusal(association.calling, association.called, open_associations)
        if rejection is not None:
            code = "/".join(str(number) for number in rejection[:3])
            self._log(f"{who} rejected ({code}): {rejection.words}")
            association.reject(rejection)
            return False
        answers = [
            self._policy.answer(
                proposal.abstract_syntax, proposal.transfer_syntaxes, association.called
            )
            for proposal in association.requested.proposals
        ]
        roles = {
            uid: roles
            for uid, roles in association.requested.roles.items()
            if self._policy.service_of(uid, association.called) in ("store", "commit")
        }
        length = self._policy.settings.max_pdu_length or 0
        association.accept(answers, length, roles, self._extended())
        refused = [
            f"{proposal.abstract_syntax} ({answer.result})"
            for proposal, answer in zip(association.requested.proposals, answers, strict=True)
            if answer.result != ACCEPTED
        ]
        self._log(f"{who} accepted" + (f", refused: {', '.join(refused)}" if refused else ""))
        return True

    def serve(self) -> None:
        """Carry out requests until the association ends, and log how it ended."""
        association = self._association
        try:
            while True:
                self._dispatch(*association.receive())
        except AssociationEndedError as ended:
            self._log(f"association from {association.calling}@{association.peer} {ended}")

    def _extended(self) -> dict[str, bytes]:
        """Relational queries, granted to who negotiates them; otherwise no answer is given."""
        if self._policy.profile.query.parents == "optional":
            return {}
        self._relational = {
            uid
            for uid, information in self._association.requested.extended.items()
            if uid in QUERY_CLASSES and information[:1] == _RELATIONAL
        }
        return dict.fromkeys(self._relational, _RELATIONAL)

    def _dispatch(self, context: Context, incoming: IncomingMessage) -> None:
        message = incoming.primitive
        if self._workflow.answer(self._policy, self._association, context, message):
            return
        service = _SERVICE.get(type(message))
        calling = self._association.calling
        if service is None or message.MessageIDBeingRespondedTo is not None:
            self._association.give_up(f"aborted: unexpected {type(message).__name__}")
        if not self._policy.permits(calling, service):
            words = f"C-{service.upper()} is not allowed to {calling}"
            self._association.give_up(f"aborted (0/0): {words}")
        if isinstance(message, C_ECHO):
            self._log(f"C-ECHO from {calling}")
            answer_echo(self._association, context, message)
        elif isinstance(message, C_STORE):
            reaction = self._receiver.store(
                self._policy, calling, context, message, incoming.last_fragment
            )
            if isinstance(reaction, Abort):
                words = "aborted: the dataset broke before all of it was there"
                self._association.give_up(words, reaction)
            if reaction is not None:
                self._association.send(reaction, context)
        elif isinstance(message, C_FIND):
            self._find(context, message)
        elif isinstance(message, C_MOVE | C_GET):
            self._retrieve(context, message)

    def _find(self, context: Context, request: C_FIND) -> None:
        rules = self._policy.profile.query
        title = f"C-FIND from {self._association.calling}"

        def matches(asked: Dataset) -> Iterator[Dataset]:
            nonlocal title
            try:
                identifier = read_query(
                    asked,
                    _model(context),
                    rules,
                    relational=context.abstract_syntax in self._relational,
                )
            except IdentifierError as error:
                offending = error.offending if rules.invalid.comment else None
                raise RefusedError(rules.invalid, str(error), offending) from error
            title += f" at level {identifier.level}"
            return find(self._store, self._policy, identifier, asked)

        ending = answer_find(
            self._association,
            context,
            request,
            matches,
            decode=decode,
            unreadable=rules.invalid,
        )
        says = f" refused: {ending.refused}" if ending.refused else f": {ending.matches} matches"
        self._log(title + says)

    def _retrieve(self, context: Context, request: C_MOVE | C_GET) -> None:
        rules = self._policy.profile
        retrieval = Retrieval(self._policy, self._association, context, self._log)
        try:
            identifier = read_retrieve(
                decode(content_of(request), context.transfer_syntax),
                _model(context),
                rules.query,
                relational=context.abstract_syntax in self._relational,
                guess_level=rules.query.level_from_keys and isinstance(request, C_MOVE),
            )
        except (IdentifierError, MalformedDatasetError) as error:
            offending = _offending(error) if rules.query.invalid.comment else None
            retrieval.refuse_identifier(request, rules.query.invalid, str(error), offending)
            return
        held = matching(self._store, identifier, rules.retrieve)
        if isinstance(request, C_GET):
            retrieval.get(request, held)
        else:
            retrieval.move(
                request, held, lambda title, them: self._make_sender(self._policy, title, them)
            )


def _model(context: Context) -> str:
    query_class = QUERY_CLASSES.get(context.abstract_syntax)
    return query_class.model if query_class is not None else "study"


def _offending(error: Exception) -> int | None:
    return error.offending if isinstance(error, IdentifierError) else None
