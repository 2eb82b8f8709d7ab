"""What the tables of a scenario file must be to one another; looks at the file as it was parsed, as site checks do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from adapters.configuration.checks import Finding, structure_findings
from adapters.configuration.describe import suggestion
from controller.site import WIRINGS
from controller.units import TOLERANCE_A
from simulations.faults import SCENARIO_FAULTS
from simulations.judging.baselines import BASELINES
from simulations.judging.policy import UNSHAVED
from simulations.temperaments import TEMPERAMENTS

FINE_STEP_S: Final = 5.0
COARSE_STEP_S: Final = 30.0
SPECIAL_WIRINGS: Final = ("rotated", "single")
_PER_CAR: Final = ("file", "model", "cars_per_day")


def point_ids(data: Mapping[str, Any]) -> list[str]:
    """The names of all points of parsed data, those of groups included."""
    names = [row["id"] for _, row in rows(data, "points") if isinstance(row.get("id"), str)]
    for _, row in rows(data, "groups"):
        if isinstance(row.get("id"), str) and isinstance(row.get("count"), int):
            names += group_ids(row["id"], row["count"])
    return names


def group_ids(prefix: str, count: int) -> list[str]:
    """The names of a group's points.

    >>> group_ids("P", 3)
    ['P01', 'P02', 'P03']
    """
    digits = max(2, len(str(count)))
    return [f"{prefix}{number:0{digits}}" for number in range(1, count + 1)]


def rows(data: Mapping[str, Any], table: str) -> list[tuple[int, Mapping[str, Any]]]:
    """The rows of an array of tables that are tables, with their numbers."""
    found = data.get(table)
    return [(i, row) for i, row in enumerate(found) if isinstance(row, dict)] if isinstance(found, list) else []


def findings(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Everything in parsed scenario data that contradicts something else in it, or around it."""
    yield from structure_findings(data)
    yield from _groups(data)
    yield from _horizon(data)
    yield from _people(data, folder)
    yield from _files(data, folder)
    yield from _demand(data)
    yield from _references(data)
    yield from _chosen(data)


def _groups(data: Mapping[str, Any]) -> Iterator[Finding]:
    circuits = [row["id"] for _, row in rows(data, "circuits") if isinstance(row.get("id"), str)]
    for number, row in rows(data, "groups"):
        circuit, phases = row.get("circuit"), row.get("phases", "rotated")
        if isinstance(circuit, str) and circuit not in circuits:
            yield ("groups", number, "circuit"), f"unknown circuit {circuit!r}{suggestion(circuit, circuits)}"
        if isinstance(phases, str) and phases not in (*WIRINGS, *SPECIAL_WIRINGS):
            yield ("groups", number, "phases"), f"expected one of {', '.join((*SPECIAL_WIRINGS, *WIRINGS))}"
        yield from _ratings(number, row)
    names = point_ids(data)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice and rows(data, "groups"):
        yield ("groups",), f"points that are there twice: {', '.join(twice)}"
    if not names:
        yield ("points",), "expected at least one charging point, in [[points]] or [[groups]]"


def _ratings(number: int, row: Mapping[str, Any]) -> Iterator[Finding]:
    """As for the points of a site file: a maximum below the minimum, a fallback that no car could use."""
    low, high = _number(row.get("min_a", 6)), _number(row.get("max_a", 16))
    fallback = _number(row.get("fallback_a"))
    if low is None or high is None:
        return
    if high < low - TOLERANCE_A:
        yield ("groups", number, "max_a"), f"expected at least min_a ({low:g} A)"
    elif fallback is not None and fallback > 0 and not low - TOLERANCE_A <= fallback <= high + TOLERANCE_A:
        what = f"expected 0 or a current from min_a to max_a ({low:g} to {high:g} A)"
        yield ("groups", number, "fallback_a"), what


def _horizon(data: Mapping[str, Any]) -> Iterator[Finding]:
    table = data.get("scenario")
    if not isinstance(table, dict):
        return
    if ("days" in table) == ("hours" in table):
        yield ("scenario", "days"), "expected either days or hours"
    step = _number(table.get("step_s", 300))
    if step is not None and FINE_STEP_S < step < COARSE_STEP_S:
        bounds = f"expected at most {FINE_STEP_S:g} s, or at least {COARSE_STEP_S:g} s"
        yield ("scenario", "step_s"), f"{bounds}: between them cars are neither followed nor settled"
    record = _number(table.get("record_s"))
    if step is not None and step > 0 and record is not None and not _is_multiple(record, step):
        yield ("scenario", "record_s"), f"expected a multiple of step_s ({step:g} s)"
    if step is not None and step > FINE_STEP_S:
        for name in ("faults", "chargers"):
            if rows(data, name):
                yield (name,), f"expected a step_s of at most {FINE_STEP_S:g} s: a longer step does not show them"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _is_multiple(length: float, step: float) -> bool:
    return length >= step and abs(length / step - round(length / step)) < 1e-9


def _people(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    names: list[str] = []
    for number, row in rows(data, "people"):
        given = [key for key in _PER_CAR if key in row]
        if len(given) != 1:
            yield ("people", number), "expected one of file, model and cars_per_day: where the people come from"
        for key in ("file", "model"):
            yield from _missing_file(("people", number, key), row.get(key), folder)
        patterns = row.get("points")
        if isinstance(patterns, list):
            yield from _patterns(("people", number, "points"), patterns, point_ids(data))
        if isinstance(name := row.get("name"), str):
            if name in names:
                yield ("people", number, "name"), f"{name!r} is there twice"
            names.append(name)


def _files(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    for name in ("building", "prices"):
        table = data.get(name)
        if not isinstance(table, dict):
            continue
        if (table.get("kind") in ("file", "tariff")) != ("file" in table):
            yield (name, "file"), 'kind = "file" and file go together'
        yield from _missing_file((name, "file"), table.get("file"), folder)


def _missing_file(place: tuple[str | int, ...], name: Any, folder: Path) -> Iterator[Finding]:
    if isinstance(name, str) and not (folder / name).is_file():
        yield place, f"no such file: {name!r} (relative paths begin at the scenario file)"


def _demand(data: Mapping[str, Any]) -> Iterator[Finding]:
    demand = data.get("demand")
    minutes = _number(demand.get("window_min", 15)) if isinstance(demand, dict) else None
    if minutes is not None and minutes > 0 and not _is_multiple(60.0, minutes):
        yield ("demand", "window_min"), "expected minutes that divide the hour: windows begin with it"
    prices = data.get("prices")
    if isinstance(prices, dict) and prices.get("kind") == "tariff" and "demand" in data:
        yield ("demand",), "expected either this table or a tariff in [prices], which has a demand charge of its own"


def _references(data: Mapping[str, Any]) -> Iterator[Finding]:
    circuits = [row["id"] for _, row in rows(data, "circuits") if isinstance(row.get("id"), str)]
    points = point_ids(data)
    for number, row in rows(data, "limits"):
        circuit = row.get("circuit")
        if isinstance(circuit, str) and circuit not in circuits:
            yield ("limits", number, "circuit"), f"unknown circuit {circuit!r}{suggestion(circuit, circuits)}"
    for number, row in rows(data, "faults"):
        point = row.get("point")
        if isinstance(point, str) and point not in points:
            yield ("faults", number, "point"), f"unknown point {point!r}{suggestion(point, points)}"
        kind = row.get("kind")
        if isinstance(kind, str) and kind in SCENARIO_FAULTS and SCENARIO_FAULTS[kind].at_a_point and point is None:
            yield ("faults", number, "point"), f"is missing: {kind} needs the point where it happens"
    for number, row in rows(data, "chargers"):
        if isinstance(row.get("points"), list):
            yield from _patterns(("chargers", number, "points"), row["points"], points)


def _patterns(place: tuple[str | int, ...], patterns: list[Any], points: Collection[str]) -> Iterator[Finding]:
    for pattern in patterns:
        if isinstance(pattern, str) and not any(fnmatchcase(point, pattern) for point in points):
            yield place, f"no point is called {pattern!r}{suggestion(pattern, points)}"


def _chosen(data: Mapping[str, Any]) -> Iterator[Finding]:
    for table, key, known in (("faults", "kind", SCENARIO_FAULTS), ("chargers", "temperament", TEMPERAMENTS)):
        for number, row in rows(data, table):
            name = row.get(key)
            if isinstance(name, str) and name not in known:
                yield (table, number, key), f"unknown {key} {name!r}{suggestion(name, known)}"
    yield from _policies(data)


def _policies(data: Mapping[str, Any]) -> Iterator[Finding]:
    judging, known = data.get("judging"), (*BASELINES, UNSHAVED)
    policies = judging.get("policies") if isinstance(judging, dict) else None
    for number, name in enumerate(policies if isinstance(policies, list) else ()):
        if isinstance(name, str) and name not in known:
            yield ("judging", "policies", number), f"unknown policy {name!r}{suggestion(name, known)}"
        if name == UNSHAVED and not _shaves(data):
            what = "needs plan = true in [scenario], and a demand charge: in [demand], or in a tariff in [prices]"
            yield ("judging", "policies", number), f"{name} {what}"


def _shaves(data: Mapping[str, Any]) -> bool:
    """Whether there is a plan, and a demand charge for it to see."""
    scenario, prices = data.get("scenario"), data.get("prices")
    plans = isinstance(scenario, dict) and scenario.get("plan") is True
    tariff = isinstance(prices, dict) and prices.get("kind") == "tariff"
    return plans and (tariff or "demand" in data)
