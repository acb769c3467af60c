"""What a file is, by what is in it or by its place, and what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from orchestrator.errors import InputError
from orchestrator.scenarios.validation import CheckedFile, check_file, check_profiles, files_below

ROOT = Path(__file__).parents[3]
SITE = """\
name: test-pacs
kind: orthanc
dicom: {host: pacs.example, port: 104, aetitle: PACS}
web: {url: "http://pacs.example:8042", user_from: NOT_SET, password_from: NOT_SET_EITHER}
"""


def checked(file: Path, text: str) -> CheckedFile:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return check_file(file)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "scenarios").glob("*/*.yaml")), ids=lambda file: file.stem
)
def test_a_shipped_scenario_is_one(file: Path) -> None:
    assert check_file(file) == CheckedFile(file, "scenario", ())


def test_a_shipped_profile_is_one_wherever_it_lies(tmp_path: Path) -> None:
    for each in check_profiles():
        assert (each.sort, each.problems) == ("vendor profile", ())
        copied = checked(tmp_path / each.file.name, each.file.read_text(encoding="utf-8"))
        assert (copied.sort, copied.problems) == ("vendor profile", ())


def test_a_site_needs_no_credentials_to_be_checked(tmp_path: Path) -> None:
    site = checked(tmp_path / "hospital.yaml", SITE)
    assert (site.sort, site.problems) == ("site", ())


@pytest.mark.parametrize(
    ("name", "text", "sort", "told"),
    [
        (
            "site.yaml",
            SITE.replace("kind: orthanc", "kind: orthnac"),
            "site",
            "site.yaml:2: kind: saw 'orthnac'; did you mean 'orthanc'?",
        ),
        (
            "profiles/acme.yaml",
            "stack: acme\ntitel: Acme\n",
            "vendor profile",
            "profiles/acme.yaml:2: titel: unknown key 'titel'; did you mean 'title'?",
        ),
        (
            "profiles/acme.yaml",
            "",
            "vendor profile",
            "profiles/acme.yaml:1: the file is empty",
        ),
        (
            "scenarios/network/slow.yaml",
            "titel: Slow\n",
            "scenario",
            "scenarios/network/slow.yaml:1: titel: unknown key 'titel'; did you mean 'title'?",
        ),
        (
            "any.yaml",
            "name: any\nroles: {}\n",
            "scenario",
            "any.yaml:2: roles: saw a mapping; expected at least 1 item",
        ),
        (
            "services.yaml",
            "services: {archive: {image: orthanc}}\n",
            None,
            "services.yaml:1: neither a scenario, a vendor profile nor a site; expected a file with"
            " roles and routes, one that starts with a profile's stack and defaults, or one with a"
            " site's kind, dicom and web",
        ),
        ("broken.yaml", "{", None, "broken.yaml:1: did not find expected node content"),
        ("list.yaml", "- one\n", None, "list.yaml:1: neither a scenario, a vendor profile nor"),
    ],
)
def test_a_file_is_taken_for_what_it_looks_like_and_its_mistakes_are_told_as_such(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
    sort: str | None,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = checked(Path(name), text)
    assert found.sort == sort
    assert any(str(problem).startswith(told) for problem in found.problems)


def test_a_file_that_is_not_there_is_a_problem_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (problem,) = check_file(Path("nothing.yaml")).problems
    assert str(problem) == "nothing.yaml:1: can't be read: No such file or directory"


def test_a_profile_is_not_read_as_a_scenario_although_both_have_a_title(tmp_path: Path) -> None:
    data = yaml.safe_load((ROOT / "profiles" / "orthanc-1.12.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump({**data, "roles": {}})
    assert checked(tmp_path / "scenarios" / "basics" / "x.yaml", text).sort == "vendor profile"


def test_folders_stand_for_the_yaml_files_below_them(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/c.yml", ".git/d.yaml", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x: 1\n")
    (tmp_path / "empty").mkdir()
    single = tmp_path / "b.yaml"
    assert files_below([single, tmp_path]) == (single, tmp_path / "a" / "c.yml")
    with pytest.raises(InputError, match="no YAML files below"):
        files_below([tmp_path / "empty"])
