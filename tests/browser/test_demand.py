"""The demand window, the month's peak and warm fuses on the manager's page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import PriceLevel
from controller.ports.tick import PriceNow, ResourceState
from controller.units import Phases
from tests.browser.conftest import AXE, PATIENCE_MS, Stage
from tests.support.web import BEGIN, Seen, made_peak, made_price, made_tick, with_warmth


def show(stage: Stage, peak: PeakStatus | None, because: str = "limit:peak", **warmth: Phases) -> None:
    stage.second += 1
    stage.clock.elapsed_s = stage.second
    tick = made_tick(stage.site, stage.second, {"P01": Seen(because=because)})
    stage.live.publish(replace(with_warmth(tick, **warmth), peak=peak))


def demand(page: Page) -> Locator:
    return page.locator("section.demand")


def width(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["width"]


def test_the_running_window_fills_against_its_target(page: Page, stage: Stage):
    show(stage, made_peak())
    page.goto(stage.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "1 car is being limited: more would raise the demand peak"
    )
    panel = demand(page)
    for shown in ("10:00 to 10:15", "7 min left", "5.3 kWh", "42.1 kW", "45.0 kW", "paid for already", "12.3 kW"):
        expect(panel).to_contain_text(shown)
    for shown in ("44.2 kW", "12 Nov, 17:00", "€312.40", "each kW above costs €4.45", "Meter was silent"):
        expect(panel).to_contain_text(shown)
    expect(
        panel.get_by_role("meter", name="5.3 kWh used so far, on course for 42.1 kW of a target of 45.0 kW")
    ).to_be_visible()
    before = width(panel.locator(".filling .so-far"))
    later = replace(made_peak().window, energy_wh=11_400.0)
    show(stage, made_peak(window=later, passed_s=870.0, floor_w=40_000.0, saved=Decimal("313.05")))
    for shown in ("30 s left", "Above the target", "the peak that is worth having", "€313.05"):
        expect(panel).to_contain_text(shown)
    assert width(panel.locator(".filling .so-far")) > before


def test_a_window_that_costs_nothing_has_no_target(page: Page, stage: Stage):
    first = replace(made_peak().window, begins_at=BEGIN + timedelta(hours=12), energy_wh=-2.0, marks=())
    show(stage, made_peak(window=first, billed=False, target_w=None, allowed_w=None, month_peak_at=None))
    page.goto(stage.url)
    panel = demand(page)
    for shown in ("22:00 to 22:15", "Not billed now", "no demand is billed now", "that the fuses allow", "none so far"):
        expect(panel).to_contain_text(shown)
    expect(panel).not_to_contain_text("each kW above costs")
    expect(panel.locator(".filling .target")).to_have_count(0)
    show(stage, None)
    expect(panel).to_have_count(0)


def show_supply(stage: Stage, price: PriceNow, resources: dict[str, ResourceState]) -> None:
    stage.second += 1
    stage.clock.elapsed_s = stage.second
    tick = made_tick(stage.site, stage.second, {"P01": Seen(because="plan:surplus")})
    stage.live.publish(replace(tick, peak=made_peak(), price=price, resources=resources))


def test_the_price_near_the_peak_and_plants_and_batteries_are_shown(page: Page, stage: Stage):
    roof, cellar = ResourceState("pv", "pv", -4210.0), ResourceState("battery", "bat", 1500.0)
    show_supply(stage, made_price(), {"roof": roof, "cellar": cellar})
    page.goto(stage.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("1 car charges with what would be exported")
    for shown in ("Price of a kWh", "+ €0.15", "€0.50 until 10:30"):
        expect(demand(page)).to_contain_text(shown)
    main = page.get_by_role("article", name="main")
    expect(main).to_contain_text("roof: generates 4.2 kW · cellar: charges at 1.5 kW")
    show_supply(stage, made_price(PriceLevel.NORMAL), {"roof": ResourceState("pv", "pv", None)})
    expect(main).to_contain_text("roof: not measured now")
    for shown in ("€0.35", "as usual"):
        expect(demand(page)).to_contain_text(shown)


def test_a_fuse_says_when_it_gets_warm_and_alarms_when_it_is_hot(page: Page, stage: Stage):
    show(stage, None, garage=(0.099, 0.0, 0.0))
    page.goto(stage.url)
    garage = page.get_by_role("article", name="garage")
    expect(garage).to_contain_text("40 A fuse · 8 points · fuse cold")
    show(stage, None, garage=(0.12, 0.3, 0.0))
    expect(garage.locator(".chip.warning")).to_have_text("L1 fuse warm: 12 % of what opens it")
    expect(garage.locator(".chip.alarm")).to_have_text("L2 fuse hot: 30 % of what opens it")
    expect(garage).not_to_contain_text("cold")
    expect(page.get_by_role("article", name="yard")).to_contain_text("fuse cold")


@pytest.mark.parametrize(("scheme", "pixels"), [("light", 1440), ("dark", 390)])
def test_it_is_accessible_and_fits(chromium: Browser, stage: Stage, scheme: str, pixels: int):
    marks = ("meter_gap", "restart", "clock_jump")
    show(stage, made_peak(window=replace(made_peak().window, marks=marks)), garage=(0.2, 0.4, 0.0))
    context = chromium.new_context(
        viewport={"width": pixels, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(stage.url)
    expect(demand(page)).to_contain_text("Controller was away")
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= pixels
    context.close()
