"""Plug-ins register themselves by being in a package."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom.registry import Registry, unknown_word


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """An importable package with one plug-in, whose registry is in the package itself."""
    name = f"plugins_{abs(hash(request.node.name))}"
    folder = tmp_path / name
    folder.mkdir()
    made = f"THINGS = Registry('thing', '{name}', LookupError)"
    registry = f"from dicom.registry import Registry\n{made}\n"
    (folder / "__init__.py").write_text(registry)
    plug_in = f"from {name} import THINGS\n\n@THINGS.register('crane')\ndef crane(): ...\n"
    (folder / "crane.py").write_text(plug_in)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def things(package: str) -> Registry[object]:
    module = __import__(package)
    registry: Registry[object] = module.THINGS
    return registry


def test_dropping_a_file_into_the_package_is_all_it_takes(package: str) -> None:
    registry = things(package)
    assert "crane" in registry
    assert list(registry) == ["crane"]
    assert len(registry) == 1


def test_an_unknown_name_is_an_error_of_the_kind_asked_for_with_the_nearest_right_word(
    package: str,
) -> None:
    with pytest.raises(LookupError, match="unknown thing 'crame'; did you mean 'crane'"):
        things(package)["crame"]


def test_a_name_is_registered_once() -> None:
    registry: Registry[int] = Registry("thing", "tests")
    registry.register("crane")(1)
    with pytest.raises(ValueError, match="registered twice"):
        registry.register("crane")(2)


def test_registering_returns_what_was_registered() -> None:
    registry: Registry[int] = Registry("thing", "tests")
    assert registry.register("crane")(1) == 1


def test_a_word_that_is_near_to_nothing_gets_the_whole_list() -> None:
    text = unknown_word("fault", "zzz", ("wrong-port", "wrong-title"))
    assert text == "unknown fault 'zzz'. Known: wrong-port, wrong-title"
