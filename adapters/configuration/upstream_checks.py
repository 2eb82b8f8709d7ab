"""What the tables of back offices must be to one another, and to the rest of the site file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from adapters.configuration.describe import suggestion
from adapters.configuration.places import Place

HUB_POINTS_MOST: Final = 20
"""Connectors of one hub; larger sites have several hubs."""

Finding = tuple[Place, str]
_Rows = Sequence[tuple[int, Mapping[str, Any]]]
_FILES: Final = ("tls_authorities", "tls_certificate", "tls_key")


def upstream_findings(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    """Everything in these tables that contradicts something else."""
    points = {row["id"]: row for _, row in _rows(data, "points") if isinstance(row.get("id"), str)}
    rows = _rows(data, "upstreams")
    for number, row in rows:
        yield from _points(number, row, points)
        yield from _tls(number, row, folder)
        if row.get("mode") == "hub":
            yield from _hub(number, row, len(_seen(row, points)))
        else:
            yield from _whole_stations(number, row, points)
    yield from _primaries(rows, points)
    yield from _tokens(rows, points, [row["id"] for _, row in _rows(data, "groups") if isinstance(row.get("id"), str)])
    yield from _identities(rows)


def _points(number: int, row: Mapping[str, Any], points: Mapping[str, Any]) -> Iterator[Finding]:
    named = row.get("points")
    known: set[str] = set()
    for place, point in enumerate(named) if isinstance(named, list) else ():
        if not isinstance(point, str):
            continue
        if point not in points:
            yield ("upstreams", number, "points", place), f"unknown point {point!r}{suggestion(point, points)}"
        elif point in known:
            yield ("upstreams", number, "points", place), f"point {point!r} is named twice"
        known.add(point)


def _hub(number: int, row: Mapping[str, Any], seen: int) -> Iterator[Finding]:
    if "identity" not in row:
        yield ("upstreams", number, "identity"), "is missing: a hub is one station, and needs its identity"
    if seen > HUB_POINTS_MOST:
        what = f"a hub has at most {HUB_POINTS_MOST} points, and this one has {seen}; make it several"
        yield ("upstreams", number, "points"), what


def _whole_stations(number: int, row: Mapping[str, Any], points: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """A station that is forwarded as itself is forwarded as a whole."""
    seen = _seen(row, points)
    for station in dict.fromkeys(points[point].get("station") for point in seen):
        left_out = [p for p, point in points.items() if point.get("station") == station and p not in seen]
        if left_out and isinstance(station, str):
            names = ", ".join(left_out)
            what = f"station {station!r} is forwarded as a whole: {names} belongs to it, and is missing"
            yield ("upstreams", number, "points"), what


def _primaries(rows: _Rows, points: Mapping[str, Any]) -> Iterator[Finding]:
    """Every point that a back office sees has one, and only one, whose answers count, but for tokens that are named."""
    first: dict[str, int] = {}
    for number, row in rows:
        if row.get("role", "primary") != "primary" or _choosing(row):
            continue
        shared = [point for point in _seen(row, points) if first.setdefault(point, number) != number]
        if shared:
            other = f"upstreams[{first[shared[0]]}]"
            yield ("upstreams", number, "role"), f"{_some(shared)} already has a primary, {other}; expected secondary"
    hubs = {number for number, row in rows if row.get("mode") == "hub"}
    for number, row in rows:
        if row.get("role") == "secondary" or _choosing(row):
            without = [point for point in _seen(row, points) if point not in first]
            if without:
                without_tokens = " without tokens or groups" if _choosing(row) else ""
                what = f"{_some(without)} has no primary{without_tokens}; one of its back offices is it"
                yield ("upstreams", number, "role"), what
        behind = [point for point in _seen(row, points) if first.get(point) in hubs] if _choosing(row) else []
        if behind:
            what = f"{_some(behind)} is behind a hub, upstreams[{first[behind[0]]}]: nothing is chosen by token there"
            yield ("upstreams", number, _choosing(row)[0]), what


def _tokens(rows: _Rows, points: Mapping[str, Any], groups: Collection[str]) -> Iterator[Finding]:
    """What goes with a choice by token, and that no two back offices of a point are named for the same."""
    first: dict[tuple[str, str, str], int] = {}
    for number, row in rows:
        for key in _choosing(row):
            if row.get("mode") == "hub":
                yield ("upstreams", number, key), "means nothing for a hub: nothing is chosen by token there"
            if row.get("role") == "secondary":
                yield ("upstreams", number, key), "means nothing for a secondary: it hears of every token"
            names = [(place, name) for place, name in enumerate(_list(row[key])) if isinstance(name, str)]
            for place, name in names:
                others = {first.setdefault((key, name.casefold(), point), number) for point in _seen(row, points)}
                if other := sorted(others - {number}):
                    yield ("upstreams", number, key, place), f"{name!r} is upstreams[{other[0]}]'s already"
                elif name.casefold() in {one.casefold() for earlier, one in names if earlier < place}:
                    yield ("upstreams", number, key, place), f"{name!r} is named twice"
                if key == "groups" and name not in groups:
                    yield ("upstreams", number, key, place), f"unknown group {name!r}{suggestion(name, groups)}"
        if _choosing(row) and row.get("when_away") == "spec_close":
            what = "is for the primary without tokens or groups; this one closes no connection"
            yield ("upstreams", number, "when_away"), what


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _choosing(row: Mapping[str, Any]) -> list[str]:
    """By what a back office is chosen, where it answers for some tokens only."""
    return [key for key in ("tokens", "groups") if key in row]


def _identities(rows: _Rows) -> Iterator[Finding]:
    first: dict[tuple[str, str], int] = {}
    for number, row in rows:
        url, identity = row.get("url"), row.get("identity")
        if row.get("mode") != "hub" or not isinstance(url, str) or not isinstance(identity, str):
            continue
        if (other := first.setdefault((url.rstrip("/"), identity), number)) != number:
            yield ("upstreams", number, "identity"), f"the same as upstreams[{other}].identity, at the same url"


def _tls(number: int, row: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    if ("tls_certificate" in row) != ("tls_key" in row):
        missing = "tls_key" if "tls_certificate" in row else "tls_certificate"
        yield ("upstreams", number, missing), "is missing: tls_certificate and tls_key go together"
    url = row.get("url")
    for key in _FILES:
        file = row.get(key)
        if not isinstance(file, str) or not file:
            continue
        if isinstance(url, str) and url.startswith("ws:"):
            yield ("upstreams", number, key), "means nothing without TLS: expected a url that begins with wss://"
        elif not _is_file(folder, file):
            yield ("upstreams", number, key), f"no such file: {file!r} (relative paths begin at the site file)"


def _seen(row: Mapping[str, Any], points: Mapping[str, Any]) -> list[str]:
    """The points that a back office sees, as far as they are known."""
    named = row.get("points")
    if not isinstance(named, list):
        return list(points)
    return [point for point in dict.fromkeys(p for p in named if isinstance(p, str)) if point in points]


def _some(points: Sequence[str]) -> str:
    more = f" (like {len(points) - 1} more)" if len(points) > 1 else ""
    return f"point {points[0]!r}{more}"


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except (OSError, ValueError):
        return False


def _rows(data: Mapping[str, Any], table: str) -> list[tuple[int, Mapping[str, Any]]]:
    rows = data.get(table)
    return [(i, row) for i, row in enumerate(rows) if isinstance(row, dict)] if isinstance(rows, list) else []
