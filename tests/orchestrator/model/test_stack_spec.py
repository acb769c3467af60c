"""Which archive a rule is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model.identity import Edition, Identity
from orchestrator.model.stack_spec import EDITIONS, StackSpec, StackSpecError, release


def identity(
    stack: str = "orthanc", edition: Edition = "process", version: str = "1.10.1", follows: str = ""
) -> Identity:
    return Identity(stack=stack, edition=edition, version=version, follows=follows)


NEW = identity(edition="container", version="1.12.7")
OLD = identity()
PROFILE = identity(edition="profile", version="1.12", follows="orthanc-1.12")
DCM = identity("dcm4chee", "container", "5.35.0-secure")


@pytest.mark.parametrize(
    ("spec", "matching"),
    [
        ("orthanc", [NEW, OLD, PROFILE]),
        ("orthanc >=1.12", [NEW, PROFILE]),
        ("orthanc >= 1.12", [NEW, PROFILE]),
        ("orthanc <1.12.7", [OLD, PROFILE]),
        ("orthanc <1.11 process", [OLD]),
        ("orthanc >=1.10,<1.11", [OLD]),
        ("orthanc >=1.10, <1.11 process", [OLD]),
        ("orthanc ==1.12.*", [NEW, PROFILE]),
        ("orthanc profile", [PROFILE]),
        ("orthanc-1.12", [PROFILE]),
        ("dcm4chee", [DCM]),
        ("dcm4chee >=5.35", [DCM]),
        ("* container", [NEW, DCM]),
        ("*", [NEW, OLD, PROFILE, DCM]),
        ("acme", []),
    ],
)
def test_a_specification_holds_for_exactly_these(spec: str, matching: list[Identity]) -> None:
    everybody = [NEW, OLD, PROFILE, DCM]
    assert [each for each in everybody if StackSpec.parse(spec).holds(each)] == matching


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("", "expected a stack"),
        ("orthanc procss", "unknown edition 'procss'"),
        ("orthanc >>1", "version range '>>1'"),
        ("orthanc 1.12", "version range '1.12'"),
        ("orthanc process >=1.12", "version range 'process >=1.12'"),
    ],
)
def test_what_can_not_be_read_is_explained(spec: str, complaint: str) -> None:
    with pytest.raises(StackSpecError, match=complaint):
        StackSpec.parse(spec)


@pytest.mark.parametrize(
    ("version", "comparable"),
    [
        ("1.12.7", "1.12.7"),
        ("1.12.7+dfsg-1", "1.12.7"),
        ("5.35.0-secure", "5.35.0"),
        ("v2.1", "2.1"),
        ("1.12", "1.12"),
        ("mainline", None),
        ("", None),
    ],
)
def test_a_version_is_compared_by_its_leading_numbers(version: str, comparable: str | None) -> None:
    found = release(version)
    assert (None if found is None else str(found)) == comparable


def test_a_version_without_numbers_is_in_no_range_but_still_of_its_stack() -> None:
    mainline = identity(version="mainline")
    assert StackSpec.parse("orthanc").holds(mainline)
    assert not StackSpec.parse("orthanc >=0").holds(mainline)
    assert not StackSpec.parse("orthanc <99").holds(mainline)


numbers = st.lists(st.integers(0, 40), min_size=1, max_size=4).map(
    lambda parts: ".".join(map(str, parts))
)


@given(numbers, numbers, st.sampled_from(EDITIONS))
def test_below_and_not_below_a_version_share_out_all_versions(
    version: str, bound: str, edition: Edition
) -> None:
    who = identity(edition=edition, version=version)
    below = StackSpec.parse(f"orthanc <{bound}").holds(who)
    not_below = StackSpec.parse(f"orthanc >={bound}").holds(who)
    assert below != not_below


@given(
    st.sampled_from(["orthanc", "dcm4chee", "*"]),
    st.sampled_from(["", ">=1.12", "<1.11", ">=1.10,<1.12"]),
    st.sampled_from(["", *EDITIONS]),
)
def test_a_specification_reads_back_from_what_it_prints(
    stack: str, versions: str, edition: str
) -> None:
    spec = StackSpec.parse(f"{stack} {versions} {edition}")
    assert StackSpec.parse(str(spec)) == spec
