"""A point that is wired otherwise than its site file says is found by what the meter sees of its starts and stops."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from controller.engine import Decision, decide
from controller.loadbalance.layout import layout_of
from controller.loadbalance.wiring import Suspicion, suspicions
from controller.plan import Severity
from controller.site import WIRINGS, ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Reading, Snapshot
from simulations.building import LivelyBuilding
from simulations.cars import Car, CarModel
from simulations.connectors import Connector
from simulations.temperaments import OBEDIENT
from tests.support.closed_loop import ClosedLoop, hungry_car


@dataclass
class Wired(ClosedLoop):
    """A site whose electrician did not read the site file."""

    truly: dict[str, str] = field(default_factory=dict)
    """The wiring of the points that are wired otherwise."""
    blind: int | None = None
    """A phase that the meters do not read."""

    def _connector(self, point: ChargingPoint) -> Connector:
        return super()._connector(replace(point, phases=self._phases(point)))

    def _phases(self, point: ChargingPoint) -> tuple[int, ...]:
        return WIRINGS[self.truly[point.id]] if point.id in self.truly else point.phases

    def _state(self, name: str, at: datetime) -> PointState:
        """Reports are by the charger's own phases; the site file says which of the grid's they are."""
        state, point = super()._state(name, at), self.site.point[name]
        if state.measured_a is None:
            return state
        grid = [0.0, 0.0, 0.0]
        for said, true in zip(point.phases, self._phases(point), strict=True):
            grid[said] = state.measured_a[true]
        return replace(state, measured_a=(grid[0], grid[1], grid[2]))

    def _read_meters(self, at: datetime) -> dict[str, Reading]:
        if not any(circuit.meter for circuit in self.site.circuits):
            return {}
        return {name: self._read(reading) for name, reading in super()._read_meters(at).items()}

    def _read(self, reading: Reading) -> Reading:
        one, two, three = (None if n == self.blind else a for n, a in enumerate(reading.current_a))
        return replace(reading, current_a=(one, two, three))

    def visit(self, *points: str, phases: int = 1, stay_s: float = 60, gap_s: float = 30) -> None:
        """A car comes to each of the points, charges for a while, and leaves."""
        for name in points:
            self.plug_in(name, car=hungry_car(phases=phases, max_a=16.0))
        self.after(stay_s)
        self.unplug(*points)
        self.after(gap_s)

    def suspected(self) -> dict[str, Suspicion]:
        assert self.memory is not None
        return dict(suspicions(layout_of(self.site), self.memory.wiring))

    def told(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


def a_site(*wirings: str, fuse_a: float = 100.0, sub_meter: bool = False, meter: bool = True) -> Site:
    circuits = (
        Circuit("main", None, (fuse_a,) * 3, meter="grid" if meter else None, base_load_a=(25.0,) * 3),
        Circuit("garage", "main", (fuse_a,) * 3, meter="garage" if sub_meter else None),
    )
    points = [ChargingPoint(f"P{n}", "garage", f"S{n}", 1, WIRINGS[w], max_a=16.0) for n, w in enumerate(wirings)]
    return Site("site", circuits, tuple(points))


def a_loop(site: Site, seed: int = 1, **truly: str) -> Wired:
    return Wired(site, seed=seed, step_s=1.0, truly=truly)


@pytest.mark.parametrize("truth", ["L2", "L3"])
def test_a_point_on_another_phase_is_found_after_a_few_starts_and_stops(truth: str) -> None:
    loop = a_loop(a_site("L1", "L1"), P0=truth)
    for _ in range(3):
        loop.visit("P0")
        loop.visit("P1")
    found = loop.suspected()
    assert list(found) == ["P0"], "and its neighbour is left alone"
    assert (found["P0"].configured, found["P0"].suggested, found["P0"].or_else) == ("L1", truth, None)
    assert found["P0"].confidence >= 0.99


def test_a_suspicion_is_told_once_with_its_evidence_and_what_to_do() -> None:
    loop = a_loop(a_site("L1"), P0="L3")
    for _ in range(4):
        loop.visit("P0")
    (event,) = [event for event in loop.events if event.kind == "wiring_suspected"]
    assert (event.subject, event.severity) == ("point:P0", Severity.WARNING)
    assert event.message.startswith("P0 seems to be wired L3, not L1 (99.")
    assert event.message.endswith("starts and stops); check and correct `phases` in the site file")


def test_nothing_is_changed_because_of_a_suspicion() -> None:
    loop = a_loop(a_site("L1", "L1", fuse_a=30.0), P0="L2")
    for _ in range(4):
        loop.visit("P0")
    assert loop.suspected()
    assert loop.memory is not None
    before = [loop.memory]

    def compare(snapshot: Snapshot, decision: Decision) -> None:
        unsuspecting = replace(before[-1], wiring=decide(loop.site, None, snapshot).memory.wiring)
        assert decide(loop.site, unsuspecting, snapshot).plan.setpoints == decision.plan.setpoints
        before.append(decision.memory)

    loop.watch = compare
    loop.visit("P0", "P1")


@pytest.mark.parametrize("seed", range(3))
def test_what_the_site_file_says_rightly_is_never_suspected_however_lively_the_building(seed: int) -> None:
    site = a_site("L1", "L2", "L1L2L3", "L2L3L1")
    loop, dice = a_loop(site, seed), random.Random(seed)
    loop.building = LivelyBuilding((25.0, 25.0, 25.0), seed).current_a
    for _ in range(8):
        cars = dice.sample(sorted(site.point), dice.choice([1, 2]))
        loop.visit(*cars, phases=dice.choice([1, 2, 3]), stay_s=dice.uniform(20, 90), gap_s=dice.uniform(5, 60))
    assert not loop.told("wiring_suspected")


@pytest.mark.parametrize("seed", range(3))
def test_a_lively_building_does_not_hide_a_wrong_one_for_long(seed: int) -> None:
    loop = a_loop(a_site("L1", "L2"), seed, P1="L3")
    loop.building = LivelyBuilding((25.0, 25.0, 25.0), seed).current_a
    for _ in range(12):
        loop.visit("P1", stay_s=45, gap_s=25)
        if loop.suspected():
            break
    assert {name: found.suggested for name, found in loop.suspected().items()} == {"P1": "L3"}


def test_single_phase_cars_show_where_the_first_of_three_phases_is_and_two_phase_cars_the_rest() -> None:
    loop = a_loop(a_site("L1L2L3"), P0="L2L1L3")
    for _ in range(4):
        loop.visit("P0", phases=1)
    found = loop.suspected()["P0"]
    assert {found.suggested, found.or_else} == {"L2L3L1", "L2L1L3"}
    assert "(or L2L1L3, which looks the same so far), not L1L2L3" in loop.told("wiring_suspected")[-1]
    for _ in range(4):
        loop.visit("P0", phases=2)
    found = loop.suspected()["P0"]
    assert (found.suggested, found.or_else) == ("L2L1L3", None)


def test_cars_that_are_alike_on_all_phases_prove_nothing() -> None:
    loop = a_loop(a_site("L1L2L3"), P0="L3L1L2")
    for _ in range(6):
        loop.visit("P0", phases=3)
    assert not loop.told("wiring_suspected")


def test_two_neighbours_whose_cables_were_swapped_are_both_found() -> None:
    loop = a_loop(a_site("L1", "L2", "L3"), P0="L2", P1="L1")
    for _ in range(4):
        loop.visit("P0")
        loop.visit("P1")
        loop.visit("P2")
    assert {name: found.suggested for name, found in loop.suspected().items()} == {"P0": "L2", "P1": "L1"}


def test_cars_that_always_start_together_are_not_taken_for_each_other() -> None:
    loop = a_loop(a_site("L1", "L2", "L3", "L1"), P0="L2")
    for _ in range(6):
        loop.visit("P0", "P1", "P2", "P3")
    assert set(loop.suspected()) <= {"P0"}


def test_the_nearest_meter_is_asked_and_not_that_of_the_whole_building() -> None:
    wild = random.Random(7)
    loop = a_loop(a_site("L1", sub_meter=True), P0="L2")
    loop.building = lambda _: (wild.uniform(0, 40), wild.uniform(0, 40), wild.uniform(0, 40))
    for _ in range(4):
        loop.visit("P0")
    assert loop.suspected()["P0"].suggested == "L2"


def test_currents_that_are_exported_are_compared_like_any_others() -> None:
    loop = a_loop(a_site("L1"), P0="L2")
    loop.load(-30.0)
    for _ in range(4):
        loop.visit("P0")
    assert loop.suspected()["P0"].suggested == "L2"


@pytest.mark.parametrize("missing", ["no meter", "a dead meter", "the phase it is on", "no reports"])
def test_without_what_it_takes_nobody_is_suspected(missing: str) -> None:
    loop = a_loop(a_site("L1", meter=missing != "no meter"), P0="L2")
    loop.meter_works = missing != "a dead meter"
    loop.silent = missing == "no reports"
    loop.blind = 1 if missing == "the phase it is on" else None
    for _ in range(5):
        loop.visit("P0")
    assert not loop.told("wiring_suspected")


def test_a_charger_that_reports_what_it_offers_and_not_what_flows_is_not_judged() -> None:
    loop = a_loop(a_site("L1"))
    loop.chargers["P0"] = replace(OBEDIENT, lies_about_current=True)
    loop.connectors["P0"] = loop._connector(loop.site.points[0])
    dice = random.Random(3)
    loop.building = lambda now_s: (10.0, 26.0 if random.Random(now_s // 40).random() < 0.5 else 10.0, 10.0)
    for _ in range(8):
        loop.plug_in("P0", car=Car(CarModel(), soc=1.0))
        loop.after(60)
        loop.unplug("P0")
        loop.after(dice.uniform(20, 40))
    assert not loop.told("wiring_suspected")


def test_a_meter_that_is_lost_for_a_while_is_no_evidence_for_anything() -> None:
    loop = a_loop(a_site("L1"), P0="L2")
    for _ in range(4):
        loop.visit("P0")
    sure = loop.suspected()["P0"]
    loop.meter_works = False
    loop.load(60)
    for _ in range(3):
        loop.visit("P0")
    assert loop.suspected()["P0"] == sure


def test_a_point_that_has_been_rewired_is_not_suspected_any_more() -> None:
    loop = a_loop(a_site("L1"), P0="L2")
    for _ in range(3):
        loop.visit("P0")
    assert loop.suspected()
    loop.truly["P0"] = "L1"
    loop.connectors["P0"] = loop._connector(loop.site.points[0])
    for _ in range(8):
        loop.visit("P0")
    assert not loop.suspected()
    assert loop.told("wiring_suspected_ended") == ["P0 seems to be wired L1 after all, as its site file says"]


def test_a_restart_forgets_the_evidence_and_nothing_else() -> None:
    loop = a_loop(a_site("L1"), P0="L2")
    for _ in range(3):
        loop.visit("P0")
    loop.plug_in("P0", car=hungry_car(phases=1, max_a=16.0))
    loop.after(30)
    loop.memory = None
    loop.after(30)
    assert not loop.suspected()
    loop.unplug("P0")
    loop.after(30)
    for _ in range(3):
        loop.visit("P0")
    assert loop.suspected()["P0"].suggested == "L2"
