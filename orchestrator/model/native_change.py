"""A change in a vendor's own words."""

from __future__ import annotations

from dicom.frozen import Frozen


class NativeChange(Frozen):
    """One vendor setting that changed: what an administrator would type.

    ``where`` is the file, LDAP entry or REST resource; ``key`` the vendor's own name; values are
    JSON text, ``(absent)`` where the key is not there.
    """

    where: str
    key: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key} {self.before} → {self.after}"
