"""A decision as it is explained, and the explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from controller.engine import Decision, Memory
from controller.loadbalance.capacity import rows_of
from controller.loadbalance.facts import BOUNDS
from controller.loadbalance.layout import Bools, Floats, Ints, Layout, layout_of
from controller.peakshave.keeper import PEAK
from controller.plan import Setpoint
from controller.site import Site
from controller.snapshot import PointState, Snapshot
from controller.units import PHASE_NAMES

PEAK_ROW: Final = f"limit:{PEAK}"
"""The row of the power that keeps a demand window at its target."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One decision with everything that it was made from."""

    memory: Memory | None
    """What the one before had left."""
    snapshot: Snapshot
    decision: Decision


@dataclass(frozen=True, slots=True)
class Reason:
    """One link of the chain."""

    topic: str
    """What it is about, as a stable name, e.g. ``room``."""
    text: str
    """A sentence."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs; units stand in the names."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one point was limited as it was."""

    point: str
    limit_a: float | None
    """None: it could not be steered."""
    because: str
    """As the plan has it; empty where there is no setpoint."""
    reasons: tuple[Reason, ...]


class View:
    """One point at one turn, and the arrays behind it in the order of the site's layout."""

    def __init__(self, site: Site, turn: Turn, point: str) -> None:
        basis, facts = turn.decision.basis, turn.decision.basis.facts
        self.site, self.turn, self.id = site, turn, point
        self.layout: Layout = layout_of(site)
        self.place = self.layout.index[point]
        self.setpoint: Setpoint | None = turn.decision.plan.setpoints.get(point)
        self.state: PointState = turn.snapshot.points.get(point, PointState())
        self.share_because = [basis.division.names[reason] for reason in basis.division.reason[0].tolist()]
        self.competes: Bools = facts.competing[0]
        self.steered: Bools = facts.steered[0]
        self.fixed: Bools = facts.fixed[0]
        """(P,) those that keep what they hold, whatever is decided."""
        self.priority: Ints = facts.priority[0]
        self.weight: Floats = facts.weight[0]
        self.max_a: Floats = facts.max_a[0]
        """(P,) the lowest of what the point, the session, the car and the plan allow."""
        self.bound = BOUNDS[int(facts.bound[0, self.place])]
        """What makes the point's maximum."""
        self.least_a = float(facts.min_a[0, self.place])
        """The least that its car charges with [A]."""
        self.target_a = float(facts.target_a[0, self.place])
        """What comes before everybody's comfort, so that it is ready in time [A]."""
        self.uses = tuple(np.flatnonzero(facts.uses[0, self.place]).tolist())
        """The grid phases that its car draws on."""
        self.held_a: Floats = basis.held_a[0]
        """(P,) what was given before."""
        self.share_a: Floats = basis.division.target_a[0]
        """(P,) before pacing."""
        self.meter_a: Floats = facts.meter_a[0]
        """(C, 3) NaN where there is no reading that counts."""
        self.rows: Floats = rows_of(basis.cautious.rows, 0)
        self.row_names = basis.cautious.names
        self.now_a: Floats = basis.now.free_a[0]
        """(K,) free at this instant."""
        self.careful_a: Floats = basis.cautious.free_a[0]
        """(K,) free to share."""
        self.above: Bools = self.layout.below[:, self.place]
        """(C,) the circuits that feed the point."""

    @property
    def limit_a(self) -> float:
        """What it was given [A]; 0 for a point that is not steered."""
        return self.setpoint.limit_a if self.setpoint else 0.0

    def row(self) -> int:
        """The row that binds it, or that is the fullest on its way.

        The one that its share names, where it names one; among several of that name, and where the share is held back
        for want of proof, the one with the least left.
        """
        left: Floats = self.careful_a - self.rows @ self.share_a
        mine = self.rows[:, self.place] > 0
        said = self.share_because[self.place].removeprefix("not_admitted:")
        named = mine & np.array([name == said for name in self.row_names], dtype=bool)
        return int(np.argmin(np.where(named if named.any() else mine, left, np.inf)))


def amperes(value: float) -> str:
    """A current as people read it.

    >>> amperes(6.04), amperes(-0.0)
    ('6.0 A', '0.0 A')
    """
    return f"{value + 0.0:.1f} A"


def seconds(value: float) -> str:
    """A stretch of time as people read it.

    >>> seconds(0.4), seconds(75.0), seconds(7260.0)
    ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if value < 60:
        return f"{value:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def before(age_s: float) -> str:
    """How long ago something was, seen from the decision.

    >>> before(0.01), before(3.2)
    ('at that moment', '3.2 s before')
    """
    return "at that moment" if abs(age_s) < 0.05 else f"{seconds(age_s)} before"


def energy(wh: float) -> str:
    """An amount of energy as people read it.

    >>> energy(11_960), energy(340)
    ('12.0 kWh', '340 Wh')
    """
    return f"{wh / 1000:.1f} kWh" if wh >= 1000 else f"{wh:.0f} Wh"


def clock(at: datetime, time_zone: str) -> str:
    """A time of day as the site's people read it.

    >>> from datetime import UTC
    >>> clock(datetime(2026, 11, 20, 13, 20, 40, tzinfo=UTC), "Europe/Amsterdam")
    '14:20'
    """
    return f"{at.astimezone(ZoneInfo(time_zone)):%H:%M}"


def row_words(name: str) -> str:
    """What a row's name stands for.

    >>> row_words("circuit:garage:L2"), row_words("limit:grid_operator")
    ('phase L2 of circuit garage', 'the power limit set by grid_operator')
    >>> row_words("limit:peak")
    'what the running demand window leaves for charging'
    """
    if name == PEAK_ROW:
        return "what the running demand window leaves for charging"
    kind, _, rest = name.partition(":")
    circuit, _, phase = rest.rpartition(":")
    if kind == "station":
        return f"what the back office {rest} allows the station"
    if kind == "circuit":
        return f"phase {phase} of circuit {circuit}"
    if kind == "imbalance":
        return f"the difference that the phases of circuit {circuit} may have"
    return f"the power limit set by {rest}" if kind == "limit" else f"the power contracted for circuit {rest}"


def phase_list(values: tuple[float | None, ...]) -> str:
    """One value per phase [A].

    >>> phase_list((6.0, None, 6.1))
    '6.0, -, 6.1 A'
    """
    return ", ".join("-" if value is None else f"{value + 0.0:.1f}" for value in values) + " A"


def measured_phases(view: View, values: tuple[float, ...]) -> str:
    """The phases that the point uses, each with its value.

    The others carry nothing, and would only be read as a question.
    """
    used = sorted(view.site.point[view.id].phases)
    names = ", ".join(PHASE_NAMES[phase] for phase in used)
    return f"{phase_list(tuple(values[phase] for phase in used))} on {names}"
