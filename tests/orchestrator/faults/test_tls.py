"""TLS faults: whose material changes, and how it is proven that the flawed one is presented."""

from __future__ import annotations

import pytest

from dicom.association.ends import Caller, Target
from modalities.services.echo import Echo
from orchestrator.errors import FaultNotInPlaceError, LabError, UnsupportedError
from orchestrator.faults.base import FAULTS
from orchestrator.faults.tls import (
    CertificateFault,
    CertificateNotYetValid,
    CertificateOfAnotherHost,
    ClientCertificateMissing,
    ExpiredCertificate,
    PlainToTls,
    TlsFault,
    TlsToPlain,
    UntrustedCa,
)
from tests.orchestrator.faults.conftest import FORWARD, STORE, LoopbackLab, healthy

FLAWED = [UntrustedCa, ExpiredCertificate, CertificateNotYetValid, CertificateOfAnotherHost]


def seen_by_ct(lab: LoopbackLab) -> str:
    """What the modality makes of it when it calls the archive."""
    host, port = lab.endpoint(("ct", "archive"))
    entry = lab.state.entries["ct", "archive"]
    tls = lab.state.modalities["ct"].client_tls if entry.tls else None
    target = Target(host=host, port=port, called=entry.title, tls=tls)
    report = lab.ask("ct", Echo(target=target, caller=Caller(calling="CT")))
    return f"{report.outcome.rung.value}: {report.outcome.signature or 'ok'}"


def test_in_the_healthy_lab_tls_works(tls_lab: LoopbackLab) -> None:
    assert seen_by_ct(tls_lab) == "dimse: ok"


@pytest.mark.parametrize("fault", FLAWED)
def test_the_server_gets_its_flawed_certificate(fault: type[CertificateFault]) -> None:
    state = healthy(tls=True)
    broken = fault(side="server").change(state, STORE)
    tls = broken.archives["archive"].tls
    assert tls is not None
    assert tls.certificate == f"archive-{fault.flaw}"
    assert broken.modalities == state.modalities


@pytest.mark.parametrize("fault", FLAWED)
def test_the_modality_gets_its_flawed_certificate(fault: type[CertificateFault]) -> None:
    state = healthy(tls=True)
    broken = fault(side="client").change(state, STORE)
    tls = broken.modalities["ct"].client_tls
    assert tls is not None
    assert (tls.certificate, tls.key) == (f"tls/ct-{fault.flaw}.pem", f"tls/ct-{fault.flaw}.key")
    assert tls.trusted == "tls/lab-ca.pem"
    assert broken.archives == state.archives


def test_a_sending_archive_presents_the_certificate_it_also_serves_with() -> None:
    broken = UntrustedCa(side="client").change(healthy(tls=True), FORWARD)
    tls = broken.archives["archive"].tls
    assert tls is not None
    assert tls.certificate == "archive-other-ca"


@pytest.mark.parametrize("fault", FLAWED)
def test_a_flawed_server_certificate_is_proven_by_a_handshake(
    fault: type[CertificateFault], tls_lab: LoopbackLab
) -> None:
    broken = fault(side="server")
    lines = broken.verify(tls_lab.enact(broken.change(tls_lab.state, STORE)), STORE)
    assert lines[0].startswith(f"archive presents archive-{fault.flaw}.pem: archive, issued by")
    assert lines[1] == f"ct, trusting lab-ca: tls: certificate {fault.refusal}"


def test_an_untrusted_authority_is_told_from_one_that_nobody_has(tls_lab: LoopbackLab) -> None:
    fault = UntrustedCa(side="server")
    lines = fault.verify(tls_lab.enact(fault.change(tls_lab.state, STORE)), STORE)
    assert lines[2] == "ct, trusting other-ca: certificate accepted"


@pytest.mark.parametrize("fault", FLAWED)
def test_a_server_that_still_presents_its_good_certificate_is_found_out(
    fault: type[CertificateFault], tls_lab: LoopbackLab
) -> None:
    tls_lab.deaf = True
    broken = fault(side="server")
    with pytest.raises(FaultNotInPlaceError, match=f"should refuse .* as {fault.refusal}"):
        broken.verify(tls_lab.enact(broken.change(tls_lab.state, STORE)), STORE)


def test_a_client_certificate_is_shown_as_it_lies_there(tls_lab: LoopbackLab) -> None:
    fault = UntrustedCa(side="client")
    (line,) = fault.verify(tls_lab.enact(fault.change(tls_lab.state, STORE)), STORE)
    assert line.startswith("ct presents ct-other-ca.pem: ct, issued by pacslab other-ca")
    assert seen_by_ct(tls_lab) == "tls: alert unknown_ca"


def test_a_certificate_that_is_not_there_is_explained(tls_lab: LoopbackLab) -> None:
    fault = UntrustedCa(side="client")
    state = fault.change(fault.change(tls_lab.state, STORE), STORE)
    with pytest.raises(LabError, match=r"ct-other-ca-other-ca\.pem"):
        fault.verify(tls_lab.enact(state), STORE)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (UntrustedCa(), "tls: certificate untrusted-issuer"),
        (ExpiredCertificate(), "tls: certificate expired"),
        (ExpiredCertificate(side="client"), "tls: alert certificate_expired"),
        (ClientCertificateMissing(), "tls: alert certificate_required"),
    ],
)
def test_a_modality_sees_what_is_wrong(fault: TlsFault, seen: str, tls_lab: LoopbackLab) -> None:
    tls_lab.enact(fault.change(tls_lab.state, STORE))
    assert seen_by_ct(tls_lab) == seen


def test_plain_to_a_tls_port_never_becomes_an_association(tls_lab: LoopbackLab) -> None:
    tls_lab.enact(PlainToTls().change(tls_lab.state, STORE))
    assert seen_by_ct(tls_lab).startswith("associate: ")


def test_tls_to_a_plain_port_fails_in_the_handshake(tls_lab: LoopbackLab) -> None:
    tls_lab.enact(TlsToPlain().change(tls_lab.state, STORE))
    assert seen_by_ct(tls_lab).startswith("tls: ")


@pytest.mark.parametrize("fault", [UntrustedCa(), PlainToTls()])
def test_without_tls_at_the_server_there_is_nothing_to_break(fault: TlsFault) -> None:
    with pytest.raises(UnsupportedError, match=r"settings: \{archive: \{tls: \{\}\}\}"):
        fault.change(healthy(tls=False), STORE)


def test_an_archive_can_not_be_without_its_certificate() -> None:
    with pytest.raises(UnsupportedError, match="not a modality"):
        ClientCertificateMissing().change(healthy(tls=True), FORWARD)


def test_scenarios_know_them_by_name() -> None:
    assert FAULTS["untrusted-ca"] is UntrustedCa
    assert FAULTS["tls-to-plain"] is TlsToPlain
