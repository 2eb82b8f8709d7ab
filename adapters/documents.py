"""Snapshots and plans as JSON: what ``loadstar allocate`` reads and writes, and what recordings hold."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from adapters.configuration.describe import suggestion
from adapters.configuration.values import UtcTime
from adapters.json_text import DocumentError, described, parsed
from adapters.strict import StrictModel
from controller.plan import Event, Plan, Remedy, Setpoint, Severity
from controller.site import Site
from controller.snapshot import Advice, ExternalLimit, MeterOwn, PointAdvice, PointState, Reading, Snapshot, State

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


def read_snapshot(text: bytes, site: Site, meters: Collection[str] = ()) -> Snapshot:
    """Read and check one snapshot.

    Args:
        text: A JSON object in UTF-8 (``docs/schemas/snapshot.schema.json``).
        site: Whose points and circuits it may name.
        meters: Meters that it may name besides those of the site's circuits.

    Raises:
        DocumentError: with everything that is wrong.
    """
    text = text.removeprefix(BOM_UTF8)
    data = parsed(text)
    try:
        document = SnapshotDocument.model_validate_json(text)
    except ValidationError as refused:
        invalid = [described(error, SnapshotDocument) for error in refused.errors(include_url=False)]
        raise DocumentError([*invalid, *_unknown_names(data, site, meters)]) from None
    unknown = list(_unknown_names(data, site, meters))
    if unknown:
        raise DocumentError(unknown)
    return snapshot_of(document)


def snapshot_document(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as JSON-ready values (``docs/schemas/snapshot.schema.json``), exact; without what is default."""
    document = {
        "at": utc_text(snapshot.at),
        "monotonic_s": snapshot.monotonic_s,
        "meters": {name: _sparse(reading) for name, reading in snapshot.meters.items()},
        "limits": [_sparse(limit) for limit in snapshot.limits],
        "points": {name: _sparse(state) for name, state in snapshot.points.items()},
    }
    if (advice := snapshot.advice) is not None:
        document["advice"] = advice_document(advice)
    return document


def advice_document(advice: Advice) -> dict[str, Any]:
    """The advice as JSON-ready values, exact."""
    return {
        "made_at": utc_text(advice.made_at),
        "begins_at": utc_text(advice.begins_at),
        "slot_s": advice.slot_s,
        "points": {name: _sparse(point) for name, point in advice.points.items()},
        "shortfall_wh": dict(advice.shortfall_wh),
        "peak_kw": list(advice.peak_kw),
    }


def advice_of(document: AdviceDocument) -> Advice:
    """The advice that a checked document describes.

    Raises:
        ValueError: it is not one of as many targets as caps for every point.
    """
    return Advice(
        made_at=document.made_at,
        begins_at=document.begins_at,
        slot_s=document.slot_s,
        points={name: PointAdvice(**dict(point)) for name, point in document.points.items()},
        shortfall_wh=document.shortfall_wh,
        peak_kw=tuple(document.peak_kw),
    )


def plan_document(plan: Plan, *, exact: bool = False) -> dict[str, Any]:
    """The plan as JSON-ready values (``docs/schemas/plan.schema.json``): times in UTC, limits to 0.1 A or ``exact``."""
    document = {
        "at": utc_text(plan.at),
        "setpoints": {
            point: {
                "limit_a": setpoint.limit_a if exact else round(setpoint.limit_a, 1),
                "because": setpoint.because,
                "valid_until": utc_text(setpoint.valid_until),
            }
            for point, setpoint in plan.setpoints.items()
        },
        "events": [
            {
                "kind": event.kind,
                "subject": event.subject,
                "message": event.message,
                "severity": event.severity.value,
                "at": utc_text(event.at) if event.at else None,
            }
            for event in plan.events
        ],
    }
    if plan.remedies:
        document["remedies"] = {name: remedy.value for name, remedy in plan.remedies.items()}
    return document


def snapshot_of(document: SnapshotDocument) -> Snapshot:
    """The snapshot that a checked document describes."""
    return Snapshot(
        at=document.at,
        monotonic_s=document.at.timestamp() if document.monotonic_s is None else document.monotonic_s,
        meters={name: _reading_of(reading) for name, reading in document.meters.items()},
        limits=tuple(ExternalLimit(**dict(limit)) for limit in document.limits),
        points={name: PointState(**dict(point)) for name, point in document.points.items()},
        advice=None if document.advice is None else advice_of(document.advice),
    )


def plan_of(document: PlanDocument) -> Plan:
    """The plan that a checked document describes."""
    setpoints = {name: Setpoint(**dict(setpoint)) for name, setpoint in document.setpoints.items()}
    events = tuple(Event(**dict(event)) for event in document.events)
    return Plan(document.at, setpoints, events, document.remedies)


def utc_text(time: datetime) -> str:
    """A time as every document writes it: ISO 8601, in UTC, exact.

    >>> utc_text(datetime(2026, 11, 20, 9, tzinfo=UTC))
    '2026-11-20T09:00:00Z'
    """
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _reading_of(document: ReadingDocument) -> Reading:
    own = document.own
    return Reading(**{**dict(document), "own": None if own is None else MeterOwn(**dict(own))})


def _sparse(fact: Reading | MeterOwn | ExternalLimit | PointState | PointAdvice) -> dict[str, Any]:
    """Its fields but for those that have their default; what a later version adds is there of itself."""
    return {
        field.name: _plain(value) for field in fields(fact) if (value := getattr(fact, field.name)) != field.default
    }


def _plain(value: Any) -> Any:
    if isinstance(value, MeterOwn):
        return _sparse(value)
    return utc_text(value) if isinstance(value, datetime) else value


def _unknown_names(data: Any, site: Site, meters: Collection[str]) -> Iterator[str]:
    if not isinstance(data, dict):
        return
    measured = {circuit.meter for circuit in site.circuits if circuit.meter is not None}
    for table, known in (("points", set(site.point)), ("meters", measured | set(meters))):
        named = data.get(table)
        for name in named if isinstance(named, dict) else ():
            if name not in known:
                yield f"{table}.{name}: the site has no such {table[:-1]}{suggestion(name, known)}"
    limits = data.get("limits")
    for number, limit in enumerate(limits if isinstance(limits, list) else ()):
        circuit = limit.get("circuit") if isinstance(limit, dict) else None
        if isinstance(circuit, str) and circuit not in site.circuit:
            hint = suggestion(circuit, site.circuit)
            yield f"limits[{number}].circuit: the site has no circuit {circuit!r}{hint}"
