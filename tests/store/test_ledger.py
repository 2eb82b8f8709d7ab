"""The ledger's promises, told as stories of chargers; each on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, select

from adapters.store.ledger import SqlLedger
from adapters.store.schema import transaction_messages
from controller.ports.ledger import LedgerUnavailable, SessionRecord
from controller.ports.transactions import TIMESTAMP_INVALID, Outcome, TransactionStart, TransactionStop
from tests.store.conftest import OpenLedger
from tests.support.sessions import NINE, a_start, a_stop, at


def only_session(ledger: SqlLedger) -> SessionRecord:
    (session,), next_page = ledger.sessions()
    assert next_page is None
    return session


async def test_a_session_is_recorded_priced_and_told_with_its_times_in_utc(ledger: SqlLedger):
    amsterdam = timezone(timedelta(hours=1))
    started = await ledger.start_transaction(
        TransactionStart("CP01", 2, "P02", "04A2", NINE.astimezone(amsterdam), 10_000)
    )
    assert started.outcome is Outcome.RECORDED
    assert await ledger.stop_transaction(a_stop(started.transaction_id, reason="EVDisconnected")) is Outcome.RECORDED

    session = ledger.session(started.session_id)
    assert session == SessionRecord(
        id=started.session_id,
        station="CP01",
        point="P02",
        connector=2,
        transaction_id=str(started.transaction_id),
        token="04A2",
        running=False,
        started_at=NINE,
        ended_at=at(60),
        start_wh=10_000,
        end_wh=17_432,
        energy_wh=7_432,
        cost=Decimal("2.6012"),
        currency="EUR",
        stop_reason="EVDisconnected",
        review_flags=(),
    )
    assert session.started_at.tzinfo is UTC


async def test_a_transaction_id_fits_any_charger_and_is_not_counted_up(ledger: SqlLedger):
    ids = [(await ledger.start_transaction(a_start(minutes=minute))).transaction_id for minute in range(20)]
    assert len(set(ids)) == 20
    assert all(0 < transaction_id < 2**31 for transaction_id in ids)
    assert ids != sorted(ids)


async def test_a_repeated_start_gets_the_same_ids_before_and_after_its_end_and_a_restart(opened: OpenLedger):
    ledger = opened()
    first = await ledger.start_transaction(a_start())
    again = await ledger.start_transaction(a_start())
    await ledger.stop_transaction(a_stop(first.transaction_id))
    ledger = opened()
    late = await ledger.start_transaction(a_start())
    assert (again.outcome, late.outcome) == (Outcome.REPEATED, Outcome.REPEATED)
    assert {s.transaction_id for s in (first, again, late)} == {first.transaction_id}
    assert {s.session_id for s in (first, again, late)} == {first.session_id}
    assert only_session(ledger).energy_wh == 7_432


@pytest.mark.parametrize(
    "other",
    [
        a_start("CP02"),
        a_start(connector=2),
        a_start(token="OTHER"),
        a_start(minutes=0.001),
        a_start(wh=10_001),
    ],
    ids=["station", "connector", "token", "time", "register"],
)
async def test_a_start_that_differs_in_anything_is_another_session(ledger: SqlLedger, other: TransactionStart):
    first = await ledger.start_transaction(a_start())
    second = await ledger.start_transaction(other)
    assert second.outcome is Outcome.RECORDED
    assert second.transaction_id != first.transaction_id


async def test_the_same_start_twice_at_the_same_moment_is_one_session(ledger: SqlLedger):
    answers = await asyncio.gather(*(ledger.start_transaction(a_start()) for _ in range(20)))
    assert len({answer.session_id for answer in answers}) == 1
    assert [answer.outcome for answer in answers].count(Outcome.RECORDED) == 1
    assert only_session(ledger).running


async def test_a_repeated_stop_changes_nothing(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start())
    stop = a_stop(started.transaction_id)
    assert await ledger.stop_transaction(stop) is Outcome.RECORDED
    before = only_session(ledger)
    assert await ledger.stop_transaction(stop) is Outcome.REPEATED
    assert only_session(ledger) == before


async def test_messages_whose_time_is_that_of_their_arrival_are_recognised_by_the_rest(ledger: SqlLedger):
    untimed = (TIMESTAMP_INVALID,)
    first = await ledger.start_transaction(a_start(minutes=0, flags=untimed))
    assert (await ledger.start_transaction(a_start(minutes=2, flags=untimed))).session_id == first.session_id
    timed = await ledger.start_transaction(a_start(minutes=2))
    assert timed.session_id != first.session_id, "a start with a time of its own is another one"
    stop = replace(a_stop(first.transaction_id, minutes=60), flags=untimed)
    assert await ledger.stop_transaction(stop) is Outcome.RECORDED
    assert await ledger.stop_transaction(replace(stop, ended_at=at(61))) is Outcome.REPEATED
    later = await ledger.start_transaction(a_start(minutes=70, flags=untimed))
    assert later.session_id != first.session_id, "what has ended does not begin again"
    session = ledger.session(first.session_id)
    assert session is not None
    assert (session.ended_at, session.review_flags) == (at(60), untimed)


async def test_a_stop_that_contradicts_the_record_is_flagged_and_changes_no_amount(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start())
    await ledger.stop_transaction(a_stop(started.transaction_id))
    outcome = await ledger.stop_transaction(a_stop(started.transaction_id, wh=99_000))
    session = only_session(ledger)
    assert outcome is Outcome.CONFLICTING
    assert (session.end_wh, session.energy_wh, session.cost) == (17_432, 7_432, Decimal("2.6012"))
    assert session.review_flags == ("conflicting_stop",)


async def test_a_stop_of_another_stations_transaction_has_no_effect(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start("CP01"))
    assert await ledger.stop_transaction(a_stop(started.transaction_id, "CP02")) is Outcome.FOREIGN
    assert only_session(ledger).running
    assert await ledger.stop_transaction(a_stop(started.transaction_id, "CP01")) is Outcome.RECORDED


async def test_a_stop_of_an_unknown_transaction_becomes_a_session_for_review(ledger: SqlLedger):
    stop = TransactionStop("CP01", "4711", at(60), 17_432, "PowerLoss", "04A2")
    assert await ledger.stop_transaction(stop) is Outcome.UNKNOWN
    assert await ledger.stop_transaction(stop) is Outcome.REPEATED
    session = only_session(ledger)
    assert (session.station, session.transaction_id, session.token) == ("CP01", "4711", "04A2")
    assert (session.ended_at, session.end_wh, session.stop_reason) == (at(60), 17_432, "PowerLoss")
    assert (session.energy_wh, session.cost, session.review_flags) == (None, None, ("stop_without_start",))
    assert not session.running


async def test_transactions_that_began_offline_all_called_minus_one_are_kept_apart(ledger: SqlLedger):
    """Some chargers name every transaction that they started offline -1 (libocpp#495)."""
    stops = [a_stop(-1, minutes=minute) for minute in (10, 20, 30)] + [a_stop(-1, "CP02", minutes=10)]
    outcomes = [await ledger.stop_transaction(stop) for stop in stops]
    assert outcomes == [Outcome.UNKNOWN] * 4
    assert len(ledger.sessions()[0]) == 4


@pytest.mark.parametrize(
    ("start_wh", "stop", "flag", "cost"),
    [
        pytest.param(10_000, {"wh": 9_000}, "decreasing_register", None, id="register ran backwards"),
        pytest.param(2**31 - 1, {}, "implausible_register", None, id="no reading at the start (evcc#29190)"),
        pytest.param(10_000, {"wh": 10**30}, "implausible_register", None, id="astronomical reading at the end"),
        pytest.param(-5, {}, "implausible_register", None, id="negative reading"),
        pytest.param(10_000, {"minutes": -1}, "clock_uncertain", Decimal("2.6012"), id="ends before it starts"),
    ],
)
async def test_a_session_that_cannot_be_right_is_kept_and_flagged(
    ledger: SqlLedger, start_wh: int, stop: dict[str, int], flag: str, cost: Decimal | None
):
    started = await ledger.start_transaction(a_start(wh=start_wh))
    assert await ledger.stop_transaction(a_stop(started.transaction_id, **stop)) is Outcome.RECORDED
    session = only_session(ledger)
    assert session.review_flags == (flag,)
    assert session.cost == cost
    assert (session.energy_wh is None) == (cost is None)
    assert await ledger.stop_transaction(a_stop(started.transaction_id, **stop)) is Outcome.REPEATED


async def test_flags_of_the_announcer_are_kept_with_those_of_the_ledger(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start(wh=-1, flags=("unknown_connector",)))
    await ledger.stop_transaction(TransactionStop("CP01", str(started.transaction_id), at(1), 5, flags=("late",)))
    assert only_session(ledger).review_flags == ("implausible_register", "late", "unknown_connector")


async def test_what_no_database_can_store_is_recorded_all_the_same(ledger: SqlLedger):
    odd = TransactionStart("CP01", 10**40, None, "A\0B\ud800", datetime.max.replace(tzinfo=UTC), 10**40)
    first, again = await ledger.start_transaction(odd), await ledger.start_transaction(odd)
    assert (first.outcome, again.outcome) == (Outcome.RECORDED, Outcome.REPEATED)
    beyond = datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))
    stop = TransactionStop("CP01", "\0\udfff", beyond, -(10**40), "\0", "\0")
    assert await ledger.stop_transaction(stop) is Outcome.UNKNOWN
    assert await ledger.stop_transaction(stop) is Outcome.REPEATED


async def test_our_own_mistake_fails_alone_and_the_writer_goes_on(ledger: SqlLedger):
    naive = TransactionStart("CP01", 1, None, "T", datetime(2026, 1, 1), 0)  # noqa: DTZ001 - the mistake
    good, bad, good_too = await asyncio.gather(
        ledger.start_transaction(a_start()),
        ledger.start_transaction(naive),
        ledger.start_transaction(a_start("CP02")),
        return_exceptions=True,
    )
    assert "zone" in str(bad)
    assert not isinstance(good, BaseException)
    assert not isinstance(good_too, BaseException)
    assert len(await ledger.running()) == 2


async def test_everything_announced_is_in_the_journal_whatever_became_of_it(ledger: SqlLedger, url: str):
    started = await ledger.start_transaction(a_start())
    await ledger.start_transaction(a_start())
    await ledger.stop_transaction(a_stop(started.transaction_id, "CP02"))
    await ledger.stop_transaction(a_stop(started.transaction_id))
    await ledger.stop_transaction(a_stop(started.transaction_id, wh=1))
    engine = create_engine(url)
    with engine.connect() as connection:
        journal = connection.execute(select(transaction_messages).order_by(transaction_messages.c.id)).all()
    engine.dispose()
    assert [(row.kind, row.station, row.outcome) for row in journal] == [
        ("start", "CP01", "recorded"),
        ("start", "CP01", "repeated"),
        ("stop", "CP02", "foreign"),
        ("stop", "CP01", "recorded"),
        ("stop", "CP01", "conflicting"),
    ]
    assert [row.answered_transaction_id for row in journal[:2]] == [started.transaction_id] * 2
    assert [row.session_id for row in journal].count(started.session_id) == 4
    assert json.loads(journal[4].message)["end_wh"] == 1


async def test_a_restart_takes_up_running_sessions_with_their_newest_register(opened: OpenLedger):
    ledger = opened()
    first = await ledger.start_transaction(a_start("CP02", minutes=5))
    second = await ledger.start_transaction(a_start("CP01"))
    ended = await ledger.start_transaction(a_start("CP03"))
    await ledger.stop_transaction(a_stop(ended.transaction_id, "CP03"))

    ledger = opened(last_register={first.session_id: 12_500}.get)
    running = await ledger.running()
    assert [(s.id, s.transaction_id, s.last_wh) for s in running] == [
        (second.session_id, str(second.transaction_id), None),
        (first.session_id, str(first.transaction_id), 12_500),
    ]
    so_far = {record.id: record.energy_wh for record in ledger.sessions(running=True)[0]}
    assert so_far == {second.session_id: 0, first.session_id: 2_500}


async def test_the_price_is_frozen_when_the_session_starts(opened: OpenLedger):
    started = await opened().start_transaction(a_start())
    ledger = opened(price_per_kwh=Decimal("9.99"), currency="SEK")
    await ledger.stop_transaction(a_stop(started.transaction_id))
    session = only_session(ledger)
    assert (session.cost, session.currency) == (Decimal("2.6012"), "EUR")


async def test_without_a_price_there_is_energy_and_no_cost(opened: OpenLedger):
    ledger = opened(price_per_kwh=None)
    started = await ledger.start_transaction(a_start())
    await ledger.stop_transaction(a_stop(started.transaction_id))
    assert (only_session(ledger).energy_wh, only_session(ledger).cost) == (7_432, None)


async def test_an_announcer_that_goes_away_is_recorded_all_the_same(ledger: SqlLedger):
    task = asyncio.create_task(ledger.start_transaction(a_start()))
    await asyncio.sleep(0)
    task.cancel()
    await ledger.start_transaction(a_start("CP02"))  # answered after everything before it
    assert {session.station for session in await ledger.running()} == {"CP01", "CP02"}


async def test_a_closed_ledger_refuses_instead_of_forgetting(ledger: SqlLedger):
    waiting = [asyncio.create_task(ledger.start_transaction(a_start(minutes=minute))) for minute in range(10)]
    await asyncio.sleep(0)
    await asyncio.to_thread(ledger.close)
    assert {started.outcome for started in await asyncio.gather(*waiting)} == {Outcome.RECORDED}
    with pytest.raises(LedgerUnavailable):
        await ledger.start_transaction(a_start("CP09"))
