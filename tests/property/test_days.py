"""Random days in the closed loop: cars come and go, the building does what it likes, meters and chargers fail.

``LOADSTAR_CAMPAIGN=1`` (``make campaign``) runs many more and longer ones.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.site import ChargingPoint, Circuit, Control, Site
from controller.snapshot import Advice, ExternalLimit, PointAdvice
from simulations.cars import Car, CarModel
from simulations.temperaments import TEMPERAMENTS
from tests.support.closed_loop import START, WIRINGS_3, ClosedLoop, Need
from tests.support.thorough import LONG, thorough
from tests.support.witness import Witness

EXAMPLES, STEPS = thorough(7, 300), thorough(18, 50)
DAYS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=not LONG,
    phases=list(Phase) if LONG else [Phase.explicit, Phase.generate],  # to shrink a day takes minutes
    suppress_health_check=list(HealthCheck),
)

MARGIN_A = 2.0
OBEDIENT = ("obedient", "obedient", "obedient", "slow", "whole_amperes", "slow_reports", "silent")
AWKWARD = ("refuses_below_min", "ends_at_zero", "lying_status", "deaf", "lying_measurement", "obedient", "obedient")

SECONDS = st.sampled_from([1, 3, 10, 25, 60])

CARS = st.builds(
    lambda phases, most, least, wh, soc, reaction, *, sleepy: Car(
        CarModel(
            capacity_wh=wh,
            max_a=most,
            min_a=least,
            phases=phases,
            reaction_s=reaction,
            sleep_after_s=60.0 if sleepy else None,
        ),
        soc,
    ),
    phases=st.sampled_from([1, 3, 3]),
    most=st.sampled_from([16.0, 16.0, 32.0]),
    least=st.sampled_from([6.0, 6.0, 6.0, 8.0]),
    wh=st.sampled_from([800.0, 4_000.0, 60_000.0]),  # a small one is full within minutes
    soc=st.floats(0.1, 0.9),
    reaction=st.floats(1.0, 3.5),
    sleepy=st.booleans(),
)


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """A connection with room for some of its points, and perhaps a smaller fuse in front of them."""
    fuse_a = draw(st.sampled_from([25.0, 35.0, 50.0, 63.0]))
    alike = draw(st.sampled_from([None, None, None, 10.0]))
    inner_a = fuse_a * draw(st.sampled_from([0.6, 1.0]))
    base_a = (fuse_a * 0.7,) * 3
    circuits = (
        Circuit("main", None, (fuse_a,) * 3, "gG", MARGIN_A, None, "grid", base_a, alike),
        Circuit("garage", "main", (inner_a,) * 3, meter=draw(st.sampled_from([None, "sub"]))),
    )
    wirings = [*WIRINGS_3, (0,), (1,), (2,)]
    points = tuple(
        ChargingPoint(
            f"P{n}",
            draw(st.sampled_from(["main", "garage", "garage"])),
            f"S{n}",
            1,
            draw(st.sampled_from(wirings)),
            max_a=draw(st.sampled_from([16.0, 32.0])),
            min_a=draw(st.sampled_from([6.0, 6.0, 8.0])),
            priority=draw(st.sampled_from([0, 0, 1])),
        )
        for n in range(draw(st.integers(2, 6)))
    )
    return Site("days", circuits, points, control=Control(dwell_s=draw(st.sampled_from([60.0, 180.0]))))


def absurd_advice(now_s: float) -> st.SearchStrategy[Advice]:
    """Early, late, of unknown points, with caps below every minimum and targets beyond every fuse."""
    amps = st.one_of(st.sampled_from([0.0, 3.0, 6.0, 10.0, 1e9]), st.floats(0.0, 40.0))
    return st.integers(1, 4).flatmap(
        lambda slots: st.builds(
            lambda shift, slot_s, points: Advice(
                START + timedelta(seconds=now_s + shift), START + timedelta(seconds=now_s + shift), slot_s, points
            ),
            shift=st.sampled_from([-7200.0, -30.0, 0.0, 0.0, 0.0, 60.0]),
            slot_s=st.sampled_from([20.0, 300.0, 900.0]),
            points=st.dictionaries(
                st.sampled_from(["P0", "P1", "P2", "P3", "P9"]),
                st.builds(
                    PointAdvice,
                    target_a=st.lists(amps, min_size=slots, max_size=slots).map(tuple),
                    cap_a=st.lists(st.none() | amps, min_size=slots, max_size=slots).map(tuple),
                    because=st.sampled_from(["price", "peak"]),
                ),
            ),
        )
    )


class Day(RuleBasedStateMachine):
    """What every world has in common."""

    temperaments = OBEDIENT

    @initialize(data=st.data(), site=sites(), seed=st.integers(0, 10_000))
    def begin(self, data: st.DataObject, site: Site, seed: int) -> None:
        kinds = data.draw(st.lists(st.sampled_from(self.temperaments), min_size=6, max_size=6))
        chargers = {p.id: TEMPERAMENTS[kind] for p, kind in zip(site.points, kinds, strict=False)}
        self.witness = Witness(site, obedient=self.temperaments is OBEDIENT)
        self.loop = ClosedLoop(
            site,
            seed=seed,
            noise_a=data.draw(st.sampled_from([0.0, 0.1, 0.3])),
            answer_s=data.draw(st.sampled_from([0.0, 0.5, 2.0])),
            meter_late_s=data.draw(st.sampled_from([0.0, 1.0])),
            step_s=0.5,
            chargers=chargers,
            watch=self.witness.see,
        )
        self.loop.load(0.2 * site.circuits[0].fuse_a[0])

    def free(self) -> list[str]:
        return [name for name, connector in self.loop.connectors.items() if connector.car is None]

    def taken(self) -> list[str]:
        return [name for name, connector in self.loop.connectors.items() if connector.car is not None]

    @precondition(lambda self: self.free())
    @rule(data=st.data(), cars=st.lists(CARS, min_size=1, max_size=6), seconds=SECONDS)
    def arrive(self, data: st.DataObject, cars: list[Car], seconds: int) -> None:
        for car, name in zip(cars, data.draw(st.permutations(self.free())), strict=False):
            self.loop.plug_in(name, car=car)
        self.loop.after(seconds)

    @precondition(lambda self: self.taken())
    @rule(data=st.data(), seconds=SECONDS)
    def leave(self, data: st.DataObject, seconds: int) -> None:
        self.loop.unplug(data.draw(st.sampled_from(self.taken())))
        self.loop.after(seconds)

    @precondition(lambda self: self.taken())
    @rule(data=st.data(), wh=st.sampled_from([1, 500, 5_000, 60_000]), in_s=st.sampled_from([-60, 30, 300, 3600]))
    def need(self, data: st.DataObject, wh: int, in_s: float) -> None:
        self.loop.needs[data.draw(st.sampled_from(self.taken()))] = Need(wh, self.loop.now_s + in_s)

    @precondition(lambda self: self.taken())
    @rule(data=st.data(), priority=st.integers(0, 2))
    def prefer(self, data: st.DataObject, priority: int) -> None:
        self.loop.priority[data.draw(st.sampled_from(self.taken()))] = priority

    @rule(data=st.data(), seconds=SECONDS)
    def advise(self, data: st.DataObject, seconds: int) -> None:
        self.loop.advice = data.draw(st.none() | absurd_advice(self.loop.now_s))
        self.loop.after(seconds)

    @rule(share=st.tuples(st.floats(0, 0.68), st.floats(0, 0.68), st.floats(0, 0.68)), seconds=SECONDS)
    def build(self, share: tuple[float, float, float], seconds: int) -> None:
        fuse_a = self.loop.site.circuits[0].fuse_a[0]
        self.loop.load(*(part * fuse_a for part in share))
        self.loop.after(seconds)

    @rule(limit_w=st.sampled_from([None, 0.0, 5_000.0, 20_000.0]), circuit=st.sampled_from(["main", "garage"]))
    def limit(self, limit_w: float | None, circuit: str) -> None:
        self.loop.limits = () if limit_w is None else (ExternalLimit(circuit, limit_w, "grid_operator"),)
        self.loop.after(20)

    @rule(seconds=SECONDS)
    def lose_the_meter(self, seconds: int) -> None:
        self.loop.meter_works = False
        self.loop.after(seconds)
        self.loop.meter_works = True

    @rule(seconds=SECONDS)
    def start_again(self, seconds: int) -> None:
        self.loop.memory = None
        self.witness.forget()
        self.loop.after(seconds)

    @rule()
    def rest(self) -> None:
        self.loop.after(150)

    @invariant()
    def nobody_complains(self) -> None:
        if hasattr(self, "witness"):
            assert self.witness.complaints == []


class ObedientDay(Day):
    """Chargers do what they accept: no fuse bears an overload for longer than relief takes."""

    @invariant()
    def no_fuse_is_overloaded_beyond_relief(self) -> None:
        if hasattr(self, "loop"):
            assert self.loop.violation_as == 0.0


class AwkwardDay(Day):
    """Chargers that refuse, end, ignore or lie: what they are told is sound all the same."""

    temperaments = AWKWARD


ObedientDay.TestCase.settings = DAYS
AwkwardDay.TestCase.settings = DAYS
TestObedientDay: Any = ObedientDay.TestCase
TestAwkwardDay: Any = AwkwardDay.TestCase
