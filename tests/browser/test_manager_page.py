"""The manager's page in Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from controller.plan import Event, Severity
from controller.snapshot import State
from tests.browser.conftest import AXE, PATIENCE_MS, Stage, Watched
from tests.support.web import Seen

BUSY = {
    "P01": Seen(State.CHARGING, 9.8, 10.4, "circuit:garage:L2"),
    "P02": Seen(State.CHARGING, 15.7, 16.0, "point:max"),
    "P03": Seen(State.OFFLINE, 0.0, 6.0),
    "P04": Seen(State.FAULTED, 0.0, 0.0, "not_admitted:faulted"),
}


def row(page: Page, point: str):
    return page.locator(f"[data-point={point}]")


def test_the_page_tells_the_state_of_the_site(page: Page, stage: Stage):
    stage.live.report(Event("meter_back", "meter:grid", "readings are good again", Severity.INFO))
    stage.show(BUSY)
    page.goto(stage.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("1 car is being limited: garage L2 is all shared out")
    expect(page.locator(".notices")).to_contain_text("1 faulted")
    expect(page.locator(".notices")).to_contain_text("1 offline")
    main = page.get_by_role("article", name="main")
    expect(main.get_by_role("meter")).to_have_count(3)
    expect(main.get_by_role("meter", name="L2: 46.5 A of 63 A")).to_be_visible()
    expect(main).to_contain_text("15.5 A free")
    expect(page.get_by_role("article", name="yard")).to_contain_text("25 A fuse · 4 points")
    limited = row(page, "P01")
    for shown in ("Charging", "9.8", "10.4 A", "5.3 kWh", "€1.86", "47 min"):
        expect(limited).to_contain_text(shown)
    expect(row(page, "P05")).to_contain_text("Free")
    expect(page.locator("[data-session]")).to_have_count(7)
    expect(page.locator(".events li")).to_contain_text("readings are good again")
    expect(page.locator(".plot canvas")).to_be_visible()
    assert page.title() == "Head office · Loadstar"


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ({}, "Ready: no car is charging"),
        ({f"P{n:02}": Seen(State.OFFLINE) for n in range(1, 13)}, "No charger is connected"),
        ({"P01": Seen(because="point:max"), "P02": Seen(because="point:max")}, "Everything charges at full speed"),
        ({"P01": Seen(because="pace:calm")}, "1 car is being raised step by step"),
        (
            {"P01": Seen(State.WITHHELD, 0, 0, "not_admitted:circuit:yard:L3"), "P02": Seen(because="point:max")},
            "1 car waits for current: yard L3 is all shared out",
        ),
        (
            {"P01": Seen(because="contract:main"), "P02": Seen(because="contract:main")},
            "2 cars are being limited: the contracted power of main is used up",
        ),
        (
            {"P01": Seen(because="imbalance:garage:L1"), "P02": Seen(because="car:takes")},
            "1 car is being limited: the phases of garage must stay alike",
        ),
        ({"P01": Seen(State.WITHHELD, 0, 0, "plan:price")}, "1 car charges later, as planned"),
    ],
)
def test_one_sentence_says_what_goes_on(page: Page, stage: Stage, seen: dict[str, Seen], sentence: str):
    stage.show(seen)
    page.goto(stage.url)
    expect(page.get_by_role("heading", level=1)).to_have_text(sentence)


def test_ticks_arrive_without_a_reload(page: Page, stage: Stage):
    stage.show({"P01": Seen(limit_a=10.0, draw_a=9.5)})
    page.goto(stage.url)
    expect(row(page, "P01").locator(".limit")).to_have_text("10.0 A")
    stage.show({"P01": Seen(limit_a=6.0, draw_a=5.9, energy_wh=7000)})
    expect(row(page, "P01").locator(".limit")).to_have_text("6.0 A")
    expect(row(page, "P01")).to_contain_text("7.0 kWh")
    stage.records.kept.insert(0, stage.records.kept[0])
    stage.show({}, background_a=(64.5, 9.0, 9.0))
    expect(page.get_by_role("heading", level=1)).to_have_text("main is above its fuse on L1: limits are coming down")
    expect(page.get_by_role("article", name="main")).to_contain_text("1.5 A over")
    stage.live.report(Event("overload", "circuit:main", "64.5 A on L1 of a fuse of 63 A", Severity.WARNING))
    stage.show({})
    expect(page.locator(".events li.warning")).to_contain_text("64.5 A on L1")


def test_a_silent_meter_is_the_headline_and_its_values_are_marked(page: Page, stage: Stage):
    stage.show(BUSY, fresh=False)
    page.goto(stage.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Meter grid is silent: worst case assumed")
    main = page.get_by_role("article", name="main")
    expect(main).to_have_class(re.compile(r"\bstale\b"))
    expect(main).to_contain_text("meter grid silent for 42 s")


def test_the_page_survives_a_restart_of_the_server(watched: Watched, stage: Stage):
    page = watched.page
    stage.show(BUSY)
    page.goto(stage.url)
    expect(row(page, "P01").locator(".limit")).to_have_text("10.4 A")
    page.evaluate("window.kept = true")
    stage.stop()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Connection lost since \d\d:\d\d:\d\d"))
    expect(row(page, "P01").locator(".limit")).to_have_text("10.4 A")
    stage.start()
    stage.show({"P01": Seen(limit_a=7.0, because="point:max")})
    expect(page.get_by_role("heading", level=1)).to_have_text("Everything charges at full speed")
    expect(row(page, "P01").locator(".limit")).to_have_text("7.0 A")
    assert page.evaluate("window.kept"), "the page was loaded anew"
    watched.complaints = [text for text in watched.complaints if "ERR_" not in text]  # of the refused connections


def test_a_new_version_of_the_server_brings_its_own_page(watched: Watched, stage: Stage):
    page = watched.page
    stage.show(BUSY)
    page.goto(stage.url)
    expect(page.locator("footer")).to_have_text("Loadstar 0.1.0-test")
    stage.stop()
    stage.start(version="0.2.0-test")
    stage.show(BUSY)
    expect(page.locator("footer")).to_have_text("Loadstar 0.2.0-test")
    watched.complaints = [text for text in watched.complaints if "ERR_" not in text]


def test_a_controller_that_stands_still_is_not_shown_as_live(page: Page, stage: Stage):
    stage.show(BUSY)
    page.goto(stage.url)
    expect(page.locator(".link")).to_contain_text("Live")
    stage.stand_still()
    expect(page.get_by_role("heading", level=1)).to_contain_text("The controller has not reported since")
    expect(page.locator(".link")).to_contain_text("Not live")


def test_before_the_first_tick_the_page_waits(page: Page, stage: Stage):
    page.goto(stage.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Connecting")
    stage.show(BUSY)
    expect(page.locator("[data-point]")).to_have_count(12)


class TestLogin:
    @pytest.fixture
    def stage(self):
        made = Stage(lab=False)
        made.start()
        yield made
        made.stop()
        made.stand_still()

    def test_in_and_out(self, watched: Watched, stage: Stage):
        page = watched.page
        stage.show(BUSY)
        page.goto(stage.url)
        expect(page).to_have_url(f"{stage.url}/login")
        page.get_by_label("User name").fill("ada")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
        expect(page.get_by_label("User name")).to_have_value("ada")
        page.get_by_label("Password").fill("correct horse")
        page.keyboard.press("Enter")
        expect(row(page, "P01")).to_be_visible()
        assert page.evaluate("document.cookie") == ""
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{stage.url}/login")
        page.goto(stage.url)
        expect(page).to_have_url(f"{stage.url}/login")
        watched.complaints = [text for text in watched.complaints if "401" not in text]

    def test_a_login_that_is_gone_leads_back_to_the_form(self, watched: Watched, stage: Stage):
        page = watched.page
        stage.show(BUSY)
        page.goto(f"{stage.url}/login")
        page.get_by_label("User name").fill("ada")
        page.get_by_label("Password").fill("correct horse")
        page.keyboard.press("Enter")
        expect(row(page, "P01")).to_be_visible()
        stage.stop()
        stage.start()
        expect(page).to_have_url(f"{stage.url}/login")
        watched.complaints.clear()  # refused connections and the 401 that tells


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_accessible_and_fits(chromium: Browser, stage: Stage, scheme: str, width: int):
    stage.show(BUSY | {"P06": Seen(State.WITHHELD, 0.0, 0.0, "not_admitted:circuit:main:L1")})
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(stage.url)
    expect(row(page, "P01")).to_be_visible()
    expect(page.locator("[data-session]").first).to_be_visible()
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
