"""Records of sessions and their review through the REST API."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query

from adapters.billing_documents import record_document
from adapters.settling.charged import Charged
from adapters.settling.export_kinds import MONTH
from adapters.web import models
from adapters.web.entitled import REFUSALS, Approver
from adapters.web.settlement_models import (
    DecisionState,
    LegState,
    RecordBrief,
    RecordList,
    RecordState,
    VerdictSaid,
)
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import Correction, NoSuchRecord, NotDecidable, ReviewDecision, Reviewed, Verdict

_CONFLICT: Final[dict[int | str, dict[str, object]]] = {
    409: {"model": models.Problem, "description": "The record cannot get that verdict"}
}
Month = Annotated[str, Query(pattern=f"^{MONTH}$", description="such as `2026-10`")]


def add_review(router: APIRouter, charged: Charged) -> None:
    """Add the routes of records."""

    @router.get("/review")
    def get_review(month: Month | None = None) -> RecordList:
        """The records that wait for somebody to look at them, oldest first; at most 500."""
        return RecordList(items=tuple(_brief(each) for each in charged.queue(month)))

    @router.get("/records/{record_id:id}", responses=REFUSALS)
    def get_record(record_id: str) -> RecordState:
        """One record, whole."""
        return _whole(_found(charged, record_id))

    @router.get("/sessions/{session_id:id}/records")
    def get_records_of_session(session_id: str) -> RecordList:
        """All records of a session: its first, and what came of corrections."""
        found = (charged.record(each.identity.id) for each in charged.of_session(session_id))
        return RecordList(items=tuple(_brief(each) for each in found if each is not None))

    @router.post("/review/{record_id:id}", responses=REFUSALS | _CONFLICT)
    def post_verdict(record_id: str, said: VerdictSaid, actor: Approver) -> RecordState:
        """Accept a record, void it by a credit, or correct it: a credit and a record in its place. For good."""
        if (said.correction is None) == (said.verdict == "correct"):
            raise HTTPException(422, "correction: goes with the verdict 'correct', and only with it")
        correction = None if said.correction is None else Correction(**dict(said.correction))
        try:
            charged.decide(record_id, Verdict(said.verdict), by=actor.user, note=said.note, correction=correction)
        except NoSuchRecord:
            raise HTTPException(404, f"unknown record {record_id!r}") from None
        except NotDecidable as error:
            raise HTTPException(409, str(error)) from None
        return _whole(_found(charged, record_id))


def _found(charged: Charged, record_id: str) -> Reviewed:
    found = charged.record(record_id)
    if found is None:
        raise HTTPException(404, f"unknown record {record_id!r}")
    return found


def _whole(reviewed: Reviewed) -> RecordState:
    return RecordState(**dict(_brief(reviewed)), document=record_document(reviewed.record))


def _brief(reviewed: Reviewed) -> RecordBrief:
    record = reviewed.record
    return RecordBrief(
        id=record.identity.id,
        session=record.identity.session,
        version=record.identity.version,
        kind=record.identity.kind.value,
        credit_of=record.identity.credit_of,
        state=reviewed.state.value,
        flags=record.flags,
        month=record.month,
        point=record.place.point,
        token=record.token.uid,
        driver=record.parties.driver,
        started_at=record.times.started_at,
        ended_at=record.times.ended_at,
        start_wh=record.quantities.start_register_wh,
        end_wh=record.quantities.end_register_wh,
        energy_wh=record.quantities.import_wh,
        currency=record.currency,
        legs=_legs(record),
        decisions=tuple(map(_decision, reviewed.decisions)),
    )


def _legs(record: ChargeRecord) -> tuple[LegState, ...]:
    return tuple(
        LegState(
            leg=leg.leg.value,
            party=leg.party,
            tariff=leg.rated.tariff_id,
            before_tax=leg.rated.invoice.before_tax,
            after_tax=leg.rated.invoice.after_tax,
        )
        for leg in record.legs
    )


def _decision(decision: ReviewDecision) -> DecisionState:
    return DecisionState(
        verdict=decision.verdict.value,
        by=decision.by,
        at=decision.at,
        note=decision.note,
        credit=decision.credit,
        replaced_by=decision.replaced_by,
    )
