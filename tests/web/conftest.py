from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.books import Office, fresh_ledger


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "ledger.db"


@pytest.fixture
async def office(ledger_template: Path, tmp_path: Path) -> AsyncIterator[Office]:
    ledger = fresh_ledger(ledger_template, tmp_path)
    made = Office(ledger)
    yield made
    await made.http.aclose()
    ledger.close()


@pytest.fixture
async def guarded_office(ledger_template: Path, tmp_path: Path) -> AsyncIterator[Office]:
    """One that needs a login: Ben reads, Ada operates, Cleo approves."""
    ledger = fresh_ledger(ledger_template, tmp_path)
    made = Office(ledger, lab=False)
    yield made
    await made.http.aclose()
    ledger.close()
