"""The demand windows of the grid connection that have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime

from sqlalchemy import Connection, select

from adapters.store.schema import demand_windows
from adapters.store.tariff_book import Reads, Writes
from controller.peakshave.peak_facts import ClosedWindow
from controller.peakshave.windows import Window


class DemandWindows:
    """The windows, on record. Every method may be called from any thread, and raises ``LedgerUnavailable``."""

    def __init__(self, read: Reads, write: Writes) -> None:
        self._read = read
        self._write = write

    def keep_windows(self, closed: Sequence[ClosedWindow]) -> Future[None]:
        """Put windows on record; the future is done when they are on disk. Returns at once.

        One that is told anew, after the clock was set back, takes the place of the older.
        """
        return self._write(lambda connection: _record_windows(connection, closed))

    def windows(self, since: datetime, until: datetime) -> Sequence[ClosedWindow]:
        """The windows that begin from ``since`` to before ``until``, oldest first."""
        return self._read(lambda connection: windows_between(connection, since, until))


def _record_windows(connection: Connection, closed: Iterable[ClosedWindow]) -> None:
    for one in closed:
        window = one.window
        connection.execute(demand_windows.delete().where(demand_windows.c.begins_at == window.begins_at))
        connection.execute(
            demand_windows.insert().values(
                begins_at=window.begins_at,
                length_s=window.length_s,
                energy_wh=window.energy_wh,
                covered_s=window.covered_s,
                assumed_wh=window.assumed_wh,
                marks=" ".join(window.marks),
                target_w=one.target_w,
                uncontrolled_wh=one.uncontrolled_wh,
            )
        )


def windows_between(connection: Connection, since: datetime, until: datetime) -> Sequence[ClosedWindow]:
    """The windows of a period, for who has no more than a connection; see ``DemandWindows``."""
    chosen = select(demand_windows).where(demand_windows.c.begins_at >= since, demand_windows.c.begins_at < until)
    return [
        ClosedWindow(
            Window(row.begins_at, row.length_s, row.energy_wh, row.covered_s, tuple(row.marks.split()), row.assumed_wh),
            row.target_w,
            row.uncontrolled_wh,
        )
        for row in connection.execute(chosen.order_by(demand_windows.c.begins_at))
    ]
