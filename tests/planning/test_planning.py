"""The plan beside the control loop: made when something happens, and missed by nobody when it does not come."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

from adapters.configuration import PlanSettings
from adapters.learned import LearnedNote
from adapters.planning import planning as module
from adapters.planning.planning import Planning
from adapters.planning.process import COMMAND
from controller.engine import decide
from controller.loadbalance.horizon.outlook import Demand, DemandPart
from controller.peakshave.limits_ahead import LimitsAhead
from controller.plan import Event
from controller.ports.ledger import SessionRecord
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Reading, Snapshot, State
from tests.support.processes import WITHIN_S

STRANGE = Path(__file__).parents[1] / "support" / "strange_planner.py"
SITE = Site(
    "s",
    (Circuit("main", None, (63.0,) * 3, meter="grid", base_load_a=(20.0,) * 3),),
    (ChargingPoint("P1", "main", "C1", 1), ChargingPoint("P2", "main", "C2", 1)),
)
SETTINGS = PlanSettings(900.0, 96, 300.0, 0.3, (), None, 1.0)
BEGIN = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
CAR = PointState(State.CHARGING, (10.0,) * 3, BEGIN, 10.0)


@dataclass
class Stage:
    """Planning with everything around it in reach of the test; its clock stands still unless it is moved."""

    folder: Path
    mode: str | None = None
    settings: PlanSettings = SETTINGS
    answer_s: float = WITHIN_S
    demand: Demand | None = None
    limits: Callable[[Sequence[datetime]], LimitsAhead] | None = None
    events: list[Event] = field(default_factory=list)
    past: list[SessionRecord] = field(default_factory=list)
    at: datetime = BEGIN
    notes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        strange = (sys.executable, "-I", str(STRANGE), self.mode or "", str(self.folder))
        self.planning = Planning(
            site=SITE,
            settings=self.settings,
            clock=self,
            running=dict,
            past=self._ended,
            on_event=self.events.append,
            note=LearnedNote(self, "load", "main"),
            demand=lambda _at: self.demand,
            limits=self.limits,
            command=strange if self.mode else COMMAND,
            answer_s=self.answer_s,
        )
        self.planning.restore()
        self.running = asyncio.create_task(self.planning.run())

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.at.timestamp()

    def keep(self, name: str, text: str) -> None:
        self.notes[name] = text

    def kept(self, name: str) -> str | None:
        return self.notes.get(name)

    def _ended(self, point: str) -> Sequence[SessionRecord]:
        return [session for session in self.past if session.point == point]

    def turn(self, meter_a: float = 20.0, **points: PointState) -> None:
        """The control loop turns."""
        snapshot = Snapshot(self.at, self.monotonic_s(), {"grid": Reading((meter_a,) * 3, self.at)}, (), points)
        self.planning.decided(snapshot, decide(SITE, None, snapshot))

    def requests(self) -> list[dict[str, Any]]:
        kept = self.folder / "requests"
        written = kept.read_text() if kept.exists() else ""
        return [json.loads(line) for line in written.split("\n")[:-1]]  # the last one may not be whole yet

    def starts(self) -> int:
        kept = self.folder / "starts"
        return int(kept.read_text() or 0) if kept.exists() else 0

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    async def until(self, seen: Callable[[], object], within_s: float = WITHIN_S) -> None:
        deadline = monotonic() + within_s
        while not seen():
            assert monotonic() < deadline, (self.events, self.requests())
            await asyncio.sleep(0.02)


Staged = Callable[..., Stage]


@pytest.fixture
async def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Staged]:
    monkeypatch.setattr(module, "LEAST_GAP_S", 0.05)
    monkeypatch.setattr(module, "BACKOFF_S", (0.05, 0.1))
    stages: list[Stage] = []

    def stage(mode: str | None = None, **options: Any) -> Stage:
        stages.append(Stage(tmp_path, mode, **options))
        return stages[-1]

    yield stage
    for each in stages:
        each.running.cancel()
        await asyncio.gather(each.running, return_exceptions=True)


async def test_a_real_planner_advises_who_is_there(staged: Staged):
    stage = staged()
    leaves = BEGIN + timedelta(minutes=40)
    stage.turn(P1=replace(CAR, energy_needed_wh=60_000, departs_at=leaves), P2=CAR)
    await stage.until(stage.planning.advice)
    advice = stage.planning.advice()
    assert advice is not None
    assert advice.begins_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert advice.points["P1"].target_a[0] > 25.0, "as much as there is"
    assert advice.shortfall_wh["P1"] > 40_000
    assert stage.events == []


async def test_a_departure_that_passes_without_the_car_is_news(staged: Staged):
    stage = staged("good")
    asked = replace(CAR, energy_needed_wh=9_000, departs_at=BEGIN + timedelta(seconds=30))
    stage.turn(P1=asked)
    await stage.until(lambda: len(stage.requests()) == 1)
    stage.at += timedelta(seconds=30)
    stage.turn(P1=asked)
    await stage.until(lambda: len(stage.requests()) == 2)
    assert stage.requests()[1]["cars"][0]["departs_at"] > stage.at.isoformat()


async def test_nobody_there_needs_no_planner(staged: Staged):
    stage = staged("good")
    stage.turn()
    stage.turn(P1=PointState(State.EV_IDLE))
    await asyncio.sleep(0.2)
    assert stage.starts() == 0
    assert stage.planning.advice() is None


async def test_arrivals_departures_and_wishes_are_planned_for_at_once_and_nothing_else_is(staged: Staged):
    stage = staged("good")
    asked = replace(CAR, energy_needed_wh=9_000, least_needed_wh=100, departs_at=BEGIN + timedelta(hours=3))

    async def planned(count: int, **points: PointState) -> None:
        """So many plans there are, and not one more, when the loop has turned some times."""
        for _ in range(4):
            stage.at += timedelta(seconds=1)
            stage.turn(**points)
            await asyncio.sleep(0.05)
        await stage.until(lambda: len(stage.requests()) >= count)
        await asyncio.sleep(0.1)
        assert len(stage.requests()) == count

    stage.turn(P1=CAR)
    await stage.until(stage.requests)
    await planned(1, P1=CAR)
    await planned(2, P1=CAR, P2=CAR)
    await planned(3, P1=asked, P2=CAR)
    served = replace(asked, energy_needed_wh=8_000, least_needed_wh=0, delivered_wh=1_000)
    await planned(4, P1=served, P2=CAR)
    await planned(4, P1=replace(served, energy_needed_wh=7_500, delivered_wh=1_500), P2=CAR)
    await planned(5, P1=replace(served, energy_needed_wh=0, delivered_wh=9_000), P2=CAR)
    await planned(5, P1=replace(served, energy_needed_wh=0, delivered_wh=9_500), P2=CAR)
    await planned(6, P2=CAR)
    await planned(6)
    await stage.until(lambda: stage.planning.advice() is None)


async def test_a_plan_is_made_anew_every_few_minutes(staged: Staged):
    stage = staged("good", settings=replace(SETTINGS, every_s=0.1))
    stage.turn(P1=CAR)
    await stage.until(lambda: len(stage.requests()) >= 3)


async def test_advice_that_has_grown_old_is_not_used(staged: Staged):
    stage = staged("good")
    stage.turn(P1=CAR)
    await stage.until(stage.planning.advice)
    stage.at = BEGIN + timedelta(minutes=24)
    assert stage.planning.advice() is not None
    stage.at = BEGIN + timedelta(minutes=25)
    assert stage.planning.advice() is None, "two slots from 9:00 on"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("garbage", "Invalid JSON"),
        ("not_finite", "finite number"),
        ("negative", "at least 0"),
        ("wrong_size", "as many targets as caps"),
        ("too_long", "at most 96 slots"),
        ("peaks_too_long", "peak_kw: expected at most 96 slots"),
        ("empty", "as many targets as caps"),
        ("stranger", "P99"),
        ("above_maximum", "at most 32 A"),
        ("another_number", "number: expected 1, got 77"),
        ("another_time", "the slots of the request"),
        ("infeasible", "infeasible"),
        ("nothing", "advice: is missing"),
    ],
)
async def test_a_plan_that_cannot_be_used_is_dropped_with_its_reason(staged: Staged, mode: str, reason: str):
    stage = staged(mode)
    stage.turn(P1=CAR)
    await stage.until(lambda: stage.events)
    assert stage.events[0].kind == "plan_dropped"
    assert reason in stage.events[0].message
    assert stage.planning.advice() is None


async def test_a_planner_that_dies_is_started_again_and_the_coming_hours_are_planned_again(staged: Staged):
    stage = staged("dies_once")
    stage.turn(P1=CAR)
    await stage.until(stage.planning.advice)
    assert stage.kinds() == ["planner_gone", "plan_again"]
    assert "ended with code 3" in stage.events[0].message
    assert stage.starts() == 2


async def test_a_planner_that_always_dies_is_left_alone_longer_and_longer(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "BACKOFF_S", (0.05, 60.0))
    stage = staged("dies")
    stage.turn(P1=CAR)
    await stage.until(lambda: len(stage.events) == 3)
    assert set(stage.kinds()) == {"planner_gone"}
    assert stage.planning._backoff_s() == pytest.approx(0.2)


async def test_a_planner_that_gets_stuck_is_dropped_as_late_and_replaced(staged: Staged):
    stage = staged("silent_once", answer_s=1.0)
    stage.turn(P1=CAR)
    await stage.until(lambda: stage.events)
    stage.planning._process._answer_s = WITHIN_S  # the next one has as long as it needs
    await stage.until(stage.planning.advice)
    assert stage.kinds() == ["plan_late", "plan_again"]


async def test_a_planner_that_cannot_be_started_is_reported(staged: Staged, monkeypatch: pytest.MonkeyPatch):
    stage = staged("good")
    monkeypatch.setattr(stage.planning._process, "_command", ("/no/such/planner",))
    stage.turn(P1=CAR)
    await stage.until(lambda: stage.events)
    assert stage.events[0].kind == "planner_gone"
    assert "cannot be started" in stage.events[0].message


async def test_a_real_planner_that_is_killed_in_the_middle_is_replaced(staged: Staged):
    stage = staged(settings=replace(SETTINGS, every_s=0.2))
    stage.turn(P1=CAR)
    await stage.until(stage.planning.advice)
    first = stage.planning._process._process
    assert first is not None
    first.kill()
    await stage.until(lambda: "plan_again" in stage.kinds())
    assert stage.kinds()[0] == "planner_gone"


async def test_the_planner_ends_with_the_service(staged: Staged):
    stage = staged("good")
    stage.turn(P1=CAR)
    await stage.until(stage.planning.advice)
    process = stage.planning._process._process
    assert process is not None
    stage.running.cancel()
    await asyncio.gather(stage.running, return_exceptions=True)
    assert process.returncode is not None


async def test_requests_hold_the_prices_the_load_and_the_peak(staged: Staged, tmp_path: Path):
    prices = tmp_path / "prices.csv"
    prices.write_text("at,price_per_kwh\n2026-11-20T09:00Z,0.5\n2026-11-20T10:00Z,0.1\n2026-11-20T11:00Z,0.2\n")
    settings = replace(SETTINGS, price_file=prices)
    stage = staged("good", settings=settings, demand=Demand((DemandPart(80.0, 12.0, (1.0, 0.5) * 100),), 1, 0.7))
    for second in range(0, 60, 2):
        stage.at = BEGIN + timedelta(seconds=second)
        stage.turn(meter_a=30.0, P1=CAR)
    await stage.until(stage.requests)
    request = stage.requests()[-1]
    assert request["price_per_kwh"][:9] == [0.5] * 4 + [0.1] * 4 + [0.2]
    assert request["price_per_kwh"][-1] == 0.3, "beyond the file, what holds otherwise"
    assert request["background_a"][5] == [pytest.approx([20.0] * 3, abs=0.5)]
    (part,) = request["demand"]["parts"]
    assert (part["per_kw"], part["floor_kw"], part["weights"][:3]) == (80.0, 12.0, [1.0, 0.5, 1.0])
    assert request["demand"]["drawn_kwh"] == 0.7


async def test_requests_hold_what_others_will_allow_slot_by_slot(staged: Staged):
    asked: list[Sequence[datetime]] = []

    def ahead(moments: Sequence[datetime]) -> LimitsAhead:
        asked.append(moments)
        return {("main", False, False): np.array([np.inf, 9_000.0] + [np.inf] * 94)}

    stage = staged("good", limits=ahead)
    stage.turn(P1=CAR)
    await stage.until(stage.requests)
    assert stage.requests()[0]["bounds"] == [{"circuit": "main", "limit_w": [None, 9_000.0] + [None] * 94}]
    assert asked[0][:2] == [BEGIN + timedelta(minutes=2.5), BEGIN + timedelta(minutes=17.5)], "the middles of slots"


async def test_habits_of_the_point_are_looked_up(staged: Staged):
    stage = staged("good")
    mornings = [BEGIN - timedelta(days=days) for days in range(1, 29)]
    stage.past += [ended(morning + timedelta(hours=1), morning + timedelta(hours=6)) for morning in mornings]
    stage.turn(P1=CAR)
    await stage.until(stage.requests)
    coming = [car for car in stage.requests()[0]["cars"] if car["arrives_at"] is not None]
    assert [(car["point"], car["arrives_at"]) for car in coming][:1] == [("P2", "2026-11-20T10:05:00Z")]


def ended(began: datetime, left: datetime) -> SessionRecord:
    return SessionRecord(
        "S", "C2", "P2", 1, "1", "04A2", running=False, started_at=began, ended_at=left, start_wh=0, end_wh=9_000,
        energy_wh=9_000, cost=None, currency="EUR",
    )  # fmt: skip


async def test_a_price_file_that_breaks_is_reported_once_and_what_it_said_goes_on(staged: Staged, tmp_path: Path):
    prices = tmp_path / "prices.csv"
    prices.write_text("at,price_per_kwh\n2026-11-20T09:00Z,0.5\n2026-11-20T19:00Z,0.1\n")
    stage = staged("good", settings=replace(SETTINGS, price_file=prices, every_s=0.1))
    stage.turn(P1=CAR)
    await stage.until(stage.requests)
    prices.write_text("nonsense")
    await stage.until(lambda: stage.events)
    count = len(stage.requests())
    await stage.until(lambda: len(stage.requests()) > count + 2)
    assert stage.kinds() == ["price_file_unusable"]
    assert "prices.csv:1: expected the columns" in stage.events[0].message
    assert stage.requests()[-1]["price_per_kwh"][0] == 0.5


async def test_a_lost_meter_teaches_nothing(staged: Staged):
    stage = staged("good")
    stage.turn(meter_a=25.0, P1=CAR)
    stage.at += timedelta(seconds=30)
    stale = Snapshot(stage.at, stage.monotonic_s(), {"grid": Reading((60.0,) * 3, BEGIN)}, (), {"P1": CAR, "P2": CAR})
    stage.planning.decided(stale, decide(SITE, None, stale))
    await stage.until(stage.requests)
    assert stage.requests()[-1]["background_a"][0] == [pytest.approx([15.0] * 3, abs=0.5)]


async def test_what_the_building_draws_is_known_after_a_restart(staged: Staged):
    before = staged("good")
    before.turn(meter_a=25.0, P1=CAR)
    await before.until(before.requests)
    before.running.cancel()
    await asyncio.gather(before.running, return_exceptions=True)
    after = staged("good", notes=before.notes, at=BEGIN + timedelta(minutes=10))
    silent = Snapshot(after.at, after.monotonic_s(), {}, (), {"P1": CAR})
    after.planning.decided(silent, decide(SITE, None, silent))
    await after.until(lambda: len(after.requests()) == 2)
    assert after.requests()[-1]["background_a"][0] == [pytest.approx([15.0] * 3, abs=0.5)], "not the 20 A at worst"


def test_the_service_itself_stays_free_of_the_solver():
    program = "import sys, adapters.service; print([name for name in ('highspy', 'scipy') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
