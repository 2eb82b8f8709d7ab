"""Asking something for a session through the REST API: who may, what is taken, what is refused, what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.live import Live
from adapters.web.view import point_view
from adapters.wishes import Wishes
from controller.ports.tokens import Token
from controller.snapshot import Advice, PointAdvice, PointState, State
from controller.wishes import Asked, Asker, Group, Needs
from tests.support.reach import log_in, reached
from tests.support.web import BEGIN, HandClock, decided_tick, made_app, running_session, small_site
from tests.support.web_books import FakeBook

SITE = small_site()
CAR = PointState(State.CHARGING, (16.0,) * 3, BEGIN, 16.0, delivered_wh=5_000)
GROUP = Group("pool", needs=Needs(priority=3, energy_wh=50_000))


class Desk:
    """The API over a site where a car charges at P01."""

    def __init__(self, lab: bool = True) -> None:
        self.book, self.clock, self.woken = FakeBook(), HandClock(), 0
        self.live = Live(SITE, self.clock)
        self.wishes = Wishes(self.book, [GROUP], SITE.time_zone, self.clock, self._wake)
        app = made_app(SITE, self.live, lab=lab, wishes=self.wishes)
        self.http = reached(app)
        self.wishes.refresh([running_session(SITE.point["P01"], 5_000)])
        self.live.publish(decided_tick(SITE, 0, {"P01": CAR}))

    def _wake(self) -> None:
        self.woken += 1

    async def patch(self, body: Any, point: str = "P01", status: int = 200) -> Any:
        answer = await self.http.patch(f"/api/v1/points/{point}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def log_in(self, user: str) -> None:
        await log_in(self.http, user)

    def asked(self, by: Asker = Asker.MANAGER) -> Asked:
        return self.book.kept["S-P01", by]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    created = Desk()
    yield created
    await created.http.aclose()


@pytest.fixture
async def guarded() -> AsyncIterator[Desk]:
    created = Desk(lab=False)
    yield created
    await created.http.aclose()


async def test_departure_and_energy_are_kept_and_answered_as_what_is_still_needed(desk: Desk):
    departs = BEGIN + timedelta(hours=3)
    answer = await desk.patch({"departs_at": "2026-11-20T13:00:00+01:00", "energy_kwh": 20, "least_kwh": 7.5})
    assert desk.asked() == Asked(departs_at=departs, energy_wh=20_000, least_wh=7_500)
    need = {"energy_wh": 15_000, "least_wh": 2_500, "departs_at": "2026-11-20T12:00:00Z", "shortfall_wh": 0}
    assert answer["need"] == need
    assert desk.woken == 1, "the loop need not wait for the end of the second"


async def test_energy_may_be_counted_from_now_on(desk: Desk):
    answer = await desk.patch({"energy_needed_wh": 12_000, "least_needed_wh": 1_000})
    assert desk.asked() == Asked(energy_wh=17_000, least_wh=6_000)
    assert answer["need"]["energy_wh"] == 12_000


async def test_sixty_kilowatt_hours_in_ten_minutes_are_accepted_and_the_shortfall_is_told_at_once(desk: Desk):
    answer = await desk.patch({"departs_at": "2026-11-20T09:10:00Z", "energy_needed_wh": 60_000})
    assert answer["need"]["shortfall_wh"] == pytest.approx(60_000 - 32 * 3 * 230 / 6, abs=2)


async def test_what_is_left_out_stays_and_null_takes_back(desk: Desk):
    await desk.patch({"priority": 5, "weight": 2.5, "max_a": 10})
    answer = await desk.patch({"priority": None, "max_a": 8.5})
    assert desk.asked() == Asked(weight=2.5, max_a=8.5)
    assert answer["max_a"] == 8.5


async def test_the_manager_comes_before_the_driver_who_comes_before_the_token(desk: Desk):
    desk.book.known["04A2B3C4"] = Token("04A2B3C4", group="pool", needs=Needs(energy_wh=10_000))
    desk.wishes.refresh([running_session(SITE.point["P01"], 5_000)])

    def seen() -> tuple[int | None, int | None]:
        state = desk.wishes.overlaid({"P01": CAR})["P01"]
        return state.priority, state.energy_needed_wh

    assert seen() == (3, 5_000), "the group's priority, the token's own energy"
    await desk.patch({"by": "driver", "energy_kwh": 30, "priority": 4})
    assert seen() == (4, 25_000)
    await desk.patch({"energy_kwh": 20})
    assert seen() == (4, 15_000)
    await desk.patch({"energy_kwh": None})
    assert seen() == (4, 25_000), "what the driver has asked is still there"


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"departs_at": "tomorrow", "energy_kwh": -1, "priority": 1.5}, ["departs_at", "energy_kwh", "priority"]),
        ({"departs_at": "2026-11-20T13:00:00", "weight": 0}, ["departs_at", "weight"]),
        ({"departs_at": 1_800_000_000}, ["departs_at"]),
        ({"departs_at": "9999-12-31T23:59:59-10:00"}, ["departs_at"]),
        ({"energy_needed_wh": "1000", "max_a": True}, ["energy_needed_wh", "max_a"]),
        ({"energy_needed_wh": 1000, "energy_kwh": 1}, ["either energy_kwh or energy_needed_wh"]),
        ({"least_needed_wh": None, "least_kwh": None}, ["either least_kwh or least_needed_wh"]),
        ({"limit_a": 6, "by": "boss"}, ["limit_a", "by"]),
        ({"max_a": 3}, ["max_a"]),
        ([], ["body"]),
    ],
)
async def test_everything_wrong_with_a_request_is_said_and_nothing_is_taken(
    desk: Desk, body: Any, places: list[str]
) -> None:
    detail = (await desk.patch(body, status=422))["detail"]
    assert all(place in detail for place in places), detail
    assert desk.book.kept == {}


async def test_only_points_with_a_session_can_be_asked_something(desk: Desk):
    assert "no session" in (await desk.patch({"priority": 1}, "P02", 409))["detail"]
    assert "unknown point" in (await desk.patch({"priority": 1}, "P99", 404))["detail"]
    desk.book.ended.add("S-P01")
    await desk.patch({"priority": 1}, status=409)
    assert desk.woken == 0


async def test_who_may_only_read_is_refused_before_anything_is_looked_at(guarded: Desk):
    await guarded.patch({"priority": 1}, status=401)
    await guarded.log_in("ben")
    await guarded.patch({"nonsense": 1}, status=403)
    assert guarded.book.kept == {}
    await guarded.log_in("ada")
    await guarded.patch({"priority": 1})
    assert guarded.book.users == ["ada"]


async def test_a_point_shows_what_the_plan_says_for_now(desk: Desk):
    advice = Advice(BEGIN, BEGIN - timedelta(minutes=5), 900.0, {"P01": PointAdvice((7.0, 8.0), (None, 6.0), "peak")})
    tick = decided_tick(SITE, 0, {"P01": CAR}, advice=advice)
    shown = point_view(SITE, SITE.point["P01"], tick).advice
    assert shown is not None
    assert (shown.target_a, shown.cap_a, shown.because) == (7.0, None, "peak")
    assert shown.until == BEGIN + timedelta(minutes=10)
    assert point_view(SITE, SITE.point["P02"], tick).advice is None
