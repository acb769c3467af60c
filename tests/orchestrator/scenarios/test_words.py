"""What is shown of a loaded scenario is what its file says."""

from __future__ import annotations

import pytest

from dicom.settings import ArchiveSettings, TlsServer
from orchestrator.faults.base import FAULTS
from orchestrator.scenarios.words import fault_in_words, given_in_words

IMAGES = {"abstract_syntax": "MRImageStorage", "transfer_syntaxes": ["ImplicitVRLittleEndian"]}


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("wrong-port", {}, "wrong-port()"),
        ("wrong-called-aetitle", {"title": "OLD"}, "wrong-called-aetitle(title=OLD)"),
        ("firewall-drop", {"how": "relay"}, "firewall-drop(how=relay)"),
        (
            "misbehaving-sender",
            {"act": "oversized-pdu bytes=131072"},
            "misbehaving-sender(act=oversized-pdu bytes=131072)",
        ),
        (
            "altered-objects",
            {"alterations": ["remove PatientID", "truncate-pixels keep=0.5 declared=false"]},
            "altered-objects(alterations=['remove PatientID',"
            " 'truncate-pixels keep=0.5 declared=false'])",
        ),
        (
            "modality-settings",
            {"settings": {"contexts": [IMAGES]}},
            f"modality-settings(settings={{'contexts': [{IMAGES}]}})",
        ),
    ],
)
def test_a_fault_is_named_with_the_arguments_that_it_is_given(
    name: str, arguments: dict[str, object], words: str
) -> None:
    assert fault_in_words(FAULTS[name].model_validate(arguments)) == words


def test_a_setting_that_is_left_out_differs_from_one_that_is_null() -> None:
    settings = ArchiveSettings(max_pdu_length=None, tls=TlsServer())
    assert given_in_words(settings) == {"max_pdu_length": None, "tls": {}}
