"""The ``docker`` backend; registers itself in ``orchestrator.backends.base.BACKENDS``.

``runner.py`` is a lab, ``composefile.py`` its compose file as text, ``engine.py`` the engine,
``packet_filter.py`` what can be done to packets, ``remains.py`` what dead runs left.
"""

from orchestrator.backends.base import BACKENDS
from orchestrator.backends.docker.backend import DockerBackend
from orchestrator.backends.docker.runner import DockerRunner

__all__ = ["DockerBackend", "DockerRunner"]

BACKENDS.register("docker")(DockerBackend())
