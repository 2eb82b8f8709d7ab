"""The division of each instant for a whole batch: the kernels of the controller, without the loop's calm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.engine import split
from controller.plan import Event
from simulations.fast.loops import snapshot_of
from simulations.fast.moment import Moment, Told
from simulations.scenario.model import Scenario


class Rules:
    """``controller.engine.split`` for every site of a batch."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = scenarios
        self._reasons: dict[str, int] = {}

    def limits(self, moment: Moment) -> Told:
        """Divide what is free at the beginning of a step."""
        limit_a = np.zeros(moment.limit_a.shape)
        because = np.zeros(limit_a.shape, dtype=np.int64)
        for member, scenario in enumerate(self._scenarios):
            plan = split(scenario.site, snapshot_of(scenario, member, moment, moment.now_s, moment.limit_a))
            for place, point in enumerate(scenario.site.points):
                setpoint = plan.setpoints[point.id]
                limit_a[member, place] = setpoint.limit_a
                because[member, place] = self._reasons.setdefault(setpoint.because, len(self._reasons))
        return Told(limit_a, because, tuple(self._reasons))

    def interventions(self, member: int) -> int:
        """Nothing is cut after the division."""
        del member
        return 0

    def events(self, member: int) -> tuple[Event, ...]:
        """A division tells nothing."""
        del member
        return ()
