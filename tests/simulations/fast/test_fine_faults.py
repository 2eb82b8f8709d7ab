"""Things that go wrong around the chargers, one story for each kind."""

from dataclasses import replace

import pytest

from controller.engine import Decision
from controller.loadbalance.facts import STATES
from controller.snapshot import State
from simulations.fast.fine import run_fine
from simulations.faults import FAULTS, SCENARIO_FAULTS
from simulations.scenario.model import TimedFault
from tests.support.fine_scenarios import Outcome, garage, hungry, load, story

BEGINS_S = 90.0


def struck(
    kind: str, *, lasts_s: float, duration_s: float, fallback_a: float = 6.0, base_a: float = 30.0, **fault: object
) -> Outcome:
    """Three cars share what a quiet building leaves when it happens."""
    timed = replace(TimedFault(kind, BEGINS_S, BEGINS_S + lasts_s), **fault)  # type: ignore[arg-type]
    site = garage(3, fallback_a=fallback_a, base_a=base_a)
    visits = [hungry(f"P{n}", 2.0 + n) for n in range(3)]
    return Outcome(run_fine(story(site, visits, load((0, 10)), duration_s, faults=(timed,))))


def total_a(outcome: Outcome, at_s: float) -> float:
    return sum(outcome.limit_a(f"P{n}", at_s) for n in range(3))


def calm(outcome: Outcome) -> bool:
    return outcome.results.violations == {} and outcome.results.invalid_setpoints == 0


@pytest.mark.parametrize(
    ("kind", "lasts_s", "event"),
    [
        ("meter_lost", 40.0, "meter_lost"),
        ("meter_nan", 40.0, "meter_implausible"),
        ("meter_frozen", 80.0, "meter_frozen"),
    ],
)
def test_a_meter_that_cannot_be_believed_counts_as_its_worst_case_until_it_is_back(
    kind: str, lasts_s: float, event: str
):
    outcome = struck(kind, lasts_s=lasts_s, duration_s=BEGINS_S + lasts_s + 70.0)
    assert total_a(outcome, 85) > 45
    assert total_a(outcome, BEGINS_S + lasts_s - 5) <= 63 - 1 - 30 + 0.1
    told = outcome.told(event, "worst_case_assumed", "worst_case_ended", "meter_back")
    assert sorted(name for name, _ in told) == sorted([event, "worst_case_assumed", "worst_case_ended", "meter_back"])
    noticed_s = outcome.times_s("worst_case_assumed")[0] - BEGINS_S
    assert noticed_s <= (35.0 if kind == "meter_frozen" else 5.0)
    assert total_a(outcome, BEGINS_S + lasts_s + 5) <= 32.1, "not before it has been good for a while"
    assert total_a(outcome, BEGINS_S + lasts_s + 65) > 45
    assert calm(outcome)


def test_a_charger_out_of_reach_keeps_its_room_and_goes_on_with_its_session():
    outcome = struck("charger_offline", lasts_s=60.0, duration_s=220.0, point="P0")
    held_a = outcome.current_a("P0", 85)
    assert STATES[outcome.results.series.state[12, 0]] is State.OFFLINE
    assert outcome.current_a("P0", 125) == pytest.approx(held_a, abs=0.2), "its schedule has not run out"
    assert outcome.highest_a("main", 90, 220) <= 63.0
    assert STATES[outcome.results.series.state[16, 0]] is State.CHARGING
    assert outcome.told("station_offline", "transaction_superseded") == [("station_offline", "station:S0")]
    assert outcome.results.sessions[0].delivered_wh > 650
    assert calm(outcome)


def test_a_charger_out_of_reach_for_long_is_at_its_fallback():
    outcome = struck("charger_offline", lasts_s=1e6, duration_s=300.0, point="P0")
    assert outcome.current_a("P0", 285) == pytest.approx(6.0, abs=0.1)
    assert outcome.current_a("P1", 295) > outcome.current_a("P1", 85) + 2, "the others have what it gave up"
    assert outcome.highest_a("main", 90, 300) <= 63.0
    assert calm(outcome)


def test_a_car_that_comes_while_its_charger_is_out_of_reach_charges_at_the_fallback_and_is_taken_up_later():
    site = garage(2, fallback_a=6.0)
    away = TimedFault("charger_offline", 5.0, 80.0, "P0")
    visits = [hungry("P0", 20.0), hungry("P1", 2.0)]
    outcome = Outcome(run_fine(story(site, visits, load((0, 10)), 160.0, faults=(away,))))
    assert outcome.current_a("P0", 75) == pytest.approx(6.0, abs=0.1)
    assert outcome.current_a("P0", 155) > 20.0
    assert calm(outcome)


def turned_deaf(hears_again_s: float, duration_s: float) -> Outcome:
    """P0 goes on with what it did at 60 s, and the building takes 20 A more."""
    faults = (
        TimedFault("charger_deaf", 60.0, hears_again_s, "P0"),
        TimedFault("building_step", 70.0, 1e6, current_a=(20.0, 20.0, 20.0)),
    )
    visits = [hungry(f"P{n}", 2.0 + n) for n in range(3)]
    return Outcome(run_fine(story(garage(3), visits, load((0, 10)), duration_s, faults=faults)))


def test_a_charger_that_turns_deaf_is_reported_until_it_hears_again():
    outcome = turned_deaf(120.0, 190.0)
    told = outcome.told("limit_ignored", "composite_agrees", "limit_ignored_ended")
    assert told == [
        ("limit_ignored", "point:P0"),
        ("limit_ignored", "point:P0"),
        ("composite_agrees", "point:P0"),
        ("limit_ignored_ended", "point:P0"),
    ]
    assert outcome.current_a("P0", 115) > 15 > outcome.limit_a("P1", 115)
    assert outcome.highest_a("main", 90, 190) <= 63.0
    assert outcome.current_a("P0", 185) == pytest.approx(outcome.limit_a("P0", 185), abs=0.2)
    assert outcome.limit_a("P0", 185) >= 6.0


def test_a_charger_that_hears_only_its_shut_is_held_for_some_minutes_and_then_let_in_again():
    outcome = turned_deaf(145.0, 520.0)
    assert outcome.told("limit_ignored", "limit_ignored_ended")[-2:] == [
        ("limit_ignored", "point:P0"),
        ("limit_ignored_ended", "point:P0"),
    ]
    assert outcome.limit_a("P0", 300) == outcome.current_a("P0", 300) == 0.0
    assert outcome.because("P0", 300) == "charger:does_not_follow"
    assert outcome.limit_a("P1", 300) > 12, "the others have its part"
    assert outcome.current_a("P0", 515) > 6.0
    assert outcome.results.sessions[0].delivered_wh > 300, "its transaction was not ended"


def test_a_step_of_the_building_is_answered_in_time_and_forgotten_afterwards():
    outcome = struck("building_step", lasts_s=40.0, duration_s=200.0, current_a=(15.0, 0.0, 0.0))
    assert outcome.highest_a("main", 90, 100) == pytest.approx(77.0, abs=1.5)
    assert outcome.results.truth.longest_overload_s <= 13.0
    assert outcome.circuit_a("main", 125)[0] <= 62.5
    assert total_a(outcome, 195) > 45
    assert calm(outcome)


def test_without_the_controller_chargers_fall_back_within_the_validity_and_are_taken_up_again():
    outcome = struck("controller_down", lasts_s=160.0, duration_s=330.0)
    last_word_s = BEGINS_S
    for point in ("P0", "P1", "P2"):
        assert outcome.current_a(point, 85) > 15
        assert outcome.current_a(point, last_word_s + 135) == pytest.approx(6.0, abs=0.1)
        assert outcome.current_a(point, 325) > 15, "found by the service when it is back"
    series = outcome.results.series
    assert outcome.because("P0", 200) == "", "nobody speaks"
    assert str(outcome.limit_a("P0", 200)) == "nan"
    assert len(outcome.told("transaction_superseded")) == 0
    assert series.state[-1].tolist() == [STATES.index(State.CHARGING)] * 3
    assert outcome.highest_a("main", 90, 330) <= 63.0
    assert calm(outcome)


def test_a_short_absence_of_the_controller_interrupts_nobody():
    remembered: list[bool] = []

    def note(_snapshot: object, memory: object, _decision: Decision) -> None:
        remembered.append(memory is not None)

    away = TimedFault("controller_down", 60.0, 75.0)
    scenario = story(garage(2, fallback_a=6.0), [hungry("P0"), hungry("P1")], load((0, 10)), 110.0, faults=(away,))
    outcome = Outcome(run_fine(scenario, on_decision=note))
    assert min(outcome.current_a(point, at_s) for point in ("P0", "P1") for at_s in (65, 75, 85, 95, 105)) > 15
    assert remembered.count(False) == 2, "it began without a memory, twice"
    assert calm(outcome)


def test_a_car_that_comes_and_one_that_goes_while_the_controller_is_away_are_known_afterwards():
    away = TimedFault("controller_down", 40.0, 90.0)
    visits = [hungry("P0", 2.0, 60.0), hungry("P1", 70.0)]
    site = garage(2, fallback_a=6.0)
    outcome = Outcome(run_fine(story(site, visits, load((0, 10)), 160.0, faults=(away,))))
    assert outcome.current_a("P1", 85) == pytest.approx(6.0, abs=1.0), "it began on its default"
    assert STATES[outcome.results.series.state[-1, 0]] is State.AVAILABLE
    assert outcome.current_a("P1", 155) > 25
    assert calm(outcome)


def test_while_the_back_office_is_away_only_tokens_that_the_site_knows_are_let_in():
    visits = [
        replace(hungry("P0", 10.0), token="staff-001"),
        replace(hungry("P1", 10.0), token="GUEST-007"),
        replace(hungry("P2", 70.0), token="GUEST-008"),
    ]
    away = TimedFault("back_office_away", 5.0, 60.0)
    outcome = Outcome(run_fine(story(garage(3), visits, load((0, 10)), 120.0, faults=(away,))))
    known, guest, later = outcome.results.sessions
    assert known.delivered_wh > 300
    assert guest.delivered_wh == 0.0
    assert guest.longest_wait_s > 100
    assert later.delivered_wh > 100
    assert STATES[outcome.results.series.state[-1, 1]] is State.OCCUPIED


@pytest.mark.parametrize("kind", SCENARIO_FAULTS)
def test_every_kind_of_fault_can_happen_twice_and_then_all_is_well(kind: str):
    point = "P0" if SCENARIO_FAULTS[kind].at_a_point else None
    faults = tuple(TimedFault(kind, at_s, at_s + 10.0, point, (5.0, 5.0, 5.0)) for at_s in (40.0, 60.0))
    visits = [hungry("P0", 2.0), hungry("P1", 3.0)]
    site = garage(2, fallback_a=6.0)
    outcome = Outcome(run_fine(story(site, visits, load((0, 10)), 110.0, faults=faults)))
    assert outcome.circuit_a("main", 105) == pytest.approx(outcome.circuit_a("main", 35), abs=12.0)
    assert min(outcome.current_a("P0", 105), outcome.current_a("P1", 105)) >= 12.0
    assert calm(outcome)


def test_demonstrations_show_the_faults_of_equipment():
    assert set(FAULTS) == set(SCENARIO_FAULTS) - {"controller_down", "back_office_away"}
    assert {kind for kind, fault in SCENARIO_FAULTS.items() if fault.at_a_point} == {"charger_offline", "charger_deaf"}
