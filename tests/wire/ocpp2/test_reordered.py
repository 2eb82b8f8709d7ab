"""Events of a transaction in any order, again and again, across restarts: one session with its energy (E04, E12)."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ocpp.reception import Reception
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.transaction_event import read_transaction_event
from adapters.ocpp.transactions2 import Transactions
from adapters.store.ledger import SqlLedger, open_ledger
from tests.support.ledger import EventLog, FakeMeasurements, SteppedClock
from tests.support.ocpp import TOKEN, point, site_of


def event(kind: str, number: int, minute: int, **more: Any) -> dict[str, Any]:
    about = {"transaction_id": "TX", "charging_state": "Charging"}
    at = f"2026-11-20T08:{minute:02}:00Z"
    evse = {"id": 1, "connector_id": 1}
    return {
        "event_type": kind,
        "timestamp": at,
        "trigger_reason": "Trigger",
        "seq_no": number,
        "transaction_info": about,
        "evse": evse,
        "offline": True,
    } | more


def register(wh: int, context: str) -> list[dict[str, Any]]:
    sample = {"value": wh, "measurand": "Energy.Active.Import.Register", "context": context}
    return [{"timestamp": "2026-11-20T08:00:00Z", "sampled_value": [sample]}]


EVENTS = (
    event("Started", 0, 1, meter_value=register(1000, "Transaction.Begin")),
    event("Updated", 1, 2, id_token={"id_token": TOKEN, "type": "ISO14443"}),
    event("Updated", 2, 3, meter_value=register(1500, "Sample.Periodic")),
    event("Ended", 3, 4, meter_value=register(3000, "Transaction.End")),
)
orders = st.sampled_from(list(itertools.permutations(range(len(EVENTS)))))
repeats = st.lists(st.integers(0, len(EVENTS) - 1), max_size=4)
restarts = st.sets(st.integers(0, 7), max_size=2)
"""Before which of the messages the service is started anew."""


class Desk:
    """What hears the events, as often as it is started."""

    def __init__(self, ledger: SqlLedger) -> None:
        self.ledger = ledger

    async def start(self) -> None:
        around = Surroundings(
            site_of(point()),
            SteppedClock(),
            EventLog(),
            self.ledger,
            FakeMeasurements(),
            lab=True,
            call_timeout_s=1.0,
            boot_wait_s=1.0,
        )
        self.station = Station("CP01", around)
        for running in await self.ledger.running():
            self.station.resume(running, None, None, authorised=True)
        self.transactions = Transactions(self.station, around, Reception(self.station, around))
        self.clock = around.clock

    async def hear(self, payload: dict[str, Any]) -> None:
        await self.transactions.hear(read_transaction_event(payload, self.clock.now()))


async def book(messages: list[int], anew: set[int]) -> list[tuple[bool, int | None, Decimal | None]]:
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'ledger.db'}"
        ledger = open_ledger(url, currency="EUR", price_per_kwh=Decimal("0.35"), on_event=print)
        try:
            desk = Desk(ledger)
            await desk.start()
            for position, which in enumerate(messages):
                if position in anew:
                    await desk.start()
                await desk.hear(EVENTS[which])
            assert desk.station.holder("TX") is None, "it has ended"
            records, _ = ledger.sessions()
        finally:
            ledger.close()
    return [(record.running, record.energy_wh, record.cost) for record in records]


@settings(max_examples=12, deadline=None)
@given(order=orders, again=repeats, anew=restarts)
def test_in_any_order_and_again_and_again_it_is_one_session(order: tuple[int, ...], again: list[int], anew: set[int]):
    (session,) = asyncio.run(book([*order, *again], anew))
    whole, from_what_was_told_first = (False, 2000, Decimal("0.7000")), (False, 1500, Decimal("0.5250"))
    start_in_time = order.index(0) < order.index(3)
    assert session == whole or (not start_in_time and session == from_what_was_told_first)
