"""``pacslab images``, ``up``, ``down`` and ``clean``: what is on this machine outside of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestrator.errors import EnvironmentProblemError, LabError
from orchestrator.output import console
from orchestrator.runs import remains

#: Two Orthanc-sized nodes take about a second, DCM4CHEE a minute, on a slow disk several.
_UP_SECONDS: Final = 300.0
_DOWN_SECONDS: Final = 60.0
_ORTHANC_IMAGE: Final = "PACSLAB_ORTHANC_IMAGE"
_NODE_IMAGE: Final = "PACSLAB_NODE_IMAGE"


def images(*, pull: bool) -> None:
    """Pull or build every image.

    Raises:
        EnvironmentProblemError: no engine, or an image could not be made.
    """
    from orchestrator.backends.docker.images import build

    build(pull=pull, progress=console.messages().print)


def up() -> None:
    """Start the lab of compose.yaml with the images that are here, and say where it answers.

    Raises:
        EnvironmentProblemError: no engine, or an image is missing.
        LabError: a service did not become healthy.
    """
    from orchestrator.backends.docker.compose import compose

    environment = _by_hand()
    try:
        compose(
            [*_file(), "up", "--detach", "--wait"],
            seconds=_UP_SECONDS,
            environment=environment,
            what="start the lab",
        )
    except LabError as error:
        raise LabError(
            f"{error}. What did start still runs: 'docker compose logs' tells why,"
            " 'pacslab down' removes it.",
            log_tail=error.log_tail,
        ) from error
    listed = compose(
        [*_file(), "ps", "--format", "json"],
        seconds=_DOWN_SECONDS,
        environment=environment,
        what="list the lab's services",
    )
    out = console.results()
    for line in _addresses(listed):
        out.print(line, soft_wrap=True)
    out.print("stop it with: pacslab down (or make down)")


def down() -> None:
    """Stop and remove what ``up`` started; nothing happens when nothing runs.

    Raises:
        EnvironmentProblemError: no engine.
        LabError: it could not be removed.
    """
    from orchestrator.backends.docker.compose import compose

    _require_engine()
    compose(
        [*_file(), "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1"],
        seconds=_DOWN_SECONDS,
        what="remove the lab",
    )
    console.results().print("the lab is down")


def clean(*, everything: bool) -> None:
    """Remove what runs left and say what that was."""
    removed = remains.clean(all=everything)
    out = console.results()
    for line in removed:
        out.print(f"removed {line}", soft_wrap=True)
    if not removed:
        out.print("nothing to remove: no run left anything on this machine")


def _require_engine() -> None:
    from orchestrator.backends.docker.engine import DockerEngine

    if (problem := DockerEngine().unreachable()) is not None:
        raise EnvironmentProblemError(problem)


def _file() -> tuple[str, ...]:
    from orchestrator.backends.docker.image_inputs import ROOT

    return ("--file", str(ROOT / "compose.yaml"))


def _by_hand() -> Mapping[str, str]:
    """Variables of compose.yaml: local images stand in for published ones that are not here."""
    from orchestrator.backends.docker import images as lab_images
    from orchestrator.backends.docker.composefile import facts, image_of, images_of
    from orchestrator.backends.docker.engine import DockerEngine

    _require_engine()
    engine = DockerEngine()
    orthanc = image_of("orthanc")
    if engine.image(orthanc) is None:
        local = facts("orthanc").local_image
        if local is None or engine.image(local) is None:
            raise EnvironmentProblemError(
                f"neither {orthanc} nor {local} is here; 'make images' (pacslab images) gets one."
            )
        orthanc = local
    dcm4chee = all(engine.image(image) is not None for image in images_of("dcm4chee"))
    return {
        _ORTHANC_IMAGE: orthanc,
        _NODE_IMAGE: lab_images.ensure_node_image_current(
            engine=engine, progress=console.messages().print
        ),
        "COMPOSE_PROFILES": "dcm4chee" if dcm4chee else "profile",
    }


def _addresses(listed: str) -> Iterator[str]:
    """``orthanc: 127.0.0.1:32768 (container port 8042)``, one line per published port."""
    services: list[dict[str, Any]] = [json.loads(line) for line in listed.splitlines() if line]
    for service in sorted(services, key=lambda each: str(each["Service"])):
        for port in service.get("Publishers") or ():
            if port["PublishedPort"]:
                where = f"{port['URL']}:{port['PublishedPort']}"
                yield f"{service['Service']}: {where} (container port {port['TargetPort']})"
