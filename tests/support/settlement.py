"""A ledger with sessions of October and a tariff, and the manager's desk over it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from adapters.billing.billing import Billing
from adapters.billing.record_making import SiteFacts
from adapters.live import Live
from adapters.settling.desk import SettlementDesk
from adapters.settling.export_kinds import Asked, Format, Kind
from adapters.settling.exports import exported
from adapters.store.ledger import SqlLedger, open_ledger
from controller.ports.transactions import TransactionStart, TransactionStop
from controller.tariffs.book import Approval, BillingRule, Leg, Scope, TariffVersion
from controller.tariffs.observed import Observed
from controller.tariffs.premises import MeterIdentity, Place
from controller.tariffs.record import ChargeRecord
from controller.tariffs.session_facts import Activity
from tests.support.billing import ZONE, keep_parties
from tests.support.fresh import fresh_database
from tests.support.reach import reached
from tests.support.web import HandClock, made_app, small_site

PLACE = Place("test", ZONE, "", 0, address="Kade 12", city="Ede", country="NL", latitude="52.04", longitude="5.67")
SITE = SiteFacts("test", ZONE, "EUR", PLACE, "NL", "LST")
BY = Approval("manager", datetime(2026, 1, 1, tzinfo=UTC))
OCTOBER = datetime(2026, 10, 5, 8, tzinfo=UTC)


class November(HandClock):
    def now(self) -> datetime:
        return datetime(2026, 11, 2, 9, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)


class Office:
    """A ledger with two sessions of October, one of which ended without its register; and the API over it."""

    def __init__(self, directory: Path) -> None:
        self.url = fresh_database(directory / "loadstar.db")
        self.ledger: SqlLedger = open_ledger(self.url, currency="EUR", price_per_kwh=None, on_event=print)
        keep_parties(self.ledger)
        self.book, self.clock = self.ledger.charged, November()
        self.billing = Billing(self.ledger, SITE, lambda _: MeterIdentity(serial="M1"), self.clock, print)

    async def session(self, number: int, end_wh: int) -> str:
        begins = OCTOBER + timedelta(days=number)
        start = TransactionStart(f"CP{number}", 1, f"P{number}", "04A2", begins, 1_000)
        started = await self.ledger.start_transaction(start)
        seen = [(5, Activity.CHARGING, 2_000), (30, Activity.CHARGING, 7_000), (45, Activity.IDLE, None)]
        rows = [Observed(started.session_id, begins + timedelta(minutes=m), what, wh) for m, what, wh in seen]
        self.ledger.keep_observed(rows).result()
        stop = TransactionStop(start.station, str(started.transaction_id), begins + timedelta(hours=1), end_wh)
        await self.ledger.stop_transaction(stop)
        return started.session_id

    @cached_property
    def http(self) -> httpx.AsyncClient:
        desk, site = SettlementDesk(self.book, self.url, SITE, self.clock), small_site()
        app = made_app(site, Live(site, self.clock), charged=desk)
        return reached(app)

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.http.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.headers["content-type"] == "application/json" else answer

    def exported(self, kind: Kind, form: Format) -> bytes:
        """A file of October, made in this process: the one that makes it for the API takes seconds to start."""
        return exported(self.book, Asked(kind, "2026-10", form), time_zone=ZONE, now=self.clock.now())

    def records(self, session: str) -> list[ChargeRecord]:
        return list(self.book.of_session(session))


def keep_tariff(office: Office) -> None:
    """0.30 a kWh in the first half hour, 0.20 after it; the tenant of flat 1 pays, with 21 % tax."""
    first = {"restrictions": {"max_duration": 1800}, "price_components": [energy("0.30")]}
    tariff = {"id": "t", "currency": "EUR", "elements": [first, {"price_components": [energy("0.20")]}]}
    always = datetime(2026, 1, 1, tzinfo=UTC)
    book = office.ledger.book
    book.add_tariff(TariffVersion("t", 0, json.dumps(tariff), (), always, None, BY), approve=True)
    book.add_rules([BillingRule("", Scope.OPERATOR, "", Leg.RETAIL, "t", always, None, BY)], approve=True)


def energy(price: str) -> dict[str, Any]:
    return {"type": "ENERGY", "price": float(price), "vat": 21, "step_size": 1}
