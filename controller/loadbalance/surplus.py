"""Lets cars that a plan has put off for the price charge with what the site would otherwise export.

A plan looks hours ahead and knows nothing of this minute's sun. What the grid connection has exported at the least for
a minute, the three phases together and without the cars in question, lifts their caps for now; what protects and what
is fair is decided afterwards as ever. A car that the sun leaves keeps its minimum for its dwell time, as any other.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from controller.site import ChargingPoint, Site
from controller.snapshot import COMPETING, Advice, PointAdvice, PointState
from controller.units import TOLERANCE_A

SURE_S: Final = 60.0
"""What was exported for so long is there; clouds and kettles are over by then, or count."""
GAP_S: Final = 5.0
"""Without a reading for longer, it begins anew."""
SETTLE_S: Final = 15.0
"""For so long after a change of the caps nothing is noted: until chargers and cars have followed, and the meters show
it, what is drawn and what is exported do not fit together."""
SURPLUS: Final = "surplus"
"""What the lifted caps are for."""


class Surplus:
    """Follows what one site exports."""

    def __init__(self, site: Site) -> None:
        self._points = site.point
        self._w_per_a = {point.id: site.nominal_voltage_v * len(point.phases) for point in site.points}
        self._left_w: deque[tuple[float, float]] = deque()
        """When [s], and what was left of the surplus then [W]; the oldest is a minute old, once there has been one."""
        self._planned_a: Mapping[str, float] = {}
        """What the plan itself allows those that it has put off for the price [A]."""
        self._lifted: Mapping[str, float] = {}
        """The caps that are lifted, in the order in which they were first [A]."""
        self._seen_s, self._settled_s = -math.inf, -math.inf
        self._states: Mapping[str, PointState] = {}

    def see(
        self, monotonic_s: float, power_w: float | None, drawn_w: Mapping[str, float], states: Mapping[str, PointState]
    ) -> None:
        """Take note of a moment.

        Args:
            monotonic_s: the monotonic clock.
            power_w: at the grid connection, export negative [W]; None where its meter is not believed.
            drawn_w: by point, what it draws [W].
            states: what is known of each point.
        """
        left, self._states = self._left_w, states
        if power_w is None or not 0.0 <= monotonic_s - self._seen_s <= GAP_S:
            left.clear()
        self._seen_s = monotonic_s
        if power_w is None or (left and monotonic_s < self._settled_s):
            return
        beyond_w = sum(
            max(0.0, drawn_w.get(name, 0.0) - planned_a * self._w_per_a[name])
            for name, planned_a in self._planned_a.items()
        )
        left.append((monotonic_s, beyond_w - power_w))
        while len(left) > 1 and left[1][0] <= monotonic_s - SURE_S:
            left.popleft()

    def lifted(self, advice: Advice, at: datetime) -> Advice:
        """The advice, with the caps lifted that there is a surplus for."""
        slot = advice.slot(at)
        held = {} if slot is None else _held(advice, slot, self._states)
        self._planned_a = {name: planned_a for name, planned_a in held.items() if name in self._points}
        left_w, caps = self._least_w(), {}
        # Those that charge with it already come first, so that nobody is exchanged for another.
        for name in dict.fromkeys((*(one for one in self._lifted if one in self._planned_a), *self._planned_a)):
            planned_a, w_per_a = self._planned_a[name], self._w_per_a[name]
            cap_a = self._cap_a(self._points[name], planned_a + left_w / w_per_a)
            if cap_a > planned_a + TOLERANCE_A:
                caps[name] = cap_a
                left_w -= (cap_a - planned_a) * w_per_a
        if caps != self._lifted:
            self._settled_s = self._seen_s + SETTLE_S
        self._lifted = caps
        if slot is None or not caps:
            return advice
        lifted = {name: _with_cap(advice.points[name], slot, cap_a) for name, cap_a in caps.items()}
        return replace(advice, points={**advice.points, **lifted})

    def _least_w(self) -> float:
        left = self._left_w
        if not left or left[-1][0] - left[0][0] < SURE_S:
            return 0.0
        return max(0.0, min(power_w for _, power_w in left))

    def _cap_a(self, point: ChargingPoint, wanted_a: float) -> float:
        """In whole amperes, so that not every breath of wind is written to a charger; 0 below the point's minimum."""
        state_max_a = self._states[point.id].max_a
        most_a = point.max_a if state_max_a is None else min(point.max_a, state_max_a)
        whole_a = max(float(math.floor(wanted_a + TOLERANCE_A)), point.min_a)
        return min(whole_a, most_a) if wanted_a >= point.min_a - TOLERANCE_A else 0.0


def _held(advice: Advice, slot: int, states: Mapping[str, PointState]) -> dict[str, float]:
    """The points whose cars would charge, and that the plan holds for the price, with its caps [A]."""
    held = {}
    for name, one in advice.points.items():
        cap_a, state = one.cap_a[slot], states.get(name)
        if cap_a is not None and one.because == "price" and state is not None and state.state in COMPETING:
            held[name] = cap_a
    return held


def _with_cap(one: PointAdvice, slot: int, cap_a: float) -> PointAdvice:
    return replace(one, cap_a=(*one.cap_a[:slot], cap_a, *one.cap_a[slot + 1 :]), because=SURPLUS)
