"""What forecasts have learned outlives a restart; what is of no use afterwards is dropped."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from adapters.learned import EVERY_S, Arrays, LearnedNote
from adapters.peak import BUILDING, PeakKeeping
from adapters.store import MeasurementStore
from controller.engine import Memory, decide
from controller.peakshave.catalogue import MODELS
from controller.peakshave.load_forecast import LoadForecast
from controller.peakshave.peak_facts import ClosedWindow, PeakTerms
from controller.plan import Event
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import Reading, Snapshot

SITE = Site(
    "s",
    (Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(20.0,) * 3),),
    (ChargingPoint("P1", "main", "C1", 1),),
)
TERMS = PeakTerms(MODELS["flanders"](per_kw_year=Decimal("53.39")))
BEGIN = datetime(2026, 11, 20, 9, tzinfo=UTC)


class Paper:
    """Notes, the book of windows and the clock in one."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.writes = 0
        self.at = BEGIN

    def keep(self, name: str, text: str) -> None:
        self.notes[name] = text
        self.writes += 1

    def kept(self, name: str) -> str | None:
        return self.notes.get(name)

    def keep_windows(self, _closed: Sequence[ClosedWindow]) -> Future[None]:
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def windows(self, _since: datetime, _until: datetime) -> Sequence[ClosedWindow]:
        return ()

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.at.timestamp()


def keeping(paper: Paper, terms: PeakTerms = TERMS) -> PeakKeeping:
    """As the service starts it."""
    kept = PeakKeeping(SITE, terms, paper, paper, paper, list[Event]().append)
    kept.restore()
    return kept


def follow(kept: PeakKeeping, paper: Paper, minutes: int, current_a: float = 20.0) -> None:
    memory: Memory | None = None
    for _ in range(2 * minutes):
        paper.at += timedelta(seconds=30)
        snapshot = Snapshot(paper.at, paper.monotonic_s(), {"grid": Reading((current_a,) * 3, paper.at)})
        decision = decide(SITE, memory, snapshot)
        memory = decision.memory
        kept.decided(snapshot, decision)


def arrays(text: str) -> Arrays:
    """What a note holds."""
    found: list[Arrays] = []
    paper = Paper()
    paper.notes["x"] = text
    LearnedNote(paper, "x", json.loads(text)["about"]).restore(found.append)
    return found[0]


def same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def test_what_the_building_draws_is_learned_only_once():
    paper = Paper()
    before = keeping(paper)
    follow(before, paper, 40)
    before.close()
    learned = arrays(paper.notes[BUILDING])
    again = keeping(paper)
    again.close()
    assert same(arrays(paper.notes[BUILDING]), learned)
    keeping(anew := Paper()).close()
    assert not same(arrays(anew.notes[BUILDING]), learned)


def test_after_a_crash_at_most_an_hour_is_missing():
    paper = Paper()
    follow(keeping(paper), paper, 59)
    assert BUILDING not in paper.notes
    follow(keeping(paper), paper, 61)
    assert BUILDING in paper.notes


def test_other_demand_windows_than_before_are_learned_anew():
    paper = Paper()
    before = keeping(paper)
    follow(before, paper, 20)
    before.close()
    again = keeping(paper, PeakTerms(MODELS["sweden_hourly"](per_kw_month=Decimal(45))))
    follow(again, paper, 5)
    again.close()
    assert arrays(paper.notes[BUILDING])["profile"].shape == (3, 24, 3), (
        "hours of a day, where quarters of an hour were kept"
    )


def test_a_real_store_holds_the_forecast_of_a_large_site(tmp_path: Path):
    forecast = LoadForecast(12, 300.0)
    for minute in range(30):
        forecast.see(BEGIN + timedelta(minutes=minute), np.full((12, 3), float(minute)))
    store = MeasurementStore(tmp_path / "m.db", on_event=list[Event]().append)
    LearnedNote(store, "load", "a,b").keep(forecast.state())
    store.close()
    store = MeasurementStore(tmp_path / "m.db", on_event=list[Event]().append)
    again = LoadForecast(12, 300.0)
    LearnedNote(store, "load", "a,b").restore(again.restore)
    store.close()
    assert same(again.state(), forecast.state())


def refused(text: str) -> list[Arrays]:
    paper, found = Paper(), list[Arrays]()
    paper.notes["x"] = text
    LearnedNote(paper, "x", "here").restore(found.append)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"about": "here"}',
        '{"about": "here", "arrays": 7}',
        '{"about": "here", "arrays": "%%%"}',
        '{"about": "here", "arrays": ""}',
        json.dumps({"about": "here", "arrays": base64.b64encode(b"PK\x03\x04 and then nothing").decode()}),
        json.dumps({"about": "here", "arrays": base64.b64encode(b"\x80\x04}.").decode()}),
    ],
)
def test_a_note_that_is_damaged_is_dropped(text: str):
    assert refused(text) == []


def test_a_note_about_other_circuits_is_dropped_and_one_that_fits_is_not():
    paper = Paper()
    LearnedNote(paper, "x", "there").keep({"one": np.ones(1)})
    assert refused(paper.notes["x"]) == []
    LearnedNote(paper, "x", "here").keep({"one": np.ones(1)})
    assert len(refused(paper.notes["x"])) == 1


def test_nothing_is_written_more_than_once_an_hour():
    paper = Paper()
    note = LearnedNote(paper, "x", "here")
    for second in range(0, round(3 * EVERY_S), 10):
        note.follow(float(second), lambda: {"one": np.ones(1)})
    assert paper.writes == 2
