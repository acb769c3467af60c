"""``stow``, ``qido`` and ``wado``: DICOMweb (PS3.18)."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dicom.association.ends import Tls
from dicom.errors import UsageError
from dicom.tracing.pdu_words import name_of
from dicom.web.target import WebAuth, WebTarget
from modalities.command_line import subcommand
from modalities.command_line.carrying_out import carry_out, conclude, sendable
from modalities.command_line.options import (
    add_timeout_option,
    add_tls_options,
    timeouts_of,
    tls_of,
)
from modalities.command_line.query import attribute
from modalities.command_line.words import say
from modalities.services.qido import Qido
from modalities.services.stow import Stow
from modalities.services.wado import Wado

#: Where a password or token comes from: a command line can be read by others.
_PASSWORD, _TOKEN = "PACSLAB_PASSWORD", "PACSLAB_TOKEN"
_PORTS: Final = {"http": 80, "https": 443}


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        required=True,
        type=_url,
        metavar="URL",
        help="the DICOMweb root, such as http://127.0.0.1:8042/dicom-web",
    )
    parser.add_argument(
        "--user", help=f"its password is read from ${_PASSWORD}, a token from ${_TOKEN}"
    )
    add_timeout_option(parser)
    parser.add_argument("--trace", action="store_true", help="print every request and response")
    add_tls_options(parser)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, help="DICOM files or folders of them")
    _add_server(parser)


def _add_query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--level", choices=("studies", "series", "instances"), default="studies")
    parser.add_argument(
        "--match", action="append", default=[], type=attribute, metavar="KEYWORD=VALUE"
    )
    _add_server(parser)


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY-INSTANCE-UID")
    _add_server(parser)


@subcommand("stow", help="STOW-RS of files or folders", configure=_add_files)
def _stow(options: argparse.Namespace) -> int:
    files = tuple(map(str, sendable(options.files)))
    command = Stow(target=_server(options), timeouts=timeouts_of(options), files=files)
    report = carry_out(command)
    for each in report.objects:
        outcome = "stored" if each.outcome.succeeded else each.outcome
        what = f"{name_of(each.sop_class_uid)} in {name_of(each.transfer_syntax_uid)}"
        say(f"{Path(each.file).name}: {outcome} ({what}) {each.comment}")
    return conclude(report, options)


@subcommand("qido", help="QIDO-RS; prints a JSON object per answer", configure=_add_query)
def _qido(options: argparse.Namespace) -> int:
    command = Qido(
        target=_server(options),
        timeouts=timeouts_of(options),
        level=options.level,
        keys=dict(options.match),
    )
    report = carry_out(command)
    for answer in report.answers:
        say(json.dumps(answer, ensure_ascii=False))
    return conclude(report, options)


@subcommand("wado", help="WADO-RS of a study; says what came, keeps nothing", configure=_add_study)
def _wado(options: argparse.Namespace) -> int:
    command = Wado(
        target=_server(options), timeouts=timeouts_of(options), study_instance_uid=options.study
    )
    report = carry_out(command)
    for each in report.received:
        say(f"{each.fingerprint.sop_instance_uid} digest {each.fingerprint.digest}")
    return conclude(report, options)


def _server(options: argparse.Namespace) -> WebTarget:
    """The origin server, and how it is spoken to.

    Raises:
        UsageError: TLS options for a server that speaks plain HTTP.
    """
    target: WebTarget = options.to
    tls = tls_of(options)
    if tls is not None:
        if target.tls is None:
            raise UsageError("TLS is asked for, but --to begins with http://; expected https://")
        target = target.model_copy(update={"tls": tls})
    auth = None
    if options.user:
        auth = WebAuth(user=options.user, password=os.environ.get(_PASSWORD, ""))
    elif token := os.environ.get(_TOKEN):
        auth = WebAuth(token=token)
    return target.model_copy(update={"auth": auth})


def _url(text: str) -> WebTarget:
    url = urlsplit(text)
    try:
        port = url.port or _PORTS.get(url.scheme)
    except ValueError:
        port = None
    if not url.hostname or port is None or url.scheme not in _PORTS or url.query or url.username:
        raise argparse.ArgumentTypeError(
            "expected http:// or https://, a host and a path such as"
            f" http://127.0.0.1:8042/dicom-web, saw {text!r}"
        )
    tls = Tls() if url.scheme == "https" else None
    return WebTarget(host=url.hostname, port=port, root=url.path.rstrip("/"), tls=tls)
