"""Short stories through the whole service: OCPP, Modbus, MQTT, the ledger, and a restart in the middle."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from paho.mqtt.client import CallbackAPIVersion, Client

from adapters.store import open_ledger
from controller.ports.ledger import SessionRecord
from controller.site import Station
from simulations.scenario.model import MeterModel, PriceCurve, Scenario, TimedFault, TimedLimit
from simulations.wire import WireError, run_wire, wire_problems
from simulations.wire import runner as wire_runner
from tests.support.fine_scenarios import START_S, Outcome, garage, hungry, load, story
from tests.support.mosquitto import Mosquitto, mosquitto
from tests.support.processes import WITHIN_S

FAST = 100.0


def cheap_from(begins_s: float) -> PriceCurve:
    return PriceCurve(np.array([0.0, begins_s]), np.array([0.9, 0.1]))


def three_drivers() -> Scenario:
    """One stays, one leaves, one waits for the price; two meters fail, then the controller is away for a while."""
    visits = [
        replace(hungry("P0", 4.3), token="04A2B3C4"),
        hungry("P1", 8.7, 50.2),
        replace(hungry("P2", 12.1, 400.0, max_a=10.0, taper_from=1.0), energy_wh=500.0, price_limit=0.5),
    ]
    faults = (
        TimedFault("meter_nan", 20.0, 30.0),
        TimedFault("controller_down", 90.0, 115.0),
        TimedFault("building_step", 150.0, 170.0, current_a=(30.0, 30.0, 30.0)),
    )
    site = garage(3)
    main, cellar = site.circuits
    site = replace(site, circuits=(main, replace(cellar, meter="cellar")))
    return story(site, visits, load((0, 10)), 180.0, faults=faults, price=cheap_from(60.0))


def ledger(directory: Path) -> list[SessionRecord]:
    book = open_ledger(
        f"sqlite:///{directory / 'loadstar.db'}",
        currency="EUR",
        price_per_kwh=None,
        on_event=lambda _: None,
        last_register=lambda _: None,
    )
    try:
        return list(book.sessions()[0])
    finally:
        book.close()


@contextmanager
def heard(broker: Mosquitto, topic: str) -> Iterator[list[float]]:
    """The values of a topic, as they come."""
    values: list[float] = []
    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda *told: values.append(float(told[-1].payload or "nan"))
    client.connect("127.0.0.1", broker.port)
    client.subscribe(topic)
    client.loop_start()
    try:
        assert subscribed.wait(WITHIN_S)
        yield values
    finally:
        client.disconnect()
        client.loop_stop()


def test_a_service_that_is_started_again_takes_up_its_cars_and_books_every_one(tmp_path: Path):
    done: list[float] = []
    with mosquitto(tmp_path) as broker, heard(broker, "loadstar/garage/point/P0/limit_a") as told_a:
        results = run_wire(
            three_drivers(), factor=FAST, directory=tmp_path / "run", progress=done.append, mqtt_url=broker.url
        )
    outcome = Outcome(results)
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1.0)

    assert results.series.time_s.tolist() == [10.0 * row for row in range(18)]
    assert outcome.current_a("P0", 85) > 20
    assert np.isnan(outcome.limit_a("P0", 105)), "nobody decides"
    assert outcome.current_a("P0", 105) > 20, "chargers hold what they were told"
    assert outcome.highest_a("main", 150, 160) > 63
    assert outcome.circuit_a("main", 165)[0] <= 63
    assert results.truth.fuse_violation_as == 0
    assert results.invalid_setpoints == 0

    stayed, left, waited = results.sessions
    assert stayed.delivered_wh > 200
    assert left.delivered_wh > 50
    assert outcome.current_a("P1", 75) == 0
    assert waited.first_charge_s is not None
    assert 60 < waited.first_charge_s < 90
    assert waited.delivered_wh > 100

    assert sorted(outcome.told("worst_case_assumed")) == [
        ("worst_case_assumed", "circuit:garage"),
        ("worst_case_assumed", "circuit:main"),
    ]
    assert outcome.told("overload") == [("overload", "circuit:main")]
    assert outcome.times_s("overload")[0] == pytest.approx(151, abs=1.2)
    assert len([at_s for at_s in outcome.times_s("station_online") if at_s > 115]) == 3

    sessions = ledger(tmp_path / "run")
    assert {session.point for session in sessions} == {"P0", "P1", "P2"}
    assert {session.token for session in sessions} == {"04A2B3C4", "LAB-DRIVER"}
    assert not any(session.running for session in sessions)
    assert {session.started_at.date() for session in sessions} == {datetime.fromtimestamp(START_S, UTC).date()}
    assert 6 < np.nanmax(told_a) <= 32
    assert "Traceback" not in (tmp_path / "run" / "loadstar.log").read_text()


def test_what_the_service_cannot_be_shown_is_named_all_at_once(tmp_path: Path):
    limit = TimedLimit("main", 10_000.0, "grid_operator", 0.0, 60.0)
    both = (limit, replace(limit, charging_only=True))
    faults = (TimedFault("back_office_away", 0.0, 10.0), TimedFault("meter_lost", 0.0, 10.0))
    scenario = story(garage(1), [], load(), 60.0, limits=both, faults=faults, meter=MeterModel(poll_s=10.0))
    assert len(list(wire_problems(scenario))) == 3
    with pytest.raises(ValueError, match=r"(?s)poll_s.*limits.*back_office_away") as refused:
        run_wire(scenario, directory=tmp_path)
    assert "meter_lost cannot" not in str(refused.value)
    assert not list(tmp_path.iterdir()), "nothing was begun"


def test_a_limit_that_comes_while_the_controller_is_away_is_kept_once_it_is_back(tmp_path: Path):
    limit = TimedLimit("main", 9_660.0, "dimmer", 60.0, 125.0, charging_only=True)
    away = TimedFault("controller_down", 55.0, 70.0)
    visits = [hungry(f"P{n}", 3.0) for n in range(2)]
    scenario = story(garage(2), visits, load((0, 10)), 125.0, limits=(limit,), faults=(away,))
    outcome = Outcome(run_wire(scenario, factor=FAST, directory=tmp_path / "run"))
    charging_w = [(sum(outcome.circuit_a("main", at_s)) - 30.0) * 230 for at_s in (50, 95, 105, 115)]
    assert charging_w[0] > 12_000
    assert max(charging_w[1:]) <= 9_660
    assert outcome.because("P1", 110) == "limit:dimmer"


def test_a_site_without_any_meter_is_refused(tmp_path: Path):
    site = garage(1)
    blind = replace(site, circuits=tuple(replace(circuit, meter=None) for circuit in site.circuits))
    with pytest.raises(ValueError, match="meter"):
        run_wire(story(blind, [], load(), 60.0), directory=tmp_path)


def test_a_ledger_is_never_written_into_twice(tmp_path: Path):
    (tmp_path / "loadstar.db").touch()
    with pytest.raises(ValueError, match="without a ledger"):
        run_wire(story(garage(1), [], load(), 60.0), directory=tmp_path)


def test_a_station_that_does_not_get_through_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire_runner, "LEAD_S", 3.0)
    monkeypatch.setattr(wire_runner, "SETTLED_S", 2.99)
    site = replace(garage(2), stations=(Station("S0"),))
    with pytest.raises(WireError, match=r"not connected within 0\.01 s: S0, S1"):
        run_wire(story(site, [], load(), 60.0), factor=FAST, directory=tmp_path)
