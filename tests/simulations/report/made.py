"""Made-up results of a plausible week: no engine ran, but powers, currents, sessions and reasons agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.facts import STATES
from controller.peakshave import thermal
from controller.plan import Event, Severity
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import State
from simulations.building import ScriptedBuilding
from simulations.cars import CarModel
from simulations.judging.metrics import metrics_of
from simulations.judging.model import Bound, Judgement
from simulations.results import Results, Series, SessionResult
from simulations.scenario.model import DataNote, DemandCharge, Judging, PriceCurve, Scenario
from simulations.visits import Visit
from simulations.world import Truth

MONDAY = datetime(2026, 3, 2, tzinfo=UTC) - timedelta(hours=1)  # midnight in Amsterdam
VOLTAGE_V = 230.0
WIRINGS = ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0,), (0, 1, 2), (1, 2, 0), (2, 0, 1), (1,), (0, 1, 2), (2,))


def office(name: str = "Head office", points: int = 20, zone: str = "Europe/Amsterdam") -> Site:
    return Site(
        id="hq",
        name=name,
        time_zone=zone,
        circuits=(
            Circuit("main", None, (63.0,) * 3, margin_a=1.0, meter="grid", base_load_a=(25.0,) * 3),
            Circuit("garage", "main", (40.0,) * 3, fuse_curve="C"),
            Circuit("street", "main", (32.0,) * 3),
        ),
        points=tuple(
            ChargingPoint(
                f"P{n + 1:02}",
                "garage" if n < 0.6 * points else "street",
                f"CP{n + 1:02}",
                1,
                phases=WIRINGS[n % len(WIRINGS)],
                max_a=32.0 if n % 3 == 0 else 16.0,
            )
            for n in range(points)
        ),
    )


@dataclass(frozen=True, eq=False)
class Week:
    """What ``divide`` needs; T steps."""

    scenario: Scenario
    time_s: NDArray[np.float64]
    building_a: NDArray[np.float64]
    step_s: float


def week(days: float = 7, step_s: float = 300.0, seed: int = 1, site: Site | None = None, busy: float = 0.8) -> Week:
    """An office's people; on the third day everybody comes."""
    site = site or office()
    dice = np.random.default_rng(seed)
    time_s = np.arange(0.0, days * 86_400.0, step_s)
    hour = time_s / 3600.0 % 24
    working = np.where((time_s // 86_400) % 7 < 5, 1.0, 0.25)
    shape = 6.0 + 16.0 * working * np.exp(-(((hour - 12.5) / 3.6) ** 2))
    building_a = np.clip(shape[:, None] * (1.1, 0.95, 0.8) + dice.normal(0.0, 0.8, (time_s.size, 3)), 1.0, 25.0)
    prices = (
        0.24
        + 0.07 * np.cos((np.arange(0, days * 24) - 19) / 24 * 2 * np.pi)
        - 0.08 * np.exp(-(((np.arange(0, days * 24) % 24 - 13) / 2.5) ** 2))
    )
    scenario = Scenario(
        name="Office of 20",
        description="People of an office charge while they work; on one day everybody comes by car.",
        site=site,
        start_s=MONDAY.timestamp(),
        duration_s=days * 86_400.0,
        step_s=step_s,
        record_s=step_s,
        seed=seed,
        visits=tuple(_visits(dice, site, days, busy)),
        building=ScriptedBuilding([]),
        price=PriceCurve(np.arange(0, days * 24) * 3600.0, prices),
        controller="rules",
        demand=DemandCharge(4.5),
        turned_away=3,
        judging=Judging(policies=("uncontrolled", "first_come", "equal_split")),
        notes=(DataNote("sessions.csv", "departure before arrival", 2, "left out"),),
    )
    return Week(scenario, time_s, building_a, step_s)


def _visits(dice: np.random.Generator, site: Site, days: float, busy: float) -> list[Visit]:
    visits = []
    for day in range(int(np.ceil(days))):
        share = 1.0 if day == 2 else busy if day % 7 < 5 else 0.1
        for n, point in enumerate(site.points):
            if dice.random() < share:
                arrives_s = 86_400.0 * day + 3600.0 * float(np.clip(dice.normal(8.4, 0.9), 5, 12))
                leaves_s = min(arrives_s + 3600.0 * float(np.clip(dice.normal(8.2, 1.2), 1, 11)), days * 86_400.0)
                energy_wh = float(np.clip(dice.normal(17_000, 8_000), 2_000, 60_000))
                car = CarModel(phases=min(len(point.phases), 3))
                visits.append(
                    Visit(
                        f"S{len(visits) + 1:04}", point.id, arrives_s, leaves_s, energy_wh, car, token=f"card {n % 15}"
                    )
                )
    return visits


def divide(made: Week, policy: str = "loadstar") -> Results:
    """A greedy division that keeps the fuses, but for ``uncontrolled``; good enough to look at."""
    division = _Division(made, policy)
    for row, now_s in enumerate(made.time_s.tolist()):
        division.turn(row, now_s)
    return division.results()


class _Division:
    def __init__(self, made: Week, policy: str) -> None:
        self.made, self.policy, self.site = made, policy, made.scenario.site
        rows, points = made.time_s.size, len(self.site.points)
        self.left_wh = {visit.id: visit.energy_wh for visit in made.scenario.visits}
        self.first: dict[str, float] = {}
        self.waits: dict[str, float] = {}
        self.limit_a = np.full((rows, points), np.nan, np.float32)
        self.current_a, self.power_w = np.zeros((rows, points), np.float32), np.zeros((rows, points), np.float32)
        self.state = np.full((rows, points), STATES.index(State.AVAILABLE), np.uint8)
        self.because = np.zeros((rows, points), np.int16)
        self.reasons = ["point:max"]
        self.below = np.array(
            [[c.id in self.site.path[p.circuit] for p in self.site.points] for c in self.site.circuits]
        )
        self.wired = np.array([[phase in p.phases for phase in range(3)] for p in self.site.points])
        self.usable_a = np.array([[f - c.margin_a for f in c.fuse_a] for c in self.site.circuits])
        self.circuit_a = np.zeros((rows, len(self.site.circuits), 3))
        self.place = {point.id: n for n, point in enumerate(self.site.points)}

    def turn(self, row: int, now_s: float) -> None:
        free_a = self.usable_a.copy()
        free_a[0] -= self.made.building_a[row]
        here = [v for v in self.made.scenario.visits if v.arrives_s <= now_s < v.leaves_s]
        if self.policy == "loadstar":  # the driver who has got the least share comes first
            here.sort(key=lambda v: -self.left_wh[v.id] / v.energy_wh)
        for visit in here:
            n = self.place[visit.point]
            if self.left_wh[visit.id] <= 0:
                self.state[row, n] = STATES.index(State.EV_IDLE)
                continue
            rows_of = self.below[:, n][:, None] & self.wired[n][None, :]
            given_a, why = self.share(visit, n, np.where(rows_of, free_a, np.inf))
            if given_a:
                self.first.setdefault(visit.id, now_s)
            else:
                self.waits[visit.id] = self.waits.get(visit.id, 0.0) + self.made.step_s
            self.note(row, n, visit, given_a, why)
            free_a -= np.where(rows_of, given_a, 0.0)
            self.circuit_a[row] += np.where(rows_of, given_a, 0.0)

    def share(self, visit: Visit, n: int, room_a: NDArray[np.float64]) -> tuple[float, str]:
        """What a car gets, and why it is no more."""
        most_a = min(self.site.points[n].max_a, visit.car.max_a)
        given_a = most_a if self.policy == "uncontrolled" else min(most_a, float(room_a.min()))
        full = np.unravel_index(int(room_a.argmin()), room_a.shape)
        why = f"circuit:{self.site.circuits[int(full[0])].id}:L{int(full[1]) + 1}"
        if given_a < 6.0:
            return 0.0, f"not_admitted:{why}"
        return given_a, "point:max" if given_a >= most_a else why

    def note(self, row: int, n: int, visit: Visit, given_a: float, why: str) -> None:
        if why not in self.reasons:
            self.reasons.append(why)
        self.because[row, n] = self.reasons.index(why)
        watts = given_a * VOLTAGE_V * len(self.site.points[n].phases)
        self.left_wh[visit.id] -= watts * self.made.step_s / 3600.0
        self.state[row, n] = STATES.index(State.CHARGING if given_a else State.WITHHELD)
        self.limit_a[row, n], self.current_a[row, n], self.power_w[row, n] = given_a, given_a, watts

    def results(self) -> Results:
        made, scenario = self.made, self.made.scenario
        self.circuit_a[:, 0] += made.building_a
        over_a = np.maximum(self.circuit_a - np.array([c.fuse_a for c in self.site.circuits]), 0.0)
        over_as = float(over_a.sum() * made.step_s)
        series = self.series()
        heat, peak_a = float(series.thermal.max(initial=0)), float(self.circuit_a[:, 0].max())
        return Results(
            scenario=scenario,
            policy=self.policy,
            series=series,
            sessions=tuple(
                SessionResult(
                    v, v.energy_wh - max(0.0, self.left_wh[v.id]), self.first.get(v.id), self.waits.get(v.id, 0.0)
                )
                for v in scenario.visits
            ),
            truth=Truth(peak_a, 63.0, over_as, made.step_s if over_as else 0.0, over_as, heat),
            invalid_setpoints=0,
            violations={"main": over_as} if over_as else {},
            events=(
                Event("meter_lost", "meter:grid", "no reading for 3 s", Severity.WARNING, MONDAY + timedelta(hours=9)),
                Event("admitted", "point:P01", "a car may charge", Severity.INFO, MONDAY + timedelta(hours=8)),
            ),
        )

    def series(self) -> Series:
        return Series(
            time_s=self.made.time_s,
            step_s=self.made.step_s,
            limit_a=self.limit_a,
            current_a=self.current_a,
            power_w=self.power_w,
            because=self.because,
            state=self.state,
            circuit_a=self.circuit_a.astype(np.float32),
            circuit_peak_a=self.circuit_a.astype(np.float32),
            building_a=self.made.building_a.astype(np.float32),
            price=self.made.scenario.price.at(self.made.time_s),
            thermal=_heat(self.site, self.circuit_a, self.made.step_s),
            reasons=tuple(self.reasons),
        )


def _heat(site: Site, circuit_a: NDArray[np.float64], step_s: float) -> NDArray[np.float32]:
    heat = np.zeros(circuit_a.shape[:2], np.float32)
    for n, circuit in enumerate(site.circuits):
        level = [0.0, 0.0, 0.0]
        for row in range(len(circuit_a)):
            for phase in range(3):
                level[phase] = thermal.advance(
                    level[phase], float(circuit_a[row, n, phase]), circuit.fuse_a[phase], step_s, circuit.fuse_curve
                )
            heat[row, n] = max(level)
    return heat


def judged(
    made: Week, rivals: tuple[str, ...] = ("uncontrolled", "first_come"), seeds: int = 3
) -> tuple[Results, Judgement]:
    """A run with its judgement; the bound is made up, and further seeds are scattered around the first."""
    results = divide(made)
    own = metrics_of(results)
    best = Bound(
        delivered_wh=1010.0 * own.delivered_kwh,
        cost=0.9 * own.energy_cost + 0.97 * own.demand_cost + 0.8 * own.unmet_cost,
        energy_cost=0.9 * own.energy_cost,
        demand_cost=0.97 * own.demand_cost,
        unmet_wh=800.0 * own.unmet_cost,
        peak_w=0.97e3 * own.peak_kw,
        slot_s=900.0,
    )
    others = {name: divide(made, name) for name in rivals}
    free = metrics_of(others["uncontrolled"]) if "uncontrolled" in others else None
    outcomes = {}
    for name, run in {"loadstar": results, **others}.items():
        first = metrics_of(run, best, free)
        outcomes[name] = tuple(
            replace(first, seed=first.seed + k, energy_cost=first.energy_cost * (1 + 0.02 * k)) for k in range(seeds)
        )
    return results, Judgement(metrics_of(results, best, free), best, others, outcomes)
