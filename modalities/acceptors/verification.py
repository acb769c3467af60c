"""Verification SCP (PS3.4 annex A); every node answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pynetdicom import evt
from pynetdicom.presentation import PresentationContext

from dicom.dimse.responses import SUCCESS
from dicom.dimse.scu import VERIFICATION
from modalities.scp.acceptor import ACCEPTORS, Hosting, Role, supported


class VerificationAcceptor:
    """Answers C-ECHO in any transfer syntax, or in the configured ones."""

    def __init__(self, hosting: Hosting) -> None:
        self._syntaxes = hosting.listen.accepted_transfer_syntaxes

    @property
    def events(self) -> Mapping[Any, Callable[[Any], Any]]:
        """C-ECHO always succeeds."""
        return {evt.EVT_C_ECHO: lambda _event: SUCCESS}

    def supports(
        self, proposed: PresentationContext, role: Role | None
    ) -> PresentationContext | None:
        """The Verification SOP class."""
        del role
        if proposed.abstract_syntax != VERIFICATION:
            return None
        return supported(VERIFICATION, self._syntaxes or proposed.transfer_syntax)


ACCEPTORS.register("verification")(VerificationAcceptor)
