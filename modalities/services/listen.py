"""The node's own SCP, and what it has received."""

from __future__ import annotations

from typing import Literal

from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, service
from modalities.scp.behaviour import ScpBehaviour


class Listen(Command, ScpBehaviour):
    """(Re)start the node's own SCP with this behaviour."""

    kind: Literal["listen"] = "listen"


class Received(Command):
    """Ask the node's own SCP what it has received since the last ``Forget``.

    Besides instances that is storage commitment results and performed procedure steps.
    """

    kind: Literal["received"] = "received"


class Forget(Command):
    """Empty the node's own SCP and drop its traces."""

    kind: Literal["forget"] = "forget"


@service(Listen)
def _listen(command: Listen, here: OwnNode) -> Report:
    return Report(port=here.reception.listen(command, here.exchange))


@service(Received)
def _received(command: Received, here: OwnNode) -> Report:
    del command
    return here.reception.report()


@service(Forget)
def _forget(command: Forget, here: OwnNode) -> Report:
    del command
    here.reception.forget()
    return Report()
