"""Sessions from CSV: a table of our own form, that of the ACN-Data extracts, and that of ElaadNL."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from adapters.configuration.describe import suggestion
from adapters.configuration.problems import Problem
from simulations.data.content import Table
from simulations.data.problems import DataError
from simulations.data.record import WH_PER_KWH, Record, Row
from simulations.data.recorded import RecordedSession
from simulations.data.values import Clock

W_PER_KW: Final = 1000.0

COLUMNS: Final = {
    "id": "name of the session; default: the number of its row",
    "arrives": "when the car came",
    "leaves": "when it left",
    "energy_kwh": "what was delivered [kWh]",
    "requested_kwh": "what the driver asked for [kWh]",
    "stated_leaves": "when the driver said to leave",
    "point": "the charging point",
    "token": "who it was",
    "done_at": "when the car stopped charging",
    "max_power_kw": "the highest power of the session [kW]",
}
"""The columns of the generic CSV."""

REQUIRED: Final = ("arrives", "leaves", "energy_kwh")

_ACN: Final = (
    "arrival",
    "departure",
    "requested_energy (kWh)",
    "delivered_energy (kWh)",
    "station_id",
    "session_id",
    "estimated_departure",
    "claimed",
)
_ELAADNL: Final = (
    "TransactionId",
    "ChargePoint",
    "Connector",
    "UTCTransactionStart",
    "UTCTransactionStop",
    "TotalEnergy",
)


def is_generic(table: Table) -> bool:
    """Whether the columns that must be there have the names of the generic form."""
    return set(REQUIRED) <= set(table.header)


def is_acn(table: Table) -> bool:
    """Whether it is an extract of ACN-Data."""
    return set(_ACN) <= set(table.header)


def is_elaadnl(table: Table) -> bool:
    """Whether it is the table of transactions of ElaadNL."""
    return set(_ELAADNL) <= set(table.header)


def generic_rows(table: Table, zone: ZoneInfo | None, columns: Mapping[str, str]) -> Iterator[Row]:
    """Sessions of the generic form.

    Args:
        table: The file.
        zone: Of times that have no offset.
        columns: What columns are called in this file, by the names in ``COLUMNS``; the others have those names.

    Raises:
        DataError: a column is named that cannot be, or one that must be there is not.
    """
    names = {name: columns.get(name, name) for name in COLUMNS}
    unknown = [
        Problem(table.name, 1, name, f"is no column of the generic form{suggestion(name, COLUMNS)}")
        for name in columns
        if name not in COLUMNS
    ]
    _require(table, [names[name] for name in (*REQUIRED, *columns) if name in names], unknown)
    return _rows(table, Clock(zone, day_first=False), lambda record, number: _generic(record, names, number))


def _generic(record: Record, names: Mapping[str, str], number: int) -> Row:
    return record.row(
        RecordedSession(
            id=record.text(names["id"]) or str(number),
            arrives=record.time(names["arrives"]),
            leaves=record.time(names["leaves"]),
            energy_wh=record.number(names["energy_kwh"], WH_PER_KWH),
            requested_wh=record.number_or_none(names["requested_kwh"], WH_PER_KWH),
            stated_leaves=record.time_or_none(names["stated_leaves"]),
            point=record.text(names["point"]),
            token=record.text(names["token"]),
            done_at=record.time_or_none(names["done_at"]),
            max_power_w=record.number_or_none(names["max_power_kw"], W_PER_KW),
        )
    )


def acn_rows(table: Table, zone: ZoneInfo | None) -> Iterator[Row]:
    """Sessions of an extract of ACN-Data.

    Where the driver did not use the app (``claimed``), the extract repeats what happened as if it had been stated.

    Raises:
        DataError: a column is not there.
    """
    _require(table, _ACN)
    return _rows(table, Clock(zone), _acn)


def _acn(record: Record, number: int) -> Row:
    session = RecordedSession(
        id=record.text("session_id") or str(number),
        arrives=record.time("arrival"),
        leaves=record.time("departure"),
        energy_wh=record.number("delivered_energy (kWh)", WH_PER_KWH),
        requested_wh=record.number_or_none("requested_energy (kWh)", WH_PER_KWH),
        stated_leaves=record.time_or_none("estimated_departure"),
        point=record.text("station_id"),
    )
    claimed = record.text("claimed") == "True"
    return record.row(session if claimed else replace(session, requested_wh=None, stated_leaves=None))


def elaadnl_rows(table: Table, zone: ZoneInfo | None) -> Iterator[Row]:
    """Transactions of ElaadNL's open data set. Its times are in UTC, as the names of its columns say.

    Raises:
        DataError: a column is not there.
    """
    _require(table, _ELAADNL)
    return _rows(table, Clock(zone or ZoneInfo("UTC"), day_first=True), _elaadnl)


def _elaadnl(record: Record, number: int) -> Row:
    return record.row(
        RecordedSession(
            id=record.text("TransactionId") or str(number),
            arrives=record.time("UTCTransactionStart"),
            leaves=record.time("UTCTransactionStop"),
            energy_wh=record.number("TotalEnergy", WH_PER_KWH),
            point=f"{record.text('ChargePoint')}/{record.text('Connector')}",
            token=record.text("StartCard"),
            max_power_w=record.number_or_none("MaxPower", W_PER_KW),
        )
    )


def _require(table: Table, names: Iterable[str], problems: Iterable[Problem] = ()) -> None:
    there = ", ".join(table.header)
    missing = [
        Problem(table.name, 1, "", f"expected a column {name!r}{suggestion(name, table.header)}", there)
        for name in dict.fromkeys(names)
        if name not in table.header
    ]
    if found := [*problems, *missing]:
        raise DataError(found)


def _rows(table: Table, clock: Clock, read: Callable[[Record, int], Row]) -> Iterator[Row]:
    for number, (line, cells) in enumerate(table.rows, start=1):
        problem = table.width_problem(line, cells)
        if problem is not None:
            yield (problem,)
        else:
            fields = dict(zip(table.header, cells, strict=True))
            yield read(Record(fields, clock, table.name, line, decimal_comma=table.decimal_comma), number)


def write_sessions(path: Path, sessions: Iterable[RecordedSession]) -> None:
    """Write sessions in the generic form: times in UTC, energy to 1 mWh."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for session in sessions:
            writer.writerow(
                (
                    session.id,
                    _time(session.arrives),
                    _time(session.leaves),
                    _kilo(session.energy_wh),
                    _kilo(session.requested_wh),
                    _time(session.stated_leaves),
                    session.point or "",
                    session.token or "",
                    _time(session.done_at),
                    _kilo(session.max_power_w),
                )
            )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _kilo(value: float | None) -> str:
    return "" if value is None else f"{value / 1000.0:.6f}".rstrip("0").rstrip(".")
