"""What a kWh costs now, as programs see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.live import Live
from controller.peakshave.price_lever import PriceLevel
from controller.ports.tick import PriceNow
from tests.support.reach import reached
from tests.support.web import HandClock, made_app, made_price, made_tick, small_site

SITE = small_site()


class Page:
    def __init__(self) -> None:
        self.live = Live(SITE, HandClock())
        self.http = reached(made_app(SITE, self.live))

    def show(self, price: PriceNow | None) -> None:
        self.live.publish(replace(made_tick(SITE, 0.0, {}), price=price))

    async def prices(self) -> Any:
        answer = await self.http.get("/api/v1/prices")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert shown["now"] == (await self.http.get("/api/v1/site")).json()["price"]
        return shown

    async def metrics(self) -> dict[str, float]:
        families = text_string_to_metric_families((await self.http.get("/metrics")).text)
        samples = (s for family in families for s in family.samples)
        return {s.name.removeprefix("loadstar_price_"): s.value for s in samples if s.name.startswith("loadstar_price")}


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    created = Page()
    yield created
    await created.http.aclose()


async def test_a_site_without_prices_has_none(page: Page):
    assert await page.prices() == {"currency": "EUR", "now": None, "next": [], "points": {}}
    page.show(None)
    assert await page.prices() == {"currency": "EUR", "now": None, "next": [], "points": {}}
    assert await page.metrics() == {}


async def test_near_the_peak_it_says_how_much_more_and_until_when(page: Page):
    page.show(made_price())
    assert (await page.prices())["now"] == {
        "per_kwh": "0.50",
        "level": "high",
        "surcharge_per_kwh": "0.15",
        "surcharge_holds": True,
        "since": "2026-11-20T08:58:00Z",
        "until": "2026-11-20T09:30:00Z",
    }
    assert await page.metrics() == {"per_kwh": 0.5, "surcharge_per_kwh": 0.15, "high": 1.0}


async def test_what_is_announced_does_not_count_yet(page: Page):
    page.show(replace(made_price(), holds=False))
    now = (await page.prices())["now"]
    assert (now["per_kwh"], now["surcharge_per_kwh"], now["surcharge_holds"]) == ("0.35", "0.15", False)


async def test_a_price_that_never_changes_has_no_beginning(page: Page):
    page.show(PriceNow(Decimal("0.35")))
    now = (await page.prices())["now"]
    assert (now["per_kwh"], now["level"], now["surcharge_per_kwh"]) == ("0.35", "normal", "0")
    assert (now["since"], now["until"]) == (None, None)
    assert await page.metrics() == {"per_kwh": 0.35}


async def test_without_a_tariff_only_the_surcharge_is_told(page: Page):
    page.show(PriceNow(None, made_price(PriceLevel.HIGH).signal))
    now = (await page.prices())["now"]
    assert (now["per_kwh"], now["surcharge_per_kwh"]) == (None, "0.15")
    assert await page.metrics() == {"surcharge_per_kwh": 0.15, "high": 1.0}
