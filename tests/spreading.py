"""Which tests stay together where several workers run them side by side.

Marks of xdist (``xdist_group``) have no effect with pytest 9.2, whose node ids can't be changed.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

#: Files and folders whose tests share a whole run or the Docker engine: spread over the workers,
#: each worker would do again what is shared. The longest prefix counts.
TOGETHER: Final = (
    "tests/orchestrator/backends/docker/test_every_scenario_in_containers.py",
    "tests/orchestrator/backends/docker/",
    "tests/test_docs.py",
    "tests/test_every_scenario.py",
)


class Spreading(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One test after the other to whoever is free; what stays together first."""

    def _split_scope(self, nodeid: str) -> str:
        return next((each for each in TOGETHER if nodeid.startswith(each)), nodeid)
