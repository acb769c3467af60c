"""``find``, ``move``, ``get`` and ``worklist``: what an archive or a RIS holds."""

from __future__ import annotations

import argparse
import json

from modalities.command_line import subcommand
from modalities.command_line.carrying_out import carry_out, conclude
from modalities.command_line.options import add_scu_options, caller_of, target_of
from modalities.command_line.words import say
from modalities.commands import Report
from modalities.services.get import Get
from modalities.services.query import Find, Move
from modalities.services.worklist import Worklist


def _add_match(parser: argparse.ArgumentParser, example: str) -> None:
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        type=attribute,
        metavar="KEYWORD=VALUE",
        help=f"match this attribute, or with an empty value ask for it; such as {example}",
    )
    add_scu_options(parser)


def _add_level(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=("study", "patient"), default="study")
    parser.add_argument("--level", choices=("PATIENT", "STUDY", "SERIES", "IMAGE"), default="STUDY")
    _add_match(parser, "PatientID=LAB-1 or StudyDate=20260101-")


def _add_destination(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--destination", required=True, metavar="TITLE")
    _add_level(parser)


def _add_worklist(parser: argparse.ArgumentParser) -> None:
    _add_match(parser, "ScheduledProcedureStepSequence.Modality=CT")


def attribute(text: str) -> tuple[str, str]:
    keyword, equals, value = text.partition("=")
    if not keyword or not equals:
        raise argparse.ArgumentTypeError(f"expected KEYWORD=VALUE or KEYWORD=, saw {text!r}")
    return keyword, value


@subcommand("find", help="C-FIND; prints a JSON object per answer", configure=_add_level)
def _find(options: argparse.Namespace) -> int:
    command = Find(
        target=target_of(options),
        caller=caller_of(options),
        model=options.model,
        level=options.level,
        keys=dict(options.match),
    )
    return _answers(carry_out(command), options)


@subcommand("worklist", help="query a modality worklist", configure=_add_worklist)
def _worklist(options: argparse.Namespace) -> int:
    command = Worklist(
        target=target_of(options), caller=caller_of(options), keys=dict(options.match)
    )
    return _answers(carry_out(command), options)


@subcommand("move", help="C-MOVE to another AE", configure=_add_destination)
def _move(options: argparse.Namespace) -> int:
    command = Move(
        target=target_of(options),
        caller=caller_of(options),
        destination=options.destination,
        model=options.model,
        level=options.level,
        keys=dict(options.match),
    )
    return _counted(carry_out(command), options)


@subcommand("get", help="C-GET; says what came, keeps nothing", configure=_add_level)
def _get(options: argparse.Namespace) -> int:
    command = Get(
        target=target_of(options),
        caller=caller_of(options),
        model=options.model,
        level=options.level,
        keys=dict(options.match),
    )
    report = carry_out(command)
    for each in report.received:
        say(f"{each.fingerprint.sop_instance_uid} digest {each.fingerprint.digest}")
    return _counted(report, options)


def _answers(report: Report, options: argparse.Namespace) -> int:
    for answer in report.answers:
        say(json.dumps(answer, ensure_ascii=False))
    return conclude(report, options)


def _counted(report: Report, options: argparse.Namespace) -> int:
    if report.counters:
        say(", ".join(f"{name} {count}" for name, count in report.counters.items()))
    return conclude(report, options)
