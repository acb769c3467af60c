from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.backends.docker import image_inputs, images
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.backends.docker.image_inputs import fingerprint, source_files
from orchestrator.errors import EnvironmentProblemError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout in which the packages have one module each."""
    for package in image_inputs.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(image_inputs, "ROOT", tmp_path)
    return tmp_path


def test_what_runs_in_a_container_needs_no_package_of_the_host_alone() -> None:
    programs = ("modalities", "archive", "orchestrator.relay")
    started = [f"{name}.__main__" for name in programs] + ["orchestrator.stacks.profile.by_hand"]
    script = f"""
import sys
sys.modules.update(dict.fromkeys({sorted(images.HOST_ONLY)}))
import {", ".join(started)}
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_equal_inputs_have_equal_fingerprints_wherever_they_are(tmp_path: Path) -> None:
    first, second = tmp_path / "1" / "Dockerfile", tmp_path / "2" / "Dockerfile"
    for file in (first, second):
        file.parent.mkdir()
        file.write_text("FROM scratch", encoding="utf-8")
    assert fingerprint(first) == fingerprint(second)
    second.write_text("FROM scratch ", encoding="utf-8")
    assert fingerprint(first) != fingerprint(second)


def test_a_changed_renamed_or_new_module_changes_the_code(checkout: Path) -> None:
    seen = {fingerprint(*source_files())}
    module = checkout / "modalities" / "ct.py"
    module.write_text("rows = 1", encoding="utf-8")
    seen.add(fingerprint(*source_files()))
    module.write_text("rows = 2", encoding="utf-8")
    seen.add(fingerprint(*source_files()))
    module.rename(checkout / "modalities" / "mr.py")
    seen.add(fingerprint(*source_files()))
    assert len(seen) == 4


def test_compiled_and_hidden_files_do_not_count_as_code(checkout: Path) -> None:
    before = fingerprint(*source_files())
    cache = checkout / "modalities" / "__pycache__"
    cache.mkdir()
    (cache / "ct.cpython-313.pyc").write_bytes(b"compiled")
    (checkout / "orchestrator" / ".cli.py.swp").write_bytes(b"an editor's")
    assert fingerprint(*source_files()) == before


def test_moving_text_from_one_input_to_the_next_is_a_change(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_text("xy", encoding="utf-8")
    two.write_text("", encoding="utf-8")
    before = fingerprint(one, two)
    one.write_text("x", encoding="utf-8")
    two.write_text("y", encoding="utf-8")
    assert fingerprint(one, two) != before


def test_without_mmdebstrap_it_says_what_to_install_and_installs_nothing_unasked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NO_APT", "1")
    with pytest.raises(EnvironmentProblemError, match="mmdebstrap and debian-archive-keyring"):
        images.require_mmdebstrap(progress=lambda _: None)


def test_an_engine_that_does_not_answer_is_an_environment_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    with pytest.raises(EnvironmentProblemError, match="no Docker engine answers"):
        images.build(pull=False, progress=lambda _: None)


def test_without_the_layer_below_a_run_says_to_make_images() -> None:
    class NoImages(DockerEngine):
        def image(self, reference: str) -> None:
            return None

    with pytest.raises(EnvironmentProblemError, match="make images"):
        images.ensure_node_image_current(engine=NoImages())


def test_images_of_other_code_are_forgotten_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    node, base = "pacslab/node", "pacslab/node-base"

    def image(age: timedelta, *tags: str) -> dict[str, object]:
        return {"Created": (now - age).timestamp(), "RepoTags": list(tags)}

    here = {
        node: [
            image(timedelta(days=2), f"{node}:other-old", images.NODE),
            image(timedelta(hours=2), f"{node}:other-young"),
        ],
        base: [image(timedelta(days=3), f"{base}:other-old")],
    }
    forgotten: list[str] = []
    engine = DockerEngine()
    engine.__dict__["api"] = SimpleNamespace(images=lambda name: here[name])
    monkeypatch.setattr(engine, "untag", forgotten.append)

    images.forget_old_images(engine)

    assert forgotten == [f"{node}:other-old", f"{base}:other-old"]
