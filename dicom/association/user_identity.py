"""Who an SCP lets in by user identity (PS3.7 D.3.3.7)."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from dicom.frozen import Frozen

#: User Identity Type: user name, and user name with passcode.
_NAMED: Final = (1, 2)


class IdentityRules(Frozen):
    """Which user identities are accepted.

    ``users`` maps user names to passcodes (empty: the name alone is enough); ``tokens`` are
    Kerberos tickets, SAML assertions or JSON web tokens as text, each with the server response
    that it gets. Who proposes no identity is let in unless ``required``. ``rejection`` is the
    A-ASSOCIATE-RJ (result, source, reason) of everybody else; by default that of DCM4CHEE: no
    reason given, by the association layer (PS3.8 table 9-21).
    """

    users: dict[str, str] = Field(default_factory=dict, repr=False)
    tokens: dict[str, str] = Field(default_factory=dict, repr=False)
    required: bool = True
    rejection: tuple[int, int, int] = (1, 2, 1)

    def admits(self, identity: UserIdentityNegotiation | None) -> bool:
        """Whether who identifies as ``identity`` may associate."""
        if identity is None:
            return not self.required
        primary = _text(identity.primary_field)
        if identity.user_identity_type in _NAMED:
            passcode = self.users.get(primary)
            return passcode is not None and passcode in ("", _text(identity.secondary_field))
        return primary in self.tokens

    def response(self, identity: UserIdentityNegotiation | None) -> UserIdentityNegotiation | None:
        """The item that says yes, where one was asked for; empty for a user name."""
        if identity is None or not identity.positive_response_requested:
            return None
        answer = UserIdentityNegotiation()
        answer.server_response = self.tokens.get(_text(identity.primary_field), "").encode()
        return answer


def _text(field: bytes | None) -> str:
    return (field or b"").decode("utf-8", "backslashreplace")
