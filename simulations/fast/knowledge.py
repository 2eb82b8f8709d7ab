"""What a controller may know of the hours ahead: the load that its meter has shown, and what the peak costs.

Shapes: T slots, C circuits, 3 phases.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from controller.loadbalance.horizon.books import GAP_MOST_S, Books
from controller.loadbalance.horizon.outlook import Demand
from simulations.fast.moment import Floats
from simulations.scenario.model import DemandCharge, Planning, Scenario

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


def books_of(scenario: Scenario, settings: Planning, gap_most_s: float = GAP_MOST_S) -> Books:
    """Books of a scenario's demand, as the grid operator will bill it; where nothing is charged they stay empty.

    Args:
        scenario: its demand charge, and the rows by which it is judged.
        settings: slots, and a peak that is known.
        gap_most_s: the longest time between two looks [s].
    """
    charge = scenario.demand or DemandCharge(0.0)
    slots = max(1, round(max(charge.window_s, scenario.record_s) / settings.slot_s))
    floor_kw = settings.peak_hint_kw if settings.peak == "hint" else 0.0
    return Books(charge.per_kw, slots, settings.slot_s, floor_kw, gap_most_s)


def weighed(demand: Demand | None, scenario: Scenario, settings: Planning, now_s: float) -> Demand | None:
    """The demand with the part of its price that counts now, ``now_s`` after the beginning of the simulation [s]."""
    if demand is None or settings.peak != "by_days_left":
        return demand
    now = datetime.fromtimestamp(scenario.start_s + now_s, ZoneInfo(scenario.site.time_zone))
    months = 12 * now.year + now.month
    month_ends_s = datetime(months // 12, months % 12 + 1, 1, tzinfo=now.tzinfo).timestamp()
    ends_s = min(month_ends_s, scenario.start_s + scenario.duration_s)
    left_days = (ends_s - now.timestamp()) / DAY_S
    share = DECIDING_DAYS / max(DECIDING_DAYS, left_days)
    return replace(demand, parts=tuple(replace(part, per_kw=part.per_kw * share) for part in demand.parts))
