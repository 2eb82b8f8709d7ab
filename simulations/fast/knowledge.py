"""What a controller may know of the hours ahead: the load that its meter has shown, and the peak that is paid for.

Shapes: T slots, C circuits, 3 phases.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.horizon.outlook import Demand
from simulations.fast.moment import Floats
from simulations.judging.billing import months
from simulations.scenario.model import Planning, Scenario

DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S
DECIDING_DAYS: Final = 2.0
"""So many of the days that are left share the price of a new peak. Few days come near a month's peak, and on them it
is decided: divided by all days, as is usual (Lee et al., arXiv 2012.02636), it would be too cheap early in the month.
Found with the seeds 101 to 106 of ``simulations.quality``."""


class LoadForecast:
    """What is not charging will be as it was a week ago, or else a day ago, or else as bad as was declared."""

    def __init__(self, scenario: Scenario) -> None:
        site = scenario.site
        self._root = next(n for n, c in enumerate(site.circuits) if c.parent is None)
        self._circuits = len(site.circuits)
        self._declared_a = np.array(site.circuits[self._root].base_load_a)
        self._step_s = scenario.step_s
        self._seen_a = np.zeros((scenario.steps, 3))

    def see(self, step: int, building_a: Floats) -> None:
        """Remember what the meter shows (3,) [A]."""
        self._seen_a[step] = building_a

    def background_a(self, step: int, times_s: Floats) -> Floats:
        """(T, C, 3) what to expect at these times from the beginning of the simulation [A]."""
        now_s = (step + 0.5) * self._step_s
        back_s = np.where(times_s - WEEK_S >= 0.0, WEEK_S, DAY_S)
        then_s = np.where(times_s <= now_s, now_s, times_s - back_s)
        then = np.clip((then_s / self._step_s).astype(np.int64), 0, step)
        expected = np.zeros((times_s.size, self._circuits, 3))
        expected[:, self._root] = np.where(then_s[:, None] >= 0.0, self._seen_a[then], self._declared_a)
        return expected


class Books:
    """The demand of the running month, as the grid operator will bill it."""

    def __init__(self, scenario: Scenario, settings: Planning) -> None:
        self._settings, self._charge = settings, scenario.demand
        self._start_s, self._step_s = scenario.start_s, scenario.step_s
        self._window_s = max(scenario.demand.window_s if scenario.demand else DAY_S, scenario.record_s)
        begins_s = np.arange(0.0, scenario.duration_s, scenario.step_s)
        self._month = months(scenario, begins_s)
        last = np.searchsorted(self._month, self._month, side="right")
        self._month_ends_s = last * scenario.step_s
        self._window, self._current_month = -1, -1
        self._drawn_kwh = self._peak_kw = 0.0

    def see(self, step: int, power_w: float) -> None:
        """Book the mean power of the step before this one [W]."""
        month = int(self._month[step])
        if month != self._current_month:
            self._peak_kw, self._current_month = 0.0, month
        window = int((self._start_s + step * self._step_s) / self._window_s + 1e-9)
        self._drawn_kwh += power_w * self._step_s / 3.6e6
        if window != self._window:
            if self._month[step - 1] == month:
                self._peak_kw = max(self._peak_kw, self._drawn_kwh * 3600.0 / self._window_s)
            self._window, self._drawn_kwh = window, 0.0

    def demand(self, step: int) -> Demand | None:
        """What a new peak costs from now on; None where nothing is charged."""
        if self._charge is None:
            return None
        settings = self._settings
        per_kw, floor_kw = self._charge.per_kw, self._peak_kw
        if settings.peak == "by_days_left":
            left_days = (float(self._month_ends_s[step]) - step * self._step_s) / DAY_S
            per_kw *= min(1.0, DECIDING_DAYS / left_days)
        elif settings.peak == "hint":
            floor_kw = max(floor_kw, settings.peak_hint_kw)
        slots = max(1, round(self._window_s / settings.slot_s))
        return Demand(per_kw, floor_kw, slots, self._drawn_kwh)
