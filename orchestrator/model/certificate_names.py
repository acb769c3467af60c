"""Names of a lab's TLS material, as scenarios and faults use them; ``certificates`` makes it."""

from __future__ import annotations

from typing import Final, Literal, get_args

#: What is wrong with the certificate ``<role>-<flaw>``; ``<role>`` alone is a good one.
Flaw = Literal["expired", "not-yet-valid", "other-ca", "wrong-host", "wrong-usage", "self-signed"]
FLAWS: Final[tuple[Flaw, ...]] = get_args(Flaw)
LAB_CA: Final = "lab-ca"
OTHER_CA: Final = "other-ca"
#: Certificate that every archive may present; valid for all hosts of the lab.
ANY_ARCHIVE: Final = "archive"
#: The host in a ``wrong-host`` certificate; .invalid never resolves (RFC 2606).
OTHER_HOST: Final = "another-host.invalid"
