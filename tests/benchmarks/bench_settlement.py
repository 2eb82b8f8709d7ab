"""How long the settlement of a month takes, its files included."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from adapters.settling.closing import settle
from adapters.settling.export_kinds import Asked, Format, Kind
from adapters.settling.exports import exported
from adapters.store.ledger import open_ledger
from tests.benchmarks.registry import Measurement, benchmark
from tests.support.billing import ZONE, keep_parties, keep_records, year_of_records

MONTH = "2026-10"
SESSIONS_IN_A_YEAR = 20_000
"""Of a site with twenty points: a busy month has 1,700."""
PROMISED_S = 10.0
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@benchmark
def settlement() -> Mapping[str, Measurement]:
    """A month of a site with twenty points: closed, then every statement and overview as PDF, CSV and JSON."""
    records = [record for record in year_of_records(SESSIONS_IN_A_YEAR) if record.month == MONTH]
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'ledger.db'}"
        ledger = open_ledger(url, currency="EUR", price_per_kwh=None, on_event=print)
        keep_parties(ledger)
        keep_records(ledger, records)
        begin_s = perf_counter()
        settle(ledger.charged, MONTH, now=NOW, by="manager", time_zone=ZONE)
        closed_s = perf_counter() - begin_s
        for form in (Format.PDF, Format.CSV, Format.JSON, Format.SEPA):
            exported(ledger.charged, Asked(Kind.STATEMENT, MONTH, form), time_zone=ZONE, now=NOW)
        whole_s = perf_counter() - begin_s
        ledger.close()
    count = len(records)
    return {
        "month_settled_s": Measurement(whole_s, "s", count, at_most=PROMISED_S),
        "month_closed_s": Measurement(closed_s, "s", count),
    }
