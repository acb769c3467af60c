"""Sending a study on order, and what the vendor's web interface then answers (F4c, F8, F9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from archive.policy import Policy
from archive.retrieve import MakeSender
from archive.sender import words_of
from archive.store import Held
from dicom.forwarding import ForwardReport
from dicom.ladder import Rung, StoppedError


def forward(
    policy: Policy,
    to: str,
    held: Sequence[Held],
    make_sender: MakeSender,
    log: Callable[[str], None],
) -> ForwardReport:
    """Store ``held`` at the known AE titled ``to`` and report as the vendor does."""
    rules = policy.profile.forward
    if policy.known(to) is None:
        log(f"send to {to}: unknown AE")
        return _report(rules.unknown_destination, error=f"unknown AE: {to}")
    if not held:
        log(f"send to {to}: nothing to send")
        return _report(rules.unknown_destination, error="the study is not held here")
    sender = make_sender(to, held)
    try:
        sender.open()
    except StoppedError as stopped:
        words = words_of(stopped)
        log(f"send to {to}: {words}")
        report = _report(rules.failure, failed=len(held), error=words)
        before_wire = stopped.outcome.rung in (Rung.RESOLVE, Rung.CONNECT)
        return report.model_copy(update={"stopped": stopped.outcome if before_wire else None})
    completed, failed, why = 0, 0, ""
    try:
        for number, each in enumerate(held, start=1):
            sent = sender.send(each, number, None)
            if sent.counted_as == "failed":
                failed += 1
                why = why or sent.error
                log(f"send to {to}: {each.sop_instance}: {sent.error}")
                if rules.stop_at_failure:
                    break
            else:
                completed += 1
    finally:
        sender.close()
    log(f"send to {to}: {completed} completed, {failed} failed")
    if not failed:
        return _report(rules.success, completed=completed)
    if completed and rules.partial is not None:
        return _report(rules.partial, completed=completed, failed=failed, error=why)
    return _report(rules.failure, completed=completed, failed=failed, error=why)


def _report(
    http_status: int, *, completed: int = 0, failed: int = 0, error: str = ""
) -> ForwardReport:
    body: dict[str, int | str] = {"completed": completed}
    if failed:
        body["failed"] = failed
    if error:
        body["error"] = error
    return ForwardReport(
        claims_success=http_status == 200, http_status=http_status, body=json.dumps(body)
    )
