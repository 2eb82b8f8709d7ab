"""Tomorrow's prices come in by file, topic and request, and sessions are priced by them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.live import Live
from adapters.prices.curve_desk import CurveDesk
from controller.plan import Event
from controller.tariffs.legs import NO_TARIFF
from controller.tariffs.rated import Flag
from tests.support.desk import Desk
from tests.support.processes import until
from tests.support.reach import reached
from tests.support.web import HandClock, made_app, small_site

HOURS = [
    {"at": "2026-11-20T09:00:00Z", "price_per_kwh": "0.10"},
    {"at": "2026-11-20T09:30:00Z", "price_per_kwh": 0.2},
    {"at": "2026-11-20T10:00:00Z", "until": "2026-11-20T11:00:00Z", "price_per_kwh": -0.05},
]
DAY_AHEAD = {"curve": "day-ahead", "prices": HOURS}
FOLLOWS: dict[str, Any] = {
    "id": "dynamic",
    "currency": "EUR",
    "elements": [
        {"price_components": [{"type": "ENERGY", "price": 0.05, "step_size": 1}]},
    ],
    "loadstar": {"elements": [{"curve": "day-ahead"}]},
}


def curves(desk: Desk, **files: Path) -> CurveDesk:
    named = {name.replace("_", "-"): path for name, path in files.items()}
    return CurveDesk(desk.book, named, desk.clock, desk.events.append)


def told(desk: Desk, kind: str) -> list[Event]:
    return [event for event in desk.events if event.kind == kind]


async def test_a_session_follows_what_was_published(desk: Desk):
    curves(desk).publish(json.dumps(DAY_AHEAD).encode())
    desk.price(FOLLOWS)
    session = await desk.session()
    desk.billing.record_ended()
    record = desk.only_record(session)
    found = record.legs[0].rated
    assert NO_TARIFF not in record.flags
    assert found.complete
    # Half of it at 0.10, half at 0.20, and 0.05 on top: 7.432 kWh at 0.20.
    assert found.total.before_tax == Decimal("1.4864")


async def test_hours_without_a_price_are_not_guessed(desk: Desk):
    first = {**DAY_AHEAD, "prices": HOURS[:1]}
    curves(desk).publish(json.dumps({**first, "prices": [{**HOURS[0], "until": "2026-11-20T09:30:00Z"}]}).encode())
    desk.price(FOLLOWS)
    session = await desk.session()
    desk.billing.record_ended()
    assert Flag.UNRATED_CURVE in desk.only_record(session).flags


def test_a_file_is_read_again_when_it_changes_and_the_same_prices_are_no_news(desk: Desk, tmp_path: Path):
    path = tmp_path / "prices.csv"
    taking = curves(desk, day_ahead=path)
    taking.look()
    assert "cannot be read" in told(desk, "prices_refused")[0].message
    path.write_text("at,price_per_kwh\n2026-11-20T09:00:00Z,0.1\n2026-11-20T10:00:00Z,0.2\n")
    taking.look()
    taking.look()
    curves(desk, day_ahead=path).look()  # after a restart
    assert len(told(desk, "prices_published")) == 1
    path.write_text("at,price_per_kwh\n2026-11-20T09:00:00Z,a lot\n")
    taking.look()
    assert "prices.csv:2" in told(desk, "prices_refused")[-1].message
    kept = desk.book.curve("day-ahead", desk.clock.now())
    assert kept is not None
    assert [period.per_kwh for period in kept.periods] == [Decimal("0.1"), Decimal("0.2")]


async def test_messages_are_taken_one_after_the_other_and_wrong_ones_refused_whole(desk: Desk):
    taking = curves(desk)
    task = asyncio.create_task(taking.run())
    taking.heard(b"{")
    taking.heard(json.dumps(DAY_AHEAD).encode())
    await until(lambda: bool(told(desk, "prices_published")), "the prices")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(told(desk, "prices_refused")) == 1


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    site = small_site()
    app = made_app(site, Live(site, HandClock()), publish_prices=curves(desk).publish)
    async with reached(app) as client:
        yield client


async def test_a_program_publishes_over_rest_and_is_told_what_is_wrong(http: httpx.AsyncClient):
    answer = await http.post("/api/v1/prices", json=DAY_AHEAD)
    assert answer.status_code == 201
    assert (answer.json()["curve"], answer.json()["prices"]) == ("day-ahead", 3)
    assert (await http.post("/api/v1/prices", json=DAY_AHEAD)).status_code == 409
    wrong = await http.post("/api/v1/prices", json={"curve": "x", "prices": [{"at": "noon", "price_per_kwh": 5000}]})
    assert wrong.status_code == 422
    assert "at" in wrong.json()["detail"]
    assert "price_per_kwh" in wrong.json()["detail"]
