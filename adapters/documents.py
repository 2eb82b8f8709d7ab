"""Snapshots and plans as JSON: what ``loadstar allocate`` reads and writes, and what recordings hold."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Collection, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from adapters.configuration.describe import suggestion
from adapters.document_models import AdviceDocument, PlanDocument, ReadingDocument, SnapshotDocument
from adapters.json_text import DocumentError, described, parsed, utc_text
from controller.plan import Event, Plan, Setpoint
from controller.site import Site
from controller.snapshot import (
    Advice,
    ExternalLimit,
    MeterOwn,
    PointAdvice,
    PointState,
    Reading,
    Snapshot,
    StationLimit,
)


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
    if snapshot.stations:
        document["stations"] = [_sparse(limit) for limit in snapshot.stations]
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
        stations=tuple(StationLimit(**dict(limit)) for limit in document.stations),
    )


def plan_of(document: PlanDocument) -> Plan:
    """The plan that a checked document describes."""
    setpoints = {name: Setpoint(**dict(setpoint)) for name, setpoint in document.setpoints.items()}
    events = tuple(Event(**dict(event)) for event in document.events)
    return Plan(document.at, setpoints, events, document.remedies)


def _reading_of(document: ReadingDocument) -> Reading:
    own = document.own
    return Reading(**{**dict(document), "own": None if own is None else MeterOwn(**dict(own))})


def _sparse(fact: Reading | MeterOwn | ExternalLimit | StationLimit | PointState | PointAdvice) -> dict[str, Any]:
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
    stations = data.get("stations")
    for number, station in enumerate(stations if isinstance(stations, list) else ()):
        named = station.get("points") if isinstance(station, dict) else None
        for place, name in enumerate(named if isinstance(named, list) else ()):
            if isinstance(name, str) and name not in site.point:
                hint = suggestion(name, site.point)
                yield f"stations[{number}].points[{place}]: the site has no point {name!r}{hint}"
