"""The API over a real ledger, and what people say to it about prices and tokens."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.live import Live
from adapters.prices.pricing import Books
from adapters.store.ledger import SqlLedger, open_ledger
from controller.ports.transactions import TransactionStart
from controller.tariffs.book import NO_OPERATOR_TERMS, OperatorTerms
from tests.support.reach import log_in, reached
from tests.support.web import HandClock, made_app, small_site

SITE = small_site()


def _ordinary_noon() -> datetime:
    """The next one in the middle of a month: no day, month or year ends within hours of it, and no clock is changed."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    noon = soon.replace(day=15, hour=12, minute=0, second=0, microsecond=0)
    return noon if noon >= soon else (noon + timedelta(days=31)).replace(day=15)


NOW = _ordinary_noon()
"""Not before the ledger was opened: what the site file says holds from then on."""


class LaterClock(HandClock):
    """A clock that starts after the ledger was opened, and moves only when it is told to."""

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.elapsed_s)


def in_hours(hours: float) -> str:
    """A time that far away, as people write it."""
    return (NOW + timedelta(hours=hours)).isoformat()


def a_tariff(name: str, price: str = "0.40", **more: Any) -> dict[str, Any]:
    """An OCPI tariff of one price."""
    component = {"type": "ENERGY", "price": float(price), "step_size": 1}
    return {
        "country_code": "NL",
        "party_id": "LST",
        "id": name,
        "currency": "EUR",
        "elements": [{"price_components": [component]}],
        "last_updated": "2026-11-20T09:00:00Z",
        **more,
    }


def fresh_ledger(template: Path, directory: Path, operator: OperatorTerms = NO_OPERATOR_TERMS) -> SqlLedger:
    """A ledger with the site file's price of 0.35 EUR; the migrations are run once, for the template."""
    path = directory / "ledger.db"
    if template.exists():
        shutil.copy(template, path)
    ledger = open_ledger(
        f"sqlite:///{path}",
        currency="EUR",
        price_per_kwh=Decimal("0.35"),
        on_event=lambda _event: None,
        last_register=lambda _session: 12_000,
        operator=operator,
    )
    if not template.exists():
        ledger.close()
        shutil.copy(path, template)
        return fresh_ledger(template, directory, operator)
    return ledger


class Borrowed:
    """Stands for one thing after the other: making an application costs more than all that a test asks of it."""

    def __init__(self) -> None:
        self.lent: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lent, name)


class House:
    """The application that one test after the other works in."""

    def __init__(self, *, lab: bool) -> None:
        self.prices, self.tokens, self.clock = Borrowed(), Borrowed(), Borrowed()
        self.clock.lent = LaterClock()
        books = Books(self.prices, self.tokens, self.clock)
        self.app = made_app(SITE, Live(SITE, self.clock), lab=lab, books=books)


class Office:
    """Where prices and tokens are kept: the API over a ledger."""

    def __init__(self, ledger: SqlLedger, house: House) -> None:
        self.ledger, self.clock = ledger, LaterClock()
        house.prices.lent, house.tokens.lent, house.clock.lent = ledger.book, ledger.token_book, self.clock
        self.http = reached(house.app)

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        content = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        kind = "text/csv" if isinstance(body, str | bytes) else "application/json"
        answer = await self.http.request(
            method, f"/api/v1{path}", content=content, params=query, headers={"Content-Type": kind}
        )
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def log_in(self, user: str) -> None:
        await log_in(self.http, user)

    async def charge(self, point: str, token: str = "04A2", after_h: float = 0.0) -> str:
        """Begin a session; returns its id."""
        site_point = SITE.point[point]
        begins = NOW + timedelta(hours=after_h, seconds=self.clock.elapsed_s)
        start = TransactionStart(site_point.station, site_point.connector, point, token, begins, 10_000)
        return (await self.ledger.start_transaction(start)).session_id

    async def retail(self, session: str) -> dict[str, Any]:
        """The terms of a session's retail leg."""
        (terms,) = [
            one for one in (await self.ask("GET", f"/sessions/{session}/terms"))["items"] if one["leg"] == "retail"
        ]
        return dict(terms)
