"""Why a point has its limit, what it has shown and what its driver asked for: on the manager's page."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from controller.snapshot import PointState, State
from controller.wishes import Asked, Asker
from tests.browser.conftest import AXE, PATIENCE_MS, Stage, Watched
from tests.support.web import BEGIN
from tests.web.test_why import having_shown

EIGHT_HOURS = timedelta(hours=8)


def charging(draw_a: float = 8.0, **options: object) -> PointState:
    known = {"state": State.CHARGING, "measured_a": (draw_a,) * 3, "measured_at": BEGIN, "commanded_a": draw_a}
    return PointState(**(known | options))  # type: ignore[arg-type]


def row(page: Page, point: str) -> Locator:
    return page.locator(f"[data-point={point}]")


def opened(page: Page, point: str) -> Locator:
    row(page, point).get_by_role("button").click()
    return page.locator(f"#detail-{point}")


def show_needs(stage: Stage) -> None:
    needing = charging(energy_needed_wh=12_000, departs_at=BEGIN + EIGHT_HOURS)
    hopeless = charging(energy_needed_wh=60_000, departs_at=BEGIN + EIGHT_HOURS / 16)
    stage.decide({"P01": needing, "P02": hopeless, "P03": PointState(State.PLUGGED)}, meter_a=61.0)


def test_each_row_bears_its_sentence(page: Page, stage: Stage):
    show_needs(stage)
    page.goto(stage.url)
    expect(row(page, "P01").locator(".why")).to_have_text(
        "Charges at 6.0 A, its share among 2 cars of the 16.8 A free on phase L1 of circuit main, after 1 that must be "
        "ready in time, and will have the 12.0 kWh that it still needs by 18:00."
    )
    expect(row(page, "P02").locator(".why")).to_contain_text("and will lack")
    expect(row(page, "P02").locator(".chip.warning")).to_have_text("will lack energy")
    expect(row(page, "P03").locator(".why")).to_contain_text("Waits: 2 cars share the")
    expect(row(page, "P05").locator(".why")).to_have_text("\N{EN DASH}")


def test_a_row_opens_to_the_chain_of_reasons_and_closes_again(page: Page, stage: Stage):
    show_needs(stage)
    page.goto(stage.url)
    detail = opened(page, "P01")
    expect(detail.locator(".reasons li").first).to_have_text(re.compile(r"^P01 was limited to "))
    expect(detail).to_contain_text("Phase L1 of circuit main: fuse 63.0 A, less 1.0 A of margin")
    expect(detail).to_contain_text("5.3 kWh of 17.3 kWh by 18:00")
    expect(detail.get_by_role("progressbar")).to_have_attribute("value", "5300")
    expect(detail).to_contain_text("Keeps to its limits")
    expect(row(page, "P01").get_by_role("button")).to_have_attribute("aria-expanded", "true")
    opened(page, "P03")
    expect(detail).to_have_count(0)
    row(page, "P03").get_by_role("button").click()
    expect(page.locator(".detail")).to_have_count(0)


def test_what_a_car_and_a_charger_have_shown_is_told(page: Page, stage: Stage):
    tick = stage.decide({"P01": charging(), "P02": charging()})
    uses = np.ones((1, 12, 3), dtype=bool)
    uses[0, 0] = (True, False, False)
    takes = np.full((1, 12), np.inf)
    takes[0, 0] = 13.0
    stage.live.publish(having_shown(tick, uses=uses, takes_a=takes, stage=np.array([[0, 4] + [0] * 10])))
    page.goto(stage.url)
    expect(row(page, "P02").locator(".chip.alarm")).to_have_text("ignores its limit")
    expect(opened(page, "P01")).to_contain_text("takes 13.0 A at most, draws on L1 only")
    expect(opened(page, "P02")).to_contain_text("Ignores its limit: transaction being ended")


def test_the_detail_follows_the_ticks(page: Page, stage: Stage):
    show_needs(stage)
    page.goto(stage.url)
    detail = opened(page, "P01")
    expect(detail).to_contain_text("read 61.0, 61.0, 61.0 A")
    stage.decide({"P01": charging()}, meter_a=44.0)
    expect(detail).to_contain_text("read 44.0, 44.0, 44.0 A")


def test_a_manager_sets_until_when_a_car_needs_how_much(page: Page, stage: Stage):
    stage.decide({"P01": charging(), "P02": charging()})
    page.goto(stage.url)
    detail = opened(page, "P01")
    expect(detail).to_contain_text("Nothing: it charges as fast as is fair")
    detail.get_by_label("Leaves at").fill("07:30")
    detail.get_by_label("Energy of the session, kWh").fill("22.5")
    detail.get_by_role("button", name="Set").click()
    expect(detail.get_by_role("status")).to_have_text("Set. The next decision reckons with it.")
    asked = stage.book.kept["S-P01", Asker.MANAGER]
    assert asked == Asked(departs_at=BEGIN.replace(day=21, hour=6, minute=30), energy_wh=22_500), "tomorrow morning"


def test_what_is_refused_is_told_in_words(watched: Watched, stage: Stage):
    page = watched.page
    stage.decide({"P01": charging()})
    page.goto(stage.url)
    detail = opened(page, "P01")
    stage.book.ended.add("S-P01")
    detail.get_by_role("button", name="Set").click()
    expect(detail.get_by_role("status")).to_have_text("Not set: no session runs at point 'P01'")
    watched.complaints = [text for text in watched.complaints if "409" not in text]


def test_without_a_session_there_is_nothing_to_ask_for(page: Page, stage: Stage):
    stage.decide({})
    page.goto(stage.url)
    detail = opened(page, "P01")
    expect(detail).to_contain_text("P01 was limited to 0.0 A, because no car was there.")
    expect(detail.get_by_label("Leaves at")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_an_open_row_is_accessible_and_fits(chromium: Browser, stage: Stage, scheme: str, width: int):
    show_needs(stage)
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(stage.url)
    expect(opened(page, "P02").locator(".reasons li").first).to_be_visible()
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
