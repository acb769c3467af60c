"""What is set differently reads as somebody would say it, and tells no secrets."""

from __future__ import annotations

import pytest

from orchestrator.lab.changes import modality_changes
from orchestrator.model.state import ModalityState

CT = ModalityState(aetitle="CT")
CONTEXT = {"abstract_syntax": "MRImageStorage", "transfer_syntaxes": ["1.2.840.10008.1.2.1"]}


def with_settings(settings: dict[str, object]) -> ModalityState:
    return ModalityState.model_validate({**CT.model_dump(), **settings})


@pytest.mark.parametrize(
    ("settings", "key", "before", "after"),
    [
        ({"aetitle": "CT2"}, "aetitle", "CT", "CT2"),
        ({"one_context_per_syntax": False}, "one context per syntax", "yes", "no"),
        ({"timeouts": {"acse": 0.5}}, "timeouts", "as usual", "acse 0.5"),
        (
            {"contexts": [CONTEXT]},
            "contexts",
            "as usual",
            "MR Image Storage in Explicit VR Little Endian",
        ),
        ({"accepted_sop_classes": []}, "accepted sop classes", "as usual", "none"),
    ],
)
def test_a_modalitys_setting_is_told_in_words(
    settings: dict[str, object], key: str, before: str, after: str
) -> None:
    (change,) = modality_changes("ct", CT, with_settings(settings))
    assert change.where == "ct console"
    assert (change.key, change.before, change.after) == (key, before, after)


def test_a_passcode_is_not_told() -> None:
    user = {"kind": "username-passcode", "primary": "alice", "passcode": "hush"}
    (change,) = modality_changes("ct", CT, with_settings({"user_identity": user}))
    assert change.after == "kind username-passcode, primary (not shown), passcode (not shown)"


def test_what_is_the_same_is_not_told() -> None:
    assert modality_changes("ct", CT, with_settings({})) == ()
