"""Power cuts in the middle of anything: what was acknowledged is there afterwards, and whole."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from adapters.store.ledger import open_ledger
from tests.support.powercut import Disk, watched_disk
from tests.support.sessions import a_start, a_stop

CUTS = 300
SESSIONS = 60


@contextmanager
def every_connection(*pragmas: str) -> Iterator[None]:
    def prepare(connection: sqlite3.Connection, *_: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(Pool, "checkout", prepare)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", prepare)


async def recorded_disk(directory: Path, *pragmas: str) -> Disk:
    """A morning of sessions, each acknowledged after its commit, with checkpoints in between."""
    with watched_disk(directory) as disk, every_connection("wal_autocheckpoint=40", *pragmas):
        ledger = open_ledger(f"sqlite:///{directory / 'ledger.db'}", currency="EUR", price_per_kwh=None, on_event=print)
        disk.start_recording()
        for minute in range(SESSIONS):
            started = await ledger.start_transaction(a_start(minutes=minute))
            disk.told(("start", started.session_id))
            if minute % 2:
                await ledger.stop_transaction(a_stop(started.transaction_id))
                disk.told(("stop", started.session_id))
        written = {operation.path for operation in disk.journal if operation.kind == "write"}
        ledger.close()
    assert written == {str(directory / name) for name in ("ledger.db", "ledger.db-wal")}, "the journal missed something"
    return disk


def losses(disk: Disk, directory: Path) -> int:
    """After how many of the power cuts something that was told is missing; each must leave a sound database."""
    count = 0
    for told, image in disk.images(CUTS, random.Random(20_261_120), directory):
        with closing(sqlite3.connect(image / "ledger.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT id, ended_at, energy_wh FROM sessions").fetchall()
            messages = database.execute("SELECT kind, session_id FROM transaction_messages").fetchall()
        on_disk = {("start", session) for session, *_ in rows} | {("stop", s) for s, ended_at, _ in rows if ended_at}
        assert on_disk == set(messages), "a record without its message, or the other way round"
        assert all((ended_at is None) == (energy_wh is None) for _, ended_at, energy_wh in rows)
        count += not on_disk.issuperset(told)
        shutil.rmtree(image)
    return count


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording file system names its shared memory after no file, so SQLite puts it where the test stands."""
    monkeypatch.chdir(tmp_path)


async def test_nothing_acknowledged_is_lost_in_a_power_cut(tmp_path: Path):
    disk = await recorded_disk(tmp_path)
    assert losses(disk, tmp_path / "cuts") == 0


async def test_the_power_cuts_are_real_a_ledger_that_does_not_sync_loses_sessions(tmp_path: Path):
    disk = await recorded_disk(tmp_path, "synchronous=NORMAL")
    assert losses(disk, tmp_path / "cuts") > CUTS // 2
