"""Where PDUs and PDVs begin and end."""

from __future__ import annotations

from dicom.tracing.boundaries import pdu_header, pdu_types, pdvs

RELEASE = b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00"
TWO_PDVS = b"\x04\x00\x00\x00\x00\x0f\x00\x00\x00\x04\x01\x03ab\x00\x00\x00\x03\x05\x02c"


def test_a_header_says_where_the_pdu_ends() -> None:
    assert pdu_header(RELEASE).size == len(RELEASE)
    assert pdu_header(RELEASE + TWO_PDVS, len(RELEASE)).size == len(TWO_PDVS)


def test_every_pdu_that_begins_is_seen_even_if_its_end_or_header_is_not_there_yet() -> None:
    assert list(pdu_types(RELEASE + TWO_PDVS[:9])) == [5, 4]
    assert list(pdu_types(RELEASE + TWO_PDVS[:2])) == [5, 4]
    assert list(pdu_types(b"")) == []


def test_pdvs_come_with_their_fragments() -> None:
    assert list(pdvs(TWO_PDVS)) == [((1, 3, 2), b"ab"), ((5, 2, 1), b"c")]


def test_a_pdv_that_is_cut_off_ends_the_pdu() -> None:
    assert list(pdvs(TWO_PDVS[:-4])) == [((1, 3, 2), b"ab")]
