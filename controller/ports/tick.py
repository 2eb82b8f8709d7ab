"""One turn of the control loop, as those see it who watch: pages, topics, telemetry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from controller.explain import Turn
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import PriceSignal
from controller.plan import Plan
from controller.ports.ledger import SessionRecord
from controller.snapshot import PointState, Reading
from controller.tariffs.outlook import Prices
from controller.units import NO_CURRENT, Phases


@dataclass(frozen=True, slots=True)
class CircuitState:
    """One circuit as the controller saw it, per grid phase [A]."""

    current_a: Phases | None
    """Measured where the circuit has a meter that can be believed, else estimated from what is below it."""
    background_a: Phases
    """What is not charging."""
    headroom_a: Phases
    """Fuse less margin less current, never counting what points may still add."""
    fresh: bool
    """Whether its meter was believed; True for a circuit that has none."""
    warmth: Phases = NO_CURRENT
    """How near its protection devices are to opening: 0 is cold, 1 is open."""

    @property
    def charging_a(self) -> Phases | None:
        """What the points below it draw, at the meter's instant; None where the current is not known."""
        if self.current_a is None:
            return None
        one, two, three = (max(0.0, a - b) for a, b in zip(self.current_a, self.background_a, strict=True))
        return (one, two, three)


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A photovoltaic plant or a battery of the site, for those who watch; nothing that protects may rely on it."""

    kind: str
    """``pv`` or ``battery``."""
    meter: str
    power_w: float | None
    """What it takes from the site, negative while it gives [W]; None where its meter is not believed."""


@dataclass(frozen=True, slots=True)
class PriceNow:
    """What a kWh costs now in a session that begins now, for drivers and for programs that can wait."""

    usual_per_kwh: Decimal | None
    """With tax where it is known; None where the site has no tariff."""
    signal: PriceSignal | None = None
    """None where nearing the peak never changes the price."""
    holds: bool = True
    """Whether what the signal adds counts already; before that it is merely announced."""
    ahead: tuple[Prices, ...] = ()
    """Of the coming day, without what the signal adds."""
    points: Mapping[str, Decimal | None] = field(default_factory=dict)
    """What a kWh usually costs at a point, by its id, where that is known."""

    @property
    def per_kwh(self) -> Decimal | None:
        """With the surcharge of the moment; None where the site has no tariff."""
        return None if self.usual_per_kwh is None else self.usual_per_kwh + self.added_per_kwh

    @property
    def added_per_kwh(self) -> Decimal:
        """The surcharge of the moment."""
        return self.signal.surcharge_per_kwh if self.signal is not None and self.holds else Decimal(0)


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """One station of a back office: the connection, and what waits to be told."""

    upstream: str
    station: str
    """As the back office knows it: one of the site's stations, or the hub that stands for several points."""
    points: tuple[str, ...]
    hub: bool
    primary: bool
    """Whether the back office's answers reach the chargers."""
    connected: bool
    ready: bool
    """Whether messages pass: the back office has accepted the station, and has been told what it must know first."""
    trouble: str | None
    """Why there is no connection, for people."""
    waiting: int
    """Messages that it is still to be told."""
    oldest_at: datetime | None
    """When the first of them happened."""
    set_aside: int
    """Messages that it has refused too often."""
    by_token: bool = False
    """Whether it answers for some tokens only, beside the one that answers for the station."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one turn of the control loop knew and said: the material of pages, topics and telemetry."""

    at: datetime
    plan: Plan
    meters: Mapping[str, Reading] = field(default_factory=dict)
    points: Mapping[str, PointState] = field(default_factory=dict)
    circuits: Mapping[str, CircuitState] = field(default_factory=dict)
    sessions: Mapping[str, SessionRecord] = field(default_factory=dict)
    """Running sessions by point id."""
    decide_s: float = 0.0
    """How long the decision took [s]."""
    turn: Turn | None = None
    """The decision with everything that it was made from, so that it can be explained; None where nobody kept it."""
    peak: PeakStatus | None = None
    """The running demand window; None where demand has no price."""
    price: PriceNow | None = None
    """None where charging has no price."""
    resources: Mapping[str, ResourceState] = field(default_factory=dict)
    """By id."""
    upstreams: tuple[UpstreamState, ...] = ()
    """Back offices, each with each of its stations."""
