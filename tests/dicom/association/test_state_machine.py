"""The acceptor's state machine says what PS3.8 table 9-10 says."""

from __future__ import annotations

from pynetdicom import fsm

from dicom.association.state_machine import TRANSITIONS, Event, State, Step

OURS = {(event.value, state.value) for event in Event for state in State}
#: Rejected at once by the upper layer itself (Sta13) is nothing that we do.
CHOICES = {"AE-6": "Sta3"}
STEPS = {
    Step.INDICATE: {"AE-6", "DT-2", "AR-2"},
    Step.SEND: {"AE-7", "AE-8", "DT-1", "AR-4", "AR-7"},
    Step.ABORT: {"AA-1", "AA-7", "AA-8"},
}


def test_the_same_can_happen_in_the_same_states_and_leads_to_the_same_ones() -> None:
    standard = {
        pair: CHOICES.get(name, fsm.ACTIONS[name][2])
        for pair, name in fsm.TRANSITION_TABLE.items()
        if pair in OURS
    }
    ours = {
        (event.value, state.value): action.next.value
        for (event, state), action in TRANSITIONS.items()
    }
    assert ours == standard


def test_the_same_is_sent_aborted_and_indicated() -> None:
    for (event, state), action in TRANSITIONS.items():
        name = fsm.TRANSITION_TABLE[event.value, state.value]
        expected = next((step for step, names in STEPS.items() if name in names), None)
        assert action.step is expected, name
