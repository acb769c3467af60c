from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from orchestrator.backends.base import BACKENDS
from orchestrator.backends.docker import images
from orchestrator.backends.docker.backend import DockerBackend
from orchestrator.backends.docker.composefile import image_of
from orchestrator.backends.docker.engine import DockerEngine


def docker_command(folder: Path, script: str) -> None:
    command = folder / "docker"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)


def test_the_backend_is_registered_under_its_name() -> None:
    assert BACKENDS["docker"].name == "docker"


def test_an_engine_that_does_not_answer_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    why = DockerBackend(DockerEngine()).unavailable()
    assert why is not None
    assert "no Docker engine answers" in why
    assert "BACKEND=local" in why


@pytest.mark.docker
def test_a_missing_compose_plugin_is_named_with_how_to_get_it(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker_command(tmp_path, "echo \"docker: 'compose' is not a docker command.\" >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    why = DockerBackend(engine).unavailable()
    assert why is not None
    assert "tools/install-compose" in why


@pytest.mark.docker
def test_a_compose_plugin_without_the_override_tag_is_too_old(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker_command(tmp_path, "echo 2.17.3")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    why = DockerBackend(engine).unavailable()
    assert why is not None
    assert "2.17.3 is too old" in why


@pytest.mark.docker
def test_the_local_orthanc_stands_in_for_a_published_one_that_is_not_here(
    backend: DockerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACSLAB_ORTHANC_IMAGE", "orthancteam/orthanc:not-pulled")
    assert backend.has("orthanc", None) == images.ORTHANC
    monkeypatch.setenv("PACSLAB_ORTHANC_IMAGE", images.NODE)
    assert backend.has("orthanc", None) == images.NODE


@pytest.mark.docker
def test_dcm4chee_is_here_only_with_all_three_images(
    backend: DockerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACSLAB_DCM4CHEE_IMAGE", images.NODE)
    monkeypatch.setenv("PACSLAB_DCM4CHEE_LDAP_IMAGE", images.NODE)
    monkeypatch.setenv("PACSLAB_DCM4CHEE_DB_IMAGE", "dcm4che/postgres-dcm4chee:not-pulled")
    assert backend.has("dcm4chee", None) is None
    monkeypatch.setenv("PACSLAB_DCM4CHEE_DB_IMAGE", images.NODE)
    assert backend.has("dcm4chee", None) == image_of("dcm4chee")
