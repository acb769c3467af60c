"""The ``docker`` backend: every lab is a compose project on the engine of this machine."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final

from orchestrator.backends.docker import images
from orchestrator.backends.docker.compose import compose
from orchestrator.backends.docker.composefile import facts, images_of
from orchestrator.backends.docker.engine import DockerEngine, EngineError
from orchestrator.backends.docker.runner import DockerRunner
from orchestrator.errors import EnvironmentProblemError, LabError

_COMPOSE_SECONDS: Final = 20.0
#: First version with the tags ``!reset`` and ``!override``.
_COMPOSE_SINCE: Final = (2, 24, 4)


class DockerBackend:
    """Registered as ``docker``."""

    name = "docker"
    shares_labs = True

    def __init__(self, engine: DockerEngine | None = None) -> None:
        self._engine = engine or DockerEngine()
        self._lock = Lock()
        self._node_image: str | None = None

    def unavailable(self) -> str | None:
        if (why := self._engine.unreachable()) is not None:
            return f"{why} Or use BACKEND=local."
        if self._compose_problem is not None:
            return self._compose_problem
        try:
            return images.node_image_problem(self._engine)
        except EngineError as error:
            return f"the Docker engine could not say what images it has: {error}"

    def has(self, service: str, binary: str | None) -> str | None:
        """The image that would run ``service``: the published one, else the local one, if here.

        A service that brings others along is only here when all their images are.
        """
        del binary
        try:
            if all(self._engine.image(image) is not None for image in images_of(service)):
                return images_of(service)[0]
            local = facts(service).local_image
            if local is not None and self._engine.image(local) is not None:
                return local
        except EngineError:
            return None
        return None

    def open(self, run: str, lab: str, folder: Path) -> DockerRunner:
        """A runner whose nodes run the current code.

        Raises:
            EnvironmentProblemError: the image of the nodes is missing or could not be renewed.
        """
        return DockerRunner(
            self._engine,
            run,
            lab,
            folder,
            image_for=self._image_for,
            node_image=self._current_node_image(),
        )

    def _image_for(self, service: str) -> str:
        if images_of(service)[0] == images.NODE:
            return self._current_node_image()
        image = self.has(service, None)
        if image is None:
            raise EnvironmentProblemError(
                f"no image for {service}: {' and '.join(images_of(service))} not here."
                " Run 'make images' (pacslab images), or choose another stack."
            )
        return image

    def _current_node_image(self) -> str:
        with self._lock:
            if self._node_image is None:
                self._node_image = images.ensure_node_image_current(engine=self._engine)
            return self._node_image

    @cached_property
    def _compose_problem(self) -> str | None:
        try:
            version = compose(
                ["version", "--short"], seconds=_COMPOSE_SECONDS, what="say its version"
            ).strip()
        except (EnvironmentProblemError, LabError) as error:
            return (
                f"docker compose v2 is missing ({error}). Run tools/install-compose (Debian,"
                " Ubuntu), or install your distribution's compose plugin."
            )
        numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
        if numbers is not None and tuple(map(int, numbers.groups())) < _COMPOSE_SINCE:
            wanted = ".".join(map(str, _COMPOSE_SINCE))
            return f"docker compose {version} is too old: {wanted} or newer is needed. Update it."
        return None
