"""The pages of prices and tokens in a real browser: a table of codes is tried and taken; nobody is shut out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from adapters.live import Live
from adapters.prices.pricing import Books
from adapters.web.server import WebServer
from tests.browser.conftest import AXE, PATIENCE_MS, Watched
from tests.support.books import SITE, LaterClock, fresh_ledger
from tests.support.web import made_app


@pytest.fixture(scope="module")
def office_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("office")
    ledger, clock = fresh_ledger(directory / "template.db", directory), LaterClock()
    app = made_app(SITE, Live(SITE, clock), books=Books(ledger.book, ledger.token_book, clock))
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    ledger.close()


def test_a_price_is_set_and_a_table_of_codes_is_shown_before_it_is_taken(chromium: Browser, office_url: str):
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context.new_page(), office_url)
    page = watched.page
    page.goto(f"{office_url}/prices")
    form = page.locator('form[action="/prices/tariffs"]')
    form.get_by_label("Tariff").fill("fast")
    form.get_by_label("EUR per kWh").fill("0.59")
    form.get_by_label("and approve it").check()
    form.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("row").filter(has_text="fast").first).to_contain_text("0.59")
    table = {"name": "codes.csv", "mimeType": "text/csv", "buffer": b"station,connector,tariff_code\nCP01,,fast\n"}
    page.locator("input[type=file]").set_input_files(table)
    page.get_by_role("button", name="Show what it changes").click()
    expect(page.get_by_role("row").filter(has_text="CP01")).to_contain_text("none")
    page.get_by_role("button", name="Change 1 code").click()
    expect(page.get_by_role("row").filter(has_text="Station CP01")).to_contain_text("active")
    page.get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("heading", name="Tokens", exact=True)).to_be_visible()
    context.close()
    assert watched.complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_pages_are_usable_by_everyone(chromium: Browser, office_url: str, width: int, scheme: str):
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    for path in ("/prices", "/tokens", "/accounts"):
        page.goto(office_url + path)
        page.evaluate(Path(AXE).read_text())
        found = page.evaluate(
            "axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))]))"
        )
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
