"""Reading the book: pages, filters, and reading while others write."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from adapters.store.ledger import SqlLedger
from controller.ports.ledger import SessionRecord
from controller.tariffs.energy_price import session_cost
from tests.store.conftest import OpenLedger
from tests.support.sessions import a_start, a_stop


async def fill(ledger: SqlLedger) -> list[str]:
    """Seven sessions, three of them at the same minute, two still running; their ids, newest first."""
    minutes = [0, 10, 20, 20, 20, 30, 40]
    starts = [a_start(f"CP{index:02}", minutes=minute) for index, minute in enumerate(minutes)]
    started = [await ledger.start_transaction(start) for start in starts]
    for index in range(5):
        await ledger.stop_transaction(a_stop(started[index].transaction_id, f"CP{index:02}"))
    by_age = sorted(zip(minutes, (s.session_id for s in started), strict=True), reverse=True)
    return [session_id for _, session_id in by_age]


def pages(ledger: SqlLedger, limit: int, **filters: bool | str) -> list[list[SessionRecord]]:
    found, after = [], None
    while True:
        page, after = ledger.sessions(limit=limit, after=after, **filters)
        found.append(list(page))
        if after is None:
            return found


@pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 1]), (7, [7]), (1, [1] * 7), (100, [7])])
async def test_pages_show_every_session_once_newest_first(ledger: SqlLedger, limit: int, sizes: list[int]):
    ids = await fill(ledger)
    found = pages(ledger, limit)
    assert [len(page) for page in found] == sizes
    assert [session.id for page in found for session in page] == ids


async def test_a_session_that_starts_meanwhile_shifts_no_page(ledger: SqlLedger):
    ids = await fill(ledger)
    first, after = ledger.sessions(limit=3)
    await ledger.start_transaction(a_start("CP99", minutes=99))
    second, _ = ledger.sessions(limit=3, after=after)
    assert [session.id for session in (*first, *second)] == ids[:6]


async def test_running_and_ended_sessions_and_those_of_one_point(ledger: SqlLedger):
    ids = await fill(ledger)
    assert [s.id for page in pages(ledger, 1, running=True) for s in page] == ids[:2]
    assert [s.id for page in pages(ledger, 2, running=False) for s in page] == ids[2:]
    assert [s.station for page in pages(ledger, 2, point="P-CP03-1") for s in page] == ["CP03"]
    assert pages(ledger, 2, point="nowhere") == [[]]


def test_a_page_that_cannot_be_is_refused(ledger: SqlLedger):
    with pytest.raises(ValueError, match="limit"):
        ledger.sessions(limit=0)
    for odd in ("made up", "", "\0", "\ud800"):
        with pytest.raises(ValueError, match="after"):
            ledger.sessions(after=odd)
        assert ledger.session(odd) is None
        assert ledger.sessions(point=odd) == ([], None)


async def test_many_readers_in_threads_while_sessions_are_written(ledger: SqlLedger):
    starts = [ledger.start_transaction(a_start(f"CP{index:02}")) for index in range(30)]
    reads = [asyncio.to_thread(ledger.sessions) for _ in range(30)]
    await asyncio.gather(*starts, *reads)
    assert len(ledger.sessions()[0]) == 30


@pytest.mark.parametrize(("last_wh", "energy_wh"), [(None, 0), (10_000, 0), (12_345, 2_345), (9_000, None)])
async def test_energy_so_far(opened: OpenLedger, last_wh: int | None, energy_wh: int | None):
    ledger = opened(last_register=lambda _session: last_wh)
    started = await ledger.start_transaction(a_start())
    session = ledger.session(started.session_id)
    assert session is not None
    cost = None if energy_wh is None else session_cost(energy_wh, Decimal("0.35"))
    assert (session.running, session.energy_wh, session.cost) == (True, energy_wh, cost)
