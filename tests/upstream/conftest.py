"""A back office in a process of its own, one for all tests of a module; each finds it as if it had just started."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.back_office import BackOffice, back_office


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
