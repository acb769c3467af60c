"""Profile files: what is shipped, what a user may write, and how mistakes are explained."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from archive.vendor import WITHOUT_DEFAULT, Defaults, VendorProfile
from dicom.registry import Registry
from dicom.settings import ArchiveSettings
from orchestrator.errors import InputError
from orchestrator.files.problems import InvalidFileError
from orchestrator.stacks.base import STACKS, Stack
from orchestrator.stacks.profile.dialects import NeutralDialect, dialect_of
from orchestrator.stacks.profile.files import find_profile, load_profile, profile_files
from orchestrator.stacks.vendor_profiles import ProfileStack
from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import image, store

SHIPPED = ("dcm4chee-5.35", "orthanc-1.10", "orthanc-1.12")
PROFILES = Path(__file__).parents[4] / "profiles"


def acme(folder: Path, **changes: object) -> Path:
    """A user's profile: DCM4CHEE's with another name and ``changes`` at the top."""
    content = yaml.safe_load((PROFILES / "dcm4chee-5.35.yaml").read_text())
    content |= {"stack": "acme", "title": "Acme PACS", "version": "9", "dialect": "none", **changes}
    path = folder / "profiles" / "acme.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_line_of_a_shipped_profile_cites_its_fact(name: str) -> None:
    lines = (PROFILES / f"{name}.yaml").read_text().splitlines()
    stated = [
        line
        for line in lines[lines.index("defaults:") + 1 :]
        if re.match(r"  [\"\w]", line) and not line.strip().startswith("#")
    ]
    own = re.compile(
        r"^  (aetitle|success|unknown_destination: 404|order: oldest|m\w+_version|partial)"
    )
    uncited = [
        line for line in stated if not re.search(r"# F\d|\(F\d", line) and not own.match(line)
    ]
    assert not uncited


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_is_a_stack_under_its_own_name(name: str) -> None:
    stack = STACKS[name]
    assert stack.name == name
    assert stack.aetitle == find_profile(name).defaults.aetitle


def test_a_profile_has_a_default_for_every_setting_that_can_have_one() -> None:
    settings = set(ArchiveSettings.model_fields)
    assert set(Defaults.model_fields) | WITHOUT_DEFAULT == settings


def test_settings_that_are_given_beat_the_vendors_defaults() -> None:
    profile = find_profile("orthanc-1.10")
    in_force = profile.in_force(ArchiveSettings(aetitle="X", idle_timeout=5))
    assert (in_force.aetitle, in_force.idle_timeout, in_force.max_pdu_length) == ("X", 5, 16384)


def test_the_schema_describes_every_field_a_writer_needs() -> None:
    schema = VendorProfile.model_json_schema()
    assert set(schema["properties"]) == set(VendorProfile.model_fields)


def test_a_users_profile_works_without_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: MakeArchive
) -> None:
    acme(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert {"acme", *SHIPPED} <= set(profile_files())
    assert store(archive("acme").dicom_port, image()) == [0]
    registry: Registry[Stack] = Registry("stack", "orchestrator.stacks", InputError)
    registry.register("acme")(ProfileStack("acme"))
    assert ProfileStack("acme").aetitle == "DCM4CHEE"


def test_a_users_profile_hides_a_shipped_one_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme(tmp_path).rename(tmp_path / "profiles" / "orthanc-1.12.yaml")
    monkeypatch.chdir(tmp_path)
    assert find_profile("orthanc-1.12").title == "Acme PACS"


def test_an_unknown_profile_is_explained_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"did you mean 'orthanc-1\.12'"):
        find_profile("orthanc-1.21")


def test_all_mistakes_of_a_profile_are_named_at_once(tmp_path: Path) -> None:
    path = acme(tmp_path, query={"parents": "sometime"}, colour="blue", versoin="9")
    lines = path.read_text().splitlines()
    with pytest.raises(InvalidFileError) as raised:
        load_profile(path)
    text = str(raised.value)
    line = lines.index("  parents: sometime") + 1
    assert f"acme.yaml:{line}: query.parents: saw 'sometime'; expected 'optional'" in text
    assert "query.patient_level_in_study_root: 'patient_level_in_study_root' is missing" in text
    assert f"acme.yaml:{lines.index('colour: blue') + 1}: colour: unknown key 'colour'" in text
    assert "versoin: unknown key 'versoin'; did you mean 'version'?" in text


@pytest.mark.parametrize("text", ["a: [1", "- just\n- a list\n"])
def test_a_file_that_is_no_profile_at_all_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.yaml"):
        load_profile(path)
    with pytest.raises(
        InputError, match=r"can't read .*missing\.yaml.*; expected a vendor profile"
    ):
        load_profile(tmp_path / "missing.yaml")


def test_a_name_that_a_command_line_would_trip_over_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme(tmp_path).rename(tmp_path / "profiles" / "acme pacs.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="acme pacs"):
        profile_files()


def test_a_profile_with_the_name_of_a_product_is_refused_by_every_command(tmp_path: Path) -> None:
    acme(tmp_path).rename(tmp_path / "profiles" / "orthanc.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "validate"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROFILES.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "profiles/orthanc.yaml: a stack is called 'orthanc' already" in done.stderr


def test_without_a_dialect_the_vendors_names_and_gaps_come_from_the_profile(
    tmp_path: Path,
) -> None:
    profile = load_profile(
        acme(
            tmp_path,
            native_keys={"aetitle": "Local AE Title"},
            missing_settings={"idle_timeout": "can't be configured"},
        )
    )
    dialect = dialect_of(profile, "/tls")
    assert isinstance(dialect, NeutralDialect)
    assert dialect.where == "Acme PACS configuration"
    settings = ArchiveSettings(aetitle="X", idle_timeout=3, known_aes=(known("P", 104),))
    assert dialect.translate(settings) == {
        "Local AE Title": "X",
        "idle_timeout": 3.0,
        "known_aes": {"P": {"host": "127.0.0.1", "port": 104}},
    }
    assert dialect.unsupported(settings) == {"idle_timeout": "can't be configured"}
    assert dialect.unsupported(ArchiveSettings()) == {}
