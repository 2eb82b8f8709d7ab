"""Many at once share one commit; a lost connection to the server is found and replaced."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from adapters.store.ledger import open_ledger
from controller.ports.transactions import Outcome
from tests.store.conftest import OpenLedger
from tests.support.sessions import a_start

CHARGERS = 100


@pytest.fixture
def commits() -> Iterator[list[object]]:
    seen: list[object] = []

    def note(connection: object) -> None:
        seen.append(connection)

    event.listen(Engine, "commit", note)
    yield seen
    event.remove(Engine, "commit", note)


async def test_chargers_that_talk_at_once_share_a_commit(tmp_path: Path, commits: list[object]):
    path = tmp_path / "ledger.db"
    ledger = open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=Decimal(1), on_event=print)
    commits.clear()
    slow_disk = sqlite3.connect(path, isolation_level=None)
    slow_disk.execute("BEGIN IMMEDIATE")  # holds the writer up, as a slow fsync would
    announced = [asyncio.create_task(ledger.start_transaction(a_start(f"CP{number:03}"))) for number in range(CHARGERS)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in announced), "nobody is answered before the commit"
    slow_disk.execute("ROLLBACK")
    slow_disk.close()
    answers = await asyncio.gather(*announced)
    assert len({answer.transaction_id for answer in answers}) == CHARGERS
    assert len(commits) <= 2, "the first alone at most, then all the others together"
    ledger.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_server_that_dropped_the_connections_is_reconnected(opened: OpenLedger, url: str):
    ledger = opened()
    await ledger.start_transaction(a_start("CP01"))
    assert len(await ledger.running()) == 1
    drop_other_connections(url)
    assert (await ledger.start_transaction(a_start("CP02"))).outcome is Outcome.RECORDED
    assert len(await ledger.running()) == 2


def drop_other_connections(url: str) -> None:
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(query, (connection.info.backend_pid,))
