"""The upper layer's state machine (PS3.8 section 9.2, table 9-10), as far as an acceptor has it.

An acceptor of ours never asks for a release itself, so the states of a requestor, and those of a
release that it asked for (Sta4, 5, 7, 9 to 12) never come. The ARTIM timer is no step of an action:
in Sta2 it is the time limit of reading, in Sta13 that of closing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from dicom.association import upper_layer


class State(Enum):
    """What the acceptor waits for (PS3.8 tables 9-1 to 9-5)."""

    IDLE = "Sta1"
    AWAITING_REQUEST = "Sta2"
    AWAITING_RESPONSE = "Sta3"
    ESTABLISHED = "Sta6"
    AWAITING_RELEASE_RESPONSE = "Sta8"
    AWAITING_CLOSE = "Sta13"


#: The association is over: nothing is sent or taken any more.
OVER: Final = frozenset({State.IDLE, State.AWAITING_CLOSE})


class Event(Enum):
    """What happens: PDUs of the peer, primitives of the local user, and the connection's fate."""

    ASSOCIATE_AC = "Evt3"
    ASSOCIATE_RJ = "Evt4"
    CONNECTED = "Evt5"
    ASSOCIATE_RQ = "Evt6"
    ACCEPT = "Evt7"
    REJECT = "Evt8"
    SEND_DATA = "Evt9"
    P_DATA = "Evt10"
    RELEASE_RQ = "Evt12"
    RELEASE_RP = "Evt13"
    RELEASE_RESPONSE = "Evt14"
    ABORT_REQUEST = "Evt15"
    ABORT = "Evt16"
    CLOSED = "Evt17"
    TIMER_EXPIRED = "Evt18"
    INVALID_PDU = "Evt19"


#: The event that a PDU is, by its type; any other type is an ``INVALID_PDU``.
PDU_EVENTS: Final[Mapping[int, Event]] = {
    upper_layer.ASSOCIATE_RQ: Event.ASSOCIATE_RQ,
    upper_layer.ASSOCIATE_AC: Event.ASSOCIATE_AC,
    upper_layer.ASSOCIATE_RJ: Event.ASSOCIATE_RJ,
    upper_layer.P_DATA: Event.P_DATA,
    upper_layer.RELEASE_RQ: Event.RELEASE_RQ,
    upper_layer.RELEASE_RP: Event.RELEASE_RP,
    upper_layer.ABORT: Event.ABORT,
}


class Step(Enum):
    """What an action does: send the local user's PDU, tell the local user, or send an A-ABORT."""

    SEND = "send"
    INDICATE = "indicate"
    ABORT = "abort"


class Action(NamedTuple):
    """What is done, if anything, and the state after it (PS3.8 tables 9-6 to 9-9)."""

    step: Step | None
    next: State


_ACTIONS: Final[Mapping[str, Action]] = {
    "AE-5": Action(None, State.AWAITING_REQUEST),
    "AE-6": Action(Step.INDICATE, State.AWAITING_RESPONSE),
    "AE-7": Action(Step.SEND, State.ESTABLISHED),
    "AE-8": Action(Step.SEND, State.AWAITING_CLOSE),
    "DT-1": Action(Step.SEND, State.ESTABLISHED),
    "DT-2": Action(Step.INDICATE, State.ESTABLISHED),
    "AR-2": Action(Step.INDICATE, State.AWAITING_RELEASE_RESPONSE),
    "AR-4": Action(Step.SEND, State.AWAITING_CLOSE),
    "AR-5": Action(None, State.IDLE),
    "AR-7": Action(Step.SEND, State.AWAITING_RELEASE_RESPONSE),
    "AA-1": Action(Step.ABORT, State.AWAITING_CLOSE),
    "AA-2": Action(None, State.IDLE),
    "AA-3": Action(None, State.IDLE),
    "AA-4": Action(None, State.IDLE),
    "AA-5": Action(None, State.IDLE),
    "AA-6": Action(None, State.AWAITING_CLOSE),
    "AA-7": Action(Step.ABORT, State.AWAITING_CLOSE),
    "AA-8": Action(Step.ABORT, State.AWAITING_CLOSE),
}

# fmt: off
_TABLE: Final[Mapping[Event, tuple[str, ...]]] = {
    #                        Sta1    Sta2    Sta3    Sta6    Sta8    Sta13
    Event.ASSOCIATE_AC:     ("",     "AA-1", "AA-8", "AA-8", "AA-8", "AA-6"),
    Event.ASSOCIATE_RJ:     ("",     "AA-1", "AA-8", "AA-8", "AA-8", "AA-6"),
    Event.CONNECTED:        ("AE-5", "",     "",     "",     "",     ""),
    Event.ASSOCIATE_RQ:     ("",     "AE-6", "AA-8", "AA-8", "AA-8", "AA-7"),
    Event.ACCEPT:           ("",     "",     "AE-7", "",     "",     ""),
    Event.REJECT:           ("",     "",     "AE-8", "",     "",     ""),
    Event.SEND_DATA:        ("",     "",     "",     "DT-1", "AR-7", ""),
    Event.P_DATA:           ("",     "AA-1", "AA-8", "DT-2", "AA-8", "AA-6"),
    Event.RELEASE_RQ:       ("",     "AA-1", "AA-8", "AR-2", "AA-8", "AA-6"),
    Event.RELEASE_RP:       ("",     "AA-1", "AA-8", "AA-8", "AA-8", "AA-6"),
    Event.RELEASE_RESPONSE: ("",     "",     "",     "",     "AR-4", ""),
    Event.ABORT_REQUEST:    ("",     "",     "AA-1", "AA-1", "AA-1", ""),
    Event.ABORT:            ("",     "AA-2", "AA-3", "AA-3", "AA-3", "AA-2"),
    Event.CLOSED:           ("",     "AA-5", "AA-4", "AA-4", "AA-4", "AR-5"),
    Event.TIMER_EXPIRED:    ("",     "AA-2", "",     "",     "",     "AA-2"),
    Event.INVALID_PDU:      ("",     "AA-1", "AA-8", "AA-8", "AA-8", "AA-7"),
}
# fmt: on

#: What is done on an event in a state; what is not here can't happen.
TRANSITIONS: Final[Mapping[tuple[Event, State], Action]] = {
    (event, state): _ACTIONS[name]
    for event, names in _TABLE.items()
    for state, name in zip(State, names, strict=True)
    if name
}
