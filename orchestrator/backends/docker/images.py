"""The lab's images: published ones where a registry answers, local ones without any.

Local images start from a Debian root that ``mmdebstrap`` makes from the distribution's packages
(or from ``debian:trixie-slim`` where it can be pulled). Each carries a hash of what it was made
from as a label, so that building again is instant and only what changed is made anew. The code of
the nodes is a layer of its own on top of their dependencies: replacing it takes about a second.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from orchestrator.backends.docker.composefile import published_images
from orchestrator.backends.docker.engine import DockerEngine, EngineError
from orchestrator.backends.docker.image_inputs import INPUTS_LABEL, ROOT, fingerprint, source_files
from orchestrator.errors import EnvironmentProblemError
from orchestrator.machine import reservations

Progress = Callable[[str], None]

ORTHANC: Final = "pacslab/orthanc:local"
NODE: Final = "pacslab/node:local"
_SUITE: Final = "trixie"
#: The Python of ``_SUITE``; the node images' Dockerfile installs into its folder.
_PYTHON: Final = "3.13"
_DEBIAN: Final = f"pacslab/debian:{_SUITE}"
_PUBLISHED_DEBIAN: Final = f"debian:{_SUITE}-slim"
_NODE_BASE: Final = "pacslab/node-base"
_NODE: Final = "pacslab/node"
#: What the command line needs and no node does. pydicom loads requests if it finds it, which makes
#: a sixth of a node's start.
HOST_ONLY: Final = frozenset({"docker", "platformdirs", "psutil", "requests", "typer"})
_IMAGES: Final = ROOT / "images"
#: Manuals and translations are a third of a small root; nobody reads them in a container.
_MMDEBSTRAP: Final = (
    "--quiet",
    "--variant=apt",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
)
_REGISTRY_SECONDS: Final = 5
_PULL_SECONDS: Final = 1800
_BUILD_SECONDS: Final = 900
_OLD: Final = timedelta(days=1)


def build(*, pull: bool = True, progress: Progress) -> tuple[str, ...]:
    """Make every image that is missing or out of date; the references that can be used now.

    Args:
        pull: try to get the published images first; one line says so when no registry answers.
        progress: told each step in one line.

    Raises:
        EnvironmentProblemError: no engine, or an image could not be made; says why and what to do.
    """
    engine = DockerEngine()
    _require(engine)
    published = tuple(dict.fromkeys(published_images().values()))
    online = pull and _registry_answers(engine, published, progress)
    if online:
        for reference in (*published, _PUBLISHED_DEBIAN):
            _pull(engine, reference, progress)
    orthanc = fingerprint(_IMAGES / "orthanc")
    node_base = _node_base_inputs()
    wanted: dict[str, tuple[str, Callable[[DockerEngine, str, str], None]]] = {
        ORTHANC: (orthanc, _build_orthanc),
        f"{_NODE_BASE}:{node_base}": (node_base, _build_node_base),
    }
    stale = {
        name: make
        for name, make in wanted.items()
        if engine.image_label(name, INPUTS_LABEL) != make[0]
    }
    if stale:
        base = _require_debian(engine, progress)
        progress(f"building {' and '.join(stale)} (about half a minute)")
        with ThreadPoolExecutor(max_workers=2) as pool:
            building = [pool.submit(make, engine, inputs, base) for inputs, make in stale.values()]
            for each in building:
                each.result()
    ensure_node_image_current(engine=engine, progress=progress)
    forget_old_images(engine)
    here = tuple(each for each in (*published, ORTHANC, NODE) if engine.image(each) is not None)
    progress(f"images ready: {', '.join(here)}")
    return here


def node_image_problem(engine: DockerEngine | None = None) -> str | None:
    """Why the image of modalities, profile archives and relay can't be used, with what to do.

    None when it is there or can be made current in about a second.
    """
    engine = engine or DockerEngine()
    if engine.image(_node_reference()) is not None:
        return None
    if engine.image(f"{_NODE_BASE}:{_node_base_inputs()}") is not None:
        return None
    return (
        "the image of the lab's nodes is not built, or the project's dependencies changed since."
        " Run 'make images' (pacslab images)."
    )


def ensure_node_image_current(
    *, engine: DockerEngine | None = None, progress: Progress | None = None
) -> str:
    """The reference of the node image that holds exactly this code, made now if need be.

    The reference contains the hash of the code, so that labs of two checkouts on one machine each
    get their own.

    Raises:
        EnvironmentProblemError: the layer below is missing; says to run ``make images``.
    """
    engine = engine or DockerEngine()
    reference = _node_reference()
    if engine.image(reference) is None:
        base = f"{_NODE_BASE}:{_node_base_inputs()}"
        if (problem := node_image_problem(engine)) is not None:
            raise EnvironmentProblemError(problem)
        if progress is not None:
            progress(f"putting the current code into {NODE}")
        _build(
            (reference, NODE),
            reference.rpartition(":")[2],
            {"BASE": base},
            context=_tar(source_files(), _IMAGES / "node" / "Dockerfile"),
        )
    elif engine.image(NODE) != engine.image(reference):
        engine.call(engine.api.tag, reference, _NODE, "local", force=True)
    return reference


def _node_reference() -> str:
    return f"{_NODE}:{fingerprint(_IMAGES / 'node', *source_files(), extra=_node_base_inputs())}"


def _node_base_inputs() -> str:
    return fingerprint(_IMAGES / "node-base", extra="\n".join(_dependencies()))


def _dependencies() -> tuple[str, ...]:
    """The requirements of what runs in a node, and last the text of the pins that hold for them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [
        each for each in project["dependencies"] if Requirement(each).name not in HOST_ONLY
    ]
    pins = ROOT / "constraints.txt"
    return (*requirements, pins.read_text(encoding="utf-8") if pins.exists() else "")


def _require(engine: DockerEngine) -> None:
    if (why := engine.unreachable()) is not None:
        raise EnvironmentProblemError(why)


def _registry_answers(engine: DockerEngine, published: Sequence[str], progress: Progress) -> bool:
    """Whether the engine can ask a registry for the first image, within a few seconds."""
    try:
        engine.distribution(published[0], seconds=_REGISTRY_SECONDS)
    except EngineError:
        progress("no image registry answers: the published images can't be pulled")
        return False
    return True


def _pull(engine: DockerEngine, reference: str, progress: Progress) -> None:
    if engine.image(reference) is not None:
        return
    progress(f"pulling {reference}")
    try:
        _run(["docker", "pull", "--quiet", reference], seconds=_PULL_SECONDS)
    except EnvironmentProblemError as error:
        progress(f"not pulled: {error}")


def _require_debian(engine: DockerEngine, progress: Progress) -> str:
    """The root that local images start from, made if need be."""
    inputs = fingerprint(extra="\n".join((_SUITE, *_MMDEBSTRAP)))
    if engine.image(_PUBLISHED_DEBIAN) is not None:
        return _PUBLISHED_DEBIAN
    if engine.image_label(_DEBIAN, INPUTS_LABEL) == inputs:
        return _DEBIAN
    require_mmdebstrap(progress)
    progress(f"making {_DEBIAN} from Debian packages (about 20 s)")
    folder = reservations.temporary_folder("images")
    try:
        root = folder / "root.tar"
        # No mirror is named: mmdebstrap knows Debian's.
        _run(["mmdebstrap", *_MMDEBSTRAP, _SUITE, str(root)], seconds=_BUILD_SECONDS)
        label = f"LABEL {INPUTS_LABEL}={inputs}"
        _run(["docker", "import", "--change", label, str(root), _DEBIAN], seconds=_BUILD_SECONDS)
    finally:
        reservations.remove_folder(folder)
    return _DEBIAN


def require_mmdebstrap(progress: Progress) -> None:
    if shutil.which("mmdebstrap") is not None:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends"]
    packages = ["mmdebstrap", "debian-archive-keyring"]
    may_install = (
        shutil.which("apt-get") is not None and _is_root() and not os.environ.get("NO_APT")
    )
    if not may_install:
        raise EnvironmentProblemError(
            "mmdebstrap makes the local images and is not installed. Install the packages"
            f" {' and '.join(packages)} (apt-get install), or give the engine access to an"
            f" image registry so that {_PUBLISHED_DEBIAN} can be pulled."
        )
    progress(f"installing the packages {' and '.join(packages)} (NO_APT=1 refuses)")
    _run(["apt-get", "update", "--quiet"], seconds=_BUILD_SECONDS)
    _run([*install, *packages], seconds=_BUILD_SECONDS, env={"DEBIAN_FRONTEND": "noninteractive"})


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _build_orthanc(engine: DockerEngine, inputs: str, base: str) -> None:
    del engine
    _build((ORTHANC,), inputs, {"BASE": base}, folder=_IMAGES / "orthanc")


def _build_node_base(engine: DockerEngine, inputs: str, base: str) -> None:
    folder = reservations.temporary_folder("images")
    try:
        shutil.copy(_IMAGES / "node-base" / "Dockerfile", folder)
        _install_wheels(engine, folder / "site")
        _build((f"{_NODE_BASE}:{inputs}",), inputs, {"BASE": base}, folder=folder)
    finally:
        reservations.remove_folder(folder)


def _install_wheels(engine: DockerEngine, target: Path) -> None:
    """Put the dependencies' wheels for the container's Python and processor into ``target``.

    By this machine's pip, so that its own configuration (index, proxy, wheel folder) applies.
    """
    *requirements, pins = _dependencies()
    machine = str(engine.call(engine.api.info)["Architecture"])
    options = ["--quiet", "--no-compile", "--only-binary=:all:", "--python-version", _PYTHON]
    for tag in ("manylinux2014", "manylinux_2_28", "manylinux_2_34"):
        options += ["--platform", f"{tag}_{machine}"]
    target.mkdir()
    pinned = target.parent / "constraints.txt"
    pinned.write_text(pins, encoding="utf-8")
    options += ["--target", str(target), "--constraint", str(pinned)]
    _run([sys.executable, "-m", "pip", "install", *options, *requirements], seconds=_BUILD_SECONDS)
    pinned.unlink()


def _build(
    tags: Sequence[str],
    inputs: str,
    arguments: Mapping[str, str],
    *,
    folder: Path | None = None,
    context: bytes | None = None,
) -> None:
    """``docker build`` from a folder, or from a tar archive in memory."""
    command = ["docker", "build", "--network", "host", "--label", f"{INPUTS_LABEL}={inputs}"]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if name in os.environ:
            command += ["--build-arg", name]
    for tag in tags:
        command += ["--tag", tag]
    command.append("-" if folder is None else str(folder))
    _run(command, seconds=_BUILD_SECONDS, stdin=context)


def _tar(files: Sequence[Path], dockerfile: Path) -> bytes:
    """A build context of ``files`` below the checkout; equal files give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, file in [
            ("Dockerfile", dockerfile),
            *((file.relative_to(ROOT).as_posix(), file) for file in files),
        ]:
            content = file.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def forget_old_images(engine: DockerEngine) -> None:
    """Drop node images of other code that are older than a day; a lab in use keeps its own."""
    before = datetime.now(UTC) - _OLD
    current = {_node_reference(), NODE, f"{_NODE_BASE}:{_node_base_inputs()}"}
    for repository in (_NODE, _NODE_BASE):
        for image in engine.call(engine.api.images, name=repository):
            if datetime.fromtimestamp(image["Created"], UTC) < before:
                for tag in set(image["RepoTags"] or ()) - current:
                    engine.untag(tag)


def _run(
    command: Sequence[str],
    *,
    seconds: float,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command to its end.

    Raises:
        EnvironmentProblemError: it is missing, failed or took too long; its last words are in it.
    """
    try:
        done = subprocess.run(
            list(command),
            input=stdin if stdin is not None else b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise EnvironmentProblemError(f"no {command[0]} command on the PATH; install it") from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblemError(
            f"{' '.join(command[:3])} … did not end within {seconds:g} s"
        ) from error
    if done.returncode != 0:
        words = done.stdout.decode(errors="replace").strip().splitlines()[-5:]
        raise EnvironmentProblemError(
            f"{' '.join(command[:3])} … failed ({done.returncode}): {' | '.join(words)}"
        )
