"""The one sentence per point: short, with numbers, and true of what follows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from controller.engine import decide
from controller.explain import Turn, explain, insights, sentence
from controller.loadbalance.division import reason_names
from controller.loadbalance.layout import layout_of
from controller.loadbalance.pacing import Pace
from controller.plan import Remedy, Setpoint
from controller.site import Control, Site
from controller.snapshot import Advice, ExternalLimit, PointAdvice, PointState, State
from tests.support.closed_loop import START, ClosedLoop, hungry_car
from tests.support.recordings import Story
from tests.support.turns import charging, point, site_of, turn

TWO = site_of(point("P1"), point("P2"))
HOUR = timedelta(hours=1)


def needing(energy_wh: int, hours: float, **options: object) -> PointState:
    return charging(energy_needed_wh=energy_wh, departs_at=START + hours * HOUR, **options)


def advice(target_a: float, cap_a: list[float | None], because: str = "price", lacks_wh: int = 0) -> Advice:
    """What a plan says of P1, by quarter hour."""
    of_point = PointAdvice((target_a,) * len(cap_a), tuple(cap_a), because)
    return Advice(START, START, 900.0, {"P1": of_point}, {"P1": lacks_wh} if lacks_wh else {})


def with_memory(made: Turn, **arrays: Any) -> Turn:
    """The same turn, where cars and chargers have shown what they are."""
    memory = made.decision.memory
    learned = ("takes_a", "uses", "needs_a")
    habits: Any = SimpleNamespace(**{name: arrays.get(name, getattr(memory.habits, name)) for name in learned})
    conduct = replace(memory.conduct, stage=arrays.get("stage", memory.conduct.stage))
    return replace(made, decision=replace(made.decision, memory=replace(memory, habits=habits, conduct=conduct)))


def told_as(made: Turn, because: str, limit_a: float) -> Turn:
    """The same turn with another reason for P1."""
    plan = made.decision.plan
    setpoints = dict(plan.setpoints) | {"P1": Setpoint(limit_a, because, plan.at)}
    return replace(made, decision=replace(made.decision, plan=replace(plan, setpoints=setpoints)))


def test_a_full_phase_is_said_with_how_many_share_how_much():
    made = turn(TWO, {"P1": charging(), "P2": charging()}, meter_a=38.0)
    assert sentence(TWO, made, "P1") == (
        "P1 charges at 8.4 A, its fair share among 2 cars of the 16.8 A free on phase L1 of circuit main."
    )


def test_a_waiting_car_is_said_when_its_turn_comes_and_then_it_comes():
    site = site_of(*(point(f"P{n}") for n in range(1, 5)), control=Control(dwell_s=120.0))
    story = Story(4)
    story.loop = ClosedLoop(site, building=lambda _: (24.0,) * 3)
    for name in site.point:
        story.loop.plug_in(name, car=hungry_car(max_a=16.0))
    story.after(60)
    (waiting, *_) = [name for name in site.point if name not in story.loop.serving()]
    made = story.made[-1]
    said = sentence(site, Turn(made.memory, made.snapshot, made.decision), waiting)
    assert re.fullmatch(
        f"{waiting} waits: 2 cars share the 1\\d\\.\\d A free on phase L\\d of circuit main; "
        "its turn comes by about 09:03\\.",
        said,
    )
    story.after(120)
    assert waiting in story.loop.serving()


def test_who_has_no_room_at_all_is_not_promised_a_turn():
    made = turn(TWO, {"P1": PointState(State.PLUGGED)}, meter_a=36.0)
    assert sentence(TWO, made, "P1") == (
        "P1 waits: the 2.8 A free on phase L1 of circuit main are less than the 6.0 A that it charges with at least."
    )


def test_higher_priority_and_a_need_that_is_due_are_not_promised_away():
    site = site_of(point("P1"), point("P2", priority=3))
    made = turn(site, {"P1": PointState(State.PLUGGED), "P2": charging()}, meter_a=36.0)
    assert "its turn" not in sentence(site, made, "P1")
    urgent = turn(TWO, {"P1": PointState(State.PLUGGED), "P2": needing(20_000, 4.0)}, meter_a=36.0)
    assert "its turn" not in sentence(TWO, urgent, "P1")


def test_a_limit_in_watts_is_said_in_kilowatts():
    limits = (ExternalLimit("main", 12_000.0, "grid_operator"),)
    made = turn(TWO, {"P1": charging(), "P2": charging()}, limits=limits)
    assert re.fullmatch(
        r"P1 charges at \d\.\d A, its fair share among 2 cars of the \d\.\d kW that the limit set by "
        r"grid_operator leaves\.",
        sentence(TWO, made, "P1"),
    )


def test_what_a_demand_window_leaves_is_said_until_its_end():
    def left(limit_w: float) -> Turn:
        limits = (ExternalLimit("main", limit_w, "peak", charging_only=True),)
        return turn(TWO, {"P1": charging(), "P2": charging()}, limits=limits)

    assert sentence(TWO, left(12_000.0), "P1") == (
        "P1 charges at 8.6 A, its fair share among 2 cars of the 12.0 kW left for charging until this demand window "
        "ends."
    )
    assert sentence(TWO, left(2_000.0), "P1") == (
        "P1 gives way: the 2.0 kW left for charging until this demand window ends are less than the 6.0 A that it "
        "charges with at least."
    )
    limit, room, *_ = explain(TWO, left(12_000.0), "P1").reasons
    assert limit.text == (
        "P1 was limited to 8.6 A, because what the running demand window leaves for charging was used up."
    )
    assert room.text == (
        "What the running demand window leaves for charging was 12000 W, so that its mean stays below its target: "
        "12000 W to share."
    )


def test_phases_that_must_stay_alike_are_said():
    site = site_of(point("P1", phases=(0,)), point("P2"), max_imbalance_a=16.0)
    made = turn(site, {"P1": charging(16.0, measured_a=(16.0, 0.0, 0.0), commanded_a=16.0)}, meter_a=18.0)
    assert sentence(site, made, "P1") == (
        "P1 charges at 16.0 A, because the phases of circuit garage may differ by 16.0 A at most."
    )
    (chain,) = [r for r in explain(site, made, "P1").reasons if r.topic == "difference"]
    assert "were given 16.0, 0.0, 0.0 A on L1, L2, L3" in chain.text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (PointState(), "P1 is free."),
        (PointState(State.OCCUPIED), "P1 has a car that has not begun to charge: it waits for a card or an app."),
        (PointState(State.FINISHING), "P1 has finished: unplugging the car frees it."),
        (PointState(State.FAULTED), "P1 gives no current, because its charger reports a fault."),
        (
            PointState(State.OFFLINE, commanded_a=14.0),
            "P1 cannot be steered, because its charger is not connected: 14.0 A are kept free for it.",
        ),
        (charging(obeys=False), "P1 cannot be steered, because its charger does not obey: 8.0 A are kept free for it."),
        (
            charging(0.0, state=State.EV_IDLE, commanded_a=6.0),
            "P1 keeps 6.0 A ready for its car, which asks for nothing at the moment.",
        ),
        (charging(10.0, max_a=10.0), "P1 charges at 10.0 A, the most that its session may take."),
        (
            charging(max_a=3.0),
            "P1 gets nothing, because its own limit (3.0 A) is below the 6.0 A that it charges with at least.",
        ),
    ],
)
def test_what_no_full_row_explains_is_said_as_plainly(state: PointState, said: str):
    made = turn(TWO, {"P1": state})
    assert sentence(TWO, made, "P1") == said


def test_a_need_is_said_with_whether_it_will_be_met():
    calm = turn(TWO, {"P1": needing(4_000, 2.0)}, meter_a=20.0)
    assert sentence(TWO, calm, "P1").endswith(", and will have the 4.0 kWh that it still needs by 11:00.")
    tight = turn(TWO, {"P1": needing(15_000, 2.0), "P2": charging()}, meter_a=38.0)
    assert sentence(TWO, tight, "P1").endswith(", and still needs 15.0 kWh by 11:00.")
    done = turn(TWO, {"P1": needing(0, 2.0)})
    assert sentence(TWO, done, "P1").endswith(", and has all that was asked for.")


def test_who_is_served_first_to_be_ready_in_time_is_said_to_both():
    hurry = needing(15_000, 2.0, measured_a=(10.8,) * 3, commanded_a=10.8)
    hurried = turn(TWO, {"P1": hurry, "P2": charging(6.0)}, meter_a=38.0)
    first, second = sentence(TWO, hurried, "P1"), sentence(TWO, hurried, "P2")
    assert ", its share among 2 cars of the 17.6 A free on phase L1 of circuit main, served first to be ready" in first
    assert second.endswith(", after 1 that must be ready in time.")
    assert hurried.decision.plan.setpoints["P1"].limit_a > hurried.decision.plan.setpoints["P2"].limit_a


def test_what_cannot_be_is_said_at_once_with_what_will_be_missing():
    impossible = turn(TWO, {"P1": needing(60_000, 1 / 6)})
    assert sentence(TWO, impossible, "P1").endswith(
        ", and will lack 56.3 kWh of the 60.0 kWh that it still needs by 09:10."
    )
    planned = turn(TWO, {"P1": needing(15_000, 2.0)}, advice=advice(8.0, [None], lacks_wh=2_000))
    assert sentence(TWO, planned, "P1").endswith(
        ", and will lack 2.0 kWh of the 15.0 kWh that it still needs by 11:00."
    )
    (chain,) = [reason for reason in explain(TWO, planned, "P1").reasons if reason.topic == "need"]
    assert chain.text == (
        "Its driver still needed 15.0 kWh by 11:00: 8.0 A on average from then on, which came before everybody's "
        "comfort; 2.0 kWh of it could not be given in that time."
    )


@pytest.mark.parametrize(
    ("because", "waits", "holds"),
    [
        ("price", "P1 waits for a cheaper hour, until 09:30 as planned now", "and leaves more for a cheaper hour"),
        (
            "peak",
            "P1 waits so that the site's peak does not rise, until 09:30",
            "so that the site's peak does not rise",
        ),
    ],
)
def test_a_car_that_the_plan_holds_back_is_said_until_when_and_that_it_will_be_ready(
    because: str, waits: str, holds: str
):
    waiting = needing(5_000, 8.0, state=State.WITHHELD, commanded_a=0.0)
    held = turn(TWO, {"P1": waiting}, advice=advice(0.0, [0.0, 0.0, None], because))
    said = sentence(TWO, held, "P1")
    assert said.startswith(waits)
    assert said.endswith(", and will have the 5.0 kWh that it still needs by 17:00.")
    less = turn(TWO, {"P1": needing(5_000, 8.0)}, advice=advice(0.0, [8.0, 8.0, None], because))
    assert sentence(TWO, less, "P1").startswith(f"P1 charges at 8.0 A {holds}, until 09:30 as planned now")
    chain = " ".join(reason.text for reason in explain(TWO, less, "P1").reasons)
    assert "It could take 8.0 A: the plan has no more for it until 09:30" in chain


def test_a_car_that_leaves_before_a_cheaper_hour_is_not_said_to_wait_for_one():
    leaves_first = turn(TWO, {"P1": needing(2_000, 0.4)}, advice=advice(0.0, [8.0, 8.0, None], "price"))
    assert sentence(TWO, leaves_first, "P1") == (
        "P1 charges at 8.0 A, as planned, and will have the 2.0 kWh that it still needs by 09:24."
    )
    chain = " ".join(reason.text for reason in explain(TWO, leaves_first, "P1").reasons)
    assert "It could take 8.0 A: the plan has no more for it, since that is enough for what is asked for." in chain


def test_a_charger_that_ignores_its_limit_is_said_with_what_is_done_about_it():
    made = told_as(turn(TWO, {"P1": charging(16.0)}), "charger:does_not_follow", 0.0)
    for stage, remedy in enumerate(Remedy, 1):
        judged = with_memory(made, stage=np.array([[stage, 0]]))
        said = sentence(TWO, judged, "P1")
        assert said.startswith("P1 draws 16.0 A, well above its limit of 0.0 A: it")
        assert insights(TWO, judged)["P1"].remedy is remedy
        (chain,) = [reason for reason in explain(TWO, judged, "P1").reasons if reason.topic == "conduct"]
        assert chain.numbers == {"remedy": remedy.value}
    unconfirmed = with_memory(made, stage=np.array([[0, 0]]))
    assert sentence(TWO, unconfirmed, "P1") == (
        "P1 counts with 16.0 A, because its charger has not confirmed a lower limit."
    )


def test_what_a_car_has_shown_is_part_of_the_chain_and_of_the_insight():
    made = turn(site_of(point("P1"), point("P2")), {"P1": charging()})
    uses = np.ones((1, 2, 3), dtype=bool)
    uses[0, 0, 1:] = False
    shown = with_memory(
        made, takes_a=np.array([[10.0, np.inf]]), uses=uses, needs_a=np.array([[8.0, 6.0]]), stage=np.array([[0, 0]])
    )
    known = insights(TWO, shown)
    assert (known["P1"].takes_a, known["P1"].uses, known["P1"].needs_a) == (10.0, (0,), 8.0)
    assert (known["P2"].takes_a, known["P2"].uses, known["P2"].needs_a, known["P2"].remedy) == (None,) * 4
    (chain,) = [reason for reason in explain(TWO, shown, "P1").reasons if reason.topic == "car"]
    assert chain.text == (
        "Its car has shown that it takes 10.0 A at most, it draws on L1 only, it does not begin below 8.0 A."
    )


def every_reason(site: Site) -> set[str]:
    imbalance = tuple(f"imbalance:garage:{phase}" for phase in ("L1", "L2", "L3"))
    rows = (*layout_of(site).row_names, *imbalance, "limit:grid_operator", "contract:main")
    paces = {f"pace:{pace.name.lower()}" for pace in Pace if pace is not Pace.NONE}
    return {*reason_names(rows), *paces, "car:nudged", "guard"}


def test_every_reason_that_a_plan_can_give_has_words_for_a_person():
    site = site_of(point("P1"), point("P2"), contract_w=20_000.0, max_imbalance_a=16.0)
    limits = (ExternalLimit("main", 15_000.0, "grid_operator"),)
    made = turn(site, {"P1": charging(), "P2": charging()}, limits=limits)
    for because in sorted(every_reason(site)):
        for limit_a in (0.0, 8.0):
            as_if = told_as(made, because, limit_a)
            for said in (sentence(site, as_if, "P1"), *(r.text for r in explain(site, as_if, "P1").reasons)):
                assert said.endswith("."), because
                assert not re.search(r"\b[a-z_]+:[a-zA-Z]", said), f"{because}: {said}"
                assert "_" not in said.replace("grid_operator", ""), f"{because}: {said}"


def test_a_decision_made_at_night_is_told_by_the_clock_of_the_site():
    site = replace(TWO, time_zone="America/New_York")
    made = turn(site, {"P1": needing(4_000, 2.0)})
    assert "by 06:00" in sentence(site, made, "P1")


def test_an_unknown_point_is_refused():
    with pytest.raises(KeyError):
        sentence(TWO, turn(TWO, {}), "P9")


def test_a_sentence_says_nothing_that_depends_on_who_asks_or_when():
    made = turn(TWO, {"P1": charging(), "P2": needing(4_000, 2.0)})
    again = replace(made, decision=decide(TWO, made.memory, made.snapshot))
    assert [sentence(TWO, made, p) for p in TWO.point] == [sentence(TWO, again, p) for p in TWO.point]
