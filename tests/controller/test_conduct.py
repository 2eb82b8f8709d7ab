"""Chargers that do not do what they are told, and what becomes of them; and cars that only look like it."""

from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.loadbalance.escalation import DISABLE, RESEND, Case, Evidence, judged
from controller.plan import Remedy, Severity
from controller.snapshot import PointState, State
from simulations.cars import Car, CarModel
from simulations.temperaments import TEMPERAMENTS
from tests.support.closed_loop import ClosedLoop, garage, hungry_car

LADDER = [Remedy.RESEND, Remedy.COMPARE, Remedy.SHUT, Remedy.STOP, Remedy.DISABLE]


class Watched(ClosedLoop):
    """A closed loop whose remedies can be asked for, with the part of the service that knows who refuses 0 A."""

    def stages(self, point: str, since_s: float = 0.0) -> list[Remedy]:
        """What was called for, one after the other."""
        return [remedy for at_s, remedy in self.begun(point) if at_s >= since_s]

    def begun(self, point: str) -> list[tuple[float, Remedy]]:
        """Every remedy with the moment at which it was first called for."""
        mine = [(at_s, remedy) for at_s, name, remedy in self.remedies if name == point]
        earlier = [(-9.0, None), *mine]
        return [new for new, old in zip(mine, earlier, strict=False) if new[1] is not old[1] or new[0] - old[0] > 1.5]

    def reaches(self, remedy: Remedy) -> None:
        """Wait until P00 has come to this stage."""
        for _ in range(200):
            if self.stages("P00")[-1:] == [remedy]:
                return
            self.after(1)
        raise AssertionError(f"waited in vain for {remedy}; there were {self.stages('P00')}")

    def told(self, *kinds: str) -> list[str]:
        kinds = kinds or ("limit_ignored", "limit_ignored_ended")
        return [event.kind for event in self.events if event.kind in kinds]

    def _tell(self, name: str, limit_a: float) -> None:
        super()._tell(name, max(limit_a, self.connectors[name].temperament.least_limit_a))


def charging(points: int = 2, **options: Any) -> Watched:
    loop = Watched(garage(points, fuse_a=80.0), **({"noise_a": 0.05} | options))
    loop.load(5)
    for name in loop.connectors:
        loop.plug_in(name, car=hungry_car())
    loop.after(60)
    return loop


def turned_deaf(cured_by: Remedy | None = Remedy.STOP) -> Watched:
    """P00's charger accepts everything and does nothing of it; the building has just taken 25 A more."""
    loop = charging()
    loop.deaf["P00"] = loop.limit["P00"]
    loop.cured_by = {} if cured_by is None else {"P00": cured_by}
    loop.load(30)
    return loop


def test_a_deaf_charger_meets_one_remedy_after_the_other_until_one_works() -> None:
    loop = turned_deaf()
    loop.after(140)
    assert loop.stages("P00") == LADDER[:4]
    assert loop.connectors["P00"].transaction is None, "the stop has worked"
    times_s = [at_s for at_s, _ in loop.begun("P00")]
    settle_s, report_s = loop.site.control.settle_s, loop.report_s
    assert times_s[0] - 60 <= 15 + 2 * settle_s + 2 * report_s
    for earlier_s, later_s in pairwise(times_s):
        assert settle_s <= later_s - earlier_s <= settle_s + 2 * report_s + 3
    loop.after(60)
    assert loop.told() == ["limit_ignored"] * 4 + ["limit_ignored_ended"]
    assert loop.limit["P01"] > 20, "the other has what it left"


def test_every_step_is_an_alarm_that_says_what_was_drawn_what_was_told_and_what_is_done() -> None:
    loop = turned_deaf()
    deaf_a = loop.deaf["P00"]
    loop.after(140)
    alarms = [event for event in loop.events if event.kind == "limit_ignored"]
    assert {(event.subject, event.severity) for event in alarms} == {("point:P00", Severity.ALARM)}
    first, second, third, fourth = (event.message for event in alarms)
    assert f"it draws {deaf_a:.0f}." in first
    assert "was told" in first
    assert "its limit is sent again" in first
    assert "its charger is asked what it holds" in second
    assert "it is limited to 0 A" in third
    assert "was told 0.0 A: its transaction is ended" in fourth


def test_one_that_nothing_ends_is_taken_out_of_service_and_stays_counted_as_it_is() -> None:
    loop = turned_deaf(cured_by=None)
    loop.after(400)
    assert loop.stages("P00") == LADDER
    assert loop.connectors["P00"].own_a[0] > 15
    loop.overload_as = 0.0
    loop.building = lambda t: (30 + 0.05 * (t - 460),) * 3
    loop.after(120)
    assert loop.overload_as == 0, "the other makes room for it"
    assert loop.stages("P00") == LADDER, "there is nothing further"
    assert "limit_ignored_ended" not in loop.told()


def test_one_that_obeys_only_when_it_is_out_of_service_is_put_back_when_it_has_drawn_nothing_for_a_while() -> None:
    loop = turned_deaf(cured_by=Remedy.DISABLE)
    loop.reaches(Remedy.DISABLE)
    loop.after(600)
    assert loop.stages("P00")[-1] is Remedy.DISABLE
    assert loop.decision is not None
    assert loop.decision.plan.remedies == {"P00": Remedy.DISABLE}, "it is called for as long as it is needed"
    loop.after(360)
    assert loop.decision.plan.remedies == {}
    assert [e.message for e in loop.events][-1].endswith("its connector is put back into service")


def test_one_that_keeps_to_zero_gets_current_again_after_some_minutes_and_is_shut_at_once_when_it_relapses() -> None:
    loop = turned_deaf()
    loop.reaches(Remedy.SHUT)
    loop.deaf.clear()
    shut_s = loop.now_s
    loop.after(60)
    assert loop.connectors["P00"].own_a == (0.0, 0.0, 0.0)
    assert "limit_ignored_ended" not in loop.told(), "it is still being held"
    loop.after(300)
    assert loop.told()[-1] == "limit_ignored_ended"
    loop.after(30)
    assert loop.limit["P00"] > 10
    assert loop.stages("P00", shut_s) == [Remedy.SHUT]
    again_s = loop.now_s
    loop.deaf["P00"] = 32.0
    loop.load(50)
    loop.after(90)
    assert loop.stages("P00", again_s)[0] is Remedy.SHUT, "it has been warned before"
    assert Remedy.RESEND not in loop.stages("P00", again_s)


def test_a_new_car_starts_clean() -> None:
    loop = turned_deaf()
    loop.reaches(Remedy.SHUT)
    loop.unplug("P00")
    loop.after(2)
    assert loop.told()[-1] == "limit_ignored_ended"
    loop.plug_in("P00", car=hungry_car())
    begins_s = loop.now_s
    loop.after(60)
    assert loop.stages("P00", begins_s)[:1] == [Remedy.RESEND], "the charger is as deaf as before, but the car is new"


def test_one_that_hears_again_is_forgiven_by_the_first_report_that_shows_it() -> None:
    loop = turned_deaf()
    loop.reaches(Remedy.RESEND)
    loop.deaf.clear()
    loop.after(30)
    assert loop.told()[-1] == "limit_ignored_ended"
    assert loop.stages("P00")[-1] is not Remedy.SHUT
    loop.after(60)
    assert len(loop.told("limit_ignored_ended")) == 1


def test_a_new_limit_does_not_end_the_alarm_of_one_that_ignores_it() -> None:
    loop = turned_deaf()
    loop.reaches(Remedy.SHUT)
    loop.after(8)
    assert loop.limit["P00"] == 0.0
    assert "limit_ignored_ended" not in loop.told(), "it draws as before, whatever it was told a moment ago"
    assert loop.decision is not None
    assert loop.decision.plan.remedies == {"P00": Remedy.SHUT}


def test_a_charger_that_is_out_of_reach_is_not_taken_further_until_it_is_back() -> None:
    loop = turned_deaf()
    loop.reaches(Remedy.COMPARE)
    away = True

    def state(name: str, at: datetime, of: Any = loop._state) -> PointState:
        known: PointState = of(name, at)
        return replace(known, state=State.OFFLINE) if away and name == "P00" else known

    loop._state = state  # type: ignore[method-assign]
    loop.after(120)
    assert loop.stages("P00")[-1] is Remedy.COMPARE
    away = False
    loop.after(40)
    assert loop.stages("P00")[2] is Remedy.SHUT


def test_one_that_draws_on_without_a_transaction_is_taken_out_of_service_whatever_its_step_was() -> None:
    loop = turned_deaf()
    loop.reaches(Remedy.RESEND)
    known = loop._state

    def welded(name: str, at: datetime) -> PointState:
        state = known(name, at)
        return replace(state, state=State.FINISHING, measured_at=at) if name == "P00" else state

    loop._state = welded  # type: ignore[method-assign]
    loop.after(30)
    assert loop.stages("P00") == [Remedy.RESEND, Remedy.DISABLE]
    assert "without a transaction: its connector is taken out of service" in loop.events[-1].message


@given(st.lists(st.tuples(*[st.booleans()] * 6, st.floats(0, 40), st.floats(1, 30)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_remedy_comes_before_the_last_one_had_its_time_to_show(story: list[tuple[Any, ...]]) -> None:
    case, now_s = Case(), 0.0
    for offline, absent, steered, draws, fresh, denied, drawn_a, passed_s in story:
        now_s += passed_s
        reported_s = now_s if fresh else now_s - 20.0
        seen = Evidence(offline, absent, steered, draws, not draws, denied, drawn_a, 6.0, reported_s)
        before, (case, why) = case, judged(case, seen, now_s, settle_s=12.0)
        assert bool(why) == (case.stage != before.stage), "whatever changes is told, and nothing else"
        assert RESEND <= case.stage <= DISABLE or case.stage == 0
        if case.stage > before.stage:
            assert draws
            assert not offline
            patience_s = 12.0 if before.stage else 0.0
            assert reported_s >= before.since_s + patience_s
            assert before.stage or now_s >= before.since_s + 15.0


# -- who is not meant --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "car", "options"),
    [
        ("a slow car", CarModel(capacity_wh=5e5, max_a=32, reaction_s=9.0, fall_a_per_s=1.0), {}),
        ("a very slow car", CarModel(capacity_wh=5e5, max_a=32, reaction_s=12.0, fall_a_per_s=0.4), {}),
        ("a noisy charger", CarModel(capacity_wh=5e5, max_a=32), {"noise_a": 0.6}),
        ("one that reports once a minute", CarModel(capacity_wh=5e5, max_a=32), {"report_s": 60.0}),
        ("one that never reports", CarModel(capacity_wh=5e5, max_a=32), {"silent": True}),
    ],
)
def test_who_follows_late_or_is_seen_late_is_not_taken_for_deaf(
    what: str, car: CarModel, options: dict[str, Any]
) -> None:
    loop = Watched(garage(3, fuse_a=80.0), **({"noise_a": 0.1} | options))
    loop.load(5)
    for name in loop.connectors:
        loop.plug_in(name, car=Car(car, soc=0.1))
    loop.after(100)
    for turn in range(5):
        loop.load(45 if turn % 2 else 15)
        loop.after(60)
    assert not {remedy for _, _, remedy in loop.remedies} & set(LADDER[1:]), what


@pytest.mark.parametrize("seed", range(3))
def test_cars_that_come_and_go_at_a_lively_site_raise_no_alarm(seed: int) -> None:
    loop = Watched(garage(8), seed=seed, noise_a=0.2)
    for turn in range(8):
        loop.load(8 + 7 * (turn % 4))
        loop.plug_in(f"P0{turn}")
        loop.after(40)
    assert not loop.remedies
    assert not loop.told()


def test_what_flows_in_standby_at_zero_is_nobodys_offence() -> None:
    loop = charging()
    loop.deaf["P00"] = 0.8
    loop.connectors["P00"].measured_a = lambda: (0.8, 0.8, 0.8)  # type: ignore[method-assign]
    loop.load(75)
    loop.after(120)
    assert loop.limit["P00"] == 0.0
    assert not loop.remedies


def test_a_charger_that_cannot_be_paused_keeps_its_minimum_and_is_stopped_only_where_that_does_not_fit() -> None:
    loop = charging(chargers={"P00": TEMPERAMENTS["refuses_below_min"]})
    loop.cured_by = {"P00": Remedy.STOP}
    loop.load(70)
    loop.after(40)
    assert loop.limit["P00"] >= 6.0 > loop.limit["P01"] == 0.0, "whoever can be paused goes first"
    loop.after(60)
    assert not loop.remedies
    loop.load(78)
    loop.after(80)
    assert loop.stages("P00") == [Remedy.STOP]
    assert any("refuses 0 A, and there is no room for its minimum" in event.message for event in loop.events)
    assert loop.connectors["P00"].transaction is None
