"""What products differ in on their DICOMweb side; the ``web`` section of a vendor profile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydicom.datadict import tag_for_keyword

from dicom.datasets.uids import uid_of
from dicom.frozen import Frozen

#: Failure Reason (0008,1197), a DIMSE status (PS3.7 annex C).
Reason = Annotated[int, Field(ge=0, le=0xFFFF)]
HttpStatus = Annotated[int, Field(ge=200, le=599)]
Uid = Annotated[str, AfterValidator(uid_of)]


def _attribute(keyword: str) -> str:
    if tag_for_keyword(keyword) is None:
        raise ValueError(f"{keyword!r} is no attribute's keyword")
    return keyword


Attribute = Annotated[str, AfterValidator(_attribute)]


class WrongStudy(Frozen):
    """An object of another study than the request's path names."""

    reason: Reason
    status: HttpStatus | None = Field(
        None, description="of the whole response, whatever else is in it; None: as other failures"
    )


class StowRules(Frozen):
    """STOW-RS: what is taken, and how the response says what was not."""

    part_type: Literal["exact", "with-parameters", "media-type"] = Field(
        description="a part is an object if its Content-Type is application/dicom to the letter;"
        " with parameters too; or in any case of letters besides. Other parts are passed over in"
        " silence"
    )
    nothing: HttpStatus = Field(description="no part is an object")
    partial: HttpStatus = Field(description="some objects were refused")
    failed: HttpStatus = Field(description="all objects were refused")
    refusal_reason: Reason | None = Field(
        None, description="Failure Reason of every refusal; None: the status that C-STORE gives"
    )
    wrong_study: WrongStudy
    accepted_only: bool = Field(
        False,
        description="SOP classes and transfer syntaxes that C-STORE does not accept are refused",
    )
    always_lists: tuple[Literal["referenced", "failed"], ...] = Field(
        (), description="sequences that are there without items too"
    )
    character_set: str | None = Field(
        None, description="Specific Character Set of the response; None: it has none"
    )
    warning_header: bool = Field(False, description="a partial success has a Warning header")


class QidoRules(Frozen):
    """QIDO-RS: what is matched and returned."""

    no_match: Literal[200, 204] = Field(description="200 with an empty list, or 204")
    not_acceptable: HttpStatus | None = Field(
        None, description="Accept has no application/dicom+json; None: that is answered anyway"
    )
    unknown_attribute: HttpStatus | None = Field(
        None, description="a parameter that is no attribute; None: it is passed over"
    )
    invalid: HttpStatus = Field(400, description="a value that its attribute can't have")
    decodes_percent: bool = Field(
        True, description="%5E in a value stands for ^; else for itself, and matches nothing"
    )
    case_sensitive: bool = Field(description="of attributes other than Patient's Name")
    lists: Literal["uid", "any"] = Field(
        "uid", description="attributes in whose values commas separate alternatives"
    )
    literal_lists: bool = Field(
        False,
        description="alternatives are matched to the letter, without wildcards, and an empty one"
        " matches nothing",
    )
    literal_attributes: tuple[Attribute, ...] = Field(
        (), description="attributes whose values have no wildcards, in lists or out of them"
    )
    wraps_numbers: bool = Field(
        False,
        description="a limit or offset of -1 is 4294967295, as it is where an unsigned number of 32"
        " bits is read; else it is invalid",
    )
    too_large: HttpStatus | None = Field(
        None, description="a limit or offset above 2147483647; None: taken as it is"
    )
    matches_sequences: bool = Field(
        True, description="attributes of items (ASequence.Attribute) are matched, not passed over"
    )
    unmatched_in_studies: tuple[Attribute, ...] = Field(
        (), description="attributes that no study matches, whatever the value"
    )
    most_results: int | None = Field(
        None, ge=1, description="a longer answer is cut off there, with a Warning header"
    )
    character_set: str | None = Field(
        None,
        description="Specific Character Set of answers, which loses what it can't write;"
        " None: as stored",
    )
    study: tuple[Attribute, ...] = Field(description="attributes of studies that are returned")
    series: tuple[Attribute, ...] = Field(description="… of series, besides those of the study")
    instances: tuple[Attribute, ...] = Field(description="… of instances, besides those above")
    parents: Literal["unless-asked", "unless-in-path"] = Field(
        description="attributes of levels above are left out where a query parameter, or the path,"
        " names that level's UID"
    )
    availability: Literal["always", "instances", "never"] = Field(
        "never", description="Instance Availability (0008,0056) is returned, and is ONLINE"
    )
    retrieve_aetitle: bool = Field(False, description="Retrieve AE Title is returned")


class WadoRules(Frozen):
    """WADO-RS of instances, and of their metadata as DICOM JSON."""

    not_acceptable: HttpStatus = Field(
        description="Accept has nothing that the product can give (one instance as"
        " application/dicom is not among it)"
    )
    unknown_transfer_syntax: HttpStatus = Field(
        description="the acceptable transfer syntax is none that DICOM knows"
    )
    not_transcodable: HttpStatus = Field(
        description="the stored transfer syntax can't be turned into the acceptable one"
    )
    not_decodable: tuple[Uid, ...] = Field(
        (), description="stored transfer syntaxes that the product can't decompress"
    )


class WebRules(Frozen):
    """The origin server. ``root`` may name ``{aetitle}``, the archive's own title."""

    root: str = Field(pattern=r"^/\S*[^/\s]$", description="path of the services, without a slash")
    authentication: Literal["none", "basic"]
    realm: str = Field("", description="of WWW-Authenticate")
    stow: StowRules
    qido: QidoRules
    wado: WadoRules
