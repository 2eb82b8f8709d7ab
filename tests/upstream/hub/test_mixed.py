"""A charger that one back office sees as itself, and another as a connector of a hub."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from adapters.ocpp import CentralSystem
from adapters.ocpp.surroundings import Premises
from adapters.ocpp.upstream.back_office import BackOffice as Office
from adapters.ocpp.upstream.back_office import Desk
from adapters.ocpp.upstream.forwarding import Forwarding
from adapters.ocpp.upstream.hub import Hub
from adapters.ocpp.upstream.hubs import Hubs
from adapters.store.ledger import open_ledger
from controller.ports.tokens import Token
from tests.support.back_office import BackOffice, back_office
from tests.support.forwarded import MeteredCharger, _LetIn
from tests.support.hubbed import HUB, TOKEN
from tests.support.ledger import EventLog, FakeMeasurements
from tests.support.ocpp import point, site_of
from tests.support.processes import WITHIN_S

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_both_books_are_those_of_the_meter(tmp_path: Path, office: BackOffice):
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    events, clock, site = EventLog(), SystemClock(), site_of(point("P1", "CP01"))
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.db", currency="EUR", price_per_kwh=Decimal(1), on_event=events)
    ledger.seed([Token(TOKEN)], {})
    desk = Desk(Premises(site, clock, events), ledger.outbox, ledger.upstream_memory)
    async with back_office(other_folder) as audit:
        forwarding = Forwarding({"CP01": [Office("office", office.url)]}, desk)
        hubs = Hubs([Hub(Office("audit", audit.url, primary=False), HUB, site.points, desk)], desk)
        central = CentralSystem(
            site=site,
            ledger=await hubs.open(_LetIn(ledger)),  # type: ignore[arg-type]  # a ledger, but for its passwords
            measurements=hubs.measured(FakeMeasurements()),
            clock=clock,
            on_event=events,
            port=0,
            forwards=forwarding.relays,
        )
        hubs.attach(central)
        await central.start()
        working = asyncio.gather(forwarding.run(), hubs.run())
        async with MeteredCharger(f"ws://127.0.0.1:{central.port}/ocpp") as charger:
            await charger.boot()
            for _ in range(2):
                await charger.session()
            async with asyncio.timeout(WITHIN_S):
                while any(queue.waiting for queue in await ledger.outbox.queues()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await central.stop()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        ledger.close()
        assert charger.transaction == 5002  # the id of the one that answers
        assert office.sessions("CP01") == charger.sessions
        assert audit.sessions(HUB) == charger.sessions
        assert audit.failures == []
