"""What the tables for limits that others set must be to one another, and to the rest of the site file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.configuration.describe import suggestion
from adapters.configuration.peak_assembly import SCHEDULE
from adapters.configuration.places import Place
from adapters.limits.schedule import ScheduleError, read_schedule

_WHERE: Place = ("peak", "grid_operator")


def grid_operator_findings(data: Mapping[str, Any], folder: Path) -> Iterator[tuple[Place, str]]:
    """Everything in these tables that contradicts something else."""
    peak = data.get("peak")
    table = peak.get("grid_operator") if isinstance(peak, dict) else None
    if not isinstance(table, dict):
        return
    circuits = [row["id"] for row in _rows(data, "circuits") if isinstance(row.get("id"), str)]
    yield from _sources(_rows(table, "sources"))
    yield from _law(table.get("paragraph_14a"), _rows(data, "circuits"))
    for name, key in (("sources", "fail_safe_circuit"), ("inputs", "circuit")):
        for number, row in enumerate(_rows(table, name)):
            circuit = row.get(key)
            if isinstance(circuit, str) and circuit not in circuits:
                yield (*_WHERE, name, number, key), f"unknown circuit {circuit!r}{suggestion(circuit, circuits)}"
    file = table.get("schedule_file")
    if isinstance(file, str) and file:
        try:
            read_schedule(folder / file, circuits)
        except ScheduleError as error:
            yield from (((*_WHERE, "schedule_file"), problem) for problem in error.problems)


def _law(law: object, circuits: list[Mapping[str, Any]]) -> Iterator[tuple[Place, str]]:
    if not isinstance(law, dict):
        return
    if law.get("per_device") is True:
        for key in law.keys() - {"per_device"}:
            yield (*_WHERE, "paragraph_14a", key), "means nothing with per_device: each keeps 4.2 kW; leave it out"
    if law.get("surplus_on_top") is True and any("parent" not in row and "meter" not in row for row in circuits):
        yield (
            (*_WHERE, "paragraph_14a", "surplus_on_top"),
            "needs a meter at the grid connection, which sees the surplus",
        )


def _sources(rows: list[Mapping[str, Any]]) -> Iterator[tuple[Place, str]]:
    first: dict[object, int] = {}
    by_mqtt: list[int] = []
    for number, row in enumerate(rows):
        place = (*_WHERE, "sources", number)
        name, ways = row.get("id"), row.get("by", ["rest", "mqtt"])
        if name == SCHEDULE:
            yield (*place, "id"), f"{SCHEDULE!r} is what stands in the schedule_file"
        if isinstance(name, str) and first.setdefault(name, number) != number:
            yield (*place, "id"), f"the same as peak.grid_operator.sources[{first[name]}].id; each must be there once"
        if isinstance(ways, list) and "mqtt" in ways:
            by_mqtt.append(number)
        if "fail_safe_w" in row and "silent_s" not in row:
            yield (*place, "fail_safe_w"), "needs silent_s: how long may the source be silent?"
    for number in by_mqtt[1:]:
        other = f"peak.grid_operator.sources[{by_mqtt[0]}]"
        yield (*_WHERE, "sources", number, "by"), f"expected one source by mqtt, and {other} is one; name its ways"


def _rows(data: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    rows = data.get(table)
    return [row if isinstance(row, dict) else {} for row in rows] if isinstance(rows, list) else []
