"""What the prices of demand must be to one another, and to the rest of the site file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from typing import Any

from adapters.configuration.describe import suggestion
from adapters.configuration.places import Place
from controller.peakshave.catalogue import MODELS


def peak_findings(data: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Everything in `[peak]` that contradicts something else."""
    table = data.get("peak")
    if not isinstance(table, dict):
        return
    yield from _resources(data, table.get("resources"))
    if table.get("use_surplus") is True:
        if "plan" not in data:
            yield ("peak", "use_surplus"), "needs [plan]: without one no car is put off for the price"
        yield from _unmetered(data, "is missing: what is exported is what the meter of the grid connection sees")
    tariff = table.get("tariff")
    if tariff is None:
        for name in ("prices", "target_kw", "expected_kw", "price_lever"):
            if name in table:
                yield ("peak", name), "needs a tariff: by which rules is demand billed?"
    elif isinstance(tariff, str) and tariff in MODELS:
        yield from _prices(tariff, table.get("prices", {}))
        yield from _unmetered(data, "is missing: demand is what the meter of the grid connection counts")


def _unmetered(data: Mapping[str, Any], text: str) -> Iterator[tuple[Place, str]]:
    """A grid connection without a meter."""
    for number, row in enumerate(data.get("circuits") or ()):
        if isinstance(row, dict) and "parent" not in row and "meter" not in row:
            yield ("circuits", number, "meter"), text


def _resources(data: Mapping[str, Any], rows: object) -> Iterator[tuple[Place, str]]:
    if not isinstance(rows, list):
        return
    meters = [row.get("id") for row in data.get("meters") or () if isinstance(row, dict)]
    known = [meter for meter in meters if isinstance(meter, str)]
    owners = {row.get("meter"): row.get("id") for row in data.get("circuits") or () if isinstance(row, dict)}
    first: dict[object, int] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            continue
        name, meter = row.get("id"), row.get("meter")
        if isinstance(name, str) and first.setdefault(name, number) != number:
            text = f"the same as peak.resources[{first[name]}].id; each must be there once"
            yield ("peak", "resources", number, "id"), text
        if not isinstance(meter, str):
            continue
        if meter not in known:
            yield ("peak", "resources", number, "meter"), f"unknown meter {meter!r}{suggestion(meter, known)}"
        elif meter in owners:
            text = f"is the meter of circuit {owners[meter]!r}; a resource needs one of its own"
            yield ("peak", "resources", number, "meter"), text


def _prices(tariff: str, given: object) -> Iterator[tuple[Place, str]]:
    if not isinstance(given, dict):
        return
    wanted = list(signature(MODELS[tariff]).parameters)
    for name in given:
        if name not in wanted:
            text = f"the tariff {tariff} has no such price, but {', '.join(wanted)}{suggestion(name, wanted)}"
            yield ("peak", "prices", name), text
    missing = [name for name in wanted if name not in given]
    if missing:
        yield ("peak", "prices"), f"the tariff {tariff} needs {', '.join(missing)}"
