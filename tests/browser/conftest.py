"""A real browser in front of a real server with hand-made ticks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from adapters.live import Live
from adapters.web import app as web_app
from adapters.web.server import WebServer
from adapters.wishes import Wishes
from controller.ports.tick import Tick
from controller.site import Site
from controller.snapshot import PointState
from controller.units import Phases
from tests.support.web import VERSION, HandClock, Seen, decided_tick, ended_session, made_app, made_tick, small_site
from tests.support.web_books import FakeBook, FakeRecords

AXE = web_app.HERE / "ui" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000


class _Turning(Live):
    """Publishes the newest tick again every second, as a site goes on that nothing happens to."""

    def __init__(self, site: Site, clock: HandClock) -> None:
        super().__init__(site, clock)
        self.ended = threading.Event()
        self._one_by_one = threading.Lock()
        threading.Thread(target=self._turn, daemon=True).start()

    def publish(self, tick: Tick) -> None:
        with self._one_by_one:
            super().publish(tick)

    def _turn(self) -> None:
        while not self.ended.wait(1.0):
            with self._one_by_one:
                if (tick := self.latest()) is not None:
                    super().publish(tick)


class Stage:
    """The server behind the page, with a hand on what it shows: every second the same again, until it is told else."""

    def __init__(self, lab: bool = True) -> None:
        self.lab = lab
        self.site = small_site(12)
        self.clock = HandClock()
        self.live = _Turning(self.site, self.clock)
        self.records = FakeRecords([ended_session(n) for n in range(3)])
        self.book = FakeBook()
        self.wishes = Wishes(self.book, (), self.site.time_zone, self.clock)
        self.port = 0
        self.second = 0.0
        self.server: WebServer | None = None

    def stand_still(self) -> None:
        """Show nothing any more."""
        self.live.ended.set()

    def start(self, version: str = VERSION) -> None:
        app = made_app(self.site, self.live, self.records, self.lab, version, self.wishes)
        self.server = WebServer(app, "127.0.0.1", self.port)
        self.server.start()
        self.port = self.server.port

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def show(self, seen: dict[str, Seen], background_a: Phases = (14.0, 21.0, 9.0), fresh: bool = True) -> None:
        """One more tick, a second later."""
        self.second += 1
        self.clock.elapsed_s = self.second
        self.live.publish(made_tick(self.site, self.second, seen, background_a, fresh))

    def decide(self, points: dict[str, PointState], meter_a: float = 20.0) -> Tick:
        """One more tick, of a decision that is really made."""
        self.second += 1
        self.clock.elapsed_s = self.second
        tick = decided_tick(self.site, self.second, points, self.live.latest(), meter_a)
        self.live.publish(tick)
        self.wishes.refresh(tick.sessions.values())
        return tick

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Watched:
    """A page, with everything that it should not have done."""

    def __init__(self, page: Page, own: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((own, "data:")) or self.complaints.append(asked.url))


@pytest.fixture(scope="module")  # not longer: while it is open, its event loop keeps other tests' loops from running
def chromium() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "these tests need Debian's chromium"
    bundle = web_app.HERE / "static" / "bundle" / "page.js"
    assert bundle.exists(), "the page has not been built: pip install -e ."
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    made.start()
    yield made
    made.stop()
    made.stand_still()


@pytest.fixture
def watched(chromium: Browser, stage: Stage) -> Iterator[Watched]:
    """A page on the stage; its test fails when it complains or asks anybody else for anything."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    made = Watched(context.new_page(), stage.url)
    yield made
    context.close()
    assert made.complaints == []


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page
