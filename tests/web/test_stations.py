"""What is entered on a charger, and whether it has been heard of."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from adapters.live import Live
from tests.support.reach import reached
from tests.support.web import HandClock, made_app, small_site
from tests.support.web_books import FakeKeys, onboarding_of

SITE = small_site()


@dataclass
class Seen:
    id: str
    online: bool = True
    vendor: str | None = "Odd"
    model: str | None = "One"
    firmware: str | None = "1.2"
    protocol: str | None = "ocpp2.0.1"


class Desk:
    def __init__(self) -> None:
        self.keys = FakeKeys()
        views = [Seen(SITE.points[0].station), Seen(SITE.points[1].station, online=False)]
        onboarding = onboarding_of(SITE, self.keys, views, lab=False)
        app = made_app(SITE, Live(SITE, HandClock()), lab=True, onboarding=onboarding)
        self.http = reached(app, "http://loadstar.test:8080")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    created = Desk()
    yield created
    await created.http.aclose()


async def test_every_station_has_its_url_and_says_whether_it_was_here(desk: Desk):
    page = (await desk.http.get("/stations")).text
    for point in SITE.points:
        assert f"ws://loadstar.test:9000/ocpp/{point.station}" in page
    assert page.count("connected</span>") == 1
    assert page.count("away now") == 1
    assert page.count("not since the start") == len(SITE.points) - 2
    assert "ocpp2.0.1, Odd One, firmware 1.2" in page


async def test_a_new_key_is_shown_once_and_lets_the_station_in(desk: Desk):
    station = SITE.points[0].station
    answer = await desk.http.post(f"/stations/{station}/key")
    shown = re.search(r"is <code>([0-9a-f]{32})</code>", answer.text)
    assert shown is not None
    assert desk.keys.given == {station: shown.group(1)}
    again = (await desk.http.get("/stations")).text
    assert shown.group(1) not in again
    assert again.count("none yet") == len(SITE.points) - 1


async def test_a_station_that_the_site_does_not_know_gets_no_key(desk: Desk):
    answer = await desk.http.post("/stations/CP99/key")
    assert answer.status_code == 422
    assert "there is no station &#39;CP99&#39; in the site file" in answer.text
    assert desk.keys.given == {}
