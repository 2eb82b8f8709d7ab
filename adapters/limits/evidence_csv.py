"""The log of limits as a table, for whom it is evidence."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from adapters.csv_table import harmless
from controller.peakshave.evidence import Evidence

COLUMNS: Final = (
    "at",
    "happening",
    "circuit",
    "source",
    "limit",
    "limit_w",
    "allowed_w",
    "drawn_w",
    "received_at",
    "valid_from",
    "valid_until",
    "priority",
    "came_by",
    "note",
)


def evidence_csv(lines: Iterable[Evidence]) -> str:
    """One row for each line, oldest first; times in UTC to the second, power in whole watts.

    What senders wrote cannot become a formula of a spreadsheet: it gets an apostrophe in front.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for line in lines:
        limit = line.limit
        table.writerow(
            [
                _time(line.at),
                line.happening.value,
                harmless(limit.circuit),
                harmless(limit.source),
                harmless(limit.name),
                _watts(limit.limit_w),
                _watts(line.allowed_w),
                _watts(line.drawn_w),
                _time(limit.received_at),
                _time(limit.valid_from),
                _time(limit.valid_until),
                limit.priority,
                harmless(line.by),
                harmless(line.note),
            ]
        )
    return text.getvalue()


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _watts(power_w: float | None) -> str:
    return "" if power_w is None or not math.isfinite(power_w) else f"{power_w:.0f}"
