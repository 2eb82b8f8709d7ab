"""Telemetry, written to real servers and read back from them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import influx as telemetry
from adapters.influx import TICKS_KEPT, InfluxWriter, records_of
from controller.ports.tick import PriceNow, ResourceState, Tick, UpstreamState
from controller.site import Site
from controller.snapshot import State
from tests.support.influx import DATABASE, Influx, VictoriaMetrics, influx, victoria_metrics
from tests.support.meters import Events
from tests.support.processes import WITHIN_S, free_port, until
from tests.support.web import BEGIN, Seen, made_peak, made_price, made_tick, small_site

SITE = small_site()
AT_MS = round(BEGIN.timestamp() * 1000)
USUAL, ADDED, PER_KWH = 0.35, 0.15, 0.5


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "FLUSH_S", 0.05)
    monkeypatch.setattr(telemetry, "RETRY_LAST_S", 0.1)
    for patience in ("TIMEOUT_S", "CLOSE_S"):  # what is asked here is what is written, not how quickly
        monkeypatch.setattr(telemetry, patience, WITHIN_S)


def a_tick(second: float = 0.0) -> Tick:
    return made_tick(SITE, second, {"P01": Seen(), "P02": Seen(State.WITHHELD, draw_a=0.0, limit_a=0.0)})


def a_dear_tick(second: float = 0.0) -> Tick:
    """With all that is about money, and a battery that gives while nobody knows what the plant does."""
    price = replace(made_price(), points={"P01": Decimal("0.4235")})
    resources = {"roof": ResourceState("pv", "roof", None), "cellar": ResourceState("battery", "cellar", -4200.0)}
    office = UpstreamState(
        "office", "CP01", ("P01",), hub=False, primary=True, connected=True, ready=True,
        trouble=None, waiting=3, oldest_at=BEGIN, set_aside=1,
    )  # fmt: skip
    return replace(a_tick(second), price=price, peak=made_peak(), resources=resources, upstreams=(office,))


def a_writer(url: str, events: Events, site: Site = SITE) -> InfluxWriter:
    return InfluxWriter(url=url, org="hq", bucket=DATABASE, token="secret", site=site, on_event=events)


@pytest.fixture
def events() -> Events:
    return Events()


class TestWithInfluxDb:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[Influx]:
        with influx(tmp_path) as running:
            yield running

    def test_what_was_written_is_read_back(self, server: Influx, events: Events):
        writer = a_writer(server.url, events)
        for second in range(3):
            writer.write(a_tick(second))
        writer.close()
        assert events == []
        points = server.rows("SELECT * FROM point WHERE point = 'P01'")
        assert [row["time"] for row in points] == [AT_MS, AT_MS + 1000, AT_MS + 2000]
        assert points[0] == {
            "time": AT_MS, "site": "hq", "point": "P01", "state": "charging", "limit_a": 10.0,
            "because": "circuit:garage:L2", "l1_a": 9.8, "l2_a": 9.8, "l3_a": 9.8,
        }  # fmt: skip
        meters = server.rows("SELECT * FROM meter WHERE phase = 'L2'")
        assert (meters[0]["meter"], meters[0]["current_a"]) == ("grid", pytest.approx(21.0 + 9.8))
        circuits = server.rows("SELECT * FROM circuit WHERE circuit = 'main' AND phase = 'L1'")
        assert circuits[0]["background_a"] == 14.0
        assert circuits[0]["headroom_a"] == pytest.approx(63 - 1 - 14 - 9.8)
        sessions = server.rows("SELECT * FROM session WHERE point = 'P01'")
        assert (sessions[0]["id"], sessions[0]["energy_wh"], sessions[0]["cost"]) == ("S-P01", 5300, 1.855)
        assert server.rows("SELECT * FROM controller")[0]["decide_s"] == 0.0004

    def test_prices_resources_and_back_offices_are_read_back(self, server: Influx, events: Events):
        writer = a_writer(server.url, events)
        writer.write(a_dear_tick())
        writer.close()
        assert events == []
        (price,) = server.rows("SELECT * FROM price")
        assert price == {
            "time": AT_MS, "site": "hq", "per_kwh": PER_KWH, "usual_per_kwh": USUAL, "surcharge_per_kwh": ADDED,
            "surcharge_holds": True, "level": "high",
        }  # fmt: skip
        assert server.rows("SELECT price_per_kwh FROM point WHERE point = 'P01'")[0]["price_per_kwh"] == 0.4235
        (battery,) = server.rows("SELECT * FROM resource")  # what is not known has no line
        assert battery == {"time": AT_MS, "site": "hq", "resource": "cellar", "kind": "battery", "power_w": -4200.0}
        (office,) = server.rows("SELECT * FROM upstream")
        assert (office["upstream"], office["station"]) == ("office", "CP01")
        assert (office["ready"], office["waiting"], office["set_aside"]) == (True, 3, 1)

    def test_names_with_every_special_character_are_good_syntax(self, server: Influx, events: Events):
        odd = 'P,1 =\\"x"\n'
        tick = a_tick()
        because = 'limit:"grid, operator"\\\n'
        setpoint = replace(tick.plan.setpoints["P01"], because=because)
        writer = a_writer(server.url, events, replace(SITE, id="h q,="))
        writer.write(
            replace(tick, plan=replace(tick.plan, setpoints={odd: setpoint}), points={odd: tick.points["P01"]})
        )
        writer.close()
        assert events == []
        (row,) = server.rows("SELECT * FROM point")
        assert row["site"] == "h q,="
        assert row["limit_a"] == 10.0
        assert "grid, operator" in row["because"]

    async def test_lines_that_the_server_refuses_are_given_up_and_told(
        self, server: Influx, events: Events, monkeypatch: pytest.MonkeyPatch
    ):
        def torn(site_id: str, tick: Tick) -> Iterator[Any]:
            return iter(["no line at all"]) if tick.at == BEGIN else records_of(site_id, tick)

        monkeypatch.setattr(telemetry, "records_of", torn)
        writer = a_writer(server.url, events)
        writer.write(a_tick())
        await until(lambda: events, "the refusal")
        assert "HTTP 400" in events[0].message
        writer.write(a_tick(1))
        await until(lambda: len(events) > 1, "the next write")
        writer.close()
        assert events.kinds == ["influx_lost", "influx_back"]
        assert "1 ticks lost" in events[1].message
        assert len(server.rows("SELECT * FROM controller")) == 1


class TestWithVictoriaMetrics:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[VictoriaMetrics]:
        with victoria_metrics(tmp_path) as running:
            yield running

    def test_what_was_written_is_read_back(self, server: VictoriaMetrics, events: Events):
        writer = a_writer(server.url, events)
        for second in range(3):
            writer.write(a_tick(second))
        writer.close()
        assert events == []
        (limit,) = [s for s in server.series("point_limit_a") if s["metric"]["point"] == "P01"]
        assert limit["metric"]["site"] == "hq"
        assert limit["values"] == [10, 10, 10]
        assert limit["timestamps"] == [AT_MS, AT_MS + 1000, AT_MS + 2000]
        phases = {s["metric"]["phase"]: s["values"][0] for s in server.series("meter_current_a")}
        assert phases == pytest.approx({"L1": 23.8, "L2": 30.8, "L3": 18.8})

    def test_money_and_power_are_numbers_to_draw(self, server: VictoriaMetrics, events: Events):
        writer = a_writer(server.url, events)
        for second in range(2):
            writer.write(a_dear_tick(second))
        writer.close()
        assert events == []
        drawn = {
            name: [series["values"] for series in server.series(name)]
            for name in ("price_per_kwh", "price_surcharge_per_kwh", "point_price_per_kwh", "session_cost",
                         "demand_projected_w", "resource_power_w", "upstream_waiting")
        }  # fmt: skip
        assert drawn == {
            "price_per_kwh": [[PER_KWH] * 2],
            "price_surcharge_per_kwh": [[ADDED] * 2],
            "point_price_per_kwh": [[0.4235] * 2],
            "session_cost": [[1.855] * 2] * 2,
            "demand_projected_w": [[42_125] * 2],
            "resource_power_w": [[-4200] * 2],
            "upstream_waiting": [[3, 3]],
        }

    async def test_an_outage_is_told_once_and_loses_nothing(self, server: VictoriaMetrics, events: Events):
        writer = a_writer(server.url, events)
        server.stop()
        for second in range(5):
            writer.write(a_tick(second))
        await until(lambda: events, "the loss to be noticed")
        server.start()
        await until(lambda: len(events) > 1, "the return to be noticed")
        writer.write(a_tick(5))
        writer.close()
        assert events.kinds == ["influx_lost", "influx_back"]
        assert "0 ticks lost" in events[1].message
        (decide,) = server.series("controller_decide_s")
        assert len(decide["values"]) == 6


def test_a_server_that_never_answers_keeps_nobody_waiting_and_the_buffer_bounded(events: Events):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        writer = a_writer(f"http://127.0.0.1:{silent.getsockname()[1]}", events)
        tick = a_tick()
        for _ in range(3 * TICKS_KEPT):
            writer.write(tick)  # would take 5 s each if it waited
        assert len(writer._ticks) <= TICKS_KEPT
        assert writer._dropped >= TICKS_KEPT
    writer.close()


async def test_ticks_beyond_the_bound_are_counted(tmp_path: Path, events: Events):
    port = free_port()
    writer = a_writer(f"http://127.0.0.1:{port}", events)
    writer.write(a_tick())
    await until(lambda: events, "the loss to be noticed")
    for second in range(TICKS_KEPT + 7):
        writer.write(a_tick(second))
    assert writer._dropped == 7
    writer.close()


def test_a_silent_meter_leaves_a_gap_and_what_is_unknown_has_no_field():
    tick = made_tick(SITE, 100.0, {"P03": Seen(State.OFFLINE)}, fresh=False)
    lines = list(records_of("hq", tick))
    meters = [line for line in lines if line["measurement"] == "meter"]
    assert {line["time"] for line in meters} == {BEGIN + timedelta(seconds=58)}
    (offline,) = [line for line in lines if line["measurement"] == "point" and line["tags"]["point"] == "P03"]
    assert offline["fields"] == {"state": "offline"}


def test_a_demand_window_without_a_target_has_no_field_for_it():
    assert not [line for line in records_of("hq", a_tick()) if line["measurement"] == "demand"]
    tick = replace(a_tick(), peak=made_peak(target_w=None, allowed_w=None))
    (demand,) = [line for line in records_of("hq", tick) if line["measurement"] == "demand"]
    assert demand["fields"] == {
        "energy_wh": 5340.4,
        "projected_w": 42_125.0,
        "month_peak_w": 44_210.0,
        "saved": 312.4,
    }
    circuits = [line for line in records_of("hq", tick) if line["measurement"] == "circuit"]
    assert {line["fields"]["warmth"] for line in circuits} == {0.0}


def test_a_site_without_a_lever_has_a_price_and_no_surcharge_and_one_without_a_tariff_no_price():
    def prices(price: PriceNow | None) -> list[dict[str, float]]:
        tick = replace(a_tick(), price=price)
        return [line["fields"] for line in records_of("hq", tick) if line["measurement"] == "price"]

    assert prices(PriceNow(Decimal("0.35"))) == [{"per_kwh": 0.35, "usual_per_kwh": 0.35}]
    assert prices(PriceNow(None)) == prices(None) == []


def test_the_manual_names_every_measurement_with_its_tags_and_fields():
    manual = (Path(__file__).parents[2] / "docs" / "reference" / "influx.md").read_text()
    rows = {row.split("`")[1]: row for row in manual.splitlines() if row.startswith("| `")}
    lines = list(records_of("hq", a_dear_tick()))
    assert {line["measurement"] for line in lines} == rows.keys()
    for line in lines:
        for name in {*line["tags"], *line["fields"]} - {"site"}:
            assert f"`{name}`" in rows[line["measurement"]]


@pytest.mark.parametrize("url", ["", "127.0.0.1:8086", "ftp://host", "http://"])
def test_a_wrong_url_is_refused(url: str, events: Events):
    with pytest.raises(ValueError, match="expected a URL such as"):
        a_writer(url, events)
