"""The report in a real browser: drawn, quiet, alone, and every figure's data to download."""

import csv
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from simulations.report import write_report
from simulations.results import Results
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.simulations.report.made import judged, office, week

DRAWN = 'html[data-waiting="0"]'
NAME = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "these tests need Debian's chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    """Three days of a small site whose names are not harmless, and its report."""
    site = office(name=NAME, points=6)
    site = replace(site, points=(replace(site.points[0], id="=1+1"), *site.points[1:]))
    made = week(days=3, site=site)
    visits = tuple(replace(v, token=NAME) for v in made.scenario.visits)
    made = replace(made, scenario=replace(made.scenario, visits=visits))
    run, judgement = judged(made, seeds=2)
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(run, judgement, path, command="loadstar simulate office.toml")
    return run, path


@pytest.fixture(scope="module")
def page(chromium: Browser, results: tuple[Results, Path]) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url))
    page.goto(results[1].as_uri())
    page.wait_for_selector(DRAWN, state="attached")
    yield page
    context.close()
    assert complaints == [results[1].as_uri()], "nothing but the page itself was asked for, and nobody complained"


def downloaded(page: Page, name: str) -> list[dict[str, str]]:
    with page.expect_download() as waiting:
        page.click(f'[data-download="{name}"]')
    text = Path(waiting.value.path()).read_bytes().decode()
    assert waiting.value.suggested_filename == f"office-of-20-1-{name}.csv"
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_figure_is_drawn(page: Page) -> None:
    plots = page.locator(".plot")
    assert plots.count() == page.locator("figure").count() > 12
    for plot in plots.all():
        assert plot.locator("svg.main-svg").count() > 0, plot.get_attribute("id")
        assert plot.locator(".trace, .heatmaplayer image, .hm").count() > 0, plot.get_attribute("id")


def test_names_are_only_names(page: Page) -> None:
    assert page.locator("img").count() == 0
    assert page.title().startswith(NAME)
    assert page.locator(".title").inner_text() == NAME


def test_a_download_is_what_was_plotted(page: Page, results: tuple[Results, Path]) -> None:
    series = results[0].series
    rows = downloaded(page, "site-power")
    assert [float(row["charging_kw"]) for row in rows] == pytest.approx(series.power_w.sum(axis=1) / 1000, abs=6e-4)
    assert rows[0]["time"] == "2026-03-02T00:00:00+01:00"
    assert rows[-1]["time"] == "2026-03-04T23:55:00+01:00"


def test_a_download_holds_words_in_words_and_no_formula(page: Page) -> None:
    rows = downloaded(page, "points")
    assert {"point_=1+1", "point_P02"} <= set(rows[0])
    assert "as fast as point and car can" in {row["point_P02"] for row in rows}
    assert "" in {row["point_P02"] for row in rows}, "no car"
    policies = downloaded(page, "policies")
    assert [row["policy"] for row in policies] == ["loadstar"] * 2 + ["first_come"] * 2 + ["uncontrolled"] * 2


WIDTHS = "[...document.querySelectorAll('.main-svg')].map(svg => svg.clientWidth)"
CAUGHT = """async (button) => {
  const [make, click] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
  let blob;
  URL.createObjectURL = (made) => ((blob = made), "blob:caught");
  HTMLAnchorElement.prototype.click = () => {};
  button.click();
  [URL.createObjectURL, HTMLAnchorElement.prototype.click] = [make, click];
  return blob.text();
}"""
"""What a button would download; Chromium asks before the eleventh real download of a page."""


def test_every_button_gives_a_table(page: Page) -> None:
    buttons = page.locator("[data-download]").all()
    assert len(buttons) > 18
    for button in buttons:
        text = button.evaluate(CAUGHT)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert rows, button
        assert all(None not in row and None not in row.values() for row in rows), text[:200]


def eventually(holds: Callable[[], bool], patience_s: float = 60.0) -> bool:
    """Plotly follows a new width of the page after a moment."""
    end = time.monotonic() + patience_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def test_a_phone_scrolls_down_only(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert eventually(lambda: max(page.evaluate(WIDTHS)) < 360)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_paper_cuts_nothing_off(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 900})  # A4 without its margins, at 96 px an inch
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") == 703
    assert max(page.evaluate(WIDTHS)) == 660
    assert page.locator("button:visible").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
