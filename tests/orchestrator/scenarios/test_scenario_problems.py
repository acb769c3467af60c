"""One mistake in a scenario file is one clear line: the place, what was seen, the right word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestrator.scenario_fakes import GOOD, plug_ins, problems_of, write


@pytest.fixture(autouse=True)
def _plug_ins() -> Iterator[None]:
    with plug_ins():
        yield


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("title: A title", "titel: A title", 2,
         "titel: unknown key 'titel'; did you mean 'title'?"),
        ("title: A title is wrong\n", "", 1, "title: 'title' is missing"),
        ("{kind: modality}", "{kind: modalty}", 6,
         "roles.ct.kind: saw 'modalty'; did you mean 'modality'?"),
        ("  screen: {kind", "  CT: {kind: modality}\n  screen: {kind", 9,
         "roles.CT: saw a mapping; expected a lower-case name, words joined by hyphens"),
        ("  screen: {kind", "  route: {kind: modality}\n  screen: {kind", 9,
         "roles.route: role 'route';"
         " expected another name than from, to, destination, route, relay"),
        ("  screen: {kind", "  relay: {kind: modality}\n  screen: {kind", 9,
         "roles.relay: role 'relay';"
         " expected another name than from, to, destination, route, relay"),
        ("  screen: {kind", "  feeder: {kind: archive}\n  screen: {kind", 9,
         "roles.feeder: role 'feeder' is an archive; expected another name: where nobody else does"
         " it, a modality of this name stores studies beforehand"),
        ("archive: {kind: archive}", "archive: {kind: archive, stack: orthnac}", 7,
         "roles.archive.stack: unknown stack 'orthnac'; did you mean 'orthanc'?"),
        ("{kind: modality}", "{kind: modality, stack: orthanc}", 6,
         "roles.ct.stack: 'ct' is no archive; expected a stack only where kind is archive"),
        ("{kind: modality}", "{kind: modality, aetitle: A_TITLE_TOO_LONG_BY_FAR}", 6,
         "roles.ct.aetitle: saw 'A_TITLE_TOO_LONG_BY_FAR'; expected at most 16 characters"),
        ("{kind: modality}", "{kind: modality, aetitle: 'BACK\\SLASH'}", 6,
         "roles.ct.aetitle: saw 'BACK\\\\SLASH'; expected an AE title: up to 16 characters,"
         " no backslash, no control characters"),
        ("{probe: store,", "{probe: stor,", 11,
         "routes.store.probe: unknown probe 'stor'; did you mean 'store'?"),
        ("{probe: store,", "{prob: store,", 11,
         "routes.store.prob: unknown key 'prob'; did you mean 'probe'?"),
        ("from: ct, to: archive}", "from: ct, to: achive}", 11,
         "routes.store.to: unknown role 'achive'; did you mean 'archive'?"),
        ("from: ct, to: archive}", "from: ct, to: screen}", 11,
         "routes.store.to: role 'screen' is a workstation; expected an archive"),
        ("{probe: forward, from: archive", "{probe: forward, from: ct", 12,
         "routes.forward.from: role 'ct' is a modality; expected an archive"),
        ("{probe: store, from: ct", "{probe: store, from: peer", 11,
         "routes.store.from: role 'peer' is an archive;"
         " expected a modality or workstation to start 'store'"),
        (", destination: screen", "", 13,
         "routes.retrieve: probe 'move' without a destination;"
         " expected destination: the role that receives the objects"),
        ("from: ct, to: archive}", "from: ct, to: archive, destination: screen}", 11,
         "routes.store.destination: probe 'store' sends nothing on;"
         " expected a destination only for a probe that needs one"),
        ("{check_called_aetitle: true}", "{check_called_aetitel: true}", 15,
         "settings.archive.check_called_aetitel: unknown key 'check_called_aetitel';"
         " did you mean 'check_called_aetitle'?"),
        ("{check_called_aetitle: true}", "{check_called_aetitle: perhaps}", 15,
         "settings.archive.check_called_aetitle: saw 'perhaps'; expected true or false,"
         " unable to interpret input"),
        ("{check_called_aetitle: true}", "{max_pdu_length: 3}", 15,
         "settings.archive.max_pdu_length: saw '3'; expected greater than or equal to 4096"),
        ("{check_called_aetitle: true}", "{accepted_sop_classes: [CTImageStorag]}", 15,
         "settings.archive.accepted_sop_classes[0]: unknown UID keyword 'CTImageStorag';"
         " did you mean 'CTImageStorage'?"),
        ("  archive: {check", "  ct: {check", 15,
         "settings.ct.check_called_aetitle: unknown key 'check_called_aetitle'; did you mean"
         " 'called_aetitles'?"),
        ("  archive: {check", "  archiv: {check", 15,
         "settings.archiv: unknown role 'archiv'; did you mean 'archive'?"),
        ("{images: 2}", "{images: three}", 16,
         "study.images: saw 'three'; expected a whole number,"
         " unable to parse string as an integer"),
        ("{images: 2}", "{transfer_syntax: JPEG2000Loslessy}", 16,
         "study.transfer_syntax: unknown UID keyword 'JPEG2000Loslessy';"
         " did you mean 'JPEG2000Lossless'?"),
        ("{images: 2}", "{transfer_syntax: JPEGBaseline8Bit}", 16,
         "study.transfer_syntax: CT pixels have 12 bits, JPEG Baseline (Process 1) holds 8; choose"
         " another transfer syntax, such as JPEG2000Lossless; expected one of:"
         " ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian,"
         " DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000Lossless, JPEG2000,"
         " JPEGLSLossless, JPEGLSNearLossless, JPEGBaseline8Bit"),
        ("{images: 2}", "{family: CTT}", 16,
         "study.family: unknown modality family 'CTT'; did you mean 'CT'?"),
        ("{images: 2}", "{patient: japanes}", 16,
         "study.patient: unknown patient 'japanes'; did you mean 'japanese'?"),
        ("  wrong-title: {title: OLD}", "  wrong-titel: {title: OLD}", 18,
         "fault.wrong-titel: unknown fault 'wrong-titel'; did you mean 'wrong-title'?"),
        ("  wrong-title: {title: OLD}", "  wrong-title: {titel: OLD}", 18,
         "fault.wrong-title.titel: unknown key 'titel'; did you mean 'title'?"),
        ("  wrong-title: {title: OLD}", "  wrong-title:", 18,
         "fault.wrong-title.title: 'title' is missing; expected the title called"),
        ("  wrong-title: {title: OLD}", "  wrong-title: {title: A_TITLE_TOO_LONG_BY_FAR}", 18,
         "fault.wrong-title.title: saw 'A_TITLE_TOO_LONG_BY_FAR'; expected at most 16 characters"),
        ("fault:\n  wrong-title: {title: OLD}", "fault: closed-prot", 17,
         "fault: unknown fault 'closed-prot'; did you mean 'closed-port'?"),
        ("fault:\n  wrong-title: {title: OLD}", "fault: wrong-title", 17,
         "fault.title: 'title' is missing; expected the title called"),
        ("fault:\n  wrong-title: {title: OLD}", "fault: {}", 17,
         "fault: saw a mapping; expected at least 1 item"),
        ("  wrong-title: {title: OLD}", "  wrong-title: {title: OLD}\n  closed-port:", 18,
         "fault: saw a mapping; expected at most 1 item"),
        ("fault:\n  wrong-title: {title: OLD}", "fault: 3", 17,
         "fault: saw '3'; expected a mapping"),
        ("  wrong-title: {title: OLD}", "  closed-port: 3", 18,
         "fault.closed-port: saw '3'; expected a mapping"),
        ("{check_called_aetitle: true}", "[check_called_aetitle]", 15,
         "settings.archive: saw a list; expected a mapping"),
        ("settings:\n  archive: {check_called_aetitle: true}", "settings: 3", 14,
         "settings: saw '3'; expected a mapping"),
        ("fix: revert", "fix: {settings: {archive: 3}}", 19,
         "fix.settings.archive: saw '3'; expected a mapping"),
        ("fix: revert", "fix: {setings: {archive: {}}}", 19,
         "fix.setings: unknown key 'setings'; did you mean 'settings'?"),
        ("variants:\n  other:", "variants:\n  another: 3\n  other:", 27,
         "variants.another: saw '3'; expected a mapping or instance of Variant"),
        ("fix: revert", "fix: revrt", 19, "fix: saw 'revrt'; did you mean 'revert'?"),
        ("fix: revert", "fix: {settings: {archive: {idle_timeout: -1}}}", 19,
         "fix.settings.archive.idle_timeout: saw '-1'; expected greater than 0"),
        ("{to: orthanc >=1.12,", "{to: orthnac >=1.12,", 22,
         "expect.fault[0].when.to: unknown stack 'orthnac'; did you mean 'orthanc'?"),
        ("{to: orthanc >=1.12,", "{to: orthanc =>1.12,", 22,
         "expect.fault[0].when.to: can't read the version range '=>1.12';"
         " expected for example '>=1.12' or '>=1.10,<1.12'"),
        ("{to: orthanc >=1.12,", "{to: orthanc procss,", 22,
         "expect.fault[0].when.to: unknown edition 'procss';"
         " expected one of: container, process, profile, external"),
        ("{to: orthanc >=1.12,", "{ct: orthanc,", 22,
         "expect.fault[0].when.ct: role 'ct' is a modality; expected an archive"),
        ("{to: orthanc >=1.12,", "{archiv: orthanc,", 22,
         "expect.fault[0].when.archiv: unknown role or position 'archiv';"
         " did you mean 'archive'?"),
        ("{to: orthanc >=1.12,", "{destination: orthanc,", 22,
         "expect.fault[0].when.destination: no route has an archive as 'destination';"
         " expected a position that an archive takes"),
        ("route: store}", "route: stroe}", 22,
         "expect.fault[0].when.route: unknown route 'stroe'; did you mean 'store'?"),
        ("    - when: {to: orthanc >=1.12, route: store}\n      outcome", "    - outcome", 23,
         "expect.fault[1]: this rule never decides;"
         " expected the rule without 'when' to be the last one"),
        ("{associate: rejected 1/1/7}", "{assoc: rejected 1/1/7}", 24,
         "expect.fault[1].outcome: unknown rung 'assoc'; did you mean 'associate'?"),
        ("{associate: rejected 1/1/7}", "{associate: rejectd 1/1/7}", 24,
         "expect.fault[1].outcome: unknown signature 'rejectd'; did you mean 'rejected'?"),
        ("{associate: rejected 1/1/7}", "{connect: rejected 1/1/7}", 24,
         "expect.fault[1].outcome: 'rejected' can't be seen at 'connect', only at associate;"
         " expected one of refused, reset, timeout, unreachable at 'connect'"),
        ("{associate: rejected 1/1/7}", "{associate: rejected}", 24,
         "expect.fault[1].outcome: 'rejected' without a code; expected for example"
         " rejected 1/1/7 (result/source/reason), or 'rejected *'"),
        ("{associate: rejected 1/1/7}", "{associate: rejected 117}", 24,
         "expect.fault[1].outcome: 'rejected' can't have the code '117';"
         " expected for example rejected 1/1/7 (result/source/reason)"),
        ("{associate: rejected 1/1/7}", "{associate: timeout 3}", 24,
         "expect.fault[1].outcome: 'timeout' takes no code, saw '3'; expected 'timeout'"),
        ("{associate: rejected 1/1/7}", "sucess", 24,
         "expect.fault[1].outcome: saw 'sucess'; did you mean 'success'?"),
        ("{associate: rejected 1/1/7}", "[]", 24,
         "expect.fault[1].outcome: nothing in the list; expected at least one item"),
        ("  fault:\n    - when", "  falt:\n    - when", 21,
         "expect.falt: unknown key 'falt'; did you mean 'fault'?"),
        ("routes: [store]", "routes: [stor]", 29,
         "variants.other.routes[0]: unknown route 'stor'; did you mean 'store'?"),
        ("{title: OTHER, times: 3}", "{title: OTHER, times: many}", 31,
         "variants.other.fault.wrong-title.times: saw 'many'; expected a whole number,"
         " unable to parse string as an integer"),
        ("name: wrong-title", "name: wrong-titel", 1,
         "name: 'wrong-titel' in a file called 'wrong-title'; expected the file's own name"),
        ("category: addressing", "category: network", 3,
         "category: 'network' in folder 'addressing'; expected the folder's own name"),
        ("story: Somebody mistyped it.", "story: 12", 4, "story: saw '12'; expected text"),
        ("fix: revert", "fix: revert\nfix: revert", 20,
         "fix: key 'fix' is given twice, first in line 19"),
        (GOOD, "- just\n- a list\n", 1,
         "not a mapping; expected a scenario: name, title, roles, routes, …"),
        (GOOD, "", 1, "the file is empty"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_clear_line(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    assert old in GOOD
    file = write(tmp_path, GOOD.replace(old, new, 1))
    text = [str(problem) for problem in problems_of(file)]
    assert f"{file}:{line}: {told}" in text
    # a key that is missing under its right name is a consequence that may be told as well
    assert [each for each in text if told not in each and "is missing" not in each] == []
