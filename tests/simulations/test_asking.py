"""What drivers ask for, what the service is told of it, and what they leave with."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from adapters.live import Live
from adapters.web.server import WebServer
from adapters.wishes import Wishes
from controller.snapshot import PointState, State
from controller.wishes import Asked as Wish
from controller.wishes import Asker
from simulations.asking import Asked, Asking
from simulations.drivers import BEGINNING_S, busy_visits
from simulations.drivers_app import DriversApp
from tests.support.web import BEGIN, HandClock, decided_tick, made_app, small_site
from tests.support.web_books import FakeBook

LEAVES_S = BEGIN.timestamp() + 120.0
ASKS = {"energy_wh": 90.0, "departs_s": LEAVES_S}


def test_who_leaves_with_what_was_asked_for_is_counted_and_who_is_sent_home_is_not():
    asking = Asking()
    for point in ("P1", "P2", "P3"):
        asking.comes(point, Asked(100.0, 60.0))
    asking.comes("P4", None)
    assert asking.of("P1") == {"energy_wh": 100.0, "departs_s": 60.0}
    asking.leaves("P1", 99.2)
    asking.leaves("P2", 60.0)
    asking.leaves("P4", 500.0)
    told = asking.to_json()
    assert (told["needs_total"], told["needs_met"]) == (2, 1)
    assert told["needs"][1] == {"point": "P2", "asked_wh": 100.0, "got_wh": 60.0}
    assert asking.of("P1") is None
    assert asking.of("P4") is None


def test_drivers_of_the_busy_site_ask_for_different_things_that_can_be_had():
    visits = [visit for point in range(20) for visit in islice(busy_visits(random.Random(point)), 5)]
    asked_wh = [wh for visit in visits if (wh := visit.asked_wh(11_000.0)) is not None]
    assert len(visits) / 3 < len(asked_wh) < len(visits)
    assert max(asked_wh) > 5 * min(asked_wh) > 0
    for visit in visits:
        possible_wh = 11_000.0 * (visit.leaves_s - visit.arrives_s - BEGINNING_S) / 3600.0
        asked = visit.asked_wh(11_000.0)
        assert asked is None or asked < possible_wh / 2


class Service:
    """A service whose points are what a test says."""

    def __init__(self) -> None:
        site, clock = small_site(), HandClock()
        self.live, self.book = Live(site, clock), FakeBook()
        self.wishes = Wishes(self.book, (), site.time_zone, clock)
        self.server = WebServer(made_app(site, self.live, wishes=self.wishes), "127.0.0.1", 0)
        self.site = site

    def session_begins(self) -> None:
        tick = decided_tick(self.site, 0.0, {"P01": PointState(State.CHARGING, (8.0,) * 3, BEGIN, 8.0)})
        self.live.publish(tick)
        self.wishes.refresh(tick.sessions.values())


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    made.server.start()
    yield made
    made.server.stop()


def status(asks: dict[str, float] | None, transaction: int | None = 7) -> dict[str, Any]:
    return {"P01": {"asks": asks, "transaction_id": transaction}}


async def test_the_service_is_told_once_and_only_when_it_knows_the_session(service: Service):
    app = DriversApp(f"http://127.0.0.1:{service.server.port}", None)
    await app.tell(status(ASKS, transaction=None))
    await app.tell(status(ASKS))
    assert service.book.kept == {}, "it knew of no session"
    service.session_begins()
    await app.tell(status(ASKS))
    await app.tell(status(ASKS))
    leaves = datetime.fromtimestamp(LEAVES_S, UTC)
    assert service.book.kept == {("S-P01", Asker.DRIVER): Wish(departs_at=leaves, energy_wh=90)}
    assert len(service.book.users) == 1, "it was not told again"
    await app.tell(status(None))
    await app.tell(status(ASKS | {"energy_wh": 45.0}))
    assert service.book.kept["S-P01", Asker.DRIVER].energy_wh == 45, "the next driver"


async def test_a_service_that_is_away_is_told_later(service: Service):
    service.session_begins()
    app = DriversApp("http://127.0.0.1:9", None)
    await app.tell(status(ASKS))
    assert service.book.kept == {}
