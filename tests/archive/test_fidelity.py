"""The profile of Orthanc beside the real Orthanc of this host: the same peers must see the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import requests
from pydicom import Dataset
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    RLELossless,
)
from pynetdicom import AE, evt

from archive.policy import is_standard_storage
from dicom.settings import ArchiveSettings
from dicom.workflow.storage_commitment import STORAGE_COMMITMENT_INSTANCE, commitment_request
from orchestrator.stacks.orthanc.dialect import OrthancDialect
from tests.archive.conftest import known, start_archive
from tests.archive.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    LOOPBACK,
    MR,
    PATIENT_FIND,
    PATIENT_MOVE,
    STUDY_FIND,
    STUDY_GET,
    VERIFICATION,
    Answers,
    Destination,
    Proposal,
    announce_pdu_length,
    associated,
    destination,
    find,
    get,
    image,
    move,
    query,
    store,
)
from tests.peers import reserved_port, running_orthanc

pytestmark = [
    pytest.mark.local,
    pytest.mark.filterwarnings("ignore:Invalid value for VR"),
]
COMMITMENT, MPPS = "1.2.840.10008.1.20.1", "1.2.840.10008.3.1.2.3.3"
STUDY = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.1")

#: Every pair answers at these ports: the archive's, then the destination called DEST.
Exchange = Callable[[int], object]


@cache
def ct_port() -> int:
    """Where both archives believe that the CT listens."""
    return reserved_port()


def seen(answers: Answers) -> object:
    """What a peer can tell of a query or retrieve; the order of answers is nobody's promise."""
    matches = sorted(
        str({each.keyword: str(each.value) for each in match}) for match in answers.matches
    )
    return (answers.status, answers.comment, answers.counters, answers.failed, answers.end, matches)


def contexts(port: int, *proposals: Proposal) -> object:
    with associated(port, proposals) as peer:
        return peer.end or (peer.results, peer.syntaxes)


def all_storage_classes(port: int) -> object:
    classes = sorted(uid for uid in UID_dictionary if is_standard_storage(uid))
    return [
        contexts(port, *((uid, EXPLICIT) for uid in classes[first : first + 100]))
        for first in range(0, len(classes), 100)
    ]


def oversized(port: int) -> object:
    with associated(port, [(CT, EXPLICIT)]) as peer:
        announce_pdu_length(peer, 131072)
        answered = bool(peer.association.send_c_store(image(90)))
        peer.association.join(timeout=10)
        return answered, peer.end


def echo(port: int) -> object:
    with associated(port, [(VERIFICATION, IMPLICIT)], calling="STRANGER", called="OTHER") as peer:
        return peer.association.send_c_echo().Status


def roles_of_commitment(port: int) -> object:
    with associated(port, [(COMMITMENT, IMPLICIT)], roles=[COMMITMENT]) as peer:
        answers = peer.association.acceptor.role_selection
        return peer.results, [(item.scu_role, item.scp_role) for item in answers.values()]


def commit(
    port: int,
    *instances: tuple[str, str],
    calling: str = "CT",
    transaction: str = "2.25.77",
    action: int = 1,
) -> object:
    """What came of a request: its status, how the association ended, and the event reported."""
    arrived: Queue[tuple[int, Dataset]] = Queue()

    def take(event: Any) -> tuple[int, None]:
        arrived.put((event.event_type, event.event_information))
        return 0x0000, None

    def requested(event: Any) -> None:
        requestor = event.assoc.requestor
        roles.extend((item.scu_role, item.scp_role) for item in requestor.role_selection.values())
        proposed.extend(list(each.transfer_syntax) for each in requestor.requested_contexts)

    roles: list[object] = []
    proposed: list[object] = []
    entity = AE(calling)
    entity.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
    handlers: list[Any] = [(evt.EVT_N_EVENT_REPORT, take), (evt.EVT_REQUESTED, requested)]
    server = entity.start_server((LOOPBACK, ct_port()), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        with associated(port, [(COMMITMENT, IMPLICIT)], calling=calling) as peer:
            peer.association.dimse_timeout = 3  # a silent archive exhausts it, a busy one does not
            status, _ = peer.association.send_n_action(
                commitment_request(transaction, instances),
                action,
                COMMITMENT,
                STORAGE_COMMITMENT_INSTANCE,
            )
            code, comment = status.get("Status"), status.get("ErrorComment")
            if code is None:
                return peer.end
            reported = arrived.get(timeout=10) if code == 0 else None
        return code, comment, reported and (reported[0], str(reported[1])), roles, proposed
    finally:
        server.shutdown()


EXCHANGES: Mapping[str, Exchange] = {
    "contexts of the workflow": lambda port: contexts(
        port, (COMMITMENT, [IMPLICIT, EXPLICIT]), (COMMITMENT, IMPLICIT), (MPPS, IMPLICIT)
    ),
    "roles of commitment": roles_of_commitment,
    "commit": lambda port: commit(port, (CT, "2.25.1.1.1"), (MR, "2.25.1.1.3")),
    "commit what is not there": lambda port: commit(port, (CT, "2.25.404")),
    "commit in part": lambda port: commit(
        port, (CT, "2.25.1.1.1"), (CT, "2.25.404"), (MR, "2.25.1.1.2")
    ),
    "commit nothing": commit,
    "commit for a stranger": lambda port: commit(port, (CT, "2.25.1.1.1"), calling="STRANGER"),
    "commit in no transaction": lambda port: commit(port, (CT, "2.25.1.1.1"), transaction=""),
    "commit by another action": lambda port: commit(port, (CT, "2.25.1.1.1"), action=2),
    "echo of a stranger to another title": echo,
    "contexts of services": lambda port: contexts(
        port,
        (VERIFICATION, EXPLICIT),
        (STUDY_FIND, ExplicitVRBigEndian),
        (STUDY_FIND, DeflatedExplicitVRLittleEndian),
        (STUDY_GET, IMPLICIT),
        ("1.2.840.10008.5.1.4.1.2.3.1", IMPLICIT),
        ("1.2.840.10008.5.1.4.31", IMPLICIT),
    ),
    "contexts of storage": lambda port: contexts(
        port,
        (CT, EXPLICIT),
        (CT, JPEG2000Lossless),
        (CT, RLELossless),
        (CT, HTJ2KLossless),
        (CT, "1.2.840.113619.5.2"),
        ("1.3.12.2.1107.5.9.1", EXPLICIT),
    ),
    "choice of transfer syntax": lambda port: contexts(
        port,
        (CT, [IMPLICIT, JPEG2000Lossless, EXPLICIT]),
        (STUDY_FIND, [IMPLICIT, EXPLICIT]),
    ),
    "all storage classes": all_storage_classes,
    "oversized PDU": oversized,
    "store again with other content": lambda port: store(
        port, image(1, StudyDescription="other"), calling="STRANGER"
    ),
    "store into another series": lambda port: store(port, image(1, SeriesInstanceUID="2.25.9")),
    "store without patient": lambda port: store(
        port, image(80, StudyInstanceUID="2.25.8", PatientID=None)
    ),
    "store without study": lambda port: store(port, image(81, StudyInstanceUID=None)),
    "store without series": lambda port: store(port, image(82, SeriesInstanceUID="")),
    "find studies": lambda port: seen(
        find(
            port,
            query(
                QueryRetrieveLevel="STUDY",
                StudyInstanceUID="2.25.1",
                PatientName="phan*",
                ModalitiesInStudy="",
                StudyDate="20260101-20260131",
                NumberOfStudyRelatedSeries=None,
                NumberOfStudyRelatedInstances=None,
            ),
        )
    ),
    "find by a malformed date": lambda port: seen(
        find(port, query(QueryRetrieveLevel="STUDY", StudyDate="hello-world"))
    ),
    "find by a wildcard in a UID": lambda port: seen(
        find(port, query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.*"))
    ),
    "find series without study": lambda port: seen(
        find(port, query(QueryRetrieveLevel="SERIES", SeriesInstanceUID="", Modality="MR"))
    ),
    "find image": lambda port: seen(
        find(
            port,
            query(QueryRetrieveLevel="IMAGE", SOPInstanceUID="2.25.1.1.2", InstanceNumber=None),
        )
    ),
    "find patient in study root": lambda port: seen(
        find(port, query(QueryRetrieveLevel="PATIENT", PatientID="P1", PatientName=""))
    ),
    "find in patient root": lambda port: seen(find(port, STUDY, PATIENT_FIND)),
    "find without level": lambda port: seen(find(port, query(StudyInstanceUID="2.25.1"))),
    "find at an unknown level": lambda port: seen(
        find(port, query(QueryRetrieveLevel="VISIT", StudyInstanceUID="2.25.1"))
    ),
    "find at a lower-case level": lambda port: seen(
        find(port, query(QueryRetrieveLevel="study", StudyInstanceUID="2.25.1"))
    ),
    "find of a stranger": lambda port: seen(find(port, STUDY, calling="STRANGER")),
    "move": lambda port: (seen(moved := move(port, STUDY, "DEST")), moved.pending),
    "move without level": lambda port: seen(move(port, query(StudyInstanceUID="2.25.1"), "DEST")),
    "move patient": lambda port: seen(
        move(port, query(QueryRetrieveLevel="PATIENT", PatientID="P1"), "DEST", PATIENT_MOVE)
    ),
    "move to nobody": lambda port: seen(move(port, STUDY, "NOWHERE")),
    "move to a closed port": lambda port: seen(move(port, STUDY, "DEAD")),
    "move to another title": lambda port: seen(move(port, STUDY, "RENAMED")),
    "move what is not there": lambda port: seen(
        move(port, query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.404"), "DEST")
    ),
    "move at an unknown level": lambda port: seen(
        move(port, query(QueryRetrieveLevel="VISIT", StudyInstanceUID="2.25.1"), "DEST")
    ),
    "move to who takes MR only": lambda port: seen(move(port, STUDY, "MRONLY")),
    "move to who refuses": lambda port: seen(move(port, STUDY, "FULL")),
    "move to who warns": lambda port: seen(move(port, STUDY, "WARNS")),
    "get": lambda port: seen(get(port, STUDY, {CT: EXPLICIT, MR: EXPLICIT}, roles=[CT, MR])),
    "get in another syntax": lambda port: seen(
        get(port, STUDY, {CT: IMPLICIT, MR: IMPLICIT}, roles=[CT, MR])
    ),
    "get without role": lambda port: seen(get(port, STUDY, {CT: EXPLICIT, MR: EXPLICIT})),
    "get without context": lambda port: seen(get(port, STUDY, {})),
    "get what is not there": lambda port: seen(
        get(port, query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.404"), {})
    ),
}


class Pair:
    """Dicom ports of the real Orthanc and of the profile, under the same settings."""

    def __init__(self, folder: Path, stack: ExitStack, settings: ArchiveSettings) -> None:
        native = OrthancDialect().translate(settings)
        orthanc = stack.enter_context(running_orthanc(folder / "orthanc", native))
        answer = requests.get(f"{orthanc.url}/system", timeout=20).json()
        profile = "orthanc-1.10" if answer["Version"].startswith("1.10.") else "orthanc-1.12"
        server = start_archive(profile, settings, folder)
        stack.callback(server.stop)
        self.ports = (orthanc.dicom.port, server.dicom_port)

    def both(self, exchange: Exchange) -> tuple[object, object]:
        """What the real one showed, and what the profile showed."""
        real, profile = (exchange(port) for port in self.ports)
        return real, profile


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both archives hold two CT images and an MR and know the same peers."""
    with ExitStack() as stack:

        def listening(title: str, **options: object) -> Destination:
            made: Destination = stack.enter_context(destination(title, **options))  # type: ignore[arg-type]
            return made

        peers = {
            "DEST": listening("DEST").port,
            "RENAMED": listening("OTHER", strict=True).port,
            "MRONLY": listening("MRONLY", classes=[MR]).port,
            "FULL": listening("FULL", status=0xA700).port,
            "WARNS": listening("WARNS", status=0xB000).port,
            "DEAD": reserved_port(),
            "CT": ct_port(),
        }
        settings = ArchiveSettings(
            aetitle="ARCHIVE", known_aes=tuple(known(title, port) for title, port in peers.items())
        )
        made = Pair(tmp_path_factory.mktemp("pair"), stack, settings)
        mr = image(3, SOPClassUID=MR, Modality="MR", SeriesInstanceUID="2.25.1.2")
        for port in made.ports:
            assert store(port, image(1), image(2), mr) == [0, 0, 0]
        yield made


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_profile_behaves_as_the_real_orthanc(pair: Pair, name: str) -> None:
    real, profile = pair.both(EXCHANGES[name])
    assert profile == real


@pytest.mark.parametrize(
    ("settings", "calling", "called"),
    [
        ({"check_called_aetitle": True}, "CT", "OTHER"),
        ({"check_called_aetitle": True}, "CT", "archive"),
        ({"check_called_aetitle": True, "case_sensitive_aetitle": True}, "CT", "archive"),
        ({"accepted_calling_aetitles": ("GOOD",)}, "BAD", "ARCHIVE"),
        ({"accepted_calling_aetitles": ("GOOD",)}, "good", "ARCHIVE"),
        ({"accepted_calling_aetitles": ("GOOD",)}, "PEER", "ARCHIVE"),
        ({"refused_services": ("store",)}, "CT", "ARCHIVE"),
        ({"refused_services": ("find",)}, "PEER", "ARCHIVE"),
        ({"accepted_transfer_syntaxes": (IMPLICIT,)}, "CT", "ARCHIVE"),
        ({"accept_unknown_sop_classes": True}, "CT", "ARCHIVE"),
        ({"overwrite_policy": "always", "max_pdu_length": 5000}, "CT", "ARCHIVE"),
        ({"synchronous_move": False}, "PEER", "ARCHIVE"),
    ],
)
def test_the_profile_obeys_settings_as_the_real_orthanc_does(
    tmp_path: Path, settings: dict[str, object], calling: str, called: str
) -> None:
    given = ArchiveSettings.model_validate(
        {"aetitle": "ARCHIVE", "known_aes": [known("PEER", reserved_port())], **settings}
    )
    titles = {"calling": calling, "called": called}

    def exchange(port: int) -> object:
        proposals = [(CT, EXPLICIT), (CT, IMPLICIT), ("1.3.12.2.1107.5.9.1", EXPLICIT)]
        with associated(port, proposals, **titles) as peer:  # type: ignore[arg-type]
            if peer.end:
                return peer.end
            offered = peer.results, peer.association.acceptor.maximum_length
        statuses = []
        for description in ("first", "second"):
            with associated(port, [(CT, EXPLICIT)], **titles) as peer:  # type: ignore[arg-type]
                if peer.results != [0]:
                    break
                answer = peer.association.send_c_store(image(StudyDescription=description))
                if not answer:
                    peer.association.join(timeout=10)
                statuses.append((answer.get("Status"), peer.end))
        asked = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.1", StudyDescription="")
        found = seen(find(port, asked, **titles))
        return offered, statuses, found, seen(move(port, STUDY, "PEER", **titles))

    with ExitStack() as stack:
        real, profile = Pair(tmp_path, stack, given).both(exchange)
    assert profile == real
