from __future__ import annotations

from hashlib import sha256

import pytest

from orchestrator.backends.docker import images
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.backends.docker.image_inputs import ROOT, source_files

pytestmark = pytest.mark.docker


def output_of(engine: DockerEngine, image: str, *command: str) -> tuple[int, str]:
    """Exit code and output of a command in a container of its own, without a network."""
    host = engine.api.create_host_config(network_mode="none")
    container = engine.call(
        engine.api.create_container,
        image,
        list(command[1:]),
        entrypoint=[command[0]],
        host_config=host,
    )["Id"]
    try:
        engine.call(engine.api.start, container)
        code = int(engine.call(engine.api.wait, container, timeout=120)["StatusCode"])
        return code, engine.log(container).strip()
    finally:
        engine.remove_containers([container])


def test_a_second_build_makes_nothing(engine: DockerEngine) -> None:
    steps: list[str] = []
    ready = images.build(pull=False, progress=steps.append)
    assert {images.ORTHANC, images.NODE} <= set(ready)
    assert len(steps) == 1
    assert steps[0].startswith("images ready")


def test_the_node_image_holds_exactly_the_code_of_this_checkout(engine: DockerEngine) -> None:
    image = images.ensure_node_image_current(engine=engine)
    listing = "find . -name '*.py' -exec sha256sum {} +"
    code, inside = output_of(engine, image, "bash", "-c", listing)
    assert code == 0
    expected = {
        f"{sha256(file.read_bytes()).hexdigest()}  ./{file.relative_to(ROOT).as_posix()}"
        for file in source_files()
        if file.suffix == ".py"
    }
    assert set(inside.splitlines()) == expected


def test_a_run_and_the_lab_by_hand_use_the_same_node_image(engine: DockerEngine) -> None:
    reference = images.ensure_node_image_current(engine=engine)
    assert engine.image(images.NODE) == engine.image(reference)


@pytest.mark.parametrize("module", ["modalities", "orchestrator.relay", "archive.server"])
def test_what_runs_in_a_node_needs_nothing_that_its_image_lacks(
    engine: DockerEngine, module: str
) -> None:
    image = images.ensure_node_image_current(engine=engine)
    assert output_of(engine, image, "python3", "-c", f"import {module}") == (0, "")


def test_the_local_orthanc_has_the_dicomweb_plugin(engine: DockerEngine) -> None:
    code, listing = output_of(engine, images.ORTHANC, "ls", "/usr/share/orthanc/plugins")
    assert code == 0
    assert "libOrthancDicomWeb.so" in listing
