"""Transactions whose ids their stations have chosen (OCPP 2.0.1 E01), in whatever order their messages come."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store.ledger import SqlLedger, open_ledger
from controller.ports.ledger import SessionRecord
from controller.ports.transactions import NO_REGISTER_WH, REGISTER_MISSING, START_MISSING, Outcome, TransactionDetails
from tests.store.conftest import OpenLedger
from tests.support.sessions import a_start, a_stop, at

ID = "ab12-TX"
LATE = a_start(chosen=ID, minutes=5, wh=10_300, flags=(START_MISSING,))
"""What an event in the middle tells of a transaction whose start is not on record."""


def only_session(ledger: SqlLedger) -> SessionRecord:
    (session,), _ = ledger.sessions()
    return session


async def test_a_session_keeps_the_stations_own_id(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start(chosen=ID))
    assert (started.outcome, started.running) == (Outcome.RECORDED, True)
    assert (await ledger.running())[0].transaction_id == ID
    assert await ledger.stop_transaction(a_stop(ID, chosen=True)) is Outcome.RECORDED
    session = only_session(ledger)
    assert (session.transaction_id, session.energy_wh, session.cost) == (ID, 7_432, Decimal("2.6012"))


async def test_what_is_announced_again_counts_once(opened: OpenLedger):
    ledger = opened()
    first = await ledger.start_transaction(a_start(chosen=ID))
    assert await ledger.start_transaction(a_start(chosen=ID)) == replace(first, outcome=Outcome.REPEATED)
    ledger = opened()
    assert await ledger.stop_transaction(a_stop(ID, chosen=True)) is Outcome.RECORDED
    assert await ledger.stop_transaction(a_stop(ID, chosen=True)) is Outcome.REPEATED
    after = await ledger.start_transaction(a_start(chosen=ID))
    assert (after.session_id, after.outcome, after.running) == (first.session_id, Outcome.REPEATED, False)
    assert only_session(ledger).review_flags == ()


async def test_an_id_means_nothing_at_another_station(ledger: SqlLedger):
    ours = await ledger.start_transaction(a_start("CP01", chosen="1"))
    theirs = await ledger.start_transaction(a_start("CP02", chosen="1"))
    assert ours.session_id != theirs.session_id
    assert await ledger.stop_transaction(a_stop("1", "CP02", chosen=True)) is Outcome.RECORDED
    (running,) = await ledger.running()
    assert running.id == ours.session_id
    assert await ledger.stop_transaction(a_stop("1", "CP03", chosen=True)) is Outcome.UNKNOWN


async def test_an_id_that_is_used_again_is_another_transaction(ledger: SqlLedger):
    await ledger.start_transaction(a_start(chosen="1"))
    first_end = a_stop("1", minutes=60, chosen=True)
    await ledger.stop_transaction(first_end)
    again = await ledger.start_transaction(a_start(chosen="1", minutes=120, wh=17_432))
    assert again.running
    assert await ledger.stop_transaction(first_end) is Outcome.REPEATED
    assert [one.id for one in await ledger.running()] == [again.session_id]
    assert await ledger.stop_transaction(a_stop("1", minutes=180, wh=20_000, chosen=True)) is Outcome.RECORDED
    assert [(s.energy_wh, s.review_flags) for s in ledger.sessions()[0]] == [
        (2_568, ("transaction_id_reused",)),
        (7_432, ()),
    ]


async def test_a_token_and_a_place_that_are_told_later_are_filled_in_once(ledger: SqlLedger):
    start = replace(a_start(chosen=ID, token="", wh=NO_REGISTER_WH, flags=(REGISTER_MISSING,)), connector=0, point=None)
    await ledger.start_transaction(start)
    details = TransactionDetails("CP01", ID, token="04A2", connector=2, point="P02", start_wh=10_000)
    assert await ledger.complete_transaction(details) is Outcome.RECORDED
    assert await ledger.complete_transaction(details) is Outcome.REPEATED
    other = replace(details, token="FFFF", connector=1, point="P01", start_wh=5)
    assert await ledger.complete_transaction(other) is Outcome.REPEATED, "what is on record stays"
    await ledger.stop_transaction(a_stop(ID, chosen=True))
    session = only_session(ledger)
    assert (session.token, session.connector, session.point) == ("04A2", 2, "P02")
    assert (session.energy_wh, session.review_flags) == (7_432, ())
    assert await ledger.complete_transaction(details) is Outcome.UNKNOWN, "it runs no more"


async def test_a_start_that_was_late_takes_the_place_of_what_stood_in_for_it(ledger: SqlLedger):
    stand_in = await ledger.start_transaction(LATE)
    assert only_session(ledger).review_flags == (START_MISSING,)
    late = await ledger.start_transaction(a_start(chosen=ID))
    assert (late.session_id, late.running) == (stand_in.session_id, True)
    assert (await ledger.start_transaction(LATE)).outcome is Outcome.REPEATED
    await ledger.stop_transaction(a_stop(ID, chosen=True))
    session = only_session(ledger)
    assert (session.started_at, session.energy_wh, session.review_flags) == (at(0), 7_432, ())


async def test_an_end_that_came_before_its_start_is_priced_when_the_start_comes(ledger: SqlLedger):
    assert await ledger.stop_transaction(a_stop(ID, chosen=True)) is Outcome.UNKNOWN
    assert only_session(ledger).review_flags == ("stop_without_start",)
    assert (await ledger.start_transaction(LATE)).running is False
    late = await ledger.start_transaction(a_start(chosen=ID))
    assert late.running is False
    session = only_session(ledger)
    assert (session.point, session.token, session.energy_wh) == ("P-CP01-1", "04A2B3C4", 7_432)
    assert (session.cost, session.review_flags) == (Decimal("2.6012"), ())
    assert await ledger.stop_transaction(a_stop(ID, chosen=True)) is Outcome.REPEATED


async def test_a_session_that_is_priced_is_not_changed_by_a_late_start(ledger: SqlLedger):
    await ledger.start_transaction(LATE)
    await ledger.stop_transaction(a_stop(ID, chosen=True))
    priced = only_session(ledger)
    late = await ledger.start_transaction(a_start(chosen=ID))
    assert (late.outcome, late.running) == (Outcome.REPEATED, False)
    assert only_session(ledger) == priced


async def test_starts_that_look_alike_under_two_ids_are_two_sessions(ledger: SqlLedger):
    """A station whose clock stands still, and a car that took nothing."""
    first, second = [await ledger.start_transaction(a_start(chosen=name)) for name in ("1", "2")]
    assert first.session_id != second.session_id


MESSAGES = (
    a_start(chosen=ID, token=""),
    TransactionDetails("CP01", ID, token="04A2B3C4"),
    a_stop(ID, chosen=True),
)


@settings(max_examples=15, deadline=None)
@given(
    order=st.sampled_from(list(itertools.permutations(range(3)))),
    again=st.lists(st.integers(0, 2), max_size=4),
)
def test_in_whatever_order_and_however_often_there_is_one_session_with_its_energy(
    order: tuple[int, ...], again: list[int]
):
    async def play(ledger: SqlLedger) -> None:
        for message in (MESSAGES[which] for which in [*order, *again]):
            if isinstance(message, TransactionDetails):
                await ledger.complete_transaction(message)
            elif message is MESSAGES[0]:
                await ledger.start_transaction(a_start(chosen=ID, token=""))
            else:
                await ledger.stop_transaction(a_stop(ID, chosen=True))

    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'ledger.db'}"
        ledger = open_ledger(url, currency="EUR", price_per_kwh=Decimal("0.35"), on_event=print)
        asyncio.run(play(ledger))
        (session,), _ = ledger.sessions()
        ledger.close()
    assert (session.running, session.energy_wh, session.cost) == (False, 7_432, Decimal("2.6012"))


@pytest.mark.parametrize("wh", [2**31 - 1, -7])
async def test_a_register_that_cannot_be_is_flagged_here_as_well(ledger: SqlLedger, wh: int):
    await ledger.start_transaction(a_start(chosen=ID, wh=wh))
    await ledger.stop_transaction(a_stop(ID, chosen=True))
    assert only_session(ledger).review_flags == ("implausible_register",)
