from dataclasses import replace
from pathlib import Path

import pytest

from adapters.configuration import ConfigurationError, ModbusTcpMeter, load_configuration
from controller.site import WIRINGS, ChargingPoint, Circuit, Control, Site, Station
from simulations.wire.site_file import Addresses, meter_ids, site_file

SITE = Site(
    id="garage-7",
    circuits=(
        Circuit("main", None, (63.0, 63.0, 50.0), "C", 1.5, 40_000.0, "grid", (12.0, 10.5, 11.0), 20.0),
        Circuit("cellar", "main", (40.0,) * 3, meter="cellar-meter"),
    ),
    points=tuple(
        ChargingPoint(f"P{n}", "cellar", f"CP{n // 2}", 1 + n % 2, phases, max_a=16.0, fallback_a=6.0 * (n % 2))
        for n, phases in enumerate(WIRINGS.values())
    ),
    stations=(Station("CP0", 25), Station("CP1")),
    name='The "new" garage \\ Zürich',
    time_zone="Europe/Zurich",
    currency="CHF",
    nominal_voltage_v=231.5,
)
ADDRESSES = Addresses(8080, 9000, {"grid": 5020, "cellar-meter": 5021}, "mqtt://127.0.0.1:1883")


def test_what_the_service_reads_is_the_site_that_was_written(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text(site_file(SITE, ADDRESSES, poll_s=0.5), encoding="utf-8")
    configuration = load_configuration(path, {})
    read = configuration.site
    for name in ("id", "circuits", "points", "stations", "name", "time_zone", "currency", "nominal_voltage_v"):
        assert getattr(read, name) == getattr(SITE, name), name
    assert (configuration.web.port, configuration.ocpp.port) == (8080, 9000)
    assert configuration.mqtt_url == "mqtt://127.0.0.1:1883"
    ports = {meter.id: meter.port for meter in configuration.meters if isinstance(meter, ModbusTcpMeter)}
    assert ports == ADDRESSES.meters
    assert {meter.poll_s for meter in configuration.meters if isinstance(meter, ModbusTcpMeter)} == {0.5}


def test_every_meter_that_a_circuit_names_is_there_once():
    shared = replace(SITE.circuits[1], id="attic", meter="grid")
    assert meter_ids(replace(SITE, circuits=(*SITE.circuits, shared))) == ("grid", "cellar-meter")


def test_how_calm_the_loop_is_stands_in_no_site_file(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text(site_file(replace(SITE, control=Control(calm_s=1.0)), ADDRESSES, poll_s=1.0), encoding="utf-8")
    assert load_configuration(path, {}).site.control == Control()


def test_what_no_service_could_run_is_refused_by_its_own_checks(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text(site_file(SITE, ADDRESSES, poll_s=30.0), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="poll_s"):
        load_configuration(path, {})
