"""Options of every command that calls a peer: where to, as whom, and over TLS or not."""

from __future__ import annotations

import argparse
import math
from typing import Final

from dicom.association.ends import Caller, Target, Timeouts, Tls
from dicom.errors import UsageError

_LAST_PORT: Final = 0xFFFF
_DAY: Final = 86_400


def add_scu_options(parser: argparse.ArgumentParser, *, trace: bool = True) -> None:
    """``--to``, ``--calling``, ``--timeout``, ``--trace`` where there is one, and TLS."""
    parser.add_argument("--to", required=True, type=target, metavar="TITLE@HOST:PORT")
    parser.add_argument("--calling", default="PACSLAB", help="own AE title (%(default)s)")
    add_timeout_option(parser)
    if trace:
        parser.add_argument("--trace", action="store_true", help="print every PDU")
    add_tls_options(parser)


def add_timeout_option(parser: argparse.ArgumentParser) -> None:
    """``--timeout``."""
    parser.add_argument("--timeout", type=seconds, default=10.0, help="seconds per step (10)")


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """Our side of DICOM TLS (PS3.15 annex B)."""
    tls = parser.add_argument_group("DICOM TLS", "given any of these, TLS is spoken")
    tls.add_argument("--trusted", metavar="PEM", help="CA that the peer must chain to")
    tls.add_argument("--certificate", metavar="PEM", help="own certificate")
    tls.add_argument("--key", metavar="PEM", help="its private key")
    tls.add_argument("--check-hostname", action="store_true", help="match the peer's name too")


def target(text: str) -> Target:
    """``TITLE@host:port`` as a peer that speaks no TLS.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    title, _, address = text.rpartition("@")
    host, _, number = address.rpartition(":")
    if not (title and host and number.isdecimal() and 0 < int(number) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(
            f"expected TITLE@host:port such as ORTHANC@127.0.0.1:4242, saw {text!r}"
        )
    return Target(host=host.strip("[]"), port=int(number), called=title)


def target_of(options: argparse.Namespace) -> Target:
    """The peer, and how it is spoken to."""
    to: Target = options.to
    return to.model_copy(update={"tls": tls_of(options)})


def caller_of(options: argparse.Namespace) -> Caller:
    """Ourselves, as patient as ``--timeout`` says at each step."""
    return Caller(calling=options.calling, timeouts=timeouts_of(options))


def timeouts_of(options: argparse.Namespace) -> Timeouts:
    """As patient as ``--timeout`` says at each step."""
    wait = options.timeout
    return Timeouts(connect=wait, acse=wait, dimse=wait, network=wait)


def tls_of(options: argparse.Namespace) -> Tls | None:
    """Our TLS material; None where no option asks for TLS.

    Raises:
        UsageError: a key without its certificate.
    """
    if options.key is not None and options.certificate is None:
        raise UsageError("--key is the key of --certificate, which is missing")
    if options.trusted is None and options.certificate is None and not options.check_hostname:
        return None
    return Tls(
        trusted=options.trusted,
        certificate=options.certificate,
        key=options.key,
        check_hostname=options.check_hostname,
    )


def positive(text: str) -> int:
    """A number of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is less, or no whole number.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, saw {text!r}")
    return int(text)


def port(text: str) -> int:
    """A TCP port to listen on, 0 for any free one.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to {_LAST_PORT}, saw {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """A time of more than 0 s and at most a day.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _DAY:
        raise argparse.ArgumentTypeError(f"expected seconds from above 0 to {_DAY}, saw {text!r}")
    return number
