"""What the tables of a site file must be to one another.

The checks look at the file as it was parsed, not at validated tables: so they also find what is wrong around a table
that is itself wrong, and the list of problems is complete at once. What cannot be read is left to validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.configuration.describe import suggestion
from adapters.configuration.grid_operator_checks import grid_operator_findings
from adapters.configuration.peak_checks import peak_findings
from adapters.configuration.places import Place
from adapters.configuration.upstream_checks import upstream_findings
from adapters.metering.registers import models
from adapters.prices.price_file import PriceFileError, read_price_file
from controller.site import ChargingPoint, Circuit, structure_problems

Finding = tuple[Place, str]
"""A place and what is wrong there."""

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised here, not listened on
_PLACE: Final = re.compile(r"(\w+)(?:\[(\d+)\]\.(\w+))?")
_READ_ELSEWHERE: Final = "\0"
"""Begins the stand-ins of unreadable values; no identifier of a valid file begins with it."""


def findings(data: Mapping[str, Any], *, folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything in a parsed site file that contradicts something else in it, or around it."""
    yield from structure_findings(data)
    for table, key in (
        ("meters", "id"),
        ("stations", "id"),
        ("groups", "id"),
        ("tokens", "uid"),
        ("users", "name"),
        ("upstreams", "id"),
    ):
        yield from _repeated(data, table, key)
    yield from _meters(data)
    yield from _groups(data)
    yield from _prices(data, folder)
    yield from peak_findings(data)
    yield from grid_operator_findings(data, folder)
    yield from upstream_findings(data, folder)
    yield from _stations(data)
    yield from _secrets(data, environ)
    yield from _listeners(data, folder)


def _rows(data: Mapping[str, Any], table: str) -> list[tuple[int, Mapping[str, Any]]]:
    rows = data.get(table)
    return [(i, row) for i, row in enumerate(rows) if isinstance(row, dict)] if isinstance(rows, list) else []


def _table(data: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    found = data.get(table)
    return found if isinstance(found, dict) else {}


def _text(row: Mapping[str, Any], key: str, otherwise: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else otherwise


def structure_findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that keeps the circuits and points of parsed data from being one site."""
    circuit_rows = [(i, row) for i, row in _rows(data, "circuits") if isinstance(row.get("id"), str)]
    if not circuit_rows and data.get("circuits") != []:
        return
    point_rows = _rows(data, "points")
    roots = [row["id"] for _, row in circuit_rows if "parent" not in row]
    # A parent that cannot be read is reported once, by validation; here the circuit hangs on the grid connection.
    top = roots[0] if roots else None
    circuits = [
        Circuit(row["id"], _text(row, "parent", top or "") if "parent" in row else None, (1.0, 1.0, 1.0))
        for _, row in circuit_rows
    ]
    points = [_skeleton(i, row, circuits[0].id if circuits else "") for i, row in point_rows]
    numbers = {"circuits": [i for i, _ in circuit_rows], "points": [i for i, _ in point_rows]}
    for place, message in structure_problems(circuits, points):
        match = _PLACE.fullmatch(place)
        assert match, f"structure_problems names an unknown kind of place: {place}"
        table, number, key = match.groups()
        yield ((table, numbers[table][int(number)], key) if number else (table,)), message


def _skeleton(number: int, row: Mapping[str, Any], circuit: str) -> ChargingPoint:
    stand_in = f"{_READ_ELSEWHERE}{number}"
    connector = row.get("connector", 1)
    return ChargingPoint(
        id=_text(row, "id", stand_in),
        circuit=_text(row, "circuit", circuit),
        station=_text(row, "station", stand_in),
        connector=connector if isinstance(connector, int) else -number,
    )


def _repeated(data: Mapping[str, Any], table: str, key: str) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for number, row in _rows(data, table):
        value = row.get(key)
        if not isinstance(value, str):
            continue
        # Tokens are the same in upper and lower case: OCPP 1.6 §7.28.
        name = value.casefold() if table == "tokens" else value
        if first.setdefault(name, number) != number:
            yield (table, number, key), f"the same as {table}[{first[name]}].{key}; each must be there once"


def _meters(data: Mapping[str, Any]) -> Iterator[Finding]:
    rows = _rows(data, "meters")
    known = [row["id"] for _, row in rows if isinstance(row.get("id"), str)]
    for number, row in _rows(data, "circuits"):
        meter = row.get("meter")
        if isinstance(meter, str) and meter not in known:
            yield ("circuits", number, "meter"), f"unknown meter {meter!r}{suggestion(meter, known)}"
    for number, row in rows:
        model = row.get("model")
        if row.get("kind") == "modbus_tcp" and isinstance(model, str) and model not in models():
            yield ("meters", number, "model"), f"unknown model {model!r}{suggestion(model, models())}"
        if row.get("kind") == "mqtt" and "url" not in row and "mqtt" not in data:
            yield ("meters", number, "url"), "is missing, and there is no [mqtt] table whose url could stand for it"
        if row.get("kind") == "mqtt" and "timestamp_path" in row and "quantities" not in row:
            yield ("meters", number, "timestamp_path"), "is for messages with quantities of their own"
        if row.get("kind") == "mqtt" and isinstance(row.get("quantities"), dict):
            told = row["quantities"]
            if "month_peak_w" in told and "demand_w" not in told:
                yield ("meters", number, "quantities", "month_peak_w"), "needs demand_w"
        if row.get("kind") == "p1":
            yield from _p1_meter(row, ("meters", number))


def _p1_meter(row: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    if "device" in row and ("host" in row or "port" in row):
        yield (*place, "device"), "a meter has one line: either host and port, or device"
    elif "device" not in row:
        for key in ("host", "port"):
            if key not in row:
                yield (*place, key), "is missing: expected host and port, or device"


def _groups(data: Mapping[str, Any]) -> Iterator[Finding]:
    known = [row["id"] for _, row in _rows(data, "groups") if isinstance(row.get("id"), str)]
    for number, row in _rows(data, "tokens"):
        group = row.get("group")
        if isinstance(group, str) and group not in known:
            yield ("tokens", number, "group"), f"unknown group {group!r}{suggestion(group, known)}"


def _prices(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    file = _table(data, "plan").get("price_file")
    if not isinstance(file, str):
        return
    if not _is_file(folder, file):
        yield ("plan", "price_file"), f"no such file: {file!r} (relative paths begin at the site file)"
        return
    try:
        read_price_file(folder / file)
    except PriceFileError as error:
        for problem in error.problems:
            yield ("plan", "price_file"), problem


def _stations(data: Mapping[str, Any]) -> Iterator[Finding]:
    used = {row.get("station") for _, row in _rows(data, "points") if isinstance(row.get("station"), str)}
    for number, row in _rows(data, "stations"):
        station = row.get("id")
        if isinstance(station, str) and station not in used:
            hint = suggestion(station, (str(name) for name in used))
            yield ("stations", number, "id"), f"no charging point belongs to station {station!r}{hint}"


def _secrets(data: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Finding]:
    users, stations = _rows(data, "users"), _rows(data, "stations")
    for table, rows in (("stations", stations), ("users", users)):
        for number, row in rows:
            if "password" in row and "password_env" in row:
                yield (table, number, "password_env"), "expected either password or password_env, not both"
            yield from _unset((table, number, "password_env"), row, environ)
    for number, row in users:
        if "password" not in row and "password_env" not in row:
            yield ("users", number, "password"), "is missing: expected password or password_env"
    for number, row in _rows(data, "upstreams"):
        yield from _unset(("upstreams", number, "password_env"), row, environ)
    yield from _unset(("influx", "token_env"), _table(data, "influx"), environ)


def _unset(path: Place, row: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Finding]:
    variable = row.get(str(path[-1]))
    if not isinstance(variable, str):
        return
    if not environ.get(variable):
        yield path, f"the environment variable {variable} is not set"
    elif not environ[variable].isprintable():
        yield path, f"the environment variable {variable} holds characters that cannot be typed"


def _listeners(data: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    ocpp, web = _table(data, "ocpp"), _table(data, "web")
    port = web.get("port", 8080)
    if isinstance(port, int) and port != 0 and port == ocpp.get("port", 9000) and _overlap(ocpp, web):
        yield ("web", "port"), f"port {port} is that of [ocpp] as well"
    for name, table in (("ocpp", ocpp), ("web", web)):
        if ("tls_certificate" in table) != ("tls_key" in table):
            missing = "tls_key" if "tls_certificate" in table else "tls_certificate"
            yield (name, missing), "is missing: tls_certificate and tls_key go together"
        for key in ("tls_certificate", "tls_key"):
            file = table.get(key)
            if isinstance(file, str) and not _is_file(folder, file):
                yield (name, key), f"no such file: {file!r} (relative paths begin at the site file)"


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    hosts = {"127.0.0.1" if host == "localhost" else host for host in (_host(one), _host(other))}
    return len(hosts) == 1 or bool(hosts & _EVERYWHERE)


def _host(table: Mapping[str, Any]) -> str:
    return _text(table, "host", "127.0.0.1")


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except (OSError, ValueError):
        return False
