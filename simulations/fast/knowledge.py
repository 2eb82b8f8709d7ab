"""What a controller may know of the hours ahead: the load that its meter has shown.

Shapes: T slots, C circuits, 3 phases.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from simulations.fast.moment import Floats
from simulations.scenario.model import Scenario

DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S


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
