"""Who this software is on the wire, and UIDs of its own.

The project has no registered root. Its UIDs are therefore UUID-derived under ``2.25`` (PS3.5
annex B.2): name-based UUIDs (RFC 9562 version 5) under one fixed namespace, so that the same
names always give the same UID and two different names never collide in practice.
"""

from __future__ import annotations

import uuid
from typing import Final

from pydicom.uid import UID

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:pacslab:simulated-instances")


def derived_uid(*names: object) -> UID:
    """The UID that ``names`` stand for: ``2.25.<decimal UUID>``, at most 44 characters."""
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(map(str, names))).int}")


#: Sent in association negotiation and file meta information (PS3.7 annex D.3.3.2).
IMPLEMENTATION_CLASS_UID: Final = derived_uid("implementation")
IMPLEMENTATION_VERSION_NAME: Final = "PACSLAB"
