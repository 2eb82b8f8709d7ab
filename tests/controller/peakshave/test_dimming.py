"""A site that is dimmed by chance: signals, silence and restarts, with cars that answer late, in virtual time."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.peakshave.grid_operator import Limit, LimitBook, Phase, Rules, Source
from controller.peakshave.paragraph_14a import DEVICE_W, least_power_w
from tests.support.closed_loop import START, ClosedLoop, garage, hungry_car

SITE = garage(6)
V = SITE.nominal_voltage_v
FULL_W = 3 * 63.0 * V
PMIN_W = least_power_w(len(SITE.points))
RULES = Rules(
    {
        "dimmer": Source("dimmer", floor_w=PMIN_W, charging_only=True, silent_s=60.0, fail_safe_circuit="main"),
        "market": Source("market"),
    },
    {"main": FULL_W, "garage": FULL_W},
    release_s=120.0,
)
SETTLED_S = 13
"""Our 3 s, the charger's 5 and the car's 5."""
CAUTION_W = 0.03 * FULL_W
"""Noise of the meter, and what cars overshoot."""


class Dimmed:
    """The site, its book of limits, and a sender who speaks every 20 s unless he is silent."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.loop = ClosedLoop(SITE, seed=seed, step_s=0.5)
        self.loop.load(8.0, 12.0, 6.0)
        for name in self.loop.connectors:
            self.loop.plug_in(name, car=hungry_car())
        self.book = LimitBook(RULES, heard_s=dict.fromkeys(RULES.sources, 0.0))
        self.said_w: float | None = None
        self.silent_since_s: float | None = None
        self._strictest: list[tuple[float | None, float | None]] = []

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.loop.now_s)

    def speak(self) -> None:
        """The dimmer repeats what he says, every 20 s."""
        now_s = self.loop.now_s
        if self.silent_since_s is not None or now_s % 20:
            return
        if self.said_w is not None:
            self.book = self.book.put(Limit("main", self.said_w, "dimmer", self.at), now_s)
            return
        self.book = self.book.heard("dimmer", now_s)
        limit = self.book.limits.get("dimmer:main")
        if limit is not None and limit.valid_until is None:
            self.book = self.book.withdraw("dimmer:main", self.at)

    def something_happens(self) -> None:
        event = self.dice.choice(["dim", "end", "market", "silence", "speech", "restart"])
        now_s = self.loop.now_s
        if event == "dim":
            self.said_w = self.dice.choice([0.0, PMIN_W, 25_000.0])
        elif event == "end":
            self.said_w = None
        elif event == "market":
            until = self.at + timedelta(seconds=self.dice.randint(30, 200))
            limit = Limit("main", self.dice.uniform(10_000, 30_000), "market", self.at, valid_until=until)
            self.book = self.book.put(limit, now_s)
        elif event == "silence":
            self.silent_since_s = now_s if self.silent_since_s is None else self.silent_since_s
        elif event == "speech":
            self.silent_since_s = None
        else:  # only what is on record is left
            self.loop.memory = None
            self.book = LimitBook(RULES, self.book.limits, dict.fromkeys(RULES.sources, now_s))

    def second(self) -> None:
        self.speak()
        self.loop.limits = self.book.in_force(self.at, self.loop.now_s)
        self.loop.after(1)
        found = dict.fromkeys((False, True)) | {x.charging_only: x.limit_w for x in self.loop.limits}
        self._strictest.append((found[False], found[True]))
        for only, drawn_w in ((False, self.drawn_w()), (True, self.charging_w())):
            lately = [row[only] for row in self._strictest[-SETTLED_S:]]
            if len(lately) == SETTLED_S and None not in lately:
                most_w = max(watts for watts in lately if watts is not None)
                assert drawn_w <= most_w + CAUTION_W, f"{drawn_w:.0f} W of {most_w:.0f} W at {self.loop.now_s} s"

    def drawn_w(self) -> float:
        return V * sum(self.loop.phase_a)

    def charging_w(self) -> float:
        return self.drawn_w() - V * sum(self.loop.building(self.loop.now_s))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_happens_no_more_flows_than_is_allowed(seed: int):
    site = Dimmed(seed)
    dimmed_s, fail_safe_s = 0, 0
    for second in range(900):
        if second % 45 == 44:
            site.something_happens()
        site.second()
        phases = {entry.phase for entry in site.book.entries(site.at, site.loop.now_s)}
        dimmed_s += bool(site.loop.limits)
        fail_safe_s += Phase.FAIL_SAFE in phases
    assert dimmed_s > 200, "the dice have tried it"
    assert site.loop.violation_as == 0


def test_a_signal_that_is_lost_dims_after_a_minute_and_its_return_lets_go_in_steps():
    site = Dimmed(1)
    for _ in range(60):
        site.second()
    assert site.charging_w() > 20_000
    site.silent_since_s = site.loop.now_s
    for _ in range(60 + SETTLED_S):
        site.second()
    assert site.charging_w() <= PMIN_W + CAUTION_W
    assert site.book.lost(site.loop.now_s) == ("dimmer",)
    site.silent_since_s = None
    site.said_w = 0.0
    for _ in range(40):
        site.second()
    assert site.charging_w() <= PMIN_W + CAUTION_W, "he is heard again, and dims"
    site.said_w = None
    powers = []
    for _ in range(150):
        site.second()
        powers.append(site.charging_w())
    assert max(powers[:50]) < 0.7 * FULL_W, "not everything at once"
    assert powers[-1] > 20_000


def test_dimmed_one_by_one_each_keeps_what_the_law_leaves_it_and_nobody_waits():
    site = Dimmed(3)
    rules = replace(RULES, sources={"dimmer": Source("dimmer", floor_w=DEVICE_W, charging_only=True, per_point=True)})
    site.book = LimitBook(rules, heard_s={"dimmer": 0.0})
    for _ in range(60):
        site.loop.after(1)
    assert site.charging_w() > 26_000
    site.book = site.book.put(Limit("main", 0.0, "dimmer", site.at), site.loop.now_s)
    for second in range(60):
        site.loop.limits = site.book.in_force(site.at, site.loop.now_s)
        site.loop.after(1)
        if second >= SETTLED_S:
            assert site.charging_w() == pytest.approx(6 * 3 * 6.0 * V, abs=CAUTION_W)
    setpoints = site.loop.decision.plan.setpoints.values()
    assert {(one.limit_a, one.because) for one in setpoints} == {(6.0, "limit:dimmer")}


def test_a_restart_in_the_middle_of_a_dimming_changes_nothing():
    site = Dimmed(2)
    site.said_w = 0.0
    for _ in range(60):
        site.second()
    site.loop.memory = None
    kept = {name: replace(limit) for name, limit in site.book.limits.items()}
    site.book = LimitBook(RULES, kept, dict.fromkeys(RULES.sources, site.loop.now_s))
    site.silent_since_s = site.loop.now_s
    for _ in range(50):
        site.second()
        assert site.charging_w() <= PMIN_W + CAUTION_W
