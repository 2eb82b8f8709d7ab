"""A full disk: what cannot be written is not acknowledged, and when there is room again it goes on by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from adapters.store import ballast, database, writer
from adapters.store.ballast import BALLAST_BYTES
from adapters.store.ledger import SqlLedger, open_ledger
from controller.plan import Event, Severity
from controller.ports.ledger import LedgerUnavailable
from controller.ports.transactions import Outcome
from tests.support.sessions import a_start, a_stop

ROOMY_PAGES = 100_000


class SmallDisk:
    """A limit on the pages of a database: reaching it, SQLite says SQLITE_FULL as on a full disk."""

    def __init__(self) -> None:
        self.pages = ROOMY_PAGES

    def apply(self, connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={self.pages}")


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    small = SmallDisk()
    event.listen(Pool, "checkout", small.apply)
    yield small
    event.remove(Pool, "checkout", small.apply)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def ledger(tmp_path: Path, events: list[Event]) -> Iterator[SqlLedger]:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger = open_ledger(url, currency="EUR", price_per_kwh=Decimal("0.35"), on_event=events.append)
    yield ledger
    ledger.close()


async def until_refused(ledger: SqlLedger) -> int:
    """Start sessions, one a minute, until one is not acknowledged; return its minute."""
    for minute in range(10_000):
        try:
            await ledger.start_transaction(a_start(minutes=minute))
        except LedgerUnavailable:
            return minute
    raise AssertionError("the disk never filled")


def count(ledger: SqlLedger) -> int:
    total, after = 0, None
    while True:
        page, after = ledger.sessions(limit=500, after=after)
        total += len(page)
        if after is None:
            return total


async def test_what_finds_no_room_is_not_acknowledged_and_recorded_when_it_comes_again(
    disk: SmallDisk, ledger: SqlLedger, events: list[Event], tmp_path: Path
):
    first = await ledger.start_transaction(a_start("CP02"))
    disk.pages = 40
    refused = await until_refused(ledger)
    with pytest.raises(LedgerUnavailable, match="full"):
        await ledger.start_transaction(a_start(minutes=refused))
    assert count(ledger) == refused + 1, "all that was acknowledged, and nothing else, can still be read"
    assert [(e.kind, e.severity) for e in events] == [
        ("ledger_disk_full", Severity.ALARM),
        ("ledger_unavailable", Severity.ALARM),
    ]

    disk.pages = ROOMY_PAGES
    again = await ledger.start_transaction(a_start(minutes=refused))
    assert again.outcome is Outcome.RECORDED
    assert await ledger.stop_transaction(a_stop(first.transaction_id, "CP02")) is Outcome.RECORDED
    assert count(ledger) == refused + 2
    assert (events[-1].kind, events[-1].severity) == ("ledger_unavailable", Severity.INFO)
    assert len(events) == 3


async def test_the_ballast_makes_room_for_the_next_sessions_and_comes_back_with_space(
    disk: SmallDisk, ledger: SqlLedger, events: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    reserve = tmp_path / "ledger.db.ballast"
    assert reserve.stat().st_size == BALLAST_BYTES
    monkeypatch.setattr(ballast, "ROOMY_BYTES", 1 << 62)  # the disk stays nearly full
    remove = Path.unlink

    def make_room(path: Path, **options: bool) -> None:
        remove(path, **options)
        disk.pages = ROOMY_PAGES

    monkeypatch.setattr(Path, "unlink", make_room)
    disk.pages = 40
    for minute in range(100):
        assert (await ledger.start_transaction(a_start(minutes=minute))).outcome is Outcome.RECORDED
    assert not reserve.exists()
    assert [event.kind for event in events] == ["ledger_disk_full"]

    monkeypatch.undo()
    await ledger.start_transaction(a_start("CP02"))
    assert reserve.stat().st_size == BALLAST_BYTES


async def test_a_ledger_that_somebody_else_locks_refuses_and_recovers(
    tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "ledger.db"
    ledger = open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=events.append)
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        await ledger.start_transaction(a_start())
    intruder.execute("ROLLBACK")
    intruder.close()
    assert (await ledger.start_transaction(a_start())).outcome is Outcome.RECORDED
    assert [event.severity for event in events] == [Severity.ALARM, Severity.INFO]
    assert (tmp_path / "ledger.db.ballast").exists(), "a lock is no reason to give the reserve away"
    ledger.close()


async def test_a_queue_that_grows_too_long_refuses_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writer, "QUEUE_LIMIT", 3)
    path = tmp_path / "ledger.db"
    ledger = open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=print)
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    refused = None
    waiting = []
    for minute in range(10):
        start = ledger.start_transaction(a_start(minutes=minute))
        try:
            waiting.append(start.send(None))  # runs up to its wait for the writer
        except LedgerUnavailable as error:
            refused = error
        finally:
            start.close()
    assert "3 records are waiting" in str(refused)
    assert len(waiting) in {3, 4}, "those in the queue, and the one that the writer may have in hand"
    intruder.execute("ROLLBACK")
    intruder.close()
    ledger.close()
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT count(*) FROM sessions").fetchone() == (len(waiting),)
    reader.close()


async def test_a_listener_that_fails_does_not_stop_the_book(disk: SmallDisk, tmp_path: Path):
    def fail(_event: Event) -> None:
        raise RuntimeError("the event loop is closed")

    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}", currency="EUR", price_per_kwh=None, on_event=fail)
    disk.pages = 40
    refused = await until_refused(ledger)
    disk.pages = ROOMY_PAGES
    assert (await ledger.start_transaction(a_start(minutes=refused))).outcome is Outcome.RECORDED
    ledger.close()


async def test_a_damaged_ledger_acknowledges_nothing(tmp_path: Path, events: list[Event]):
    path = tmp_path / "ledger.db"
    open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=print).close()
    with path.open("r+b") as file:
        file.seek(4096)  # the first page stays: it opens
        file.write(b"\xff" * (path.stat().st_size - 4096))

    async def a_first_session() -> None:
        ledger = open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=events.append)
        try:
            await ledger.start_transaction(a_start())
        finally:
            ledger.close()

    with pytest.raises(LedgerUnavailable, match="malformed"):
        await a_first_session()
