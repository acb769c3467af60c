"""The node's own SCP, and what it has received."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modalities.commands import Command, Report, Tls
from modalities.service import Here, service


class Listen(Command):
    """(Re)start the node's storage SCP with this behaviour.

    ``accepted_sop_classes`` and ``accepted_transfer_syntaxes`` are UIDs; None accepts all.
    ``called_aetitles`` None accepts any called title, otherwise others get RJ 1/1/7.
    """

    kind: Literal["listen"] = "listen"
    aetitle: str
    port: int = Field(ge=0, le=65535)
    called_aetitles: tuple[str, ...] | None = None
    accepted_sop_classes: tuple[str, ...] | None = None
    accepted_transfer_syntaxes: tuple[str, ...] | None = None
    tls: Tls | None = None


class Received(Command):
    """Ask the node's own storage SCP what it has received since the last ``Forget``."""

    kind: Literal["received"] = "received"


class Forget(Command):
    """Empty the node's storage SCP and drop its traces."""

    kind: Literal["forget"] = "forget"


@service(Listen)
def _listen(command: Listen, here: Here) -> Report:
    return Report(port=here.reception.listen(command, here.exchange))


@service(Received)
def _received(command: Received, here: Here) -> Report:
    del command
    return here.reception.report()


@service(Forget)
def _forget(command: Forget, here: Here) -> Report:
    del command
    here.reception.forget()
    return Report()
