"""What two applications settle besides presentation contexts (PS3.7 annex D.3.3): plain data.

The same shapes say what a requestor proposes and, in ``Negotiated``, what an acceptor answered.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from dicom.frozen import Frozen

Byte = Annotated[int, Field(ge=0, le=255)]
_TYPES: Final = {"username": 1, "username-passcode": 2, "kerberos": 3, "saml": 4, "jwt": 5}
_LONGEST_FIELD: Final = 0xFFFF


class UserIdentity(Frozen):
    """Who the user is (PS3.7 D.3.3.7).

    ``primary`` is the user name, the SAML assertion or the JSON web token as text, or the
    Kerberos service ticket in Base64. ``passcode`` goes with ``username-passcode`` only.
    """

    kind: Literal["username", "username-passcode", "kerberos", "saml", "jwt"]
    primary: str = Field(min_length=1, repr=False)
    passcode: str = Field(default="", repr=False)
    positive_response_requested: bool = False

    @model_validator(mode="after")
    def _fields_of_the_kind(self) -> UserIdentity:
        if (self.kind == "username-passcode") != bool(self.passcode):
            raise ValueError(
                f"a passcode belongs to username-passcode and to no other kind; this is {self.kind}"
            )
        if self.kind == "kerberos":
            try:
                base64.b64decode(self.primary, validate=True)
            except binascii.Error as error:
                raise ValueError(f"a Kerberos ticket is written in Base64: {error}") from error
        if max(len(self.primary_field), len(self.passcode.encode())) > _LONGEST_FIELD:
            raise ValueError(f"no field of a user identity has more than {_LONGEST_FIELD} bytes")
        return self

    @property
    def type_code(self) -> int:
        """User Identity Type: 1 to 5."""
        return _TYPES[self.kind]

    @property
    def primary_field(self) -> bytes:
        """Primary field as it is sent."""
        if self.kind == "kerberos":
            return base64.b64decode(self.primary)
        return self.primary.encode()


class RoleSelection(Frozen):
    """The requestor's roles for a SOP class (PS3.7 D.3.3.4): proposed, or accepted.

    Without it a requestor is SCU. The standard has no proposal of neither role.
    """

    sop_class: str
    scu: bool = True
    scp: bool = False


class ExtendedNegotiation(Frozen):
    """Service class application information for a SOP class (PS3.7 D.3.3.5), byte by byte.

    For C-FIND (PS3.4 C.5.1.1) byte 1 is relational queries, byte 2 combined date-time matching,
    byte 3 fuzzy matching of person names, byte 4 timezone adjustment, each 0 or 1.
    """

    sop_class: str
    information: tuple[Byte, ...]


class CommonExtendedNegotiation(Frozen):
    """The service class of a SOP class, and what it specializes (PS3.7 D.3.3.6)."""

    sop_class: str
    service_class: str
    related_general: tuple[str, ...] = ()


class AsynchronousOperations(Frozen):
    """Operations outstanding at a time that we invoke, and that we perform (PS3.7 D.3.3.3).

    0 is any number, 1 is what holds where nothing is negotiated. Whatever is negotiated, our
    SCUs wait for each response before they go on; a peer may use what we offer to perform.
    """

    invoked: int = Field(default=1, ge=0, le=0xFFFF)
    performed: int = Field(default=1, ge=0, le=0xFFFF)


class Negotiated(Frozen):
    """What an A-ASSOCIATE-AC says besides presentation contexts.

    ``max_pdu_length`` is in bytes, 0 for any. ``user_identity_response`` is the server response
    to our user identity: None where none came, empty where it only says yes (username, with or
    without passcode); bytes that are no UTF-8 stand as ``\\xNN``.
    """

    max_pdu_length: int = 0
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    user_identity_response: str | None = None
    asynchronous: AsynchronousOperations | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
