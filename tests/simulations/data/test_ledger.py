"""Sessions out of Loadstar's own ledger, which may be in use at the same time."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from adapters.store import MeasurementStore, SqlLedger, open_ledger
from controller.ports.measurements import MeterSample
from simulations.data.problems import DataError
from simulations.data.sessions import read_sessions
from tests.support.sessions import a_start, a_stop, at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqlLedger]:
    """The ledger of a running service."""
    ledger = open_ledger(f"sqlite:///{path}", currency="EUR", price_per_kwh=None, on_event=lambda _event: None)
    yield ledger
    ledger.close()


def charged(ledger: SqlLedger, station: str, *, minutes: float, lasts: float, wh: int) -> None:
    """A session of that energy, from so many minutes after nine."""

    async def story() -> None:
        started = await ledger.start_transaction(a_start(station, minutes=minutes))
        await ledger.stop_transaction(a_stop(started.transaction_id, station, minutes=minutes + lasts, wh=10_000 + wh))

    asyncio.run(story())


def measured(path: Path, station: str, *powers_w: float, minutes: float = 0.0) -> None:
    """Measurements beside the ledger, ten minutes apart."""
    beside = path.with_name("site-measurements.db")
    store = MeasurementStore(beside, on_event=lambda _event: None, now=lambda: at(0).astimezone(UTC))
    for number, power_w in enumerate(powers_w):
        when = at(minutes) + timedelta(minutes=10 * number)
        store.record(MeterSample(f"P-{station}-1", when, power_w=power_w))
    store.close()


def test_ended_sessions_are_read_while_the_service_runs(path: Path, ledger: SqlLedger):
    charged(ledger, "CP01", minutes=0, lasts=60, wh=7432)
    charged(ledger, "CP02", minutes=30, lasts=60, wh=3000)
    asyncio.run(ledger.start_transaction(a_start("CP03")))  # still there
    data = read_sessions(path)
    assert (data.kind, data.notes) == ("ledger", ())
    first, second = data.sessions
    assert (first.arrives, first.leaves) == (at(0), at(60))
    assert (first.energy_wh, first.point, first.token) == (7432.0, "P-CP01-1", "04A2B3C4")
    assert (second.point, second.max_power_w) == ("P-CP02-1", None)
    charged(ledger, "CP04", minutes=100, lasts=10, wh=500)  # reading has locked nobody out
    assert len(read_sessions(f"sqlite:///{path}").sessions) == 3


def test_more_sessions_than_a_page_holds_are_all_read(path: Path, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("simulations.data.ledger.PAGE_LIMIT", 2)
    for number in range(5):
        charged(ledger, f"CP{number}", minutes=number, lasts=60, wh=7432)
    assert [session.point for session in read_sessions(path).sessions] == [f"P-CP{n}-1" for n in range(5)]


def test_the_measurements_beside_it_tell_the_highest_power(path: Path, ledger: SqlLedger):
    charged(ledger, "CP01", minutes=0, lasts=60, wh=7432)
    charged(ledger, "CP02", minutes=0, lasts=60, wh=7432)
    measured(path, "CP01", 9000.0, 11_000.0, 4000.0)
    measured(path, "CP02", 2000.0)  # what a gap has left cannot be all
    highest_w = {session.point: session.max_power_w for session in read_sessions(path).sessions}
    assert highest_w == {"P-CP01-1": pytest.approx(11_000.0), "P-CP02-1": None}


def test_registers_that_say_nothing_are_counted(path: Path, ledger: SqlLedger):
    charged(ledger, "CP01", minutes=0, lasts=60, wh=7432)
    charged(ledger, "CP02", minutes=0, lasts=60, wh=-500)
    data = read_sessions(path)
    assert [note.problem.partition(" (")[0] for note in data.notes] == ["energy missing, zero or negative"]
    assert len(data.sessions) == 1


def test_a_compressed_copy_is_read_without_unpacking_it_by_hand(path: Path, ledger: SqlLedger):
    charged(ledger, "CP01", minutes=0, lasts=60, wh=7432)
    ledger.close()
    copy = path.with_name("backup.db.gz")
    copy.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read_sessions(copy).sessions) == 1


def test_another_database_and_none_at_all_are_refused(tmp_path: Path):
    absent = tmp_path / "absent.db"
    with pytest.raises(DataError, match="no such file"):
        read_sessions(f"sqlite:///{absent}")
    assert not absent.exists()
    measured(tmp_path / "site.db", "CP01", 1.0)
    with pytest.raises(DataError, match="cannot be read as a ledger of this version of Loadstar: no such table"):
        read_sessions(tmp_path / "site-measurements.db")
    with pytest.raises(DataError, match="expected a URL such as"):
        read_sessions("sqlite:://nonsense")


def test_a_password_in_the_url_is_not_repeated():
    with pytest.raises(DataError) as refused:
        read_sessions("postgresql+psycopg://me:tell-nobody@127.0.0.1:1/none")
    assert "tell-nobody" not in str(refused.value)
    assert "127.0.0.1:1/none" in str(refused.value)
