"""A decision about a record: what it needs, and which records come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from controller.tariffs.crediting import credit
from controller.tariffs.record import ChargeRecord, RecordKind, record_id
from controller.tariffs.review import NotDecidable, ReviewDecision, Reviewed, Verdict, review_state


def decided(
    reviewed: Reviewed,
    verdict: Verdict,
    *,
    by: str,
    at: datetime,
    note: str = "",
    correction: ChargeRecord | None = None,
) -> tuple[ReviewDecision, Sequence[ChargeRecord]]:
    """Decide of a record: accept it, take it back, or take it back and put another in its place.

    Args:
        reviewed: the record, and where it stands.
        verdict: what is decided.
        by: who decides.
        at: when.
        note: why.
        correction: what stands in its place; it becomes the next version of the session's record, and needs no review.

    Returns:
        The decision, and the records that go on record with it.

    Raises:
        NotDecidable: it is a credit, or was taken back already, or a correction is missing or not asked for, or a
            record without a whole price is to be accepted.
    """
    record = reviewed.record
    _check(reviewed, verdict, corrected=correction is not None)
    if verdict is Verdict.ACCEPT:
        return ReviewDecision(record.identity.id, verdict, by, at, note), []
    back = credit(record, at)
    decision = ReviewDecision(record.identity.id, verdict, by, at, note, credit=back.identity.id)
    if correction is None:
        return decision, [back]
    instead = _next_version(record, correction, at)
    return replace(decision, replaced_by=instead.identity.id), [back, instead]


def _check(reviewed: Reviewed, verdict: Verdict, *, corrected: bool) -> None:
    record = reviewed.record
    if record.identity.kind is RecordKind.CREDIT:
        raise NotDecidable(f"record {record.identity.id} is a credit: nothing is decided of it")
    if corrected != (verdict is Verdict.CORRECT):
        raise NotDecidable("a correction goes with the verdict 'correct', and only with it")
    if verdict is Verdict.ACCEPT and not record.complete:
        raise NotDecidable(
            f"record {record.identity.id} has no whole price: it can be corrected or voided, not accepted"
        )
    review_state(flagged=bool(record.flags), verdicts=[*(each.verdict for each in reviewed.decisions), verdict])


def _next_version(record: ChargeRecord, correction: ChargeRecord, at: datetime) -> ChargeRecord:
    version = record.identity.version + 1
    identity = replace(
        record.identity, id=record_id(record.identity.session, version), version=version, created_at=at, credit_of=None
    )
    return replace(correction, identity=identity, flags=())
