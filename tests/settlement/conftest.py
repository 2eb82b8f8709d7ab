from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.store.ledger import SqlLedger, open_ledger
from tests.cli.conftest import _logging_restored
from tests.support.billing import keep_parties
from tests.support.command import loadstar
from tests.support.fresh import fresh_database
from tests.support.settlement import Office, keep_tariff

__all__ = ["_logging_restored", "loadstar"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return fresh_database(tmp_path / "ledger.db")


@pytest.fixture
def ledger(url: str) -> Iterator[SqlLedger]:
    """An open ledger that knows the parties."""
    opened = open_ledger(url, currency="EUR", price_per_kwh=None, on_event=print)
    keep_parties(opened)
    yield opened
    opened.close()


@pytest.fixture
def november() -> datetime:
    return datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    keep_tariff(made)
    yield made
    made.ledger.close()
