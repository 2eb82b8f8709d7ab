"""What a sweep has computed, on disk: a small Parquet file for each unit, and at the end one file with everything."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from simulations.judging.model import Metrics
from simulations.sweeps.cases import Cases, Run
from simulations.sweeps.units import Row

_KINDS: Final = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _metric_fields() -> list[pa.Field]:
    hints = get_type_hints(Metrics)
    return [pa.field(item.name, _KINDS.get(hints[item.name], pa.float64())) for item in fields(Metrics)]


METRIC_FIELDS: Final = (*_metric_fields(), pa.field("cost", pa.float64()), pa.field("wall_s", pa.float64()))
PART: Final = pa.schema([pa.field("key", pa.string()), *METRIC_FIELDS])


def write_part(folder: Path, rows: Sequence[Row]) -> None:
    """Write what came of a unit: the file is there whole, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("".join(row["key"] for row in rows).encode()).hexdigest()[:32]
    _write(pa.Table.from_pylist(list(rows), PART), folder / f"{name}.parquet")


def read_parts(folder: Path, wanted: Collection[str]) -> tuple[dict[str, Row], list[str]]:
    """The rows with these keys, and the names of files that cannot be read; what they held is to be computed again."""
    keys = set(wanted)
    found: dict[str, Row] = {}
    unreadable = []
    for path in sorted(folder.glob("*.parquet")):
        try:
            rows = pq.read_table(path, schema=PART).to_pylist()
        except (pa.ArrowException, OSError):
            unreadable.append(path.name)
            continue
        found.update({row["key"]: row for row in rows if row["key"] in keys})
    return found, unreadable


def write_runs(
    path: Path, cases: Cases, runs: Iterable[Run], rows: Mapping[str, Row], about: Mapping[str, Any]
) -> None:
    """Write one row per run that there is: a typed column for each parameter, the seed, and all metrics."""
    there = [run for run in runs if run.key in rows]
    columns = [
        pa.array([parameter.values[cases.place(run.setting, number)] for run in there])
        for number, parameter in enumerate(cases.parameters)
    ]
    names = [parameter.key for parameter in cases.parameters]
    for item in METRIC_FIELDS:
        columns.append(pa.array([rows[run.key][item.name] for run in there], item.type))
        names.append(item.name)
    _write(pa.table(columns, names).replace_schema_metadata({"loadstar": json.dumps(about)}), path)


def _write(table: pa.Table, path: Path) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table, partial, compression="zstd")
    os.replace(partial, path)  # noqa: PTH105 - says what it is for: another sweep may have written the same
