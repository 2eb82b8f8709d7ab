"""One frozen picture of the site: everything that a decision may look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from controller.units import Phases


class State(StrEnum):
    """What a charging point is doing, whatever protocol its charger speaks."""

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    """A car is there, no transaction."""
    PLUGGED = "plugged"
    """A transaction is open, nothing has been drawn yet."""
    CHARGING = "charging"
    WITHHELD = "withheld"
    """The car would draw, the limit forbids it."""
    EV_IDLE = "ev_idle"
    """A transaction is open, the car asks for nothing."""
    FINISHING = "finishing"
    FAULTED = "faulted"
    OFFLINE = "offline"


COMPETING = frozenset({State.PLUGGED, State.CHARGING, State.WITHHELD})
"""The states in which a point competes for current."""


@dataclass(frozen=True, slots=True)
class MeterOwn:
    """What a meter says of demand by itself.

    Register 1-0:1.4.0 of Belgian P1 meters is the energy since the beginning of the quarter divided by the *whole*
    quarter: it begins at zero and ends as the mean (IEC 62056-6-2, class "Demand register", current_average_value).
    Telegrams agree: one of 15:50:56 has 0.078 kW at an instantaneous 0.182 kW (dsmr-reader, tests of the Fluvius
    meter), and 0.182 x 356 s / 900 s = 0.072.
    """

    average_w: float
    """Energy since the beginning of the running quarter of an hour, over the whole quarter [W]."""
    month_peak_w: float | None = None
    """Highest quarter of the running month (P1: 1-0:1.6.0) [W]."""
    month_peak_at: datetime | None = None
    """End of that quarter (dsmr-reader, issue 1807)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter said about its circuit; None on a phase that it could not tell.

    Raises:
        ValueError: a value is not finite, or the time has no zone.
    """

    current_a: tuple[float | None, float | None, float | None]
    """Signed current per grid phase [A]; import is positive."""
    measured_at: datetime
    voltage_v: Phases | None = None
    power_w: Phases | None = None
    """Signed active power per grid phase [W]."""
    own: MeterOwn | None = None
    """What the meter itself says of demand at this moment; an older reading does not repeat it."""

    def __post_init__(self) -> None:
        for name in ("current_a", "voltage_v", "power_w"):
            for value in getattr(self, name) or ():
                if value is not None and not math.isfinite(value):
                    raise ValueError(f"{name}: expected finite numbers, got {value!r}")
        if self.measured_at.tzinfo is None:
            raise ValueError("measured_at: expected a time with a zone")

    def total_w(self, nominal_v: float) -> float | None:
        """The signed sum of the phases [W], where need be from the currents; None where one of them is unknown."""
        if self.power_w is not None:
            return sum(self.power_w)
        volts = self.voltage_v or (nominal_v, nominal_v, nominal_v)
        known = [current * volt for current, volt in zip(self.current_a, volts, strict=True) if current is not None]
        return sum(known) if len(known) == len(volts) else None


@dataclass(frozen=True, slots=True)
class PointState:
    """What is known of one charging point at the moment of the snapshot."""

    state: State = State.AVAILABLE
    measured_a: Phases | None = None
    """Its draw in the grid's phase order [A]."""
    measured_at: datetime | None = None
    commanded_a: float | None = None
    """The highest limit that its charger may be acting on [A]: what it accepted last, or what is on its way."""
    obeys: bool = True
    max_a: float | None = None
    """What this car or session is limited to [A]; the site's own figure counts where it is lower."""
    energy_needed_wh: int | None = None
    """What its driver still needs until the departure [Wh]; None: nobody has said."""
    least_needed_wh: int | None = None
    """The part of it that comes before all other needs [Wh]."""
    departs_at: datetime | None = None
    priority: int | None = None
    weight: float | None = None
    unserved_s: float = 0.0
    """How long it has been competing without being admitted [s]."""
    delivered_wh: int = 0
    pausable: bool = True
    """Whether its charger takes a limit of 0 A; one that does not is told its minimum instead."""


@dataclass(frozen=True, slots=True)
class PointAdvice:
    """What the plan advises for one point: a value for each slot from the advice's beginning."""

    target_a: tuple[float, ...]
    """Mean current that keeps it on course [A]: served before anybody's comfort."""
    cap_a: tuple[float | None, ...]
    """More than this would cost more than it is worth [A]; None: as much as is free."""
    because: str = "price"
    """What the caps are for: ``price`` or ``peak``; ``surplus`` where more is allowed because the site exports."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a plan of the coming hours says of the next few slots. It may be missed or ignored at no risk.

    Raises:
        ValueError: a value is not finite or negative, or the lengths differ.
    """

    made_at: datetime
    begins_at: datetime
    """Beginning of the first slot."""
    slot_s: float
    points: Mapping[str, PointAdvice] = field(default_factory=dict)
    shortfall_wh: Mapping[str, int] = field(default_factory=dict)
    """By point, what its driver will lack at the departure, as far as is known [Wh]."""
    peak_kw: tuple[float | None, ...] = ()
    """For each slot, what its demand window may reach before demand costs more than planned [kW]; None where it costs
    nothing. Empty where demand has no price."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slot_s) and self.slot_s > 0):
            raise ValueError(f"slot_s: expected a positive number, got {self.slot_s!r}")
        for kw in self.peak_kw:
            if kw is not None and not math.isfinite(kw):
                raise ValueError(f"peak_kw: expected finite numbers, got {kw!r}")
        lengths = {len(values) for one in self.points.values() for values in (one.target_a, one.cap_a)}
        if len(lengths) > 1 or 0 in lengths:
            raise ValueError("points: expected as many targets as caps for every point, and at least one")
        for name, one in self.points.items():
            for value in (*one.target_a, *(cap for cap in one.cap_a if cap is not None)):
                if not (math.isfinite(value) and value >= 0.0):
                    raise ValueError(f"points.{name}: expected currents of at least 0 A, got {value!r}")

    def slot(self, at: datetime) -> int | None:
        """Which slot a moment lies in; None before the first and after the last."""
        number = int((at - self.begins_at).total_seconds() // self.slot_s)
        slots = max((len(one.target_a) for one in self.points.values()), default=0)
        return number if 0 <= number < slots else None

    def peak_at(self, at: datetime) -> float | None:
        """What the demand window of that moment may reach [kW]; None where it costs nothing, or nobody knows."""
        number = int((at - self.begins_at).total_seconds() // self.slot_s)
        return self.peak_kw[number] if 0 <= number < len(self.peak_kw) else None


@dataclass(frozen=True, slots=True)
class ExternalLimit:
    """A bound on a circuit's power that somebody else has set."""

    circuit: str
    limit_w: float
    source: str
    charging_only: bool = False
    """Whether it holds for what the points below the circuit draw, not for everything on it."""
    per_point: bool = False
    """Whether each of these points may draw as much by itself, at nominal voltage."""


@dataclass(frozen=True, slots=True)
class StationLimit:
    """A bound on what some points draw together: to whoever has set it, they are one charging station."""

    points: tuple[str, ...]
    limit_a: float
    """On each phase of the grid [A]."""
    office: str
    """Who has set it."""

    @property
    def name(self) -> str:
        """What a plan calls it."""
        return f"station:{self.office}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that one decision sees. A point that is not listed is available.

    ``monotonic_s`` is what control measures times with; the times of day in a snapshot are consistent with
    ``at``, so that ages within a snapshot are right however the wall clock jumps.
    """

    at: datetime
    monotonic_s: float
    meters: Mapping[str, Reading] = field(default_factory=dict)
    limits: tuple[ExternalLimit, ...] = ()
    points: Mapping[str, PointState] = field(default_factory=dict)
    advice: Advice | None = None
    stations: tuple[StationLimit, ...] = ()

    @property
    def bounds(self) -> tuple[ExternalLimit | StationLimit, ...]:
        """Everything that others have set."""
        return (*self.limits, *self.stations) if self.stations else self.limits
