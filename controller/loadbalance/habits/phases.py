"""Which of its point's phases a car draws on: so that others get the rest."""

from __future__ import annotations

import math
from typing import Final

from controller.loadbalance.habits.case import DRAWS_FROM_A, Case

BARE_BELOW_A: Final = 0.5
BESIDES_A: Final = 4.0
BARE_REPORTS: Final = 2
"""A phase is unused when it has shown less than the first while another one drew more than the second, in so many
reports in a row. Cars that charge draw at least 6 A; a meter's error on a phase without load is far below 0.5 A."""


def count_phases(case: Case, phase_a: tuple[float, float, float]) -> None:
    """Take note of the phases that a report shows without load, in the grid's order.

    A phase that turns out to be used after all counts as used for the rest of the session: who changes once between
    one and three phases will do so again.
    """
    busy = max(phase_a) > BESIDES_A
    case.bare_l1 = _counted(case.bare_l1, phase_a[0], busy)
    case.bare_l2 = _counted(case.bare_l2, phase_a[1], busy)
    case.bare_l3 = _counted(case.bare_l3, phase_a[2], busy)


def _counted(bare: float, amperes: float, busy: bool) -> float:
    if amperes > DRAWS_FROM_A:
        return -math.inf if bare >= BARE_REPORTS else min(bare, 0.0)
    if busy and amperes < BARE_BELOW_A:
        return bare + 1.0
    return bare
