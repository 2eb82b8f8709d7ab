"""The measurement store: thinned history, what chargers hold, and trouble that disturbs nobody."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.store import measurement_file, measurements
from adapters.store.measurements import MeasurementStore
from controller.plan import Event
from controller.ports.measurements import HeldLimit, MeterSample

NOW = datetime.now(UTC)
WAIT_S = 60.0


class Shop:
    """A store on one file that can be closed and opened again, and the events it raised."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self.heard = threading.Event()
        self.store = self._open()

    def _open(self) -> MeasurementStore:
        return MeasurementStore(self.path, on_event=self._hear)

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self.heard.set()

    def next_event(self) -> Event:
        assert self.heard.wait(WAIT_S), "no event"
        self.heard.clear()
        return self.events[-1]

    def restarted(self) -> MeasurementStore:
        self.store.close()
        self.store = self._open()
        return self.store


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "ledger-measurements.db")
    yield shop
    shop.store.close()


def sample(seconds: float, point: str = "P01", **values: object) -> MeterSample:
    return MeterSample(point, NOW + timedelta(seconds=seconds), **values)  # type: ignore[arg-type]


def history(store: MeasurementStore, since_s: float, until_s: float, point: str = "P01") -> list[MeterSample]:
    return list(store.history(point, NOW + timedelta(seconds=since_s), NOW + timedelta(seconds=until_s)))


def test_what_is_recorded_is_history_after_a_restart(shop: Shop):
    kept = [
        sample(0, current_a=(16.0, 15.9, 0.0), power_w=7_337.0, register_wh=1_000),
        sample(10, current_a=(6.0, 6.0, 6.0)),
        sample(20, power_w=0.0),
    ]
    for one in kept:
        shop.store.record(one)
    shop.store.record(sample(10, point="P02", power_w=1.0))
    store = shop.restarted()
    assert history(store, 0, 21) == kept
    assert history(store, 5, 20) == kept[1:2]
    assert history(store, 0, 21, point="P99") == []
    assert shop.events == []


def test_two_messages_about_one_instant_complete_each_other(shop: Shop):
    shop.store.record(sample(0, current_a=(1.0, 2.0, 3.0)))
    shop.store.record(sample(0, register_wh=500))
    assert history(shop.restarted(), 0, 1) == [sample(0, current_a=(1.0, 2.0, 3.0), register_wh=500)]


def test_a_long_history_is_thinned_to_means_and_the_highest_register(shop: Shop):
    for second in range(4_000):
        shop.store.record(sample(second, power_w=float(second % 4), register_wh=second))
    thinned = history(shop.restarted(), 0, 4_000)
    assert len(thinned) == measurement_file.CHART_STEPS
    assert {one.power_w for one in thinned} == {1.5}
    assert [one.register_wh for one in thinned] == list(range(3, 4_000, 4))


def test_the_newest_register_of_a_session_before_and_after_a_restart(shop: Shop):
    shop.store.record(sample(0, session="old", register_wh=900))
    shop.store.record(sample(60, session="new", register_wh=0))
    shop.store.record(sample(120, session="new", register_wh=1_500))
    shop.store.record(sample(90, session="new", register_wh=1_200))  # delivered late
    assert shop.store.last_register("new") == 1_500
    store = shop.restarted()
    assert [store.last_register(session) for session in ("old", "new", "never")] == [900, 1_500, None]


def test_what_a_charger_was_told_last_is_known_at_once_and_after_a_restart(shop: Shop):
    for limit_a in (16.0, 6.0):
        shop.store.hold(HeldLimit("P01", limit_a, NOW))
    shop.store.hold(HeldLimit("P02", 0.0, NOW))
    expected = {"P01": HeldLimit("P01", 6.0, NOW), "P02": HeldLimit("P02", 0.0, NOW)}
    assert shop.store.held_limits() == expected
    assert shop.restarted().held_limits() == expected


def test_a_held_limit_reaches_the_file_without_a_clean_end(shop: Shop):
    shop.store.hold(HeldLimit("P01", 6.0, NOW))
    deadline = threading.Event()
    for _ in range(200):
        with sqlite3.connect(shop.path) as reader:
            found = reader.execute("SELECT point, limit_a FROM held_limits").fetchall()
        reader.close()
        if found:
            break
        deadline.wait(0.1)
    assert found == [("P01", 6.0)]


def test_when_too_much_waits_the_oldest_goes_and_it_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measurements, "FLUSH_S", WAIT_S)
    excess = 5
    for second in range(measurements.SAMPLE_LIMIT + excess):
        shop.store.record(sample(second, power_w=1.0))
    store = shop.restarted()
    assert history(store, 0, excess) == []
    assert len(history(store, excess, excess + 10)) == 10
    assert [(event.kind, event.message) for event in shop.events] == [
        ("measurements_lost", "measurements are kept; 5 were lost")
    ]


def test_what_is_older_than_the_retention_is_deleted_for_every_point(shop: Shop):
    old_s = -(measurement_file.RETENTION + timedelta(days=1)).total_seconds()
    for point in ("P01", "P02", "P03"):
        shop.store.record(sample(old_s, point, power_w=1.0, session=f"old {point}", register_wh=1))
        shop.store.record(sample(0, point, power_w=2.0, session=f"new {point}", register_wh=2))
    store = shop.restarted()
    for point in ("P01", "P02", "P03"):
        assert [one.power_w for one in history(store, old_s - 1, 1, point)] == [2.0]
        assert (store.last_register(f"old {point}"), store.last_register(f"new {point}")) == (None, 2)


def test_values_that_no_meter_can_have_cost_no_other_sample(shop: Shop):
    shop.store.record(sample(0, register_wh=10**30, session="S", power_w=1.0))
    shop.store.record(sample(1, register_wh=7))
    assert history(shop.restarted(), 0, 2) == [sample(0, power_w=1.0), sample(1, register_wh=7)]


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path):
    path = tmp_path / "m.db"
    path.write_bytes(b"this is no database\n" * 500)
    shop = Shop(path)
    shop.store.record(sample(0, power_w=1.0))
    assert history(shop.restarted(), 0, 1) == [sample(0, power_w=1.0)]
    shop.store.close()
    assert [event.kind for event in shop.events] == ["measurements_damaged"]
    assert (tmp_path / "m.db.damaged").read_bytes().startswith(b"this is no database")


def test_without_a_usable_file_control_goes_on_and_recovers_with_it(tmp_path: Path):
    shop = Shop(tmp_path / "not there yet" / "m.db")
    shop.store.hold(HeldLimit("P01", 6.0, NOW))
    shop.store.record(sample(0, register_wh=5, session="S"))
    assert shop.next_event().kind == "measurements_lost"
    assert shop.store.last_register("S") == 5
    assert shop.store.held_limits() == {"P01": HeldLimit("P01", 6.0, NOW)}
    assert history(shop.store, 0, 1) == []
    shop.path.parent.mkdir()
    assert shop.next_event().message.startswith("measurements are kept")
    assert shop.restarted().held_limits() == {"P01": HeldLimit("P01", 6.0, NOW)}
    shop.store.close()


def test_the_last_of_the_disk_belongs_to_the_ledger(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measurement_file, "RESERVED_BYTES", 1 << 62)
    shop.store.record(sample(0, power_w=1.0))
    assert "nearly full" in shop.next_event().message
    monkeypatch.undo()
    shop.store.record(sample(1, power_w=1.0))
    assert "1 were lost" in shop.next_event().message
    assert history(shop.restarted(), 0, 2) == [sample(1, power_w=1.0)]
