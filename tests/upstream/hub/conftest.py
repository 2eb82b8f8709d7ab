"""A back office in a process of its own that has time to answer; nothing else takes as long as in real life."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.ocpp.upstream import delivery, hub, hub_line
from tests.support.back_office import BackOffice, back_office
from tests.support.processes import WITHIN_S


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BackOffice]:
    async with back_office(tmp_path_factory.mktemp("office")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def office(process: BackOffice) -> AsyncIterator[BackOffice]:
    """Tests that use it share an event loop: ``pytest.mark.asyncio(loop_scope="module")``."""
    await process.begin_anew()
    yield process
    assert process.failures == []


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_line, "ANSWER_S", WITHIN_S)
    monkeypatch.setattr(delivery, "RETRY_S", 0.05)
    monkeypatch.setattr(hub, "WATCH_S", 0.05)
    monkeypatch.setattr("controller.hub_satellite.outbox.PER_S", 200.0)
    monkeypatch.setattr("controller.hub_satellite.outbox.PAUSES_S", (0.01,) * 4)
    monkeypatch.setattr("adapters.ocpp.upstream.link.PAUSE_FIRST_S", 0.1)
