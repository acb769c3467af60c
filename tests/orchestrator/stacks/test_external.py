"""Archives that already run: the lab is a guest there."""

from __future__ import annotations

import copy
import json
import multiprocessing
import sys
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from dicom.settings import ArchiveSettings, KnownAE
from orchestrator.backends.base import BACKENDS, Place
from orchestrator.errors import InputError, LabError, UnsupportedError
from orchestrator.faults.base import Fault
from orchestrator.files.problems import InvalidFileError
from orchestrator.lab.nodes import CLOSED_PORT
from orchestrator.lab.places import Places
from orchestrator.lab.topology import ChosenStack, Topology
from orchestrator.model.address import Address
from orchestrator.model.results import CellId
from orchestrator.model.scenario import Scenario
from orchestrator.model.state import LabState
from orchestrator.runs.plan import UnsupportedCell, plan_all
from orchestrator.stacks.base import STACKS, StackContext
from orchestrator.stacks.external import archive as external
from orchestrator.stacks.external.archive import ExternalArchive
from orchestrator.stacks.external.stack import load_site
from orchestrator.stacks.native import not_in_force
from tests.fakes import FakeRunner, FakeWorld
from tests.orchestrator.stacks.dcm4chee.fake_dcm4chee import FakeDcm4chee, serving
from tests.orchestrator.stacks.dcm4chee.lab_fakes import HasImages, OneNodeRunner
from tests.peers import Orthanc, running_orthanc

WORKSTATION = KnownAE(title="WORKSTATION", host="127.0.0.1", port=11104)
THEIRS = {"AET": "WORKSTATION", "Host": "10.0.0.7", "Port": 104}


def part10(study: str, number: int) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = UID(f"{study}.{number}")
    dataset.StudyInstanceUID = UID(study)
    dataset.SeriesInstanceUID = UID(f"{study}.0")
    dataset.PatientID = "LAB-1"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def write_site(folder: Path, kind: str, url: str, port: int = 4242, **more: object) -> Path:
    site: dict[str, object] = {
        "name": "radiology-test",
        "kind": kind,
        "dicom": {
            "host": "127.0.0.1",
            "port": port,
            "aetitle": "DCM4CHEE" if kind == "dcm4chee" else "ORTHANC",
        },
        "web": {"url": url},
    }
    site.update(more)
    file = folder / "site.yaml"
    file.write_text(json.dumps(site))  # JSON is YAML
    return file


def guest(
    file: Path, tmp_path: Path, *, allow_config: bool = False, **settings: object
) -> ExternalArchive:
    """The adapter for the site in ``file``, in a lab whose first settings are ``settings``."""
    stack = load_site(file, allow_config=allow_config)
    first = ArchiveSettings.model_validate({"aetitle": stack.aetitle, **settings})
    context = StackContext(
        role="archive",
        runner=OneNodeRunner(""),
        place=place(tmp_path),
        backend=HasImages("local"),
        settings=first,
        run_folder=str(tmp_path / "run"),
    )
    archive = stack.archive("external", context)
    assert isinstance(archive, ExternalArchive)
    return archive


def place(folder: Path) -> Place:
    mine = {"dicom": Address("127.0.0.1", 20001), "closed": Address("127.0.0.1", 20002)}
    return Place("archive", mine, mine, folder, folder, folder, "", "", "")


# --- the site's file ----------------------------------------------------------------------------


def test_everything_that_is_wrong_in_a_site_file_is_said_at_once_with_its_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        "name: radiology\n"
        "kind: orthank\n"
        "dicom: {host: pacs, port: 99999, aetitle: PACS}\n"
        "web:\n"
        "  url: pacs:8042\n"
        "  pasword_from: SECRET\n"
    )
    with pytest.raises(InvalidFileError) as caught:
        load_site(file)
    message = str(caught.value)
    assert "site.yaml:2: kind: saw 'orthank'; did you mean 'orthanc'?" in message
    assert "site.yaml:3: dicom.port: saw '99999'" in message
    assert "site.yaml:5: web.url: saw 'pacs:8042'" in message
    assert (
        "site.yaml:6: web.pasword_from: unknown key 'pasword_from'; did you mean 'password_from'?"
        in message
    )


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("dicomweb", {}, "DICOMweb can't delete"),
        ("orthanc", {"keeps_objects": True}, "removes what the lab sent"),
        ("dcm4chee", {"web": {"url": "http://pacs", "user_from": "U"}}, "both user_from and"),
        ("orthanc", {"web": {"url": "http://pacs:web"}}, "expected http.s.://host:port"),
        ("orthanc", {"web": {"url": "http://pacs:80420"}}, "expected http.s.://host:port"),
        ("dcm4chee", {"settings": {"aetitle": "X"}}, "can't be declared here"),
        ("dcm4chee", {"settings": {"idle_timeout": -1}}, "idle_timeout"),
    ],
)
def test_a_site_that_makes_no_sense_is_refused_with_the_reason(
    tmp_path: Path, kind: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidFileError, match=words):
        load_site(write_site(tmp_path, kind, "http://127.0.0.1:1", **more))


def test_a_file_that_is_not_there_is_a_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"can't read .*site\.yaml"):
        load_site(tmp_path / "site.yaml")


def test_a_credential_that_is_not_in_the_environment_is_named(tmp_path: Path) -> None:
    web = {"url": "http://127.0.0.1:1", "token_from": "PACSLAB_TEST_UNSET"}
    with pytest.raises(InputError, match="export PACSLAB_TEST_UNSET="):
        load_site(write_site(tmp_path, "dcm4chee", "", web=web))


def test_tls_material_is_found_beside_the_site_file(tmp_path: Path) -> None:
    dicom = {"host": "pacs", "port": 2762, "aetitle": "PACS", "tls": {"trusted": "ca.pem"}}
    file = write_site(tmp_path, "orthanc", "http://127.0.0.1:1", dicom=dicom)
    with pytest.raises(InputError, match=r"names ca\.pem, but there is no file"):
        load_site(file)
    (tmp_path / "ca.pem").write_text("…")
    tls = load_site(file).site.client_tls
    assert tls is not None
    assert tls.trusted == str(tmp_path / "ca.pem")


def test_an_external_archive_is_reached_where_its_file_says_and_only_without_docker(
    tmp_path: Path,
) -> None:
    stack = load_site(write_site(tmp_path, "orthanc", "http://127.0.0.1:1", port=4321))
    assert (stack.name, stack.aetitle) == ("radiology-test", "ORTHANC")
    assert stack.editions(HasImages("local")) == ("external",)
    assert stack.editions(HasImages("docker")) == ()
    topology = Topology({"archive": ChosenStack(stack, "external")}, {"ct": "CT"}, feeder="ct")
    places = Places(FakeRunner(FakeWorld(), tmp_path), topology, frozenset())
    assert places["archive"].peers["dicom"] == Address("127.0.0.1", 4321)
    assert places["archive"].peers["closed"] == Address("archive", CLOSED_PORT)
    assert STACKS["orthanc"].runs_at == {}


# --- a real Orthanc that already runs -----------------------------------------------------------


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """It wants a password; the fixture finds it in a netrc file, the lab in its environment."""
    folder = tmp_path_factory.mktemp("external")
    netrc = folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login guest password hidden\n")
    settings = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"guest": "hidden"},
        "DicomModalities": {"WORKSTATION": THEIRS},
        "Plugins": ["/usr/share/orthanc/plugins"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETRC", str(netrc))
        with running_orthanc(folder / "orthanc", settings) as running:
            yield running


@pytest.fixture
def orthanc_site(orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACSLAB_TEST_USER", "guest")
    monkeypatch.setenv("PACSLAB_TEST_PASSWORD", "hidden")
    web = {
        "url": orthanc.url,
        "user_from": "PACSLAB_TEST_USER",
        "password_from": "PACSLAB_TEST_PASSWORD",
    }
    orthanc.empty()
    return write_site(tmp_path, "orthanc", "", orthanc.dicom.port, web=web)


def table(orthanc: Orthanc) -> dict[str, dict[str, object]]:
    answer: dict[str, dict[str, object]] = requests.get(
        f"{orthanc.url}/modalities?expand", timeout=10
    ).json()
    return answer


def give(orthanc: Orthanc, *files: bytes) -> None:
    for content in files:
        requests.post(f"{orthanc.url}/instances", content, timeout=10).raise_for_status()


def test_it_says_who_answered(orthanc_site: Path, tmp_path: Path) -> None:
    identity = guest(orthanc_site, tmp_path).await_ready()
    assert (identity.stack, identity.edition) == ("orthanc", "external")
    assert identity.version.startswith("1.")


def test_a_wrong_password_is_an_error_that_says_what_to_check(
    orthanc_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACSLAB_TEST_PASSWORD", "wrong")
    with pytest.raises(LabError, match="401"):
        guest(orthanc_site, tmp_path).await_ready()


def test_only_what_the_lab_sent_is_shown_and_removed(
    orthanc_site: Path, orthanc: Orthanc, tmp_path: Path
) -> None:
    archive = guest(orthanc_site, tmp_path)
    archive.await_ready()
    give(orthanc, part10("1.2.3", 1))
    archive.will_receive(["1.2.4"])
    give(orthanc, part10("1.2.4", 1), part10("1.2.4", 2))
    assert {each.study_instance_uid for each in archive.held()} == {"1.2.4"}
    archive.empty()
    assert orthanc.instances() == 1
    give(orthanc, part10("1.2.4", 1))
    archive.close()
    assert orthanc.instances() == 1
    archive.close()


def test_a_study_that_was_there_before_is_not_mixed_with_the_labs_own(
    orthanc_site: Path, orthanc: Orthanc, tmp_path: Path
) -> None:
    archive = guest(orthanc_site, tmp_path)
    give(orthanc, part10("1.2.3", 1))
    with pytest.raises(UnsupportedError, match=r"already holds study 1\.2\.3"):
        archive.will_receive(["1.2.3"])
    archive.close()
    assert orthanc.instances() == 1


def test_settings_stay_as_they_are_unless_the_lab_may_change_them(
    orthanc_site: Path, orthanc: Orthanc, tmp_path: Path
) -> None:
    before = table(orthanc)
    archive = guest(orthanc_site, tmp_path, known_aes=(WORKSTATION,))
    archive.await_ready()
    with pytest.raises(UnsupportedError, match=r"known_aes of radiology-test .*--allow-config"):
        archive.configure(archive.settings.model_copy(update={"known_aes": ()}))
    with pytest.raises(UnsupportedError, match=r"does not know AE 'ELSEWHERE'.*--allow-config"):
        archive.forward("1.2.3", "ELSEWHERE")
    archive.close()
    assert table(orthanc) == before


def test_what_was_changed_is_in_force_and_put_back(
    orthanc_site: Path, orthanc: Orthanc, tmp_path: Path
) -> None:
    before = table(orthanc)
    ct = KnownAE(title="CT", host="127.0.0.1", port=11105)
    archive = guest(orthanc_site, tmp_path, allow_config=True, known_aes=(WORKSTATION, ct))
    archive.await_ready()
    assert table(orthanc)["WORKSTATION"]["Port"] == 11104
    assert table(orthanc)["CT"]["Port"] == 11105
    for known in ((ct,), (WORKSTATION, ct), (WORKSTATION,)):
        settings = archive.settings.model_copy(update={"known_aes": known})
        changes = archive.configure(settings)
        assert changes
        assert all(each.where.startswith("radiology-test") for each in changes)
        wanted = archive.dialect.translate(settings)
        assert not_in_force(archive.read_back(), wanted, changes) == []
        assert table(orthanc).keys() == {each.title for each in known}
    archive.close()
    assert table(orthanc) == before
    kept = json.loads((tmp_path / "run" / "archive-before.json").read_text())
    assert kept["DicomModalities"] == before


def test_an_entry_that_the_lab_has_added_is_removed_again(
    orthanc_site: Path, orthanc: Orthanc, tmp_path: Path
) -> None:
    before = table(orthanc)
    ct = KnownAE(title="CT", host="127.0.0.1", port=11105)
    archive = guest(orthanc_site, tmp_path, allow_config=True, known_aes=(ct,))
    archive.await_ready()
    assert table(orthanc).keys() == before.keys() | {"CT"}
    archive.close()
    assert table(orthanc) == before


def test_what_stands_in_orthancs_file_can_not_be_changed_from_afar(
    orthanc_site: Path, tmp_path: Path
) -> None:
    for allowed in (False, True):
        other = guest(orthanc_site, tmp_path, allow_config=allowed)
        wanted = other.settings.model_copy(update={"check_called_aetitle": True})
        reason = other.dialect.unsupported(wanted)["check_called_aetitle"]
        assert "JSON file" in reason
        assert "--allow-config" not in reason
        other.close()
    archive = guest(orthanc_site, tmp_path, allow_config=True)
    with pytest.raises(UnsupportedError, match=r"check_called_aetitle: .*JSON file"):
        archive.configure(wanted)
    archive.close()


def test_what_its_administrator_declares_as_in_force_is_fine(
    orthanc_site: Path, orthanc: Orthanc, tmp_path: Path
) -> None:
    site = json.loads(orthanc_site.read_text())
    site["settings"] = {"check_called_aetitle": True}
    orthanc_site.write_text(json.dumps(site))
    archive = guest(orthanc_site, tmp_path, check_called_aetitle=True)
    assert archive.dialect.unsupported(archive.settings) == {}
    other = archive.settings.model_copy(update={"max_pdu_length": 4096})
    assert list(archive.dialect.unsupported(other)) == ["max_pdu_length"]
    renamed = archive.settings.model_copy(update={"aetitle": "ARCHIVE"})
    assert list(archive.dialect.unsupported(renamed)) == ["aetitle"]


def test_what_a_scenario_wants_as_shipped_must_not_be_declared_otherwise(
    orthanc_site: Path, tmp_path: Path
) -> None:
    site = json.loads(orthanc_site.read_text())
    site["settings"] = {"check_called_aetitle": True}
    orthanc_site.write_text(json.dumps(site))
    for allowed in (False, True):
        careless = guest(orthanc_site, tmp_path, allow_config=allowed)
        assert careless.dialect.unsupported(careless.settings) == {}
        broken = LabState(archives={"archive": careless.settings}).with_archive(
            "archive", max_pdu_length=4096
        )
        assert list(careless.dialect.unsupported(broken.archives["archive"])) == ["max_pdu_length"]
        careful = guest(orthanc_site, tmp_path, allow_config=allowed, check_called_aetitle=None)
        reason = careful.dialect.unsupported(careful.settings)["check_called_aetitle"]
        assert "wants it as the vendor ships it" in reason
        assert "says that it is true there" in reason


def plan_on(folder: Path, route: dict[str, str], host: str, *, allow_config: bool = False) -> str:
    """Why a scenario with ``route`` is unsupported where ``archive`` is an Orthanc at ``host``."""
    dicom = {"host": host, "port": 104, "aetitle": "PACS"}
    site = write_site(folder, "orthanc", "http://127.0.0.1:1", dicom=dicom)
    stack = load_site(site, allow_config=allow_config)
    scenario = Scenario[Fault].model_validate(
        {
            "name": "a-story",
            "title": "A story",
            "category": "addressing",
            "story": "Nothing happened.",
            "roles": {
                "ct": {"kind": "modality"},
                "screen": {"kind": "workstation"},
                "archive": {"kind": "archive"},
                "peer": {"kind": "archive"},
            },
            "routes": {"only": route},
        }
    )
    bindings = {"archive": "@far", "peer": "dcm4chee"}
    cell = CellId(scenario="a-story", route="only", ends=scenario.routes["only"], bindings=bindings)
    (planned,) = plan_all(scenario, [cell], BACKENDS["local"], {"@far": stack})
    return planned.reason if isinstance(planned, UnsupportedCell) else ""


STORE = {"probe": "store", "from": "ct", "to": "archive"}
FORWARD = {"probe": "forward", "from": "archive", "to": "peer"}
FORWARDED_TO = {"probe": "forward", "from": "peer", "to": "archive"}
RETRIEVE = {"probe": "move", "from": "screen", "to": "archive", "destination": "screen"}


@pytest.mark.parametrize("route", [FORWARD, RETRIEVE])
def test_an_archive_elsewhere_can_not_send_to_nodes_that_listen_on_loopback(
    tmp_path: Path, route: dict[str, str]
) -> None:
    for allow in (False, True):
        reason = plan_on(tmp_path, route, "192.0.2.7", allow_config=allow)
        assert "radiology-test is on another machine (192.0.2.7)" in reason
        assert "listens on 127.0.0.1" in reason
    assert plan_on(tmp_path, route, "localhost") == ""
    assert plan_on(tmp_path, route, "127.0.0.1") == ""


@pytest.mark.parametrize("route", [STORE, FORWARDED_TO])
def test_an_archive_elsewhere_can_be_sent_to(tmp_path: Path, route: dict[str, str]) -> None:
    assert plan_on(tmp_path, route, "192.0.2.7") == ""


def test_an_archive_whose_host_is_no_name_is_not_on_this_machine(tmp_path: Path) -> None:
    assert "on another machine (pacs..hospital)" in plan_on(tmp_path, FORWARD, "pacs..hospital")


def test_two_archives_elsewhere_send_to_each_other_by_their_own_tables(tmp_path: Path) -> None:
    dicom = {"host": "192.0.2.7", "port": 104, "aetitle": "PACS"}
    site = write_site(tmp_path, "orthanc", "http://127.0.0.1:1", dicom=dicom)
    receiver = load_site(site)
    assert load_site(site).why_it_can_not_call(receiver) == ""
    assert load_site(site, allow_config=True).why_it_can_not_call(receiver) != ""


def test_an_archive_with_dicomweb_alone_can_be_looked_at_but_not_emptied(
    orthanc: Orthanc, orthanc_site: Path, tmp_path: Path
) -> None:
    site = json.loads(orthanc_site.read_text())
    site.update(kind="dicomweb", keeps_objects=True)
    site["web"]["url"] += "/dicom-web"
    orthanc_site.write_text(json.dumps(site))
    archive = guest(orthanc_site, tmp_path, allow_config=True)
    identity = archive.await_ready()
    assert str(identity) == "radiology-test (external unknown)"
    archive.will_receive(["1.2.5"])
    archive.empty()
    give(orthanc, part10("1.2.5", 1), part10("1.2.5", 2))
    held = archive.held("1.2.5")
    assert sorted(each.sop_instance_uid for each in held) == ["1.2.5.1", "1.2.5.2"]
    assert archive.held("1.2.6") == ()
    with pytest.raises(UnsupportedError, match="can't remove"):
        archive.empty()
    with pytest.raises(UnsupportedError, match="no interface for settings"):
        archive.configure(archive.settings.model_copy(update={"known_aes": (WORKSTATION,)}))
    with pytest.raises(UnsupportedError, match="can't make"):
        archive.forward("1.2.5", "WORKSTATION")
    archive.close()
    assert orthanc.instances() == 2


# --- a DCM4CHEE that already runs ---------------------------------------------------------------


@pytest.fixture
def dcm4chee() -> Iterator[FakeDcm4chee]:
    with serving(FakeDcm4chee()) as running:
        yield running


def test_dcm4chee_is_left_as_it_was_found(dcm4chee: FakeDcm4chee, tmp_path: Path) -> None:
    before = copy.deepcopy(dcm4chee.devices)
    file = write_site(tmp_path, "dcm4chee", dcm4chee.url, 11112)
    dcm4chee.hold(part10("1.2.3", 1))
    archive = guest(file, tmp_path, allow_config=True, known_aes=(WORKSTATION,))
    assert str(archive.await_ready()) == "dcm4chee (external 5.35.0)"
    archive.will_receive(["1.2.4"])
    dcm4chee.hold(part10("1.2.4", 1))
    settings = archive.settings.model_copy(update={"refused_services": ("store",)})
    changes = archive.configure(settings)
    wanted = archive.dialect.translate(settings)
    assert not_in_force(archive.read_back(), wanted, changes) == []
    archive.close()
    assert list(dcm4chee.studies) == ["1.2.3"]
    assert dcm4chee.devices.keys() == before.keys()
    restored = dcm4chee.running["dicomNetworkAE"][0]["dicomTransferCapability"]
    shipped = before["dcm4chee-arc"]["dicomNetworkAE"][0]["dicomTransferCapability"]
    assert sorted(restored, key=str) == sorted(shipped, key=str)
    kept = tmp_path / "run" / "archive-before.json"
    assert json.loads(kept.read_text())["dicomDeviceName"] == "dcm4chee-arc"
    assert kept.stat().st_mode & 0o077 == 0


def test_dcm4chee_is_not_touched_without_leave(dcm4chee: FakeDcm4chee, tmp_path: Path) -> None:
    archive = guest(
        write_site(tmp_path, "dcm4chee", dcm4chee.url, 11112),
        tmp_path,
        known_aes=(WORKSTATION,),
        check_called_aetitle=True,
    )
    archive.await_ready()
    assert archive.dialect.unsupported(archive.settings) == {}, "DCM4CHEE always checks (F1)"
    wanted = archive.settings.model_copy(update={"accepted_calling_aetitles": ("X",)})
    assert "--allow-config" in archive.dialect.unsupported(wanted)["accepted_calling_aetitles"]
    with pytest.raises(UnsupportedError, match="--allow-config"):
        archive.configure(wanted)
    archive.close()
    assert dcm4chee.calls == []


def test_what_could_not_be_undone_is_said_and_the_rest_is_undone(
    dcm4chee: FakeDcm4chee, tmp_path: Path
) -> None:
    file = write_site(tmp_path, "dcm4chee", dcm4chee.url, 11112)
    archive = guest(file, tmp_path, allow_config=True, max_pdu_length=4096)
    archive.await_ready()
    archive.will_receive(["1.2.4"])
    dcm4chee.hold(part10("1.2.4", 1))
    dcm4chee.fail_next["DELETE /aets/DCM4CHEE/rs/studies"] = (500, "no space left", {})
    with pytest.raises(LabError, match=r"not be left as it was found.*no space left"):
        archive.close()
    options = dcm4chee.running["dicomNetworkConnection"][1]["dcmNetworkConnection"]
    assert "dcmReceivePDULength" not in options
    archive.close()
    assert dcm4chee.studies == {}


def test_a_study_that_can_not_be_removed_is_named_and_the_others_are_removed(
    dcm4chee: FakeDcm4chee, tmp_path: Path
) -> None:
    archive = guest(write_site(tmp_path, "dcm4chee", dcm4chee.url, 11112), tmp_path)
    archive.await_ready()
    archive.will_receive(["1.2.4", "1.2.5"])
    dcm4chee.hold(part10("1.2.4", 1), part10("1.2.5", 1))
    dcm4chee.fail_next["DELETE /aets/DCM4CHEE/rs/studies/1.2.4"] = (500, "no space left", {})
    with pytest.raises(LabError, match=r"Study 1\.2\.4 may still be there.*no space left"):
        archive.close()
    assert list(dcm4chee.studies) == ["1.2.4"]


def test_two_labs_of_a_run_take_turns_with_an_archives_settings(
    dcm4chee: FakeDcm4chee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "_TURN_SECONDS", 0.01)
    stack = load_site(write_site(tmp_path, "dcm4chee", dcm4chee.url, 11112), allow_config=True)
    first, second = (stack.archive("external", context_of(tmp_path)) for _ in range(2))
    first.await_ready()
    with pytest.raises(LabError, match="one lab at a time"):
        second.await_ready()
    second.close()
    monkeypatch.setattr(external, "_TURN_SECONDS", 10.0)
    waiting = threading.Thread(target=second.await_ready)
    waiting.start()
    first.close()
    waiting.join(10)
    assert not waiting.is_alive()
    second.close()


@pytest.mark.skipif(sys.platform != "linux", reason="runs share cells among processes on Linux")
def test_labs_in_forked_processes_take_turns_too(
    dcm4chee: FakeDcm4chee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "_TURN_SECONDS", 0.01)
    stack = load_site(write_site(tmp_path, "dcm4chee", dcm4chee.url, 11112), allow_config=True)
    first, second = (stack.archive("external", context_of(tmp_path)) for _ in range(2))

    context = multiprocessing.get_context("fork")
    taken, over = context.Event(), context.Event()

    def hold() -> None:
        second.await_ready()
        taken.set()
        over.wait(30)
        second.close()

    other = context.Process(target=hold)
    other.start()
    try:
        assert taken.wait(30)
        with pytest.raises(LabError, match="one lab at a time"):
            first.await_ready()
    finally:
        over.set()
        other.join(30)
    assert other.exitcode == 0
    first.await_ready()
    first.close()


def context_of(tmp_path: Path) -> StackContext:
    return StackContext(
        role="archive",
        runner=OneNodeRunner(""),
        place=place(tmp_path),
        backend=HasImages("local"),
        settings=ArchiveSettings(aetitle="DCM4CHEE"),
        run_folder=str(tmp_path / "run"),
    )
