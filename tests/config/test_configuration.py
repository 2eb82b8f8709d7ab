"""A good site file becomes a configuration; what it holds is exact, complete and keeps its secrets."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.configuration import (
    Configuration,
    ConfigurationError,
    MqttMeter,
    P1Meter,
    lab_problems,
    load_configuration,
    static_rule_problems,
)
from adapters.configuration.meter_tables import QuantitiesTable
from adapters.metering.sample import QUANTITIES

OFFICE = Path(__file__).parents[2] / "examples" / "office.toml"

MAIN = """
[site]
id = "hq"
[[circuits]]
id = "main"
fuse_a = 63
base_load_a = 25
"""


def points(count: int, more: str = "") -> str:
    return "".join(f'[[points]]\nid = "P{n}"\ncircuit = "main"\nstation = "CP{n}"\n{more}\n' for n in range(count))


def loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> Configuration:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return load_configuration(path, environ or {})


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, text, environ)
    return [f"{problem.place}: {problem.expected}" for problem in refused.value.problems]


def test_the_example_is_a_site_that_may_start():
    office = load_configuration(OFFICE, {})
    assert len(office.site.points) == 20
    assert office.site.circuit["main"].base_load_a == (28.0, 25.0, 25.0)
    assert static_rule_problems(office) == []
    assert lab_problems(office) == []


def test_defaults_stand_for_what_is_not_written(tmp_path: Path):
    site = loaded(tmp_path, MAIN + points(1))
    assert (site.site.time_zone, site.site.currency, site.site.nominal_voltage_v) == ("UTC", "EUR", 230.0)
    assert (site.ocpp.host, site.ocpp.port, site.web.host, site.web.port) == ("127.0.0.1", 9000, "127.0.0.1", 8080)
    point = site.site.point["P0"]
    assert (point.phases, point.min_a, point.max_a, point.connector) == ((0, 1, 2), 6.0, 32.0, 1)
    assert (site.mqtt_url, site.influx, site.price_per_kwh) == (None, None, None)


def test_a_fallback_left_open_is_the_minimum_while_the_static_rule_holds(tmp_path: Path):
    assert {p.fallback_a for p in loaded(tmp_path, MAIN + points(6)).site.points} == {6.0}
    assert {p.fallback_a for p in loaded(tmp_path, MAIN + points(7)).site.points} == {0.0}


def test_a_written_zero_stays_zero(tmp_path: Path):
    assert loaded(tmp_path, MAIN + points(1, "fallback_a = 0")).site.points[0].fallback_a == pytest.approx(0)


def test_a_site_whose_fallbacks_do_not_fit_names_circuit_and_excess(tmp_path: Path):
    site = loaded(tmp_path, MAIN + points(7, "fallback_a = 6\nphases = 'L2'"))
    (problem,) = static_rule_problems(site)
    assert problem.place == "circuits[0].fuse_a"
    assert problem.line == 6
    assert "'main', L2" in problem.expected
    assert "by 4.0 A" in problem.expected


@pytest.mark.parametrize("written", ["0.30", '"0.30"'])
def test_a_price_keeps_the_decimals_that_were_written(tmp_path: Path, written: str):
    site = loaded(tmp_path, f"{MAIN}[tariffs]\nprice_per_kwh = {written}\n")
    assert str(site.price_per_kwh) == "0.30"
    assert loaded(tmp_path, f"{MAIN}[tariffs]\nprice_per_kwh = 1\n").price_per_kwh == Decimal(1)


@pytest.mark.parametrize("written", ["-0.1", '"cheap"', "true", "nan", '"Infinity"', "1e999999999999999999999", "1e9"])
def test_an_impossible_price_is_refused(tmp_path: Path, written: str):
    (problem,) = problems(tmp_path, f"{MAIN}[tariffs]\nprice_per_kwh = {written}\n")
    assert problem.startswith("tariffs.price_per_kwh: expected")


def test_secrets_come_from_the_file_or_the_environment_and_are_never_shown(tmp_path: Path):
    text = (
        MAIN
        + points(2)
        + '[[stations]]\nid = "CP0"\npassword = "from-the-file"\n'
        + '[[stations]]\nid = "CP1"\npassword_env = "CP1_PASSWORD"\nwrites_per_day = 10\n'
        + '[[users]]\nname = "anna"\npassword = "from-the-file"\nrole = "installer"\n'
        + '[store]\nurl = "postgresql+psycopg://me:from-the-file@db/x"\n'
        + '[mqtt]\nurl = "mqtt://me:from-the-file@broker:1883"\n'
        + '[influx]\nurl = "http://127.0.0.1:8086"\ntoken_env = "INFLUX"\n'
    )
    site = loaded(tmp_path, text, {"CP1_PASSWORD": "from-outside", "INFLUX": "from-outside"})
    assert site.passwords == {"CP0": "from-the-file", "CP1": "from-outside"}
    assert site.influx is not None
    assert site.influx.token == "from-outside"
    assert (site.users[0].password, site.users[0].role) == ("from-the-file", "installer")
    assert site.site.writes_per_day == {"CP1": 10}
    assert "from-" not in repr(site)


def test_an_empty_or_unprintable_variable_is_as_good_as_none(tmp_path: Path):
    text = MAIN + points(2) + "".join(f'[[stations]]\nid = "CP{n}"\npassword_env = "V{n}"\n' for n in range(2))
    found = problems(tmp_path, text, {"V0": "", "V1": "\udcff"})
    assert found[0] == "stations[0].password_env: the environment variable V0 is not set"
    assert found[1].startswith("stations[1].password_env: the environment variable V1 holds")


def test_paths_begin_at_the_site_file(tmp_path: Path):
    (tmp_path / "cert.pem").touch()
    (tmp_path / "key.pem").touch()
    text = MAIN + '[store]\nurl = "sqlite:///data/book.db"\n[ocpp]\ntls_certificate = "cert.pem"\ntls_key = "key.pem"\n'
    site = loaded(tmp_path, text)
    assert site.store_url == f"sqlite:///{tmp_path}/data/book.db"
    assert site.ocpp.tls_key == tmp_path / "key.pem"
    assert loaded(tmp_path, MAIN + '[store]\nurl = "sqlite:////var/x.db"\n').store_url == "sqlite:////var/x.db"


def test_an_mqtt_meter_uses_the_sites_broker_unless_it_names_its_own(tmp_path: Path):
    quantities = "".join(f'quantities.l{n}_a = {{ topic = "m/{n}", path = "phases[0].a" }}\n' for n in (1, 2, 3))
    meter = f'[[meters]]\nid = "m"\nkind = "mqtt"\ntimestamp_path = "at"\n{quantities}'
    site = loaded(tmp_path, f'{MAIN}{meter}[mqtt]\nurl = "mqtt://broker"\n')
    (found,) = site.meters
    assert isinstance(found, MqttMeter)
    assert (found.url, found.timestamp_path, set(found.quantities)) == ("mqtt://broker", "at", {"l1_a", "l2_a", "l3_a"})
    assert found.quantities["l1_a"].topic == "m/1"
    own = loaded(tmp_path, f'{MAIN}{meter}url = "mqtts://other"\n'.replace("quantities.l1", "quantities.l1"))
    assert isinstance(own.meters[0], MqttMeter)
    assert own.meters[0].url == "mqtts://other"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('host = "bridge"\nport = 2001', P1Meter("m", "bridge", 2001, None)),
        ('device = "/dev/ttyUSB0"', P1Meter("m", None, None, "/dev/ttyUSB0")),
    ],
)
def test_a_p1_meter_has_a_bridge_or_a_device(tmp_path: Path, line: str, expected: P1Meter):
    assert loaded(tmp_path, f'{MAIN}[[meters]]\nid = "m"\nkind = "p1"\n{line}\n').meters == (expected,)


def test_an_mqtt_meter_may_tell_what_meters_can_tell():
    assert set(QuantitiesTable.model_fields) == QUANTITIES


def test_tokens_are_dated_in_utc(tmp_path: Path):
    site = loaded(tmp_path, MAIN + '[[tokens]]\nuid = "04A2"\nvalid_until = 2027-01-01T01:00:00+01:00\n')
    assert site.tokens[0].valid_until is not None
    assert site.tokens[0].valid_until.isoformat() == "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "charger.example"])
def test_a_laboratory_is_not_reachable_from_outside(tmp_path: Path, host: str):
    site = loaded(tmp_path, f'{MAIN}[ocpp]\nhost = "{host}"\n[web]\nhost = "localhost"\n')
    assert [problem.place for problem in lab_problems(site)] == ["ocpp.host"]


def test_ports_may_be_equal_on_different_addresses(tmp_path: Path):
    ocpp = '[ocpp]\nhost = "10.0.0.1"\nport = 443\n'
    assert loaded(tmp_path, f'{MAIN}{ocpp}[web]\nhost = "10.0.1.1"\nport = 443\n').web.port == 443
    assert problems(tmp_path, f'{MAIN}{ocpp}[web]\nhost = "::"\nport = 443\n')
    assert loaded(tmp_path, f"{MAIN}[ocpp]\nport = 0\n[web]\nport = 0\n").ocpp.port == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"a = " + b"[" * 5000 + b"]" * 5000,
        b"a = " + b"9" * 5000,
        b"a = 1e99999999999999999999",
        b"x" * (5 << 20),
        b"\x00",
        b"[site]\nid = 1\n[site]\n",
    ],
)
def test_a_hostile_file_is_a_problem_not_a_crash(tmp_path: Path, content: bytes):
    path = tmp_path / "site.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(path, {})
    assert refused.value.problems


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xef\xbb\xbf" + MAIN.encode())
    assert load_configuration(path, {}).site.id == "hq"


@pytest.mark.parametrize("name", ["absent.toml", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_configuration(tmp_path / name, dict(os.environ))
