"""A ledger with a tariff for everybody, and the billing over it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.billing.billing import Billing
from adapters.billing.record_making import SiteFacts, read_tariff
from adapters.store.ledger import SqlLedger, open_ledger
from adapters.store.record_book import RecordBook
from adapters.store.tariff_book import TariffBook
from adapters.store.token_book import TokenBook
from controller.plan import Event
from controller.tariffs.book import Approval, BillingRule, Leg, OperatorTerms, Scope, TariffVersion
from controller.tariffs.observed import Observed
from controller.tariffs.premises import MeterIdentity, Place
from controller.tariffs.record import ChargeRecord
from controller.tariffs.session_facts import Activity
from tests.support.fresh import fresh_database
from tests.support.sessions import a_start, a_stop, at
from tests.support.web import HandClock

SITE = SiteFacts("hq", "Europe/Amsterdam", "EUR", Place("hq", "Europe/Amsterdam", "", 0))
BY = Approval("owner", datetime(2026, 1, 1, tzinfo=UTC))
ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)
TARIFF: dict[str, Any] = {
    "id": "day",
    "currency": "EUR",
    "tax_included": "NO",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 0.5, "vat": 21, "step_size": 1},
                {"type": "ENERGY", "price": 0.3, "vat": 21, "step_size": 1},
                {"type": "PARKING_TIME", "price": 6, "vat": 21, "step_size": 1},
            ]
        }
    ],
    "loadstar": {"idle": {"grace_s": 600}},
}


class Desk:
    """A ledger with a tariff for everybody, and the billing over it."""

    def __init__(self, path: Path) -> None:
        self.events: list[Event] = []
        self.url = fresh_database(path / "ledger.db")
        self.ledger = self._opened()
        self.book = TariffBook(self.ledger.read, self.ledger.write, OperatorTerms())
        self.records = RecordBook(self.ledger.read, self.ledger.write)
        self.tokens = TokenBook(self.ledger.read, self.ledger.write)
        self.clock = HandClock()
        self.billing = self._billing()

    def _opened(self) -> SqlLedger:
        return open_ledger(self.url, currency="EUR", price_per_kwh=None, on_event=self.events.append)

    def _billing(self) -> Billing:
        return Billing(self.ledger, SITE, lambda _: MeterIdentity(model="Twin"), self.clock, self.events.append)

    def restarted(self) -> None:
        self.ledger.close()
        self.ledger = self._opened()
        self.records = RecordBook(self.ledger.read, self.ledger.write)
        self.billing = self._billing()

    def price(self, document: dict[str, Any] = TARIFF, leg: Leg = Leg.RETAIL) -> None:
        text, name = json.dumps(document), document["id"]
        curves = tuple(read_tariff(text).curves())
        self.book.add_tariff(TariffVersion(name, 0, text, curves, ALWAYS, None, BY), approve=True)
        self.book.add_rules([BillingRule("", Scope.OPERATOR, "", leg, name, ALWAYS, None, BY)], approve=True)

    async def session(self, *seen: tuple[float, Activity, int | None], **stop: Any) -> str:
        """An hour's session of 7432 Wh from nine on, in which this was seen: minute, what, register."""
        started = await self.ledger.start_transaction(a_start())
        rows = [Observed(started.session_id, at(minute), what, register) for minute, what, register in seen]
        self.ledger.keep_observed(rows).result()
        await self.ledger.stop_transaction(a_stop(started.transaction_id, **stop))
        return started.session_id

    def only_record(self, session: str) -> ChargeRecord:
        (record,) = self.records.of_session(session)
        return record
