"""What stands on which topic, without a broker."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.mqtt.reference import reference
from adapters.mqtt.topics import CIRCUIT, LIMIT, METER, PEAK, POINT, PRICE, RESOURCE, document, text, topic, values
from controller.peakshave.price_lever import PriceLevel
from controller.ports.tick import ResourceState, Tick
from controller.snapshot import PointState, State
from tests.support.web import BEGIN, Seen, decided_tick, made_peak, made_price, made_tick, small_site, with_warmth

SITE = small_site()
TICK = made_tick(SITE, 0.0, {"P01": Seen(), "P02": Seen(State.OFFLINE)})


def test_the_list_of_topics_in_the_manual_is_current():
    page = Path(__file__).parents[2] / "docs" / "reference" / "mqtt.md"
    assert page.read_text("utf-8") == reference(), "run: python -m adapters.mqtt.reference > docs/reference/mqtt.md"


def test_every_meter_circuit_and_point_has_every_topic_of_the_manual():
    found = {"/".join(path) for path in values(SITE, TICK)}
    expected = {f"meter/grid/{entry.name}" for entry in METER}
    expected |= {f"circuit/{circuit.id}/{entry.name}" for circuit in SITE.circuits for entry in (*CIRCUIT, *LIMIT)}
    expected |= {f"point/{point.id}/{entry.name}" for point in SITE.points for entry in POINT}
    assert found == expected
    assert all(f"`{name}`" in reference() for name in ("meter/<id>/power_w", "point/<id>/session/energy_wh"))


@pytest.mark.parametrize(
    ("place", "payload"),
    [
        ("meter/grid/l1_a", "23.8"),
        ("meter/grid/power_w", ""),
        ("meter/grid/measured_at", "2026-11-20T09:00:00Z"),
        ("circuit/main/headroom_l2_a", "31.2"),
        ("circuit/garage/current_l3_a", "9.8"),
        ("circuit/main/fresh", "true"),
        ("point/P01/state", "charging"),
        ("point/P01/limit_a", "10.0"),
        ("point/P01/because", "circuit:garage:L2"),
        ("point/P01/current_l1_a", "9.8"),
        ("point/P01/session/energy_wh", "5300"),
        ("point/P01/session/cost", "1.8550"),
        ("point/P02/state", "offline"),
        ("point/P02/limit_a", ""),
        ("point/P03/state", "available"),
        ("point/P03/session/energy_wh", ""),
    ],
)
def test_values_are_plain(place: str, payload: str):
    assert text(values(SITE, TICK)[tuple(place.split("/"))]) == payload


def test_what_a_decision_was_made_from_is_told_in_words_and_figures():
    leaves = BEGIN + timedelta(minutes=10)
    needs = PointState(State.CHARGING, (8.0,) * 3, BEGIN, 8.0, energy_needed_wh=60_000, departs_at=leaves)
    tick = decided_tick(SITE, 0.0, {"P01": needs})
    tick = decided_tick(SITE, 1.0, {"P01": needs, "P02": PointState(State.PLUGGED)}, after=tick, meter_a=61.0)
    found = {"/".join(path): text(value) for path, value in values(SITE, tick).items()}
    assert found["point/P01/why"].startswith("P01 charges at 6.8 A, ")
    assert found["point/P01/why"].endswith("that it still needs by 10:10.")
    assert found["point/P01/need/energy_wh"] == "60000"
    assert found["point/P01/need/departs_at"] == "2026-11-20T09:10:00Z"
    assert int(found["point/P01/need/shortfall_wh"]) > 50_000
    assert (found["point/P01/compliance"], found["point/P01/waiting_s"], found["point/P02/waiting_s"]) == (
        "obeys",
        "",
        "0",
    )


def test_the_document_has_the_values_where_the_topics_have_them():
    whole = json.loads(json.dumps(document(TICK, values(SITE, TICK))))
    assert whole["at"] == "2026-11-20T09:00:00Z"
    assert whole["meter"]["grid"]["l2_a"] == 30.8
    assert whole["circuit"]["main"]["fresh"] is True
    assert whole["point"]["P01"]["session"] == {
        "id": "S-P01",
        "started_at": "2026-11-20T08:13:00Z",
        "energy_wh": 5300,
        "cost": "1.8550",
        "currency": "EUR",
    }
    assert whole["point"]["P02"]["limit_a"] is None


def told(tick: Tick) -> dict[str, str]:
    return {"/".join(path): text(value) for path, value in values(SITE, tick).items()}


def test_the_demand_window_and_the_peak_have_topics_where_demand_has_a_price():
    assert not any(place.startswith("peak/") for place in told(TICK))
    found = told(replace(TICK, peak=made_peak()))
    assert {place.removeprefix("peak/"): payload for place, payload in found.items() if place.startswith("peak/")} == {
        "window/begins_at": "2026-11-20T09:00:00Z",
        "window/energy_wh": "5340",
        "window/projected_w": "42125",
        "window/marks": "meter_gap",
        "billed": "true",
        "target_w": "45000",
        "allowed_w": "12250",
        "month_peak_w": "44210",
        "month_peak_at": "2026-11-12T16:00:00Z",
        "paid_w": "45000",
        "saved": "312.40",
    }
    assert all(f"`peak/{entry.name}`" in reference() for entry in PEAK)


def test_where_nothing_is_gained_the_target_is_empty():
    found = told(replace(TICK, peak=made_peak(target_w=None, allowed_w=None, billed=False, month_peak_at=None)))
    assert [found[f"peak/{name}"] for name in ("billed", "target_w", "allowed_w", "month_peak_at")] == [
        "false",
        "",
        "",
        "",
    ]


def test_the_price_has_topics_where_charging_has_one():
    assert not any(place.startswith("price/") for place in told(TICK))
    found = told(replace(TICK, price=made_price()))
    assert {place: payload for place, payload in found.items() if place.startswith("price/")} == {
        "price/now": "0.50",
        "price/level": "high",
        "price/surcharge_per_kwh": "0.15",
        "price/surcharge_holds": "true",
        "price/ahead": "",
        "price/since": "2026-11-20T08:58:00Z",
        "price/until": "2026-11-20T09:30:00Z",
    }
    assert all(f"`price/{entry.name}`" in reference() for entry in PRICE)


def test_a_price_that_is_not_raised_has_no_end():
    found = told(replace(TICK, price=made_price(PriceLevel.NORMAL)))
    names = ("now", "level", "surcharge_per_kwh", "until")
    assert [found[f"price/{name}"] for name in names] == ["0.35", "normal", "0", ""]


def test_plants_and_batteries_tell_what_they_take_and_give():
    resources = {"roof": ResourceState("pv", "pv", -4210.4), "cellar": ResourceState("battery", "bat", None)}
    found = told(replace(TICK, resources=resources))
    assert {place: payload for place, payload in found.items() if place.startswith("resource/")} == {
        "resource/roof/kind": "pv",
        "resource/roof/power_w": "-4210",
        "resource/cellar/kind": "battery",
        "resource/cellar/power_w": "",
    }
    assert all(f"`resource/<id>/{entry.name}`" in reference() for entry in RESOURCE)


def test_every_fuse_says_how_warm_it_is():
    found = told(with_warmth(TICK, garage=(0.0, 0.3141, 0.004)))
    assert [found[f"circuit/garage/warmth_l{n}"] for n in (1, 2, 3)] == ["0.0", "0.31", "0.0"]


def test_an_id_cannot_break_out_of_its_level():
    assert topic("h/q", "point", "#", "+/x") == "loadstar/h_q/point/_/__x"
