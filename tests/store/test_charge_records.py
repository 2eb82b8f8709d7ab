"""Records of sessions, their review, and months that are closed for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from sqlalchemy import text

from adapters.settling.closing import drafted, settle
from adapters.store import statements
from adapters.store.ledger import SqlLedger
from controller.tariffs.record import ChargeRecord, record_id
from controller.tariffs.review import NEXT, NoSuchRecord, NotDecidable, ReviewState, Verdict, review_state
from controller.tariffs.statement import Closing, IssuedStatement, NotClosable
from tests.store.conftest import OpenLedger
from tests.support.billing import ZONE, keep_parties, keep_records, year_of_records

OCTOBER, NOVEMBER = "2026-10", "2026-11"
IN_NOVEMBER = datetime(2026, 11, 2, 9, tzinfo=UTC)
IN_DECEMBER = datetime(2026, 12, 1, 9, tzinfo=UTC)


@cache
def year() -> list[ChargeRecord]:
    return list(year_of_records(120))


def of_month(month: str, count: int = 3) -> list[ChargeRecord]:
    """Some records of a month, each with something to pay."""
    found = [each for each in year() if each.month == month]
    return [each for each in found if each.legs[0].rated.invoice.after_tax][:count]


def closed(ledger: SqlLedger, month: str, now: datetime) -> list[IssuedStatement]:
    return list(settle(ledger.charged, month, now=now, by="manager", time_zone=ZONE).statements)


def billed(issued: list[IssuedStatement]) -> set[str]:
    return {line.record for each in issued for line in each.statement.lines}


def paid(issued: list[IssuedStatement]) -> Decimal:
    return sum((each.statement.totals.payable for each in issued), Decimal(0))


def test_a_record_is_kept_to_the_letter_and_once(opened: OpenLedger):
    ledger, record = opened(), of_month(OCTOBER)[0]
    assert ledger.charged.keep(record)
    assert not ledger.charged.keep(record)
    assert not ledger.charged.keep(replace(record, currency="CHF")), "what is on record stays"
    again = opened().charged
    assert again.of_month(OCTOBER) == [record]
    assert again.of_session(record.identity.session) == [record]
    found = again.record(record.identity.id)
    assert found is not None
    assert (found.record, found.state) == (record, ReviewState.CLEAR)


def test_a_doubtful_record_waits_until_it_is_accepted(ledger: SqlLedger):
    keep_parties(ledger)
    good, doubtful, _ = of_month(OCTOBER)
    doubtful = replace(doubtful, flags=("decreasing_register",))
    keep_records(ledger, [good, doubtful])
    assert [each.record for each in ledger.charged.queue()] == [doubtful]
    assert ledger.charged.queue(NOVEMBER) == []
    october = closed(ledger, OCTOBER, IN_NOVEMBER)
    assert billed(october) == {good.identity.id}
    ledger.charged.decide(doubtful.identity.id, Verdict.ACCEPT, by="ann", note="seen on site")
    assert ledger.charged.queue() == []
    november = closed(ledger, NOVEMBER, IN_DECEMBER)
    assert billed(november) == {doubtful.identity.id}, "late: on the statements of the next open month"
    assert billed(closed(ledger, OCTOBER, IN_DECEMBER)) == {good.identity.id}, "a closed month stays closed"
    found = ledger.charged.record(doubtful.identity.id)
    assert found is not None
    assert [(each.by, each.note) for each in found.decisions] == [("ann", "seen on site")]


def test_what_was_billed_is_taken_back_by_a_credit(ledger: SqlLedger):
    keep_parties(ledger)
    record = of_month(OCTOBER)[0]
    keep_records(ledger, [record])
    october = closed(ledger, OCTOBER, IN_NOVEMBER)
    right = replace(record, legs=tuple(replace(leg, rated=replace(leg.rated, lines=())) for leg in record.legs))
    decision = ledger.charged.decide(record.identity.id, Verdict.CORRECT, by="ann", correction=right)
    assert decision.replaced_by == record_id(record.identity.session, 2)
    november = closed(ledger, NOVEMBER, IN_DECEMBER)
    assert billed(november) == {decision.credit, decision.replaced_by}
    assert paid(november) == -paid(october)
    assert [each.identity.version for each in ledger.charged.of_session(record.identity.session)] == [1, 1, 2]


def test_what_was_never_billed_needs_no_credit_on_a_statement(ledger: SqlLedger):
    keep_parties(ledger)
    good, wrong, _ = of_month(OCTOBER)
    keep_records(ledger, [good, wrong])
    ledger.charged.decide(wrong.identity.id, Verdict.VOID, by="ann")
    assert billed(closed(ledger, OCTOBER, IN_NOVEMBER)) == {good.identity.id}
    assert closed(ledger, NOVEMBER, IN_DECEMBER) == []
    states = {each.record.identity.id: each.state for each in ledger.charged.reviewed(OCTOBER)}
    assert states[wrong.identity.id] is ReviewState.VOIDED


def test_what_cannot_be_decided_is_refused(ledger: SqlLedger):
    record = of_month(OCTOBER)[0]
    priceless = replace(record.legs[0], rated=replace(record.legs[0].rated, review_flags=("unrated:x",)))
    keep_records(ledger, [replace(record, legs=(priceless,), flags=("unrated:x",))])
    book, known = ledger.charged, record.identity.id
    with pytest.raises(NoSuchRecord):
        book.decide("nobody's", Verdict.ACCEPT, by="ann")
    with pytest.raises(NotDecidable, match="no whole price"):
        book.decide(known, Verdict.ACCEPT, by="ann")
    with pytest.raises(NotDecidable, match="goes with the verdict"):
        book.decide(known, Verdict.CORRECT, by="ann")
    credit = book.decide(known, Verdict.VOID, by="ann").credit
    assert credit is not None
    with pytest.raises(NotDecidable, match="is voided"):
        book.decide(known, Verdict.VOID, by="bob")
    with pytest.raises(NotDecidable, match="is a credit"):
        book.decide(credit, Verdict.VOID, by="ann")


def test_only_a_month_that_is_over_is_closed_and_none_before_the_one_before(ledger: SqlLedger):
    keep_records(ledger, [*of_month(OCTOBER), *of_month(NOVEMBER)])
    with pytest.raises(NotClosable, match="exactly one party of the kind 'operator'"):
        closed(ledger, OCTOBER, IN_NOVEMBER)
    (sender,) = {each.operator.name for each in drafted(ledger.charged, OCTOBER, now=IN_NOVEMBER, time_zone=ZONE)}
    assert sender == "(No operator is entered yet)"
    keep_parties(ledger)
    with pytest.raises(NotClosable, match="2026-11 is not over: it can be closed from 2026-12-01 on"):
        closed(ledger, NOVEMBER, IN_DECEMBER - timedelta(hours=10, seconds=1))
    with pytest.raises(NotClosable, match="before 2026-10"):
        closed(ledger, NOVEMBER, IN_DECEMBER)
    drafts = drafted(ledger.charged, OCTOBER, now=IN_NOVEMBER, time_zone=ZONE)
    assert all(each.draft and each.number.startswith("DRAFT-") for each in drafts)
    issued = [*closed(ledger, OCTOBER, IN_NOVEMBER), *closed(ledger, NOVEMBER, IN_DECEMBER)]
    assert [each.number for each in issued] == [f"LS-2026-{n:05d}" for n in range(1, len(issued) + 1)]
    assert [each.month for each in ledger.charged.closings()] == [OCTOBER, NOVEMBER]


def test_nothing_is_written_where_something_came_in_between(ledger: SqlLedger):
    keep_parties(ledger)
    first, late, _ = of_month(OCTOBER)
    keep_records(ledger, [first])
    book = ledger.charged
    drawn = book.read(lambda connection: statements.billable_until(connection, OCTOBER))
    keep_records(ledger, [late])
    closing = Closing(OCTOBER, IN_NOVEMBER, "ann")
    with pytest.raises(statements.Overtaken):
        book.write(lambda connection: statements.close_month(connection, closing, "LS", [], drawn)).result()
    assert book.closings() == []
    assert billed(closed(ledger, OCTOBER, IN_NOVEMBER)) == {first.identity.id, late.identity.id}


def test_a_leg_is_on_one_statement_whatever_happens(ledger: SqlLedger):
    keep_parties(ledger)
    keep_records(ledger, of_month(OCTOBER))
    issued = closed(ledger, OCTOBER, IN_NOVEMBER)
    record = next(iter(billed(issued)))
    again = f"INSERT INTO billed_legs SELECT record_id, leg, statement FROM billed_legs WHERE record_id = '{record}'"
    with pytest.raises(Exception, match=r"(?i)unique"):
        ledger.write(lambda connection: connection.execute(text(again))).result()


@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize("first", Verdict)
@pytest.mark.parametrize("second", [None, *Verdict])
def test_every_way_through_the_review(flagged: bool, first: Verdict, second: Verdict | None):
    start = ReviewState.OPEN if flagged else ReviewState.CLEAR
    verdicts = [first] if second is None else [first, second]
    state: ReviewState | None = start
    for verdict in verdicts:
        state = None if state is None else NEXT.get((state, verdict))
    if state is None:
        with pytest.raises(NotDecidable):
            review_state(flagged=flagged, verdicts=verdicts)
    else:
        assert review_state(flagged=flagged, verdicts=verdicts) is state
