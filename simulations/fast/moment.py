"""What whoever steers a batch of sites sees at the beginning of a step, and what he answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from controller.hub_satellite.connector import DRAWING_A
from controller.loadbalance.facts import STATES
from controller.peakshave.peak_facts import ClosedWindow
from controller.plan import Event
from controller.snapshot import ExternalLimit, State
from controller.units import TOLERANCE_A
from simulations.fast.fleet import Fleet
from simulations.scenario.model import Scenario

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


NOBODY: Final = "not_admitted:available"
"""Why a point without a car has no limit; where no site has one, nothing needs to be divided to say so."""

_AVAILABLE, _PLUGGED, _CHARGING, _WITHHELD, _IDLE = (
    STATES.index(state) for state in (State.AVAILABLE, State.PLUGGED, State.CHARGING, State.WITHHELD, State.EV_IDLE)
)


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to see at the beginning of a step."""

    step: int
    now_s: float
    fleet: Fleet
    new: Bools
    """(B, P) a car has just come."""
    limit_a: Floats
    """(B, P) what was told in the step before; where a car has just come, the fallback [A]."""
    min_a: Floats
    """(B, P) least limit but zero of each point [A]."""
    building_a: Floats
    """(B, 3) what is not charging, at the grid connection [A]."""


@dataclass(frozen=True, slots=True)
class Told:
    """The word for a step."""

    limit_a: Floats
    """(B, P) [A]"""
    because: Ints
    """(B, P) places in ``reasons``."""
    reasons: tuple[str, ...]


def states_of(moment: Moment, limit_a: Floats, drawn_a: Floats) -> Ints:
    """(B, P) what each point is doing, as a charger would tell it: places in ``STATES``."""
    fleet = moment.fleet
    held = np.where(limit_a < moment.min_a - TOLERANCE_A, _WITHHELD, _PLUGGED)
    wanting = np.where(moment.new & (drawn_a <= DRAWING_A), _PLUGGED, np.where(drawn_a > DRAWING_A, _CHARGING, held))
    state: Ints = np.where(fleet.present, np.where(fleet.wants, wanting, _IDLE), _AVAILABLE)
    return state


class Steering(Protocol):
    """Steers a batch."""

    def limits(self, moment: Moment) -> Told:
        """Decide for a step."""
        ...

    def interventions(self, member: int) -> int:
        """How often the guard had to cut a limit at one site."""
        ...

    def events(self, member: int) -> tuple[Event, ...]:
        """What was worth telling of one site."""
        ...

    def windows(self, member: int) -> tuple[ClosedWindow, ...]:
        """The demand windows of one site that have ended, as far as it looks at them."""
        ...


def in_force(scenario: Scenario, now_s: float) -> tuple[ExternalLimit, ...]:
    """The bounds that others have set for this moment."""
    return tuple(
        ExternalLimit(limit.circuit, limit.limit_w, limit.source, limit.charging_only)
        for limit in scenario.limits
        if limit.begins_s <= now_s < limit.ends_s
    )
