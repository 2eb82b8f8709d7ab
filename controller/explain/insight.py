"""What has been learned about each point, its car, its charger and its wiring, for pages and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from controller.explain.model import Turn, View
from controller.explain.needs import need_of
from controller.loadbalance.layout import layout_of
from controller.loadbalance.wiring import Suspicion, suspicions
from controller.plan import Remedy
from controller.site import Site
from controller.units import TOLERANCE_A

_REMEDIES: Final = tuple(Remedy)


@dataclass(frozen=True, slots=True)
class Insight:
    """What one point has shown; None where it has shown nothing out of the ordinary."""

    takes_a: float | None = None
    """The most that its car takes, where that is less than the point's own maximum [A]."""
    uses: tuple[int, ...] | None = None
    """The grid phases that its car draws on, where these are fewer than the point has."""
    needs_a: float | None = None
    """The least limit at which its car draws, where that is more than the point's own minimum [A]."""
    waiting_s: float | None = None
    """How long its car has been waiting to be admitted [s]."""
    remedy: Remedy | None = None
    """What its charger is treated with, because it ignores its limit."""
    suspicion: Suspicion | None = None
    """That it is wired otherwise than the site file says."""
    shortfall_wh: float = 0.0
    """What its driver will lack at the departure, as far as is known [Wh]."""


def remedy_of(turn: Turn, place: int) -> Remedy | None:
    """What the charger of the point at that place of the layout is treated with after a decision."""
    stage = int(turn.decision.memory.conduct.stage[0, place])
    return _REMEDIES[stage - 1] if stage else None


def insights(site: Site, turn: Turn) -> Mapping[str, Insight]:
    """What is known after a decision, by point id."""
    layout, memory = layout_of(site), turn.decision.memory
    suspected = suspicions(layout, memory.wiring)
    takes, needs = memory.habits.takes_a[0], memory.habits.needs_a[0]
    bounded = (takes < layout.max_a[0] - TOLERANCE_A).tolist()
    demanding = (needs > layout.min_a[0] + TOLERANCE_A).tolist()
    fewer = (memory.habits.uses[0] != layout.wired).any(axis=1).tolist()
    waited = (turn.snapshot.monotonic_s - memory.unserved_since_s[0]).tolist()
    return {
        name: Insight(
            takes_a=float(takes[n]) if bounded[n] else None,
            uses=tuple(np.flatnonzero(memory.habits.uses[0, n]).tolist()) if fewer[n] else None,
            needs_a=float(needs[n]) if demanding[n] else None,
            waiting_s=waited[n] if waited[n] == waited[n] else None,  # NaN: it does not wait
            remedy=remedy_of(turn, n),
            suspicion=suspected.get(name),
            shortfall_wh=_shortfall_wh(site, turn, name),
        )
        for n, name in enumerate(layout.point_ids)
    }


def _shortfall_wh(site: Site, turn: Turn, point: str) -> float:
    state = turn.snapshot.points.get(point)
    if state is None or not state.energy_needed_wh:
        return 0.0
    need = need_of(View(site, turn, point))
    return need.shortfall_wh if need else 0.0
