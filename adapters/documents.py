"""Snapshots and plans as JSON: what ``loadstar allocate`` reads and writes, and what recordings hold."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from adapters.configuration.describe import expectation, known_keys, shown, suggestion
from adapters.configuration.places import Place, dotted
from adapters.configuration.values import UtcTime
from adapters.strict import StrictModel
from controller.plan import Plan, Severity
from controller.site import Site
from controller.snapshot import ExternalLimit, PointState, Reading, Snapshot, State

PROBLEMS_MAX: Final = 100
"""More of them in one document say that it is something else."""

_Phases = tuple[float, float, float]
_NotNegative = Annotated[float, Field(ge=0)]
_WattHours = Annotated[int, Field(ge=0)]
_Priority = Annotated[int, Field(ge=-1000, le=1000)]


class DocumentError(ValueError):
    """A document cannot be used; ``problems`` is the complete list, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        hidden = len(problems) - PROBLEMS_MAX
        self.problems = problems[:PROBLEMS_MAX] + ([f"and {hidden} more"] if hidden > 0 else [])
        super().__init__("\n".join(self.problems))


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


class LimitDocument(StrictModel):
    """A bound on a circuit's power that somebody else has set."""

    circuit: str
    """The circuit."""
    limit_w: _NotNegative
    """Bound on the three phases together, what is not charging included [W]."""
    source: Annotated[str, Field(min_length=1)]
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
    """Energy that the car still needs [Wh]."""
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
    data = _parsed(text)
    try:
        document = SnapshotDocument.model_validate_json(text)
    except ValidationError as refused:
        invalid = [_described(error) for error in refused.errors(include_url=False)]
        raise DocumentError([*invalid, *_unknown_names(data, site, meters)]) from None
    unknown = list(_unknown_names(data, site, meters))
    if unknown:
        raise DocumentError(unknown)
    return _snapshot(document)


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready values (``docs/schemas/plan.schema.json``): times in UTC, limits to 0.1 A."""
    return {
        "at": _utc(plan.at),
        "setpoints": {
            point: {
                "limit_a": round(setpoint.limit_a, 1),
                "because": setpoint.because,
                "valid_until": _utc(setpoint.valid_until),
            }
            for point, setpoint in plan.setpoints.items()
        },
        "events": [
            {
                "kind": event.kind,
                "subject": event.subject,
                "message": event.message,
                "severity": event.severity.value,
                "at": _utc(event.at) if event.at else None,
            }
            for event in plan.events
        ],
    }


class _RefusedError(Exception):
    """Valid for Python's parser, and yet not what JSON allows or means."""


def _parsed(text: bytes) -> Any:
    """Refuse what pydantic's parser would let pass: names given twice, and numbers that are none."""
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno}, column {error.colno}: is not valid JSON: {error.msg}"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except RecursionError:
        problem = "is nested too deeply"
    except _RefusedError as error:
        problem = str(error)
    except ValueError:  # int() refuses literals of thousands of digits
        problem = "holds a number of too many digits"
    raise DocumentError([problem]) from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        raise _RefusedError(f"is ambiguous: {', '.join(map(repr, repeated))} given more than once in one object")
    return members


def _no_number(name: str) -> float:
    raise _RefusedError(f"is not valid JSON: {name} is not a number")


def _described(error: ErrorDetails) -> str:
    place: Place = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            what = f"unknown key{suggestion(str(place[-1]), known_keys(SnapshotDocument, place[:-1]))}"
        case "missing":
            what = "is missing"
        case "json_invalid":
            what = error["msg"]
        case "model_type" | "model_attributes_type" | "dict_type":
            what = f"expected an object, found {_found(error['input'], place)}"
        case _:
            what = f"{expectation(error)}, found {_found(error['input'], place)}"
    return f"{dotted(place)}: {what}" if place else what


def _found(value: Any, place: Place) -> str | None:
    if value is None:
        return "null"
    return "an object" if isinstance(value, dict) else shown(value, place)


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


def _snapshot(document: SnapshotDocument) -> Snapshot:
    return Snapshot(
        at=document.at,
        monotonic_s=document.at.timestamp() if document.monotonic_s is None else document.monotonic_s,
        meters={name: Reading(**dict(reading)) for name, reading in document.meters.items()},
        limits=tuple(ExternalLimit(**dict(limit)) for limit in document.limits),
        points={name: PointState(**dict(point)) for name, point in document.points.items()},
    )


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
