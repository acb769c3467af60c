"""TLS: certificates that the other side can't accept, and sides that don't agree to speak it.

What each product makes of each case is in row F19 of the archive facts.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from dicom.association.ends import Tls
from dicom.settings import TlsServer
from modalities.commands import Report
from orchestrator.errors import FaultNotInPlaceError, UnsupportedError
from orchestrator.faults.base import FAULTS, Fault, link_of
from orchestrator.faults.proof import VisibleLab, echo_at, seen_in
from orchestrator.model.certificate_names import LAB_CA, OTHER_CA, Flaw
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState

Side = Literal["server", "client"]


class TlsFault(Fault):
    """Something is wrong with TLS between a route's source and its target."""

    layer: ClassVar[str] = "tls"


class CertificateFault(TlsFault):
    """One side presents a certificate with a flaw."""

    flaw: ClassVar[Flaw]
    #: What a modality that checks says of a server with this certificate.
    refusal: ClassVar[str]
    side: Side = Field(
        "server", description="whose certificate: the called server's or the client's"
    )

    def change(self, state: LabState, route: Route) -> LabState:
        """Give the side the flawed one of its certificates."""
        if self.side == "client" and route.source in state.modalities:
            tls = _client_tls(state, route)
            name = f"{(tls.certificate or '').removesuffix('.pem')}-{self.flaw}"
            changed = tls.model_copy(update={"certificate": f"{name}.pem", "key": f"{name}.key"})
            return state.with_modality(route.source, client_tls=changed)
        role = route.target if self.side == "server" else route.source
        server = _server_tls(state, role)
        flawed = server.model_copy(update={"certificate": f"{server.certificate}-{self.flaw}"})
        return state.with_archive(role, tls=flawed)

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """The certificate as it lies where the node reads it; and a server must present it."""
        if self.side == "client" and route.source in lab.state.modalities:
            presented = str(_client_tls(lab.state, route).certificate)
        else:
            role = route.target if self.side == "server" else route.source
            presented = f"tls/{_server_tls(lab.state, role).certificate}.pem"
        described = lab.certificate(presented)
        if self.side == "client":
            return (f"{route.source} presents {described}",)
        return (f"{route.target} presents {described}", *self._prove_presented(lab, route))

    def _prove_presented(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """A modality that trusts the lab's authority must find the flaw in the handshake."""
        witness = lab.feeder
        # OpenSSL compares names before dates: a name that differs must not hide the real flaw.
        names = self.refusal == "hostname-mismatch"
        report = _echo(lab, route, _witness_tls(lab.feeder, check_hostname=names))
        seen = seen_in(report, "accepted")
        if str(report.outcome.signature) != f"certificate {self.refusal}":
            raise FaultNotInPlaceError(
                f"{witness}, trusting {LAB_CA}, should refuse {route.target}'s certificate as"
                f" {self.refusal}, but it saw {seen}. Was the archive restarted with it?"
            )
        return (f"{witness}, trusting {LAB_CA}: {seen}",)


@FAULTS.register("untrusted-ca")
class UntrustedCa(CertificateFault):
    """One side's certificate was issued by an authority that the other side does not trust."""

    flaw: ClassVar[Flaw] = "other-ca"
    refusal: ClassVar[str] = "untrusted-issuer"

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """Besides, whoever trusts the other authority must accept the server."""
        lines = super().verify(lab, route)
        if self.side == "client":
            return lines
        witness = lab.feeder
        report = _echo(lab, route, _witness_tls(lab.feeder, trusted=f"tls/{OTHER_CA}.pem"))
        if report.outcome.kind == "certificate":
            raise FaultNotInPlaceError(
                f"{witness}, trusting {OTHER_CA}, should accept {route.target}'s certificate,"
                f" but it saw {report.outcome.signature}"
            )
        return (*lines, f"{witness}, trusting {OTHER_CA}: certificate accepted")


@FAULTS.register("expired-certificate")
class ExpiredCertificate(CertificateFault):
    """One side's certificate expired yesterday."""

    flaw: ClassVar[Flaw] = "expired"
    refusal: ClassVar[str] = "expired"


@FAULTS.register("certificate-not-yet-valid")
class CertificateNotYetValid(CertificateFault):
    """One side's certificate begins tomorrow, or the other side's clock is wrong."""

    flaw: ClassVar[Flaw] = "not-yet-valid"
    refusal: ClassVar[str] = "not-yet-valid"


@FAULTS.register("certificate-of-another-host")
class CertificateOfAnotherHost(CertificateFault):
    """One side's certificate names a host that it is not."""

    flaw: ClassVar[Flaw] = "wrong-host"
    refusal: ClassVar[str] = "hostname-mismatch"


@FAULTS.register("client-certificate-missing")
class ClientCertificateMissing(TlsFault):
    """The server demands a certificate (mutual TLS) and the modality presents none."""

    def change(self, state: LabState, route: Route) -> LabState:
        """Take the modality's certificate away."""
        tls = _client_tls(state, route).model_copy(update={"certificate": None, "key": None})
        return state.with_modality(route.source, client_tls=tls)


@FAULTS.register("plain-to-tls")
class PlainToTls(TlsFault):
    """The client speaks plain DICOM to a port that expects TLS."""

    def change(self, state: LabState, route: Route) -> LabState:
        """Switch TLS off in the client's entry."""
        _server_tls(state, route.target)
        return state.with_entry(link_of(route), tls=False)


@FAULTS.register("tls-to-plain")
class TlsToPlain(TlsFault):
    """The client opens TLS to a port that speaks plain DICOM."""

    def change(self, state: LabState, route: Route) -> LabState:
        """Switch TLS on in the client's entry, and off at the server where it is on."""
        state = state.with_entry(link_of(route), tls=True)
        if route.target in state.archives:
            state = state.with_archive(route.target, tls=None)
        return state


def _server_tls(state: LabState, role: str) -> TlsServer:
    """An archive's own TLS: what it listens with, and presents when it calls.

    Raises:
        UnsupportedError: ``role`` is not an archive with TLS.
    """
    settings = state.archives.get(role)
    if settings is None or settings.tls is None:
        raise UnsupportedError(
            f"{role} has no TLS to break; give it one in the scenario: settings: {{{role}: {{tls:"
            " {}}}"
        )
    return settings.tls


def _client_tls(state: LabState, route: Route) -> Tls:
    """What a modality presents and trusts.

    Raises:
        UnsupportedError: the source is an archive, or presents no certificate.
    """
    modality = state.modalities.get(route.source)
    if modality is None or modality.client_tls is None or modality.client_tls.certificate is None:
        raise UnsupportedError(
            f"{route.source} is not a modality with a certificate of its own; an archive has one"
            " certificate for both directions and can't be without"
        )
    return modality.client_tls


def _witness_tls(feeder: str, *, trusted: str | None = None, check_hostname: bool = False) -> Tls:
    """The feeder's own good material, with another trust or stricter checking."""
    return Tls(
        trusted=trusted or f"tls/{LAB_CA}.pem",
        certificate=f"tls/{feeder}.pem",
        key=f"tls/{feeder}.key",
        check_hostname=check_hostname,
    )


def _echo(lab: VisibleLab, route: Route, tls: Tls) -> Report:
    """One echo over TLS, from whoever feeds the lab."""
    link = link_of(route)
    called = lab.state.entries[link].title
    return echo_at(lab, link, lab.feeder, called=called, tls=tls)
