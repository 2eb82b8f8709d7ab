"""The plan of the coming hours, from an outlook to its advice, and what cvxpy takes for the same day.

The day: 20 points, 12 of three phases and 16 A, 8 of one phase and 32 A, on three boards with three fuses each; the
building on the connection; a price in three steps; one demand peak; energy by departure. Times are of a core, since
other programs may have the machine besides.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from controller.loadbalance.horizon.chances import cells_of, peak_of, slots_left
from controller.loadbalance.horizon.grid import Grid
from controller.loadbalance.horizon.outlook import CarOutlook, Demand, DemandPart, Outlook
from controller.loadbalance.horizon.planner import HorizonPlan, Planner
from controller.loadbalance.horizon.ranks import prices_of
from controller.site import ChargingPoint, Circuit, Site
from tests.benchmarks.acn_environment import ask
from tests.benchmarks.registry import Measurement, benchmark

DAYS: Final = 15
ROLLS: Final = 12
QUARTER_S: Final = 900.0
SIX: Final = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
CASE: Final = Path("build/plan-days.json")
EQUAL: Final = 2e-3
"""Plans of two programs that cost the same to this part differ in tie-breaks only."""


def the_site(board_a: float = 63.0, main_a: float = 125.0) -> Site:
    """Seven points on each of two boards, six on the third."""
    boards = [Circuit(f"board{n}", "main", (board_a,) * 3) for n in range(3)]
    points = [
        ChargingPoint(f"P{n:02d}", f"board{n % 3}", f"S{n}", 1, (0, 1, 2), 16.0)
        if n < 12
        else ChargingPoint(f"P{n:02d}", f"board{n % 3}", f"S{n}", 1, (n // 3 % 3,), 32.0)
        for n in range(20)
    ]
    return Site("plan", (Circuit("main", None, (main_a,) * 3), *boards), tuple(points))


def the_day(seed: int, site: Site, slots: int = 96, slot_s: float = QUARTER_S, at: datetime = SIX) -> Outlook:
    """What a random day looks like at a moment after six, if nobody has charged yet."""
    rng = np.random.default_rng(seed)
    passed = int((at - SIX).total_seconds() // slot_s)
    hours = (6.0 + (passed + np.arange(slots)) * slot_s / 3600.0) % 24.0
    price = np.where((hours < 6) | (hours >= 22), 0.16, np.where((hours >= 16) & (hours < 20), 0.38, 0.24))
    building = 30.0 + 20.0 * np.sin((hours - 8.0) / 24.0 * 2.0 * np.pi)
    background = np.zeros((slots, len(site.circuits), 3))
    background[:, 0] = (building + rng.uniform(-5.0, 5.0, 4 * slots)[passed : passed + slots])[:, None]
    cars = []
    for point in site.points:
        comes = SIX + timedelta(hours=float(rng.uniform(-2.0, 8.0)))
        goes = comes + timedelta(hours=float(rng.uniform(3.0, 12.0)))
        needs_wh = float(rng.uniform(5_000.0, 40_000.0))
        expected = comes if comes > at else None
        cars.append(CarOutlook(point.id, point.phases, 6.0, point.max_a, needs_wh, goes, arrives_at=expected))
    begins_at = SIX + timedelta(seconds=passed * slot_s)
    demand = Demand((DemandPart(5.0, floor_kw=20.0),), window_slots=round(QUARTER_S / slot_s))
    return Outlook(site, at, begins_at, slot_s, price, background, tuple(cars), demand)


def rolled(day: Outlook, plan: HorizonPlan, seed: int, number: int) -> Outlook:
    """The outlook one slot later: the plan was carried out, but for one car, and the building is a little off."""
    rng = np.random.default_rng(1000 * seed + number)
    later = the_day(seed, day.site, day.price_per_kwh.size, day.slot_s, day.at + timedelta(seconds=day.slot_s))
    hours = day.slot_s / 3600.0
    watts_per_a = np.array([len(car.phases) for car in day.cars]) * day.site.nominal_voltage_v
    gained_wh = plan.current_a[:, 0] * watts_per_a * hours
    gained_wh[rng.integers(gained_wh.size)] *= 0.9
    pairs = zip(day.cars, later.cars, gained_wh.tolist(), strict=True)
    cars = tuple(replace(after, energy_wh=max(0.0, car.energy_wh - wh)) for car, after, wh in pairs)
    return replace(later, cars=cars, background_a=later.background_a * rng.uniform(0.99, 1.01))


def crowded(seed: int) -> Outlook:
    """Everybody is there and leaves within ten hours, behind fuses that are too small: who starts, who waits?"""
    day = the_day(seed, the_site(40.0, 80.0), at=SIX + timedelta(hours=2))
    rng = np.random.default_rng(seed)
    cars = [
        replace(car, arrives_at=None, departs_at=day.at + timedelta(hours=float(rng.uniform(1.0, 10.0))))
        for car in day.cars
    ]
    return replace(day, cars=tuple(cars), background_a=day.background_a / 2.0)


def seconds_of(planner: Planner, outlook: Outlook) -> tuple[float, HorizonPlan]:
    """How long one plan takes a core, and the plan."""
    began = time.process_time()
    plan = planner.plan(outlook)
    return time.process_time() - began, plan


def milliseconds(seconds: list[float], at_most: float) -> Measurement:
    """The median, with its promise."""
    return Measurement(statistics.median(seconds) * 1e3, "ms", len(seconds), at_most=at_most)


@benchmark
def plan_20x96() -> dict[str, Measurement]:
    """Plans from nothing, solver and all, and plans one slot after the last; no minimum in the first hour."""
    site, cold, hot = the_site(), [], []
    Planner(floor_slots=0).plan(the_day(99, site))
    for seed in range(DAYS):
        planner, day = Planner(floor_slots=0), the_day(seed, site)
        seconds, plan = seconds_of(planner, day)
        cold.append(seconds)
        for number in range(ROLLS):
            day = rolled(day, plan, seed, number)
            seconds, plan = seconds_of(planner, day)
            hot.append(seconds)
    return {"plan_20x96_cold_ms": milliseconds(cold, 10.0), "plan_20x96_hot_ms": milliseconds(hot, 2.0)}


@benchmark
def plan_20x96_floor_1h() -> dict[str, Measurement]:
    """Plans from nothing in which everybody has 0 or at least 6 A for an hour; on half of the days room is scarce."""
    days = [the_day(seed, the_site()) for seed in range(DAYS)] + [crowded(seed) for seed in range(DAYS)]
    seconds = [seconds_of(Planner(floor_slots=4), day)[0] for day in days]
    return {
        "plan_20x96_floor_1h_ms": milliseconds(seconds, 150.0),
        "plan_20x96_floor_1h_worst_ms": Measurement(max(seconds) * 1e3, "ms", len(seconds), at_most=150.0),
    }


@benchmark
def plan_20x288() -> dict[str, Measurement]:
    """Plans from nothing in slots of five minutes."""
    site = the_site()
    cold = [seconds_of(Planner(floor_slots=0), the_day(seed, site, 288, 300.0))[0] for seed in range(DAYS)]
    return {"plan_20x288_cold_ms": milliseconds(cold, 25.0)}


@benchmark
def plan_vs_cvxpy() -> dict[str, Measurement]:
    """How many times as long the same days take in cvxpy, in adacharge's published form and with the faster solver.

    Raises:
        ValueError: the plans do not cost the same.
    """
    site = the_site()
    days = [the_day(seed, site) for seed in range(DAYS)]
    CASE.parent.mkdir(exist_ok=True)
    CASE.write_text(json.dumps([told(day) for day in days]))
    theirs = ask("day_ahead.py", str(CASE))
    ours, costs = [], []
    for day in days:
        seconds, plan = seconds_of(Planner(floor_slots=0), day)
        ours.append(seconds)
        costs.append(plan.cost + told(day)["unmet_per_kwh"] * float(plan.unmet_wh.sum()) / 1000.0)
    best = min(theirs["seconds"], key=lambda solver: statistics.median(theirs["seconds"][solver]))
    if not np.allclose(costs, theirs["costs"][best], rtol=EQUAL):
        raise ValueError(f"the plans do not cost the same: {costs} and, by {best}, {theirs['costs'][best]}")
    seconds = statistics.median(theirs["seconds"][best])
    return {
        "plan_cvxpy_20x96_ms": Measurement(seconds * 1e3, "ms", DAYS),
        "plan_vs_cvxpy": Measurement(seconds / statistics.median(ours), "x", DAYS),
    }


def told(day: Outlook) -> dict[str, Any]:
    """The same day for another program: every bound as a list of numbers."""
    grid, left = Grid(day.site), slots_left(day)
    alike, room_a = grid.alike(day.cars), grid.room_a(day)
    uses = grid.uses(alike)
    cells, peak = cells_of(day, grid.alone_a(alike, room_a), uses[:, -1]), peak_of(grid, day, left)
    if peak is None:
        raise ValueError("a day of the benchmark has a demand price")
    fuses = 3 * len(day.site.circuits)
    return {
        "slot_h": day.slot_s / 3600.0,
        "price_per_kwh": day.price_per_kwh.tolist(),
        "most_a": cells.most_a.tolist(),
        "kwh_per_a": cells.kwh_per_a.tolist(),
        "needs_kwh": cells.energy_kwh.tolist(),
        "bounds": [{"uses": uses[:, kind].tolist(), "most_a": (room_a[kind] * left).tolist()} for kind in range(fuses)],
        "background_kw": peak.background_kw.tolist(),
        "floor_kw": float(peak.floor_kw[0]),
        "per_kw": float(peak.per_kw[0]),
        "unmet_per_kwh": float(prices_of(day, cells).unmet[0]),
    }
