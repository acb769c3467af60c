"""The adapter of a running DCM4CHEE, and where the stack gets one from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from dicom.settings import ArchiveSettings, KnownAE, TlsServer
from orchestrator.backends.base import Backend, NodeRunner, Place, ProcessLaunch, ThreadLaunch
from orchestrator.errors import LabError
from orchestrator.lab.certificates import CertificateStore
from orchestrator.model.address import Address
from orchestrator.stacks.base import STACKS, StackContext
from orchestrator.stacks.dcm4chee import stack as dcm4chee
from orchestrator.stacks.dcm4chee.stack import Dcm4cheeArchive
from orchestrator.stacks.native import not_in_force
from orchestrator.stacks.profile.adapter import ProfileArchive
from tests.orchestrator.stacks.dcm4chee.conftest import MakeObject
from tests.orchestrator.stacks.dcm4chee.fake_dcm4chee import FakeDcm4chee
from tests.orchestrator.stacks.dcm4chee.lab_fakes import HasImages, OneNodeRunner

WORKSTATION = KnownAE(title="WORKSTATION", host="workstation", port=11104)
SETTINGS = ArchiveSettings(aetitle="DCM4CHEE", known_aes=(WORKSTATION,))


def context_for(
    runner: NodeRunner, tmp_path: Path, settings: ArchiveSettings, backend: Backend | None = None
) -> StackContext:
    address = Address("archive", 11112)
    place = Place(
        role="archive",
        listen={"dicom": address, "web": Address("archive", 8080)},
        peers={"dicom": address, "web": Address("archive", 8080)},
        config=tmp_path / "config",
        data=tmp_path / "data",
        exchange=tmp_path,
        node_config="/lab/config",
        node_data="/storage",
        node_exchange="/lab/exchange",
    )
    return StackContext(
        role="archive",
        runner=runner,
        place=place,
        backend=backend or HasImages("docker"),
        settings=settings,
        run_folder=str(tmp_path),
    )


@pytest.fixture
def runner(fake: FakeDcm4chee) -> OneNodeRunner:
    return OneNodeRunner(fake.url)


@pytest.fixture
def archive(runner: OneNodeRunner, tmp_path: Path) -> Iterator[Dcm4cheeArchive]:
    running = Dcm4cheeArchive(context_for(runner, tmp_path, SETTINGS), "DCM4CHEE")
    yield running
    running.close()


def test_the_real_images_come_first_and_the_profile_stands_in_for_them() -> None:
    stack = STACKS["dcm4chee"]
    assert stack.aetitle == "DCM4CHEE"
    assert stack.editions(HasImages("docker", frozenset({"dcm4chee"}))) == ("container", "profile")
    assert stack.editions(HasImages("docker", frozenset({"orthanc"}))) == ("profile",)
    assert stack.editions(HasImages("local", frozenset({"dcm4chee"}))) == ("profile",)
    assert stack.ports("container") == {"dicom": 11112, "web": 8080}


def test_each_edition_has_its_own_adapter(runner: OneNodeRunner, tmp_path: Path) -> None:
    context = context_for(runner, tmp_path, SETTINGS)
    stack = STACKS["dcm4chee"]
    assert isinstance(stack.archive("container", context), Dcm4cheeArchive)
    assert isinstance(stack.archive("profile", context), ProfileArchive)


def test_it_is_launched_as_the_service_of_the_compose_file(archive: Dcm4cheeArchive) -> None:
    launch = archive.launch()
    assert (launch.role, launch.service) == ("archive", "dcm4chee")
    assert launch.ports == {"dicom": 11112, "web": 8080}
    assert not isinstance(launch, ProcessLaunch | ThreadLaunch)


def test_ready_means_configured_and_its_listener_answers(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee
) -> None:
    identity = archive.await_ready()
    assert str(identity) == "dcm4chee (container 5.35.0)"
    assert fake.calls == [
        "POST /devices/pacslab-WORKSTATION",
        "POST /ctrl/reload",
        "POST /aets/DCM4CHEE/dimse/DCM4CHEE?host=localhost&port=11112",
    ]
    assert archive.settings == SETTINGS


def test_an_archive_that_dies_while_it_boots_is_reported_with_its_last_words(
    archive: Dcm4cheeArchive, runner: OneNodeRunner, fake: FakeDcm4chee
) -> None:
    fake.status = "STOPPED"
    runner.running = False
    with pytest.raises(LabError, match=r"STARTED on GET /dcm4chee-arc/ctrl/status") as caught:
        archive.await_ready()
    assert caught.value.log_tail[-1] == "ERROR no datasource"


def test_a_listener_that_never_answers_is_reported(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dcm4chee, "_LISTENER_SECONDS", 0.02)
    fake.echo_code = 2
    with pytest.raises(LabError, match=r"C-ECHO on its own port 11112.*Failed to connect"):
        archive.await_ready()


def test_a_rejection_of_its_own_echo_is_an_answer(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee
) -> None:
    fake.echo_code = 3
    archive.await_ready()


def test_a_fault_and_its_repair_are_put_read_back_and_undone_without_a_restart(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee
) -> None:
    archive.await_ready()
    broken = SETTINGS.model_copy(update={"accepted_calling_aetitles": ("SOMEBODY",)})
    for settings in (broken, SETTINGS):
        changes = archive.configure(settings)
        assert [each.key for each in changes] == ["dcmAcceptedCallingAETitle"]
        wanted = archive.dialect.translate(settings)
        assert not_in_force(archive.read_back(), wanted, changes) == []
        assert archive.settings == settings


def test_it_holds_what_it_received_and_nothing_after_it_was_emptied(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    archive.await_ready()
    fake.hold(make_object("1.2.3", 1), make_object("1.2.3", 2), make_object("1.2.4", 1))
    assert len(archive.held("1.2.3")) == 2
    assert len(archive.held()) == 3
    archive.empty()
    assert archive.held() == ()
    assert fake.studies == {}


def test_a_study_that_can_not_be_removed_is_an_error(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    archive.await_ready()
    fake.hold(make_object("1.2.3", 1))
    fake.fail_next["DELETE /aets/DCM4CHEE/rs/studies"] = (403, "not permitted", {})
    with pytest.raises(LabError, match=r"403.*not permitted.*credentials"):
        archive.empty()


def test_it_sends_as_the_ae_that_it_is_called_now(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    archive.await_ready()
    fake.hold(make_object("1.2.3", 1))
    archive.configure(SETTINGS.model_copy(update={"aetitle": "NEWPACS"}))
    assert archive.forward("1.2.3", "WORKSTATION").claims_success
    assert fake.calls[-1] == "POST /aets/NEWPACS/rs/studies/1.2.3/export/dicom:WORKSTATION"


def test_tls_takes_the_runs_certificates_as_java_stores(
    archive: Dcm4cheeArchive, fake: FakeDcm4chee, tmp_path: Path
) -> None:
    CertificateStore.create(tmp_path / "tls", {"archive": ("archive", "localhost")})
    archive.await_ready()
    fake.calls.clear()
    archive.configure(SETTINGS.model_copy(update={"tls": TlsServer()}))
    assert fake.calls == ["PUT /devices/dcm4chee-arc", "POST /ctrl/reload"]
    shared = fake.running["dcmDevice"]
    assert shared["dcmKeyStoreURL"] == "file:///lab/exchange/tls/archive.key.p12"
    pin = shared["dcmKeyStorePin"].encode()
    keys = pkcs12.load_pkcs12((tmp_path / "tls" / "archive.key.p12").read_bytes(), pin)
    trusted = pkcs12.load_pkcs12((tmp_path / "tls" / "lab-ca.trust.p12").read_bytes(), pin)
    assert keys.cert is not None
    assert keys.key is not None
    assert keys.cert.certificate.issuer == trusted.additional_certs[0].certificate.subject


def test_tls_without_certificates_says_what_is_missing(
    archive: Dcm4cheeArchive, tmp_path: Path
) -> None:
    archive.await_ready()
    with pytest.raises(LabError, match=r"'archive' and 'lab-ca'.*PEM files"):
        archive.configure(SETTINGS.model_copy(update={"tls": TlsServer()}))


def test_asking_before_it_is_ready_is_an_error(archive: Dcm4cheeArchive) -> None:
    with pytest.raises(LabError, match="await_ready comes first"):
        archive.read_back()
