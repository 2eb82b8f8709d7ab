from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.store.ledger import SqlLedger, open_ledger
from controller.plan import Event
from tests.support.fresh import fresh_database
from tests.support.postgres import create_schema, postgres_server

OpenLedger = Callable[..., SqlLedger]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        opening = request.path.name == "test_opening.py"  # is about where there is nothing yet
        return f"sqlite:///{tmp_path / 'ledger.db'}" if opening else fresh_database(tmp_path / "ledger.db")
    return create_schema(request.getfixturevalue("postgres"), f"ledger_{uuid.uuid4().hex}")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def opened(url: str, events: list[Event]) -> Iterator[OpenLedger]:
    """Opens the ledger of the test, again and again if need be, as the service would."""
    ledgers: list[SqlLedger] = []

    def reopen(**changes: object) -> SqlLedger:
        if ledgers:
            ledgers[-1].close()
        terms = {"currency": "EUR", "price_per_kwh": Decimal("0.35"), "on_event": events.append}
        ledgers.append(open_ledger(url, **{**terms, **changes}))
        return ledgers[-1]

    yield reopen
    if ledgers:
        ledgers[-1].close()


@pytest.fixture
def ledger(opened: OpenLedger) -> SqlLedger:
    return opened()
