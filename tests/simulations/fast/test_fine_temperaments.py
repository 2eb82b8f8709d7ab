"""What the controller makes of chargers that do not do what they should, one story for each temperament."""

from typing import Any

import pytest

from controller.loadbalance.facts import STATES
from controller.snapshot import State
from simulations.fast.fine import run_fine
from simulations.scenario.model import TimedFault
from simulations.temperaments import TEMPERAMENTS
from tests.support.fine_scenarios import Outcome, garage, hungry, load, story

RISE_S = 120.0


def met(
    temperament: str,
    *,
    points: int = 3,
    building: tuple[tuple[float, float], ...] = ((0.0, 10.0), (RISE_S, 28.0)),
    duration_s: float = 220.0,
    fallback_a: float = 6.0,
    car: dict[str, Any] | None = None,
    **more: Any,
) -> Outcome:
    """P0 has the temperament; the building then takes 18 A more, and everybody has to make room."""
    visits = [hungry("P0", 2.0, **(car or {})), *(hungry(f"P{n}", 2.0 + n) for n in range(1, points))]
    site = garage(points, fallback_a=fallback_a, writes_per_day=more.pop("writes_per_day", None))
    scenario = story(site, visits, load(*building), duration_s, temperaments={"P0": temperament}, **more)
    return Outcome(run_fine(scenario))


@pytest.fixture(scope="module")
def obedient() -> Outcome:
    return met("obedient")


def relieved(outcome: Outcome) -> bool:
    """Whether every overload was over within the time that charger, car and controller are given."""
    return outcome.results.violations == {} and outcome.results.truth.longest_overload_s <= 13.0


def test_an_obedient_charger_makes_room_within_five_seconds(obedient: Outcome):
    assert obedient.results.truth.longest_overload_s <= 5.0
    assert 55 < obedient.highest_a("main", RISE_S + 30, 220) <= 63
    assert obedient.results.invalid_setpoints == 0


def test_a_slow_charger_makes_room_later_and_still_in_time(obedient: Outcome):
    outcome = met("slow")
    assert relieved(outcome)
    assert outcome.results.truth.overload_as > obedient.results.truth.overload_as
    assert outcome.current_a("P0", 215) == pytest.approx(outcome.limit_a("P0", 215), abs=0.2)


def test_a_deaf_charger_is_met_by_the_others_asked_shut_and_then_stopped():
    outcome = met("deaf", building=((0.0, 10.0), (RISE_S, 40.0)))
    told = outcome.told("limit_ignored", "composite_differs", "limit_ignored_ended")
    assert told == [
        ("limit_ignored", "point:P0"),
        ("limit_ignored", "point:P0"),
        ("composite_differs", "point:P0"),
        ("limit_ignored", "point:P0"),
        ("limit_ignored", "point:P0"),
        ("limit_ignored_ended", "point:P0"),
    ]
    assert outcome.times_s("limit_ignored")[0] < 50
    assert outcome.current_a("P0", 85) == pytest.approx(32.0)
    assert outcome.limit_a("P0", 85) == 0.0
    assert outcome.highest_a("main", 30, RISE_S - 5) <= 62.5, "until then it is counted at what it draws"
    assert outcome.times_s("limit_ignored")[-1] < RISE_S - 10
    assert STATES[outcome.results.series.state[-1, 0]] is State.FINISHING
    assert outcome.current_a("P1", 215) > 8, "what it left is theirs"
    assert relieved(outcome)


def test_of_a_charger_that_nothing_moves_all_that_can_be_done_is_done_and_said():
    outcome = met("headstrong", building=((0.0, 10.0), (RISE_S, 40.0)))
    assert outcome.told("limit_ignored", "connector_out_of_service") == [
        *[("limit_ignored", "point:P0")] * 5,
        ("connector_out_of_service", "point:P0"),
    ]
    assert outcome.told("limit_ignored_ended") == []
    assert outcome.current_a("P0", 215) == pytest.approx(32.0)
    assert outcome.current_a("P1", 215) == 0.0
    assert outcome.results.violations["main"] > 0, "only somebody on the spot can help: docs/explanation/compliance.md"


def test_a_charger_that_lies_about_its_status_is_known_by_its_current(obedient: Outcome):
    outcome = met("lying_status")
    states = {STATES[code] for code in outcome.results.series.state[3:, 0].tolist()}
    assert states == {State.CHARGING}
    assert relieved(outcome)
    assert outcome.delivered_wh() == pytest.approx(obedient.delivered_wh(), rel=0.05)


def test_a_charger_that_reports_what_it_offers_hides_a_part_of_the_building_and_the_fuse_holds():
    outcome = met("lying_measurement", car={"max_a": 10.0})
    assert relieved(outcome)
    assert outcome.current_a("P0", 105) == pytest.approx(10.0, abs=0.2)
    told_a = sum(outcome.limit_a(f"P{n}", 105) for n in range(3))
    assert told_a > 62 - 10, "more than the building leaves, since 10 A of P0's limit are never drawn"
    assert outcome.highest_a("main", 60, RISE_S - 10) <= 62.5
    assert outcome.highest_a("main", RISE_S + 30, 220) <= 62.5


@pytest.mark.parametrize("writes_per_day", [None, 25])
def test_a_charger_with_a_write_budget_lasts_when_the_site_knows_it(writes_per_day: int | None):
    known = writes_per_day is not None
    waves = tuple((60.0 * n, 10.0 + 15.0 * (n % 2)) for n in range(10))
    outcome = met("write_limited", points=2, building=waves, duration_s=600.0, writes_per_day=writes_per_day)
    rejected = outcome.told("profile_rejected")
    assert set(rejected) == (set() if known else {("profile_rejected", "point:P0")})
    assert relieved(outcome), "whatever it still holds is reckoned with"


def test_whole_amperes_are_rounded_down():
    outcome = met("whole_amperes", duration_s=120.0)
    current_a = outcome.current_a("P0", 115)
    assert current_a == pytest.approx(round(current_a), abs=1e-3)
    assert 0.0 <= outcome.limit_a("P0", 115) - current_a < 1.0
    assert relieved(outcome)


@pytest.mark.parametrize("temperament", ["slow_reports", "silent"])
def test_a_charger_that_hardly_or_never_reports_is_controlled_all_the_same(temperament: str):
    outcome = met(temperament)
    assert relieved(outcome)
    assert outcome.current_a("P0", 115) > 10.0
    assert outcome.current_a("P0", 215) == pytest.approx(outcome.limit_a("P0", 215), abs=0.2)
    assert outcome.highest_a("main", RISE_S + 30, 220) > 55


def test_a_charger_that_forgets_its_limit_is_met_by_the_others_and_told_again():
    away = TimedFault("charger_offline", 60.0, 90.0, "P0")
    outcome = met("forgets_on_reconnect", building=((0.0, 10.0),), duration_s=150.0, faults=(away,))
    assert outcome.current_a("P0", 55) < 20
    assert outcome.current_a("P0", 85) > 30, "without its profiles it takes all that the hardware allows"
    assert relieved(outcome)
    assert outcome.current_a("P0", 145) < 20
    assert outcome.told("station_offline") == [("station_offline", "station:S0")]


def test_a_charger_that_spikes_overloads_the_fuse_for_moments_at_each_renewal(obedient: Outcome):
    outcome = met("spikes")
    assert relieved(outcome), "3 s of full current are within what a fuse bears"
    assert len(outcome.told("overload")) > len(obedient.told("overload")), "but every renewal is one"
    assert outcome.results.truth.thermal_peak < 0.01


@pytest.mark.parametrize("fallback_a", [0.0, 6.0])
def test_a_charger_that_ends_its_transaction_at_zero_is_not_kept_room_for(fallback_a: float):
    full = ((0.0, 10.0), (60.0, 54.0), (120.0, 10.0))
    outcome = met("ends_at_zero", building=full, fallback_a=fallback_a, duration_s=220.0)
    assert STATES[outcome.results.series.state[-1, 0]] is State.FINISHING
    assert outcome.current_a("P0", 215) == 0.0
    assert outcome.current_a("P1", 215) > 20, "the others use what it left, when there is room again"
    assert relieved(outcome)


@pytest.mark.parametrize("fallback_a", [0.0, 6.0])
def test_a_charger_that_refuses_limits_below_its_minimum_is_told_its_minimum_in_place_of_zero(fallback_a: float):
    building = ((0.0, 10.0), (RISE_S, 50.0))
    outcome = met("refuses_below_min", building=building, duration_s=200.0, fallback_a=fallback_a)
    assert outcome.told("profile_rejected", "not_pausable") == [
        ("profile_rejected", "point:P0"),
        ("profile_rejected", "point:P0"),
        ("not_pausable", "point:P0"),
    ]
    assert outcome.limit_a("P0", RISE_S + 15) >= 6.0 > outcome.limit_a("P1", RISE_S + 15) == 0.0
    assert 6.0 <= outcome.current_a("P0", 195) <= 13.0, "it keeps what is left, since it cannot be paused"
    assert outcome.current_a("P1", 195) == 0.0
    assert relieved(outcome)


def test_where_not_even_its_minimum_fits_a_charger_that_cannot_be_paused_is_stopped():
    outcome = met("refuses_below_min", building=((0.0, 10.0), (RISE_S, 58.0)), duration_s=220.0)
    assert outcome.told("limit_ignored", "limit_ignored_ended") == [
        ("limit_ignored", "point:P0"),
        ("limit_ignored_ended", "point:P0"),
    ]
    assert outcome.current_a("P0", 215) == 0.0
    assert STATES[outcome.results.series.state[-1, 0]] is State.FINISHING
    assert outcome.results.truth.longest_overload_s <= 75.0
    assert outcome.results.truth.thermal_peak < 0.01


def test_a_charger_whose_clock_is_behind_is_reported_and_falls_back_that_much_later():
    away = TimedFault("controller_down", 60.0, 1e6)
    outcome = met("clock_behind", building=((0.0, 10.0),), duration_s=240.0, faults=(away,))
    assert outcome.told("charger_clock_skewed") == [("charger_clock_skewed", "station:S0")]
    assert outcome.current_a("P0", 195) > 12, "120 s and 45 s after the last renewal it still holds its limit"
    assert outcome.current_a("P1", 195) == pytest.approx(6.0, abs=0.1)
    assert outcome.current_a("P0", 235) == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("temperament", TEMPERAMENTS)
def test_no_temperament_makes_the_controller_say_what_a_point_cannot_take(temperament: str):
    outcome = met(temperament, points=2, duration_s=50.0, building=((0.0, 10.0), (30.0, 20.0)))
    assert outcome.results.invalid_setpoints == 0
    assert outcome.results.sessions[1].delivered_wh > 20, "and its neighbour is served"
    assert TEMPERAMENTS[temperament].meaning
    assert TEMPERAMENTS[temperament].source
