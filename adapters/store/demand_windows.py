"""The demand windows of the grid connection that have ended.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from adapters.store.schema import demand_windows
from controller.peakshave.peak_facts import ClosedWindow
from controller.peakshave.windows import Window


def record_windows(connection: Connection, closed: Iterable[ClosedWindow]) -> None:
    """Put windows on record; one that is told anew, after the clock was set back, takes the place of the older."""
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
    """The windows that begin from ``since`` to before ``until``, oldest first."""
    chosen = select(demand_windows).where(demand_windows.c.begins_at >= since, demand_windows.c.begins_at < until)
    return [
        ClosedWindow(
            Window(row.begins_at, row.length_s, row.energy_wh, row.covered_s, tuple(row.marks.split()), row.assumed_wh),
            row.target_w,
            row.uncontrolled_wh,
        )
        for row in connection.execute(chosen.order_by(demand_windows.c.begins_at))
    ]
