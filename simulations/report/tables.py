"""A run as tables for other programs: sessions and series, with units in the names of their columns."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from controller.loadbalance.facts import STATES
from controller.units import PHASE_NAMES
from simulations.results import Results, SessionResult

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE: Final = 5_000
_SESSION_COLUMNS: Final = (
    "id",
    "point",
    "token",
    "arrives_at",
    "leaves_at",
    "arrives_s",
    "leaves_s",
    "requested_wh",
    "delivered_wh",
    "met",
    "first_charge_s",
    "longest_wait_s",
    "stated_leaves_s",
    "stated_energy_wh",
    "car_phases",
    "car_max_a",
    "car_capacity_wh",
)


def write_tables(results: Results, directory: Path) -> None:
    """Write ``sessions.csv`` and ``series.parquet`` (``series.csv`` where pyarrow is not installed).

    What their columns hold: ``docs/reference/simulation-tables.md``. The same results give the same bytes.

    Raises:
        OSError: a file cannot be written.
    """
    _write_sessions(results, directory / "sessions.csv")
    if importlib.util.find_spec("pyarrow") is None:
        _write_series_csv(results, directory / "series.csv")
    else:
        _write_series_parquet(results, directory / "series.parquet")


def _write_sessions(results: Results, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_SESSION_COLUMNS)
        writer.writerows(_session_row(session, results.scenario.start_s) for session in results.sessions)


def _session_row(session: SessionResult, start_s: float) -> list[str]:
    visit = session.visit
    return [
        _text(visit.id),
        _text(visit.point),
        _text(visit.token),
        _instant(start_s + visit.arrives_s),
        _instant(start_s + visit.leaves_s),
        _number(visit.arrives_s),
        _number(visit.leaves_s),
        _number(visit.energy_wh),
        _number(session.delivered_wh),
        "true" if session.met else "false",
        _number(session.first_charge_s),
        _number(session.longest_wait_s),
        _number(visit.stated_leaves_s),
        _number(visit.stated_energy_wh),
        str(visit.car.phases),
        _number(visit.car.max_a),
        _number(visit.car.capacity_wh),
    ]


def _text(value: str) -> str:
    """No spreadsheet takes a name for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")


def _instant(unix_s: float) -> str:
    return datetime.fromtimestamp(round(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _columns(results: Results) -> Iterator[tuple[str, NDArray[Any], tuple[str, ...] | None]]:
    """(name, values, words) of each column of the series; with words, the values are places in them."""
    series, site = results.series, results.scenario.site
    yield "time_s", series.time_s, None
    yield "price_per_kwh", series.price, None
    for phase, name in enumerate(PHASE_NAMES):
        yield f"building.{name.lower()}_a", series.building_a[:, phase], None
    for place, circuit in enumerate(site.circuits):
        for phase, name in enumerate(PHASE_NAMES):
            yield f"circuit.{circuit.id}.{name.lower()}_a", series.circuit_a[:, place, phase], None
            yield f"circuit.{circuit.id}.{name.lower()}_peak_a", series.circuit_peak_a[:, place, phase], None
        yield f"circuit.{circuit.id}.thermal", series.thermal[:, place], None
    for place, point in enumerate(site.points):
        yield f"point.{point.id}.limit_a", series.limit_a[:, place], None
        yield f"point.{point.id}.current_a", series.current_a[:, place], None
        yield f"point.{point.id}.power_w", series.power_w[:, place], None
        yield f"point.{point.id}.state", series.state[:, place], tuple(state.value for state in STATES)
        yield f"point.{point.id}.because", series.because[:, place], series.reasons


def _write_series_parquet(results: Results, path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - optional
    import pyarrow.parquet as pq  # noqa: PLC0415

    scenario = results.scenario
    at_ms = np.round(1000.0 * (results.series.time_s + scenario.start_s)).astype(np.int64)
    names, arrays = ["at"], [pa.array(at_ms, pa.timestamp("ms", "UTC"))]
    for name, values, words in _columns(results):
        names.append(name)
        if words is None:
            # A point about which nothing was said has no limit: null, not NaN.
            arrays.append(pa.array(np.ascontiguousarray(values), from_pandas=name.endswith(".limit_a")))
        else:
            arrays.append(pa.DictionaryArray.from_arrays(values.astype(np.int16), list(words)))
    about = {
        "scenario": scenario.name,
        "policy": results.policy,
        "seed": str(scenario.seed),
        "site": scenario.site.id,
        "time_zone": scenario.site.time_zone,
        "currency": scenario.site.currency,
        "step_s": f"{results.series.step_s:g}",
    }
    table = pa.Table.from_arrays(arrays, names=names).replace_schema_metadata(about)
    pq.write_table(table, path, compression="zstd")


def _write_series_csv(results: Results, path: Path) -> None:
    columns = list(_columns(results))
    time_s = results.series.time_s
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["at", *(_text(name) for name, _, _ in columns)])
        for begin in range(0, len(time_s), _ROWS_AT_ONCE):
            rows = slice(begin, begin + _ROWS_AT_ONCE)
            instants = [_instant(results.scenario.start_s + at_s) for at_s in time_s[rows].tolist()]
            cells = [_cells(values[rows], words) for _, values, words in columns]
            writer.writerows(zip(instants, *cells, strict=True))


def _cells(values: NDArray[Any], words: tuple[str, ...] | None) -> list[str]:
    if words is not None:
        return [words[place] for place in values.tolist()]
    digits = 12 if values.dtype == np.float64 else 7
    return ["" if np.isnan(value) else f"{value:.{digits}g}" for value in values.tolist()]
