"""The shape of snapshots and plans as JSON: what their schemas are generated from (``docs/schemas``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from adapters.configuration.values import UtcTime
from adapters.strict import StrictModel
from controller.plan import Remedy, Severity
from controller.snapshot import State

_Phases = tuple[float, float, float]
_NotNegative = Annotated[float, Field(ge=0)]
_WattHours = Annotated[int, Field(ge=0)]
_Priority = Annotated[int, Field(ge=-1000, le=1000)]


class OwnDemandDocument(StrictModel):
    """What a meter says of demand by itself."""

    average_w: float
    """Energy since the beginning of the running quarter of an hour, over the whole quarter [W]."""
    month_peak_w: float | None = None
    """Highest quarter of the running month [W]."""
    month_peak_at: UtcTime | None = None
    """End of that quarter."""


class ReadingDocument(StrictModel):
    """What a meter said."""

    current_a: tuple[float | None, float | None, float | None]
    """Current of L1, L2, L3 of the grid [A], import positive; null where the meter could not tell."""
    measured_at: UtcTime
    """When."""
    voltage_v: tuple[_NotNegative, _NotNegative, _NotNegative] | None = None
    """Voltage of each phase to neutral [V]."""
    power_w: _Phases | None = None
    """Active power of each phase [W], import positive."""
    own: OwnDemandDocument | None = None
    """What the meter says of demand by itself, at that moment."""


class LimitDocument(StrictModel):
    """A bound on a circuit's power that somebody else has set."""

    circuit: str
    """The circuit."""
    limit_w: _NotNegative
    """Bound on the three phases together, what is not charging included [W]."""
    source: Annotated[str, Field(min_length=1)]
    """Who set it."""
    charging_only: bool = False
    """Whether it holds for what the points draw, not for everything on the circuit."""
    per_point: bool = False
    """Whether each point below the circuit may draw as much by itself."""


class StationLimitDocument(StrictModel):
    """A bound that a back office has set on what some points draw together, which are one station to it."""

    points: Annotated[tuple[str, ...], Field(min_length=1)]
    """The points."""
    limit_a: _NotNegative
    """Bound on each phase of the grid [A]."""
    office: Annotated[str, Field(min_length=1)]
    """Who set it."""


class PointDocument(StrictModel):
    """What is known of one charging point."""

    state: State = State.AVAILABLE
    """What it is doing."""
    measured_a: _Phases | None = None
    """Its draw on L1, L2, L3 of the grid [A], estimated for the meter's instant."""
    measured_at: UtcTime | None = None
    """When it was measured."""
    commanded_a: _NotNegative | None = None
    """The highest limit that its charger may be acting on [A]."""
    obeys: bool = True
    """Whether it keeps to its limit; one that does not counts as offline."""
    max_a: _NotNegative | None = None
    """What this car or session is limited to [A]; the site's own figure counts where it is lower."""
    energy_needed_wh: _WattHours | None = None
    """Energy that the car still needs until it leaves [Wh]."""
    least_needed_wh: _WattHours | None = None
    """The part of it that comes before all other needs [Wh]."""
    departs_at: UtcTime | None = None
    """When it leaves."""
    priority: _Priority | None = None
    """Higher comes first; default: the site's."""
    weight: Annotated[float, Field(gt=0)] | None = None
    """Share among points of the same priority; default: the site's."""
    unserved_s: _NotNegative = 0.0
    """How long it has been waiting [s]."""
    delivered_wh: _WattHours = 0
    """Energy of this session so far [Wh]."""
    pausable: bool = True
    """Whether its charger takes a limit of 0 A."""


class PointAdviceDocument(StrictModel):
    """What a plan of the coming hours advises for one charging point: one value for each slot."""

    target_a: tuple[_NotNegative, ...]
    """Mean current that keeps it on course for its departure [A]."""
    cap_a: tuple[_NotNegative | None, ...]
    """More than this would cost more than it is worth [A]; null: as much as is free."""
    because: Literal["price", "peak", "surplus"] = "price"
    """What the caps are for."""


class AdviceDocument(StrictModel):
    """A plan of the coming hours, as far as it concerns the next few slots."""

    made_at: UtcTime
    """When it was made."""
    begins_at: UtcTime
    """Beginning of the first slot."""
    slot_s: Annotated[float, Field(gt=0)]
    """Length of a slot [s]."""
    points: Mapping[str, PointAdviceDocument] = Field(default_factory=dict)
    """By charging point."""
    shortfall_wh: Mapping[str, _WattHours] = Field(default_factory=dict)
    """By charging point: what its driver will lack at the departure, as far as is known [Wh]."""
    peak_kw: list[float | None] = Field(default_factory=list)
    """For each slot, what its demand window may reach before demand costs more than planned [kW]; null where it costs
    nothing. Empty where demand has no price."""


class SnapshotDocument(StrictModel):
    """Everything that one decision sees. A point that is not listed is available."""

    at: UtcTime
    """The moment of the decision."""
    monotonic_s: float | None = None
    """The same moment on the clock that control measures times with [s]; default: from ``at``."""
    meters: Mapping[str, ReadingDocument] = Field(default_factory=dict)
    """The last reading of each meter, by id."""
    limits: list[LimitDocument] = Field(default_factory=list)
    """Bounds set by others."""
    points: Mapping[str, PointDocument] = Field(default_factory=dict)
    """The charging points, by id."""
    advice: AdviceDocument | None = None
    """What the plan of the coming hours says; null where there is none."""
    stations: list[StationLimitDocument] = Field(default_factory=list)
    """Bounds that back offices have set on stations."""


class SetpointDocument(StrictModel):
    """The limit of one charging point."""

    limit_a: _NotNegative
    """Limit [A]: 0, or at least the point's minimum, in steps of 0.1 A."""
    because: str
    """The constraint that stopped it from getting more."""
    valid_until: UtcTime
    """How long it holds without renewal."""


class EventDocument(StrictModel):
    """Something worth knowing."""

    kind: str
    """What happened, as a stable name."""
    subject: str
    """What it is about, e.g. ``meter:grid``."""
    message: str
    """The same for people."""
    severity: Severity
    """How much attention it wants."""
    at: UtcTime | None
    """When."""


class PlanDocument(StrictModel):
    """One decision. Offline points have no setpoint."""

    at: UtcTime
    """The moment of the decision."""
    setpoints: Mapping[str, SetpointDocument]
    """The limit of each charging point, by id."""
    events: list[EventDocument]
    """What is worth knowing."""
    remedies: Mapping[str, Remedy] = Field(default_factory=dict)
    """What chargers that ignore their limit are treated with, by point."""
