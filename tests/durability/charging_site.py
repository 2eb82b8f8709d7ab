"""A process that is meant to be killed: chargers announce sessions, and every answer they get is printed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from decimal import Decimal

from adapters.store.ledger import SqlLedger, open_ledger
from tests.support.sessions import a_start, a_stop

CHARGERS = 10


def say(*answer: object) -> None:
    """One line in one write: a kill cannot cut it in two."""
    os.write(sys.stdout.fileno(), (json.dumps(answer) + "\n").encode())


async def charger(ledger: SqlLedger, run: str, number: int) -> None:
    station = f"CP{number:02}"
    for minute in itertools.count():
        started = await ledger.start_transaction(a_start(station, token=run, minutes=minute))
        say("start", started.session_id, started.transaction_id)
        await ledger.stop_transaction(a_stop(started.transaction_id, station, wh=10_000 + minute))
        say("stop", started.session_id, minute)


async def main(url: str, run: str) -> None:
    ledger = open_ledger(url, currency="EUR", price_per_kwh=Decimal("0.35"), on_event=print)
    await asyncio.gather(*(charger(ledger, run, number) for number in range(CHARGERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
