"""The highest rung: does the receiver hold what was sent, exactly once and unchanged?

The sender's word is not asked. Success reported while the receiver holds nothing, too little or
something else is the most important thing this lab can find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

from pydicom.datadict import keyword_for_tag

from dicom.datasets.fingerprint import Fingerprint
from dicom.frozen import Frozen
from dicom.ladder import Outcome, Rung, Signature

_SHOWN_TAGS = 8


class Delivery(Frozen):
    """The outcome at ``delivered``, with what it rests on, a line each."""

    outcome: Outcome
    details: tuple[str, ...] = ()

    @classmethod
    def seen(cls, flaw: str = "", *details: str) -> Self:
        """``flaw`` is a kind of signature at ``delivered``, empty where there is none."""
        signature = Signature(kind=flaw) if flaw else None
        return cls(outcome=Outcome.at(Rung.DELIVERED, signature), details=details)

    def after(self, *details: str) -> Self:
        """The same, with these details before its own."""
        return self.model_copy(update={"details": (*details, *self.details)})


def judge_delivery(
    sent: Sequence[Fingerprint],
    held: Sequence[Fingerprint],
    *,
    coercions: Mapping[str, str],
    elsewhere: Mapping[str, Sequence[Fingerprint]],
) -> Delivery:
    """Compare what was sent with what the receiver holds of the same studies.

    Args:
        sent: what the sender was given to send.
        held: what the receiver says it holds, duplicates kept.
        coercions: attributes (``ggggeeee``) that the receiver may change, with the reason.
        elsewhere: what other archives of the lab hold, by role.

    Returns:
        ``delivered``, or the gravest of ``lost``, ``elsewhere``, ``partial``, ``duplicated`` and
        ``altered``.
    """
    copies: dict[str, list[Fingerprint]] = {}
    for each in held:
        copies.setdefault(each.sop_instance_uid, []).append(each)
    present = [each for each in sent if each.sop_instance_uid in copies]
    details = [f"holds {len(present)} of {len(sent)} instances"]
    if len(present) < len(sent):
        missing = {each.sop_instance_uid for each in sent} - copies.keys()
        astray = [
            role
            for role, others in elsewhere.items()
            if missing & {each.sop_instance_uid for each in others}
        ]
        if astray:
            details.append(f"found at {', '.join(astray)} instead")
            return Delivery.seen("elsewhere", *details)
        return Delivery.seen("partial" if present else "lost", *details)
    twice = [uid for uid, found in copies.items() if len(found) > 1]
    if twice:
        details.append(f"{len(twice)} SOP Instance UIDs are held more than once")
        return Delivery.seen("duplicated", *details)
    versions: dict[str, list[Fingerprint]] = {}
    for each in sent:
        versions.setdefault(each.sop_instance_uid, []).append(each)
    if len(versions) < len(sent):
        details.append(
            f"{len(sent) - len(versions)} of the files sent repeat the SOP Instance UID of another:"
            " only one of each can be held"
        )
    changed: Counter[str] = Counter()
    for uid, candidates in versions.items():
        differences = [each.differences(copies[uid][0]) for each in candidates]
        fewest: tuple[str, ...] = min(differences, key=len)
        changed.update(fewest)
    details += [
        f"permitted coercion of {_tag_text(tag)}: {coercions[tag]}"
        for tag in sorted(changed.keys() & coercions.keys())
    ]
    altered = sorted(changed.keys() - coercions.keys())
    if altered:
        shown = ", ".join(_tag_text(tag) for tag in altered[:_SHOWN_TAGS])
        more = f" and {len(altered) - _SHOWN_TAGS} more" if len(altered) > _SHOWN_TAGS else ""
        details.append(f"differs from what was sent in {shown}{more}")
        return Delivery.seen("altered", *details)
    details.append("every dataset equals the one sent")
    return Delivery.seen("", *details)


def _tag_text(tag: str) -> str:
    name = keyword_for_tag(int(tag, 16))
    return f"({tag[:4]},{tag[4:]}) {name}".rstrip()
