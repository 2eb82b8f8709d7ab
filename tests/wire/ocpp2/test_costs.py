"""Prices and costs on the stations' displays (functional block I; of 1.6 OCA's messages for California)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import call, call_result

from controller.costs import Cost, ShownTariff
from tests.support.ocpp import TOKEN, Charger, bench, socket, until
from tests.support.ocpp2 import VERSIONS, charging, currents, station

versions = pytest.mark.parametrize("version", VERSIONS)


@dataclass
class Prices:
    """Fulfils ``controller.costs.Costs``."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    tariff: ShownTariff | None = None
    broken: bool = False

    async def cost(self, session: str) -> Cost | None:
        if self.broken:
            raise RuntimeError("no price today")
        amount = self.amounts.get(session)
        return None if amount is None else Cost(amount, "EUR", f"{amount} EUR all in")

    async def price_text(self, token: str, points: Sequence[str]) -> str | None:
        if self.broken:
            raise RuntimeError("no price today")
        return f"0.35 EUR/kWh at {points[0]}" if token == TOKEN else None

    async def default_tariff(self, station: str) -> ShownTariff | None:
        return self.tariff if station == "CP01" else None


@versions
async def test_a_driver_sees_the_price_the_cost_so_far_and_what_it_comes_to(version: str):
    prices = Prices({"S1000": Decimal("1.25")})
    async with bench(costs=prices) as b, station(b, version) as client:
        await client.boot()
        answer = await client.ask("Authorize", id_token={"idToken": TOKEN, "type": "ISO14443"})
        assert answer.id_token_info["personal_message"] == {"format": "UTF8", "content": "0.35 EUR/kWh at P01"}
        await client.begin()
        await until(lambda: client.costs)
        prices.amounts["S1000"] = Decimal("2.50")
        await client.event("Updated", meter_value=currents(8, 8, 8))
        b.clock.advance(61)
        await client.event("Updated", meter_value=currents(8, 8, 8))
        await until(lambda: len(client.costs) == 2)
        assert client.costs == [("TX-1", 1.25), ("TX-1", 2.5)]
        answer = await client.end(number=9)
        assert answer.total_cost == 2.5
        assert answer.updated_personal_message == {"format": "UTF8", "content": "2.50 EUR all in"}
        assert (await client.end(number=9)).total_cost == 2.5, "the first answer may have been lost"


async def test_a_station_that_shows_no_costs_is_told_none_until_it_starts_anew():
    prices = Prices({"S1000": Decimal(1)})
    async with bench(costs=prices) as b, station(b) as client:
        client.shows_costs = False
        await client.boot()
        await client.begin()
        await until(lambda: client.costs)
        for amount in (2, 3):
            prices.amounts["S1000"] = Decimal(amount)
            b.clock.advance(61)
            await client.event("Updated", meter_value=currents(8, 8, 8))
        await client.boot("Watchdog")
        client.shows_costs = True
        b.clock.advance(61)
        await client.event("Updated", meter_value=currents(8, 8, 8))
        await until(lambda: len(client.costs) == 2)
        assert client.costs == [("TX-1", 1.0), ("TX-1", 3.0)]


async def test_nobody_is_told_anything_where_nobody_knows():
    async with bench() as b, charging(b) as client:
        await client.event("Updated", meter_value=currents(8, 8, 8))
        answer = await client.end()
        assert (answer.total_cost, client.costs) == (None, [])


async def test_a_price_that_cannot_be_found_costs_no_session():
    async with bench(costs=Prices(broken=True)) as b, station(b) as client:
        await client.boot()
        assert (await client.begin()).id_token_info == {"status": "Accepted"}
        b.plan(P01=9.0)
        await until(client.limits)
        assert (await client.end()).total_cost is None
    assert len(b.ledger.stops) == 1
    assert "internal_error" not in b.events.kinds()


async def test_a_2_1_station_is_given_the_tariff_of_everybody():
    tariff = ShownTariff("T1", "EUR", "0.35 EUR/kWh", per_kwh=Decimal("0.2893"), tax_pct=Decimal(21))
    async with bench(costs=Prices(tariff=tariff)) as b:
        async with station(b, "ocpp2.1") as client:
            await client.boot()
            await until(lambda: client.tariffs)
        assert client.tariffs == [
            {
                "evse_id": 0,
                "tariff_id": "T1",
                "currency": "EUR",
                "description": [{"format": "UTF8", "content": "0.35 EUR/kWh"}],
                "energy": {"prices": [{"price_kwh": 0.2893}], "tax_rates": [{"type": "VAT", "tax": 21}]},
            }
        ]
        async with station(b, "ocpp2.0.1") as client:
            await client.boot()
            await until(lambda: len(client.variables) == 4)
            assert not client.tariffs


class Display(Charger):
    """A 1.6 charger that knows the messages, or does not."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.shown: list[tuple[str, dict[str, Any]]] = []
        self.answer = "Accepted"

    @on("DataTransfer")
    def _data_transfer(self, vendor_id: str, message_id: str, data: str) -> Any:
        assert vendor_id == "org.openchargealliance.costmsg"
        self.shown.append((message_id, json.loads(data)))
        return call_result.DataTransfer(self.answer)


@pytest.mark.parametrize("answer", ["Accepted", "UnknownVendorId"])
async def test_a_1_6_charger_is_told_by_data_transfers_if_it_knows_them(answer: str):
    prices = Prices({"S1000": Decimal("1.25")})
    async with bench(costs=prices) as b, socket(b) as connection:
        client = Display("CP01", connection)
        client.answer = answer
        listening = asyncio.create_task(client.start())
        await client.boot()
        await client.ask(call.Authorize(TOKEN))
        await until(lambda: client.shown)
        transaction_id = (await client.begin()).transaction_id
        await client.measure(16, 16, 16, register_wh=4000)
        if answer == "Accepted":
            await until(lambda: len(client.shown) == 2)
        await client.end(transaction_id, 5000)
        if answer == "Accepted":
            await until(lambda: len(client.shown) == 3)
        await until(lambda: len(client.settings) == 2)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    price, *rest = client.shown
    assert price == ("SetUserPrice", {"idToken": TOKEN, "priceText": "0.35 EUR/kWh at P01"})
    if answer != "Accepted":
        assert rest == []
        return
    about = {"transactionId": transaction_id}
    running = {"timestamp": "2026-11-20T09:00:00Z", "meterValue": 4000, "cost": 1.25, "state": "Charging"}
    assert rest == [
        ("RunningCost", about | running),
        ("FinalCost", about | {"cost": 1.25, "priceText": "1.25 EUR all in"}),
    ]
