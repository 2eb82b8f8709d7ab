from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.tariffs.book import NO_OPERATOR_TERMS, OperatorTerms
from tests.support.books import House, Office, fresh_ledger


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "ledger.db"


@pytest.fixture(scope="session")
def house() -> House:
    return House(lab=True)


@pytest.fixture(scope="session")
def guarded_house() -> House:
    return House(lab=False)


@pytest.fixture
def operator() -> OperatorTerms:
    return NO_OPERATOR_TERMS


@pytest.fixture
async def office(ledger_template: Path, tmp_path: Path, house: House, operator: OperatorTerms) -> AsyncIterator[Office]:
    """Where everybody may do everything."""
    ledger = fresh_ledger(ledger_template, tmp_path, operator)
    made = Office(ledger, house)
    yield made
    await made.http.aclose()
    ledger.close()


@pytest.fixture
async def guarded_office(ledger_template: Path, tmp_path: Path, guarded_house: House) -> AsyncIterator[Office]:
    """One that needs a login: Ben reads, Ada operates, Cleo approves."""
    ledger = fresh_ledger(ledger_template, tmp_path)
    made = Office(ledger, guarded_house)
    yield made
    await made.http.aclose()
    ledger.close()
