"""A vendor profile: what a product checks, how it refuses, what it keeps, what it reports.

A profile is one YAML file, written from measurements or from a product's conformance statement.
Everything that products do alike is in the code of this package; everything they differ in is a
field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from archive.association_rules import Admission, Negotiation, Uid
from archive.web.rules import WebRules
from dicom.dimse.responses import Failure
from dicom.frozen import Frozen
from dicom.settings import AETitle, ArchiveSettings
from dicom.workflow.procedure_steps import MppsRules

#: DIMSE status (PS3.7 annex C); YAML reads ``0xA801`` as a number.
Status = Annotated[int, Field(ge=0, le=0xFFFF)]
Level = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]


class Defaults(Frozen):
    """Every neutral setting as the vendor ships it; None means that there is no limit."""

    aetitle: AETitle
    check_called_aetitle: bool
    case_sensitive_aetitle: bool
    accept_unknown_sop_classes: bool
    accepted_sop_classes: tuple[Uid, ...] | None = None
    accepted_transfer_syntaxes: tuple[Uid, ...] | None = None
    max_pdu_length: int = Field(ge=4096, le=131072)
    max_associations: int | None = Field(None, ge=1)
    idle_timeout: float | None = Field(None, gt=0)
    overwrite_policy: Literal["never", "always", "same-source"]
    synchronous_move: bool = True


class LongIdentifier(Failure):
    """Refusal of an object that names its patient, study or series at too great a length."""

    longer_than: int = Field(ge=64, description="characters")


class ReceiptRules(Frozen):
    """What becomes of a C-STORE request. A field that is None: accepted as it is."""

    unparsable: Failure | None = Field(
        description="a dataset that can't be read; None: no response is sent at all, and what"
        " still comes of it behind the place where it breaks is a misplaced_fragment"
    )
    strict_structure: bool = Field(
        False,
        description="can't be read either: an element longer than the item that it is in, anything"
        " but items in a sequence, native pixel data in an encapsulated transfer syntax",
    )
    unprintable_vr: Literal["guessed", "unparsable"] = Field(
        "guessed",
        description="with strict_structure: a dataset breaks at a VR of bytes that are no text, or"
        " is read on with a guess at the size of the length, as at one of unknown letters",
    )
    missing_sop_uid: Failure
    missing_study_uid: Failure
    long_identifier: LongIdentifier | None = Field(
        None, description="Patient ID, Study or Series Instance UID that is too long"
    )
    command_mismatch: Failure | None = Field(
        None, description="SOP class or instance of the command differ from the dataset's"
    )
    missing_patient_id: Failure | Literal["keep", "create"] = "keep"
    identity: Literal["sop-instance", "all-uids"] = Field(
        description="what makes two objects the same instance: the SOP Instance UID, or that"
        " together with patient, study and series"
    )
    other_patient: Failure | None = Field(
        None, description="the study is held with another Patient ID"
    )
    supplement_issuer: str | None = Field(
        None,
        description="an absent Issuer of Patient ID (0010,0021) becomes this, with {name} and"
        " {birth_date} replaced by hashes of the patient's",
    )
    coercions: Mapping[str, str] = Field(
        default_factory=dict,
        description="attributes (ggggeeee) that may differ from what was sent, with the reason",
    )


class Query(Frozen):
    """C-FIND, and the identifier rules that C-MOVE and C-GET share with it."""

    parents: Literal["optional", "unless-relational"] = Field(
        description="whether unique keys of higher levels may be left out without negotiation"
    )
    patient_level_in_study_root: bool
    lower_case_level: bool
    level_aliases: Mapping[str, Level] = Field(default_factory=dict)
    level_from_keys: bool = Field(
        False, description="C-MOVE without a level: taken from the keys that are there"
    )
    invalid: Failure = Field(description="comment '{error}' names the offending attribute")
    answers_character_set: str | None = Field(
        None, description="Specific Character Set of every answer; None: as stored"
    )


class Retrieve(Frozen):
    """C-MOVE and C-GET."""

    order: Literal["oldest-first", "newest-first", "by-hash"] = Field(
        "oldest-first",
        description="of sub-operations; by-hash: SHA-1 of patient and study, then also of series"
        " and instance, which is how Orthanc numbers its resources",
    )
    unknown_destination: Failure
    unreachable_destination: Failure
    nothing_sendable: Failure = Failure(status=0xA702)
    nothing_matches: Status
    counters_on_failure: bool = Field(
        description="whether a failure before any sub-operation carries (zero) counters"
    )
    stop_at_failure: Failure | None = Field(
        None, description="C-MOVE ends at the first failed sub-operation, with this"
    )
    get_stop_without_context: Failure | None = Field(
        None, description="C-GET ends at the first object that no context takes, with this"
    )
    get_needs_role: bool = Field(description="C-GET sends only where the SCP role was negotiated")
    some_failed: Status = 0xB000
    failed_list: bool = Field(
        description="failed sub-operations are named in a Failed SOP Instance UID List"
    )
    move_warning: Literal["completed", "warning"] = Field(
        "warning", description="how C-MOVE counts an object that was stored with a warning"
    )
    get_warning_status: Status = 0x0000
    pending: Literal["each", "first"] = Field(
        "each", description="C-MOVE responses 0xFF00: after each sub-operation, or one at once"
    )


class Commitment(Frozen):
    """Storage commitment as SCP (PS3.4 annex J)."""

    report_on: Literal["own", "same"] = Field(
        "own",
        description="the N-EVENT-REPORT comes on the archive's own association, or on that"
        " of the request",
    )
    event_transfer_syntaxes: tuple[Uid, ...] = Field(
        ("1.2.840.10008.1.2",), description="proposed on the archive's own association"
    )
    proposes_role: bool = Field(
        True, description="whether the SCP role is proposed on the archive's own association"
    )
    unknown_requester: Failure | Literal["abort"] = Field(
        description="a caller outside the table of known AEs; comment '{calling}' names it"
    )
    invalid_request: Failure | Literal["silence"] = Field(
        description="another action or instance, no Transaction UID, no sequence; silence: the"
        " N-ACTION is never answered"
    )
    empty_request: Failure | Literal["accept"] = Field(
        description="a sequence without items; accept: it is reported as committed"
    )
    lists_none: bool = Field(
        False, description="a result in which nothing is committed has an empty list of what is"
    )
    retries: int = Field(0, ge=0, description="further attempts to deliver a result")
    retry_delay: float = Field(30, gt=0, description="seconds before the first of them")
    retry_factor: float = Field(1, ge=1, description="each delay is so many times the last")
    longest_delay: float = Field(600, gt=0, description="seconds that no delay exceeds")


class WorklistService(Frozen):
    """Modality Worklist as SCP (PS3.4 annex K)."""

    aetitle: AETitle | None = Field(
        None, description="AE of its own that offers it, besides C-ECHO and MPPS, and nothing else"
    )
    hidden_statuses: tuple[str, ...] = Field(
        (), description="Scheduled Procedure Step Statuses that are never answered"
    )


class Forward(Frozen):
    """Sending a study on order, and what the product's web interface then answers."""

    stop_at_failure: bool
    unknown_destination: int = 404
    success: int = 200
    partial: int | None = Field(None, description="None: a partial transfer is a failure")
    failure: int = 500


class TlsRules(Frozen):
    """DICOM TLS of the product, as server and as client (F19)."""

    minimum_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    maximum_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.3"
    ciphers: str | None = Field(None, description="OpenSSL cipher list; None: the library's own")


class VendorProfile(Frozen):
    """One product as an archive behaves towards its peers.

    ``dialect`` says in whose words changes of settings are shown; with ``none``, ``native_keys``
    may give the vendor's own name of a neutral setting and ``missing_settings`` the reason why
    the product does not have one.
    """

    stack: str = Field(description="the vendor's stack: orthanc, dcm4chee, or its own name")
    title: str
    version: str
    dialect: Literal["orthanc", "dcm4chee", "none"] = "none"
    native_keys: Mapping[str, str] = Field(default_factory=dict)
    missing_settings: Mapping[str, str] = Field(default_factory=dict)
    defaults: Defaults
    admission: Admission
    negotiation: Negotiation
    receipt: ReceiptRules
    query: Query
    retrieve: Retrieve
    reencodes_to: tuple[Uid, ...] = Field(
        (),
        description="transfer syntaxes that are proposed besides the stored one when sending, and"
        " re-encoded to where the peer takes nothing else",
    )
    forward: Forward
    commitment: Commitment | None = Field(
        None, description="None: no storage commitment, its contexts are refused"
    )
    worklist: WorklistService | None = Field(None, description="None: no worklist")
    mpps: MppsRules | None = Field(None, description="None: no MPPS")
    tls: TlsRules = TlsRules()
    web: WebRules | None = Field(None, description="DICOMweb; None: nothing is known of it")

    def in_force(self, settings: ArchiveSettings) -> ArchiveSettings:
        """``settings`` with every None replaced by the vendor's default."""
        shipped = {
            name: value
            for name, value in self.defaults
            if name != "aetitle" and getattr(settings, name) is None
        }
        return settings.model_copy(update=shipped)


#: Settings that a profile has no default for: nobody is listed, nothing refused, no TLS.
WITHOUT_DEFAULT: Final = frozenset(
    {"accepted_calling_aetitles", "known_aes", "refused_services", "tls"}
)
