"""The running demand window, the month's peak and warm fuses: as programs see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.live import Live
from controller.peakshave.peak_facts import PeakStatus
from controller.ports.tick import ResourceState
from tests.support.reach import reached
from tests.support.web import BEGIN, HandClock, made_app, made_peak, made_tick, small_site, with_warmth

SITE = small_site()


class Page:
    def __init__(self) -> None:
        self.live = Live(SITE, HandClock())
        self.http = reached(made_app(SITE, self.live))

    def show(self, peak: PeakStatus | None) -> None:
        self.live.publish(replace(made_tick(SITE, 0.0, {}), peak=peak))

    async def site(self) -> dict[str, Any]:
        answer = await self.http.get("/api/v1/site")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def metrics(self) -> dict[tuple[str, ...], float]:
        """By name and labels."""
        families = text_string_to_metric_families((await self.http.get("/metrics")).text)
        return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    created = Page()
    yield created
    await created.http.aclose()


async def test_without_a_price_for_demand_there_is_none(page: Page):
    assert (await page.site())["peak"] is None
    page.show(None)
    assert (await page.site())["peak"] is None
    assert not any(name.startswith("loadstar_demand") for name, *_ in await page.metrics())


async def test_the_site_tells_the_window_the_target_and_what_it_saves(page: Page):
    page.show(made_peak())
    assert (await page.site())["peak"] == {
        "window": {
            "begins_at": "2026-11-20T09:00:00Z",
            "length_s": 900,
            "passed_s": 480.0,
            "energy_wh": 5340,
            "mean_w": 40_053.0,
            "projected_w": 42_125.0,
            "marks": ["meter_gap"],
        },
        "billed": True,
        "target_w": 45_000.0,
        "target_is": "paid",
        "allowed_w": 12_250.0,
        "month_peak_w": 44_210.0,
        "month_peak_at": "2026-11-12T16:00:00Z",
        "floor_w": 45_000.0,
        "per_kw": 4.45,
        "saved": "312.40",
    }


async def test_a_target_above_what_is_paid_was_chosen(page: Page):
    page.show(made_peak(floor_w=40_000.0))
    assert (await page.site())["peak"]["target_is"] == "chosen"


async def test_where_nothing_is_gained_there_is_no_target(page: Page):
    begun = replace(made_peak().window, energy_wh=-3.0, marks=())
    page.show(made_peak(window=begun, passed_s=0.0, billed=False, target_w=None, allowed_w=None, saved=Decimal(0)))
    peak = (await page.site())["peak"]
    assert [peak[name] for name in ("billed", "target_w", "target_is", "allowed_w", "saved")] == [
        False,
        None,
        None,
        None,
        "0",
    ]
    assert (peak["window"]["energy_wh"], peak["window"]["mean_w"]) == (-3, None)
    metrics = await page.metrics()
    assert metrics["loadstar_demand_billed",] == 0
    assert not {("loadstar_demand_target_watts",), ("loadstar_demand_allowed_watts",)} & set(metrics)


async def test_prometheus_carries_the_same(page: Page):
    page.show(made_peak())
    metrics = await page.metrics()
    assert metrics["loadstar_demand_window_begin_timestamp_seconds",] == BEGIN.timestamp()
    assert metrics["loadstar_demand_window_seconds",] == 900
    assert metrics["loadstar_demand_window_passed_seconds",] == 480
    assert metrics["loadstar_demand_window_energy_watt_hours",] == pytest.approx(5340.4)
    assert metrics["loadstar_demand_window_projected_watts",] == 42_125
    assert metrics["loadstar_demand_window_marks",] == 1
    assert metrics["loadstar_demand_target_watts",] == 45_000
    assert metrics["loadstar_demand_allowed_watts",] == 12_250
    assert metrics["loadstar_demand_month_peak_watts",] == 44_210
    assert metrics["loadstar_demand_paid_watts",] == 45_000
    assert metrics["loadstar_demand_saved", "EUR"] == 312.4


async def test_plants_and_batteries_tell_what_they_take_and_give(page: Page):
    assert (await page.site())["resources"] == []
    resources = {"roof": ResourceState("pv", "pv", -4210.44), "cellar": ResourceState("battery", "bat", None)}
    page.live.publish(replace(made_tick(SITE, 0.0, {}), resources=resources))
    assert (await page.site())["resources"] == [
        {"id": "roof", "kind": "pv", "meter": "pv", "power_w": -4210.4},
        {"id": "cellar", "kind": "battery", "meter": "bat", "power_w": None},
    ]
    metrics = await page.metrics()
    assert metrics["loadstar_resource_power_watts", "pv", "roof"] == -4210.44
    assert not any("cellar" in labels for _, *labels in metrics)


async def test_every_fuse_tells_how_warm_it_is(page: Page):
    assert (await page.site())["circuits"][0]["warmth"] is None
    page.live.publish(with_warmth(made_tick(SITE, 0.0, {}), garage=(0.0, 0.31415, 0.0)))
    main, garage, _ = (await page.site())["circuits"]
    assert (main["warmth"], garage["warmth"]) == ([0, 0, 0], [0, 0.314, 0])
    metrics = await page.metrics()
    assert metrics["loadstar_circuit_warmth_ratio", "L2", "garage"] == 0.31415
    assert metrics["loadstar_circuit_warmth_ratio", "L1", "main"] == 0.0
