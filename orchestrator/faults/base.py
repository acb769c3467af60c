"""What a fault is: arguments, a change of the lab's state, and proof that it is in place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from dicom.frozen import Frozen
from dicom.registry import Registry
from orchestrator.errors import InputError
from orchestrator.faults.proof import VisibleLab
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState, Link


class Fault(Frozen, ABC):
    """One misconfiguration. Its fields are its arguments in a scenario; the docstring explains it.

    Applying is ``lab.enact(fault.change(...))``; reverting is enacting the state before it. Both
    are the lab's job, so a fault cannot leave anything behind.
    """

    layer: ClassVar[str]

    @abstractmethod
    def change(self, state: LabState, route: Route) -> LabState:
        """The state in which this fault is present on ``route``; pure.

        Raises:
            UnsupportedError: the fault makes no sense on this route (the message says why).
        """

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """Evidence, a line each, that the fault is in place beyond what ``lab.enact`` checks.

        ``lab.enact`` already reads every changed configuration back. Override to look at what
        reading back can't show: the port is closed, the name does not resolve.

        Raises:
            FaultNotInPlaceError: it is not in place; a fault that did not take is never green.
        """
        return ()

    def unsupported_on(self, backend: str) -> str | None:
        """Why ``backend`` (``docker``, ``local``) can't show this fault; None when it can."""
        return None


def link_of(route: Route) -> Link:
    """The link that a route's probe crosses first: from its source to its target."""
    return (route.source, route.target)


FAULTS: Registry[type[Fault]] = Registry("fault", "orchestrator.faults", InputError)
