import itertools
import random
from typing import Any

import pytest

from controller.site import ChargingPoint, Circuit, Site
from controller.units import Phases
from simulations.building import AdjustableBuilding, LivelyBuilding, ScriptedBuilding
from simulations.cars import Car, CarModel
from simulations.chargers import ChargingStation
from simulations.connectors import Connector, ConnectorModel, Status
from simulations.firmware import Firmware
from simulations.outbox import Kind
from simulations.profiles import ProfileRefusedError
from simulations.temperaments import TEMPERAMENTS
from simulations.world import World

START_S = 1_795_000_000.0
NOBODY = ScriptedBuilding([])


def site(*wirings: tuple[int, ...]) -> Site:
    points = tuple(
        ChargingPoint(f"P{n}", "garage", f"CP{n}", 1, phases=wiring) for n, wiring in enumerate(wirings, start=1)
    )
    return Site("s", (Circuit("main", None, (63.0,) * 3), Circuit("garage", "main", (40.0,) * 3)), points)


class Stage:
    """A world with a clock that runs as fast as it can."""

    def __init__(self, building: Any, *wirings: tuple[int, ...], seed: int = 1, temperament: str = "obedient") -> None:
        self.site = site(*wirings)
        self.now_s = START_S
        kind = TEMPERAMENTS[temperament]
        stations = [
            ChargingStation(
                point.station,
                [Connector(1, point.phases, ConnectorModel(), random.Random(seed + n), kind)],
                230.0,
                kind,
            )
            for n, point in enumerate(self.site.points)
        ]
        self.world = World(self.site, building, stations)
        self.firmware = {point.id: Firmware(self.world.stations[point.station]) for point in self.site.points}

    def run(self, seconds: float, dt: float = 0.25) -> None:
        for _ in range(round(seconds / dt)):
            self.now_s += dt
            self.world.step(self.now_s, dt)

    def start(self, point: str, **model: Any) -> Car:
        car = Car(CarModel(**model), soc=0.2)
        self.firmware[point].plug_in(1, car)
        self.firmware[point].start(1, "TAG", self.now_s)
        return car

    def limit(self, point: str, *periods: tuple[int, float], start_s: float | None = None) -> None:
        rows = [{"start_period": start, "limit": limit} for start, limit in periods]
        schedule = {"charging_rate_unit": "A", "charging_schedule_period": rows, "start_schedule": None}
        kind = "Relative"
        if start_s is not None:
            schedule["start_schedule"] = self.firmware[point].timestamp(start_s)
            kind = "Absolute"
        profile = {
            "charging_profile_id": 1,
            "stack_level": 0,
            "charging_profile_purpose": "TxDefaultProfile",
            "charging_profile_kind": kind,
            "charging_schedule": schedule,
        }
        self.firmware[point].install(1, profile, self.now_s)

    def status(self, point: str) -> Status:
        return self.world.connector(point).status


def test_currents_meet_the_grid_phases_that_they_are_wired_to():
    stage = Stage(ScriptedBuilding([(0.0, (5.0, 6.0, 7.0))]), (1, 2, 0), (2,))
    stage.start("P1", phases=1, max_a=16.0)  # a single-phase car on the point's own L1, which is the grid's L2
    stage.start("P2", phases=3, max_a=10.0)
    stage.run(30)
    assert stage.world.circuit_a["garage"] == pytest.approx((0.0, 16.0, 10.0))
    assert stage.world.grid_a == pytest.approx((5.0, 22.0, 17.0))


def test_no_energy_flows_without_a_transaction():
    stage = Stage(NOBODY, (0, 1, 2))
    stage.firmware["P1"].plug_in(1, Car(CarModel(), soc=0.2))
    stage.run(30)
    assert stage.world.grid_a == (0.0, 0.0, 0.0)
    assert stage.status("P1") is Status.PREPARING


def test_the_register_the_car_and_the_grid_agree_on_the_energy():
    stage = Stage(NOBODY, (0, 1, 2))
    before_wh = stage.world.connector("P1").register_wh
    car = stage.start("P1")
    stage.run(1800)
    assert car.drawn_wh > 4000
    assert stage.world.connector("P1").register_wh - before_wh == pytest.approx(car.drawn_wh)
    assert stage.world.imported_wh == pytest.approx(car.drawn_wh)


def test_the_charger_falls_back_by_itself_when_nobody_renews_its_limit():
    stage = Stage(NOBODY, (0, 1, 2))
    stage.limit("P1", (0, 16.0), (120, 6.0), start_s=stage.now_s)
    stage.start("P1")
    stage.run(115)
    assert stage.world.grid_a[0] == pytest.approx(16.0)
    stage.run(15)
    assert stage.world.grid_a[0] == pytest.approx(6.0)


def test_a_charger_whose_clock_is_behind_falls_back_later():
    stage = Stage(NOBODY, (0, 1, 2))
    stage.world.stations["CP1"].clock_offset_s = -30.0
    stage.limit("P1", (0, 16.0), (120, 6.0), start_s=stage.now_s + 30.0)
    stage.start("P1")
    stage.run(140)
    assert stage.world.grid_a[0] == pytest.approx(16.0)
    stage.run(20)
    assert stage.world.grid_a[0] == pytest.approx(6.0)


def test_statuses_follow_what_happens():
    stage = Stage(NOBODY, (0, 1, 2))
    assert stage.status("P1") is Status.AVAILABLE
    stage.limit("P1", (0, 0.0))
    stage.start("P1", capacity_wh=4000.0)
    stage.run(5)
    assert stage.status("P1") is Status.SUSPENDED_EVSE
    stage.limit("P1", (0, 16.0))
    stage.run(20)
    assert stage.status("P1") is Status.CHARGING
    stage.run(3600)
    assert stage.status("P1") is Status.SUSPENDED_EV  # the small battery is full
    stage.firmware["P1"].stop(1, "Local", stage.now_s)
    assert stage.status("P1") is Status.FINISHING
    stage.firmware["P1"].unplug(1, stage.now_s)
    assert stage.status("P1") is Status.AVAILABLE


def test_a_deaf_charger_accepts_and_does_not_follow():
    stage = Stage(NOBODY, (0, 1, 2))
    stage.start("P1")
    stage.run(20)
    stage.world.stations["CP1"].deaf = True
    stage.limit("P1", (0, 6.0))
    stage.run(60)
    assert stage.world.grid_a[0] == pytest.approx(16.0)


def of_temperament(name: str) -> Stage:
    return Stage(NOBODY, (0, 1, 2), temperament=name)


def test_a_charger_that_spikes_goes_to_full_current_for_three_seconds_at_each_profile():
    stage = of_temperament("spikes")
    stage.limit("P1", (0, 8.0))
    stage.start("P1", max_a=32.0, reaction_s=0.0, rise_a_per_s=100.0)
    stage.run(20)
    assert stage.world.grid_a[0] == pytest.approx(8.0)
    stage.limit("P1", (0, 8.0))
    stage.run(2)
    assert stage.world.grid_a[0] == pytest.approx(32.0)
    stage.run(3)
    assert stage.world.grid_a[0] == pytest.approx(8.0)


def test_a_charger_that_ends_at_zero_says_so():
    stage = of_temperament("ends_at_zero")
    stage.limit("P1", (0, 8.0))
    stage.start("P1")
    stage.run(5)
    stage.firmware["P1"].sample(stage.now_s)
    assert stage.status("P1") is Status.CHARGING
    stage.limit("P1", (0, 0.0))
    stage.run(5)
    stage.firmware["P1"].sample(stage.now_s)
    assert stage.status("P1") is Status.FINISHING
    assert [message.kind for message in stage.firmware["P1"].outbox] == [Kind.START, Kind.STOP]


def test_a_charger_with_a_write_budget_takes_no_more_until_its_next_day():
    stage = of_temperament("write_limited")
    stage.now_s -= stage.now_s % 86_400.0
    for _ in range(25):
        stage.limit("P1", (0, 8.0))
    with pytest.raises(ProfileRefusedError, match="more than 25 profiles in a day"):
        stage.limit("P1", (0, 9.0))
    stage.now_s += 86_400.0
    stage.limit("P1", (0, 9.0))
    assert stage.world.stations["CP1"].limit_a(1, stage.now_s) == 9.0


def test_a_charger_that_refuses_small_limits_refuses_a_profile_with_any_of_them():
    stage = of_temperament("refuses_below_min")
    stage.limit("P1", (0, 16.0), (120, 6.0))
    with pytest.raises(ProfileRefusedError, match="a limit below 6 A"):
        stage.limit("P1", (0, 16.0), (120, 0.0))


def test_a_charger_that_forgets_is_without_a_limit_when_its_connection_is_lost():
    stage = of_temperament("forgets_on_reconnect")
    stage.limit("P1", (0, 8.0))
    stage.start("P1", max_a=32.0)
    stage.world.stations["CP1"].connection_lost()
    stage.run(30)
    assert stage.world.grid_a[0] == pytest.approx(32.0)


def test_lying_chargers_say_what_is_not():
    stage = of_temperament("lying_status")
    stage.start("P1")
    stage.run(20)
    assert stage.world.grid_a[0] == pytest.approx(16.0)
    assert stage.status("P1") is Status.SUSPENDED_EVSE
    stage = of_temperament("lying_measurement")
    stage.limit("P1", (0, 20.0))
    stage.start("P1", phases=1, max_a=10.0)
    stage.run(20)
    assert stage.world.connector("P1").own_a == pytest.approx((10.0, 0.0, 0.0))
    assert stage.world.connector("P1").measured_a() == pytest.approx((20.0,) * 3, abs=0.5)


@pytest.mark.parametrize(("temperament", "values"), [("obedient", 6), ("slow_reports", 1), ("silent", 0)])
def test_chargers_report_as_often_as_they_are_asked_or_as_they_like(temperament: str, values: int):
    stage = of_temperament(temperament)
    assert stage.firmware["P1"].settings.change("MeterValueSampleInterval", "10") == "Accepted"
    stage.start("P1")
    for _ in range(130):
        stage.run(0.5)
        stage.firmware["P1"].sample(stage.now_s)
    kinds = [message.kind for message in stage.firmware["P1"].outbox]
    assert kinds.count(Kind.VALUES) == values


def test_the_world_tells_what_each_circuit_had_to_bear():
    stage = Stage(ScriptedBuilding([(0.0, (80.0, 0.0, 0.0))]), (0,))
    stage.run(30, dt=0.5)
    assert stage.world.violations_as() == {"main": pytest.approx(17 * (80 - 63), rel=0.05)}
    assert stage.world.thermal("main") > 0.0
    assert stage.world.thermal("garage") == 0.0


def test_overloads_are_booked_by_size_length_and_what_lies_beyond_the_relief_time():
    script = [(START_S, (60.0, 0.0, 0.0)), (START_S + 10, (73.0, 0.0, 0.0)), (START_S + 30, (60.0, 0.0, 0.0))]
    stage = Stage(ScriptedBuilding(script), (0,))
    stage.run(60, dt=0.1)
    truth = stage.world.truth()
    assert truth.peak_phase_a == 73.0
    assert truth.fuse_a == 63.0
    assert truth.longest_overload_s == pytest.approx(20.0, abs=0.2)
    assert truth.overload_as == pytest.approx(200.0, rel=0.01)
    assert truth.fuse_violation_as == pytest.approx(70.0, rel=0.03)  # 20 s less the 13 s of relief
    assert truth.thermal_peak == 0.0  # 1.16 In melts no gG fuse


def test_two_short_overloads_are_not_one_long_one():
    high, low = (70.0, 0.0, 0.0), (60.0, 0.0, 0.0)
    script = [(START_S, high), (START_S + 10, low), (START_S + 11, high), (START_S + 21, low)]
    stage = Stage(ScriptedBuilding(script), (0,))
    stage.run(40)
    assert stage.world.truth().fuse_violation_as == 0.0
    assert stage.world.truth().overload_as == pytest.approx(140.0, rel=0.05)


def test_a_gross_overload_opens_the_fuse_in_the_book():
    stage = Stage(ScriptedBuilding([(0.0, (5 * 63.0, 0.0, 0.0))]), (0,))
    stage.run(5)
    assert stage.world.truth().thermal_peak > 1.0


def test_a_point_without_its_connector_is_refused():
    with pytest.raises(ValueError, match="no connector 1 of station 'CP1'"):
        World(site((0,)), NOBODY, [])


def test_the_same_seed_gives_the_same_world():
    def story(seed: int) -> tuple[Phases, float]:
        stage = Stage(LivelyBuilding((45.0, 45.0, 45.0), seed), (0, 1, 2), (1,), seed=seed)
        stage.start("P1")
        stage.start("P2", phases=1)
        stage.run(120)
        return stage.world.grid_a, stage.world.connector("P1").register_wh

    assert story(3) == story(3)
    assert story(3) != story(4)


@pytest.mark.parametrize("seed", range(5))
def test_the_lively_building_swings_widely_and_stays_below_its_worst_case(seed: int):
    building = LivelyBuilding((45.0, 45.0, 45.0), seed)
    rows = [building.current_a(0.5 * n) for n in range(240)]
    for phase in range(3):
        values = [row[phase] for row in rows]
        assert max(values) <= 45.0
        assert min(values) < 14.0
        assert max(values) > 28.0
        assert max(b - a for a, b in itertools.pairwise(values)) > 8.0


def test_the_building_does_not_depend_on_how_often_it_is_asked():
    coarse, fine = LivelyBuilding((45.0,) * 3, 2), LivelyBuilding((45.0,) * 3, 2)
    coarse.current_a(0.0)
    for n in range(3001):
        last = fine.current_a(n * 0.1)
    assert coarse.current_a(3000 * 0.1) == pytest.approx(last)


def test_a_building_whose_story_begins_at_a_time_is_the_same_whoever_asks_first_and_however_often():
    early, late = (LivelyBuilding((45.0,) * 3, 2, begins_s=100.0) for _ in range(2))
    early.current_a(101.0)
    assert early.current_a(777.0) == late.current_a(777.0)
    assert late.current_a(150.0) == early.current_a(150.0), "time may run backwards"


def test_an_operator_can_put_a_load_on_top():
    building = AdjustableBuilding(ScriptedBuilding([(0.0, (1.0, 2.0, 3.0))]))
    building.extra_a = (10.0, 0.0, 0.0)
    assert building.current_a(5.0) == (11.0, 2.0, 3.0)
