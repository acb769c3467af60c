"""The Docker engine behind the command line's current context, through the SDK.

The SDK is imported at first use: a run without Docker should not pay for loading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from orchestrator.errors import EnvironmentProblemError

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")
#: Longest time that one call of the engine may take, in seconds.
_CALL_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 5
_PARALLEL: Final = 8


class EngineError(EnvironmentProblemError):
    """A call of the engine failed: its own words."""


class DockerEngine:
    """One connection to the engine, safe to share between threads."""

    @cached_property
    def api(self) -> APIClient:
        """The SDK's low-level client; nothing is sent before its first use.

        Raises:
            EngineError: the engine does not answer.
        """
        return self._connect(_CALL_SECONDS)

    @cached_property
    def failures(self) -> tuple[type[Exception], ...]:
        """What a call of the SDK raises when the engine refuses or can't be reached."""
        import requests
        from docker.errors import DockerException

        return (DockerException, requests.RequestException, OSError)

    def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Call a function of ``api`` and turn the SDK's exceptions into ``EngineError``."""
        try:
            return function(*arguments, **options)
        except self.failures as error:
            raise EngineError(str(error)) from error

    def unreachable(self) -> str | None:
        """Why the engine can't be used, with what to do; None when it answers within 5 s."""
        try:
            self.call(self._connect(_ANSWER_SECONDS).ping)
        except EngineError as error:
            return (
                f"no Docker engine answers ({error}). Start it (systemctl start docker, or Docker"
                " Desktop)."
            )
        return None

    @cached_property
    def rootless(self) -> bool:
        """Whether the engine runs without root, so that root inside is this user outside."""
        options = self.call(self.api.info).get("SecurityOptions") or ()
        return any("rootless" in option for option in options)

    def image(self, reference: str) -> Mapping[str, Any] | None:
        """The engine's description of a local image, None when it is not here."""
        from docker.errors import NotFound

        inspect: Callable[[str], Mapping[str, Any]] = self.api.inspect_image
        try:
            return inspect(reference)
        except NotFound:
            return None
        except self.failures as error:
            raise EngineError(str(error)) from error

    def image_label(self, reference: str, label: str) -> str | None:
        """One label of a local image, None when image or label are missing."""
        found = self.image(reference)
        labels = ((found or {}).get("Config") or {}).get("Labels") or {}
        value = labels.get(label)
        return None if value is None else str(value)

    def distribution(self, reference: str, *, seconds: int) -> None:
        """Ask the registry of ``reference`` about it, through the engine; nothing is downloaded.

        Raises:
            EngineError: the registry does not answer within ``seconds``, or has no such image.
        """
        client = self._connect(seconds)
        self.call(client.inspect_distribution, reference)

    def untag(self, reference: str) -> None:
        """Remove a tag, and its image when nothing else needs it; one in use stays."""
        from docker.errors import APIError

        try:
            self.api.remove_image(reference)
        except APIError as error:
            if error.status_code not in (404, 409):
                raise EngineError(str(error)) from error

    def containers(self, *labels: str) -> list[dict[str, Any]]:
        """All containers, running or not, that carry every label (``name`` or ``name=value``)."""
        found: list[dict[str, Any]] = self.call(
            self.api.containers, all=True, filters={"label": list(labels)}
        )
        return found

    def networks(self, *labels: str) -> list[dict[str, Any]]:
        """All networks that carry every label."""
        found: list[dict[str, Any]] = self.call(self.api.networks, filters={"label": list(labels)})
        return found

    def running(self, container: str) -> bool:
        """Whether a container runs; False also when it was removed."""
        from docker.errors import NotFound

        try:
            described = self.api.inspect_container(container)
        except NotFound:
            return False
        except self.failures as error:
            raise EngineError(str(error)) from error
        return bool(described["State"]["Running"])

    def log(self, container: str) -> str:
        """Everything that a container wrote to its standard streams, oldest first."""
        raw: bytes = self.call(self.api.logs, container)  # type: ignore[assignment]
        return raw.decode("utf-8", errors="replace")

    def remove_containers(self, identifiers: Iterable[str]) -> list[str]:
        """End and remove containers with their anonymous volumes, together; what failed."""
        return in_parallel(self._remove_container, identifiers)

    def remove_networks(self, identifiers: Iterable[str]) -> list[str]:
        """Remove networks, together; what failed."""
        return in_parallel(self._remove_network, identifiers)

    def _remove_container(self, identifier: str) -> str | None:
        return self._gone(self.api.remove_container, identifier, force=True, v=True)

    def _remove_network(self, identifier: str) -> str | None:
        return self._gone(self.api.remove_network, identifier)

    def _gone(self, remove: Callable[..., object], *arguments: Any, **options: Any) -> str | None:
        from docker.errors import NotFound

        try:
            remove(*arguments, **options)
        except NotFound:
            return None
        except self.failures as error:
            return str(error)
        return None

    def _connect(self, seconds: int) -> APIClient:
        from docker import APIClient
        from docker.context import ContextAPI
        from docker.utils import kwargs_from_env

        options: dict[str, Any] = {**kwargs_from_env()}
        try:
            if "base_url" not in options:
                context = ContextAPI.get_current_context()
                if context is not None and context.Host:
                    options = {"base_url": context.Host, "tls": context.TLSConfig or False}
            return APIClient(timeout=seconds, version="auto", **options)
        except self.failures as error:
            raise EngineError(str(error)) from error


def in_parallel(action: Callable[[T], str | None], items: Iterable[T]) -> list[str]:
    """Apply ``action`` to all items at once and return the complaints."""
    todo = list(items)
    if not todo:
        return []
    with ThreadPoolExecutor(max_workers=min(len(todo), _PARALLEL)) as pool:
        return [complaint for complaint in pool.map(action, todo) if complaint is not None]
