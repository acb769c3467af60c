"""``python -m modalities``: a modality simulator on the command line, and a node's main process.

Exit codes: 0 carried out, 1 the exchange stopped (and why), 2 wrong input.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from types import FrameType

from modalities import families
from modalities.commands import Caller, ObjectReport, Report, Target, Timeouts, Tls
from modalities.errors import ModalityError
from modalities.node import ModalityNode, serve
from modalities.part10 import inspect
from modalities.pdu_words import name_of
from modalities.services.echo import Echo, echo
from modalities.services.listen import Listen, Received
from modalities.services.store import Store, store
from modalities.study import TRANSFER_SYNTAXES, write_study

_OBSERVER = "modality"
_DONE, _STOPPED, _WRONG_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ModalityError as error:
        _complain(str(error))
        return _WRONG_INPUT


def _node(options: argparse.Namespace) -> int:
    node = ModalityNode(options.name, options.exchange, bind=options.bind)
    try:
        control = serve(node, options.name, host=options.bind, port=options.control_port)
    except OSError as error:
        raise ModalityError(
            f"control channel can't listen on {options.bind}:{options.control_port}: {error}"
        ) from error
    _say(f"{options.name}: control channel on {options.bind}:{control.port}")
    _until_told_to_stop()
    control.stop()
    node.stop()
    _say(f"{options.name}: stopped")
    return _DONE


def _generate(options: argparse.Namespace) -> int:
    for written in write_study(
        options.out,
        options.family,
        images=options.images,
        rows=options.rows,
        columns=options.columns,
        seed=options.seed,
        transfer_syntax=options.transfer_syntax,
    ):
        _say(f"{written.path}  {written.fingerprint.sop_instance_uid}")
    return _DONE


def _send(options: argparse.Namespace) -> int:
    if not options.files and options.family is None:
        raise ModalityError("nothing to send; name DICOM files or folders, or --family CT")
    with tempfile.TemporaryDirectory(prefix="pacslab-send-") as folder:
        paths = _sendable(options.files)
        if options.family is not None:
            paths += [
                written.path
                for written in write_study(
                    Path(folder), options.family, images=options.images, seed=options.seed
                )
            ]
        command = Store(
            target=options.to.model_copy(update={"tls": _tls(options)}),
            caller=_caller(options),
            files=tuple(str(path) for path in paths),
        )
        done = 0

        def progress(sent: ObjectReport) -> None:
            nonlocal done
            done += 1
            what = f"{name_of(sent.sop_class_uid)} in {name_of(sent.transfer_syntax_uid)}"
            outcome = f"{sent.rung.value}: {sent.signature}" if sent.signature else "sent"
            _say(f"{done}/{len(paths)} {Path(sent.file).name}: {outcome} ({what}) {sent.comment}")

        return _conclude(store(command, Path.cwd(), _OBSERVER, progress), options)


def _echo(options: argparse.Namespace) -> int:
    target = options.to.model_copy(update={"tls": _tls(options)})
    command = Echo(target=target, caller=_caller(options))
    return _conclude(echo(command, Path.cwd(), _OBSERVER), options)


def _listen(options: argparse.Namespace) -> int:
    node = ModalityNode(options.aetitle, Path.cwd(), bind=options.bind)
    titles = (options.aetitle,) if options.check_called else None
    command = Listen(
        aetitle=options.aetitle, port=options.port, called_aetitles=titles, tls=_tls(options)
    )
    port = node.run(command).port
    _say(f"{options.aetitle} listens on {options.bind}:{port}; Ctrl-C ends it")
    _until_told_to_stop()
    report = node.run(Received())
    for instance in report.received:
        held = instance.fingerprint
        _say(f"{held.sop_instance_uid} from {instance.calling_aetitle}, digest {held.digest}")
    _say(f"{len(report.received)} received on {len(report.traces)} connections")
    node.stop()
    return _DONE


def _conclude(report: Report, options: argparse.Namespace) -> int:
    if options.trace:
        for trace in report.traces:
            for pdu in trace.pdus:
                _say(f"  {pdu.at:9.4f} {pdu.sender:9} {pdu.kind}  {pdu.summary}")
            _say(f"  connection {trace.end}")
    if report.signature is None:
        _say(f"carried out {report.comment}".rstrip())
        return _DONE
    _complain(f"stopped at {report.rung.value}: {report.signature} {report.comment}".rstrip())
    return _STOPPED


def _sendable(names: Sequence[Path]) -> list[Path]:
    """Files named, and those below folders named that are DICOM files."""
    paths: list[Path] = []
    for name in names:
        if not name.is_dir():
            paths.append(name.resolve())
            continue
        for path in sorted(path for path in name.rglob("*") if path.is_file()):
            try:
                inspect(path)
            except ModalityError as error:
                _complain(f"left out: {error}")
            else:
                paths.append(path.resolve())
    return paths


def _caller(options: argparse.Namespace) -> Caller:
    wait = options.timeout
    timeouts = Timeouts(connect=wait, acse=wait, dimse=wait, network=wait)
    return Caller(calling=options.calling, timeouts=timeouts)


def _tls(options: argparse.Namespace) -> Tls | None:
    if options.trusted is None and options.certificate is None:
        return None
    return Tls(
        trusted=options.trusted,
        certificate=options.certificate,
        key=options.key,
        check_hostname=options.check_hostname,
    )


def _target(text: str) -> Target:
    title, _, address = text.rpartition("@")
    host, _, port = address.rpartition(":")
    if not (title and host and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(
            f"expected TITLE@host:port such as ORTHANC@127.0.0.1:4242, saw {text!r}"
        )
    return Target(host=host.strip("[]"), port=int(port), called=title)


def _until_told_to_stop() -> None:
    told = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    told.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m modalities", description="Simulated imaging modalities."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    node = commands.add_parser("node", help="run a node that a control channel drives")
    node.add_argument("--name", required=True, help="role name, as it stands in traces")
    node.add_argument("--exchange", required=True, type=Path, help="folder shared with the lab")
    node.add_argument("--control-port", required=True, type=int, metavar="PORT")
    node.add_argument("--bind", default="127.0.0.1", help="address to bind (default: %(default)s)")
    node.set_defaults(run=_node)

    generate = commands.add_parser("generate", help="write a simulated study as DICOM files")
    generate.add_argument("--out", required=True, type=Path, help="folder to write to")
    generate.add_argument("--family", default="CT", help=_known_families())
    generate.add_argument("--images", type=_positive, default=3)
    generate.add_argument("--rows", type=_positive, default=512)
    generate.add_argument("--columns", type=_positive, default=512)
    generate.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    generate.add_argument(
        "--transfer-syntax",
        default="ExplicitVRLittleEndian",
        metavar="SYNTAX",
        help=f"UID, or one of {', '.join(syntax.keyword for syntax in TRANSFER_SYNTAXES)}",
    )
    generate.set_defaults(run=_generate)

    send = commands.add_parser("send", help="C-STORE files, folders or a simulated study")
    send.add_argument("files", nargs="*", type=Path, help="DICOM files or folders of them")
    send.add_argument("--family", help=f"send a simulated study; {_known_families()}")
    send.add_argument("--images", type=_positive, default=3)
    send.add_argument("--seed", type=int, default=1)
    _add_scu_options(send)
    send.set_defaults(run=_send)

    verify = commands.add_parser("echo", help="C-ECHO")
    _add_scu_options(verify)
    verify.set_defaults(run=_echo)

    listen = commands.add_parser("listen", help="receive C-STOREs and list them at the end")
    listen.add_argument("--aetitle", default="WORKSTATION", help="own title (%(default)s)")
    listen.add_argument("--port", type=int, default=11112)
    listen.add_argument("--bind", default="127.0.0.1", help="address to bind (%(default)s)")
    listen.add_argument(
        "--check-called", action="store_true", help="reject other called titles (1/1/7)"
    )
    _add_tls_options(listen)
    listen.set_defaults(run=_listen)
    return parser


def _add_scu_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, type=_target, metavar="TITLE@HOST:PORT")
    parser.add_argument("--calling", default="PACSLAB", help="own AE title (%(default)s)")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds per step (10)")
    parser.add_argument("--trace", action="store_true", help="print every PDU")
    _add_tls_options(parser)


def _add_tls_options(parser: argparse.ArgumentParser) -> None:
    tls = parser.add_argument_group("DICOM TLS", "given any of these, TLS is spoken")
    tls.add_argument("--trusted", metavar="PEM", help="CA that the peer must chain to")
    tls.add_argument("--certificate", metavar="PEM", help="own certificate")
    tls.add_argument("--key", metavar="PEM", help="its private key")
    tls.add_argument("--check-hostname", action="store_true", help="match the peer's name too")


def _known_families() -> str:
    return f"modality family: {', '.join(families.names())}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, saw {text}")
    return number


def _say(line: str) -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def _complain(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
