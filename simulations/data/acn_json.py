"""Sessions from the JSON of ACN-Data, and from the queues of events that its simulator acnportal stores.

Sources: the answers of the ACN-Data API as acnportal's ``acndata`` package reads them, and the serialised
``EventQueue`` of its ``acnsim`` package (both github.com/zach401/acnportal).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from adapters.configuration.problems import Problem
from simulations.data.content import Document
from simulations.data.problems import file_problem, shown
from simulations.data.record import WH_PER_KWH, Record, Row
from simulations.data.recorded import RecordedSession
from simulations.data.values import Clock

_EV: Final = "acnportal.acnsim.models.ev.EV"

_FLOOR_S: Final = 60.0
"""Simulations of acnportal divide time into whole minutes."""


def is_sessions(document: Document) -> bool:
    """Whether it is an answer of the API, or a list of its sessions."""
    items = _items(document.data)
    return bool(items) and isinstance(items[0], Mapping) and "connectionTime" in items[0]


def is_events(document: Document) -> bool:
    """Whether it is a stored object of acnportal."""
    return isinstance(document.data, Mapping) and isinstance(document.data.get("context_dict"), Mapping)


def session_rows(document: Document, zone: ZoneInfo | None) -> Iterator[Row]:
    """Sessions of an answer of the API.

    What the driver stated is what was said first: corrections came later, and whoever plans when the car arrives does
    not have them.

    Raises:
        DataError: there are no sessions.
    """
    items = _items(document.data)
    if not items:
        raise file_problem(document.name, "expected a list of sessions, or an object with one in '_items'")
    prefix = "_items" if isinstance(document.data, Mapping) else ""
    for number, item in enumerate(items):
        place = f"{prefix}[{number}]"
        if not isinstance(item, Mapping):
            yield (Problem(document.name, 1, place, "expected an object", shown(item)),)
        else:
            yield _session(Record(item, Clock(zone), document.name, 1, f"{place}."), number)


def _items(data: Any) -> Sequence[Any]:
    items = data.get("_items") if isinstance(data, Mapping) else data
    return items if isinstance(items, list) else ()


def _session(record: Record, number: int) -> Row:
    stated = _first_statement(record)
    return record.row(
        RecordedSession(
            id=record.text("sessionID") or record.text("_id") or str(number),
            arrives=record.time("connectionTime"),
            leaves=record.time("disconnectTime"),
            energy_wh=record.number("kWhDelivered", WH_PER_KWH),
            requested_wh=stated.number_or_none("kWhRequested", WH_PER_KWH),
            stated_leaves=stated.time_or_none("requestedDeparture"),
            point=record.text("spaceID") or record.text("stationID"),
            token=record.text("userID"),
            done_at=record.time_or_none("doneChargingTime"),
        )
    )


def _first_statement(record: Record) -> Record:
    inputs = record.fields.get("userInputs")
    first = inputs[0] if isinstance(inputs, list) and inputs else {}
    fields = first if isinstance(first, Mapping) else {}
    return Record(
        fields, record.clock, record.file, record.line, f"{record.place}userInputs[0].", problems=record.problems
    )


def event_rows(document: Document) -> Iterator[Row]:
    """Sessions of a queue of events.

    The file counts time in periods from a beginning, and tells neither their length nor that beginning. The names of
    the sessions end with the time of their connection, as ACN-Data's do, and from these both follow.

    Raises:
        DataError: it holds no cars, or the names of their sessions do not end with a time.
    """
    objects = document.data.get("context_dict") if isinstance(document.data, Mapping) else None
    if not isinstance(objects, Mapping):
        raise file_problem(document.name, "expected a stored object of acnportal, with its parts in 'context_dict'")
    cars = [(name, item["attributes"]) for name, item in objects.items() if _is_car(item)]
    first_s, period_s = _periods(document.name, [car for _, car in cars])
    for name, car in cars:
        record = Record(car, Clock(), document.name, 1, f"context_dict.{name}.")
        yield record.row(
            RecordedSession(
                id=record.text("_session_id") or name,
                arrives=_moment(first_s, period_s, record.count("_arrival")),
                leaves=_moment(first_s, period_s, record.count("_departure")),
                energy_wh=record.number("_requested_energy", WH_PER_KWH),
                stated_leaves=_moment(first_s, period_s, record.count("_estimated_departure")),
                point=record.text("_station_id"),
                max_power_w=_battery_w(objects, car),
            )
        )


def _is_car(item: Any) -> bool:
    return isinstance(item, Mapping) and item.get("class") == _EV and isinstance(item.get("attributes"), Mapping)


def _periods(name: str, cars: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """The beginning [Unix s] and the length [s] of the periods."""
    known = sorted((arrival, at_s) for car in cars for arrival, at_s in _dated(car))
    if len(known) < 2 or known[0][0] == known[-1][0]:
        what = "expected cars in two periods and more, whose session names end with the time of their connection"
        raise file_problem(name, what, f"{len(known)} of {len(cars)} cars")
    (first, first_at_s), (last, last_at_s) = known[0], known[-1]
    period_s = round((last_at_s - first_at_s) / (last - first) / _FLOOR_S) * _FLOOR_S
    if period_s <= 0.0:
        raise file_problem(name, "expected session names whose times rise with the periods of arrival")
    # Each car gives the beginning but for the part of a period that had passed: the middle one is surely inside it.
    begins_s = sorted(at_s - arrival * period_s for arrival, at_s in known)
    return math.floor(begins_s[len(begins_s) // 2] / period_s) * period_s, period_s


def _dated(car: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    arrival, text = car.get("_arrival"), str(car.get("_session_id")).rpartition("_")[2]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return
    if isinstance(arrival, int) and not isinstance(arrival, bool):
        yield arrival, moment.replace(tzinfo=UTC).timestamp()


def _moment(first_s: float, period_s: float, periods: int) -> datetime:
    return datetime.fromtimestamp(first_s, UTC) + timedelta(seconds=periods * period_s)


def _battery_w(objects: Mapping[str, Any], car: Mapping[str, Any]) -> float | None:
    battery = objects.get(str(car.get("_battery")))
    power_kw = battery.get("attributes", {}).get("_max_power") if isinstance(battery, Mapping) else None
    return power_kw * 1000.0 if isinstance(power_kw, int | float) else None
