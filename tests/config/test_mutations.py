"""Whatever is done to a good site file: it loads, or everything wrong with it is told. Nothing else happens."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.configuration import ConfigurationError, Problem, load_configuration
from tests.support.thorough import thorough

GOOD = """\
[site]
id = "hq"
name = "Head office"
time_zone = "Europe/Amsterdam"
currency = "EUR"
nominal_voltage_v = 230
[[circuits]]
id = "main"
fuse_a = 63
fuse_curve = "gG"
margin_a = 1.0
contract_w = 40000
meter = "grid"
base_load_a = [25, 20.5, 20]
max_imbalance_a = 20
[[circuits]]
id = "garage"
parent = "main"
fuse_a = [40, 40, 40]
[[meters]]
id = "grid"
kind = "modbus_tcp"
host = "127.0.0.1"
port = 5020
unit = 1
model = "eastron_sdm630"
poll_s = 1.0
[[meters]]
id = "sub"
kind = "mqtt"
timestamp_path = "at"
quantities.l1_a = { topic = "a", path = "b[0].c" }
quantities.l2_a = { topic = "a" }
quantities.l3_a = { topic = "a" }
[[points]]
id = "P01"
circuit = "garage"
station = "CP01"
connector = 1
phases = "L2L3L1"
max_a = 32
min_a = 6
fallback_a = 6
priority = 0
weight = 1.0
[[points]]
id = "P02"
circuit = "main"
station = "CP02"
phases = "L1"
[[stations]]
id = "CP01"
password = "correct horse"
writes_per_day = 25
[[tokens]]
uid = "04A2B3C4"
description = "Pool car 1"
blocked = false
valid_until = 2030-01-01T00:00:00Z
[[users]]
name = "anna"
password = "correct horse"
role = "installer"
[ocpp]
host = "127.0.0.1"
port = 9000
[web]
host = "127.0.0.1"
port = 8080
[store]
url = "sqlite:///loadstar.db"
[mqtt]
url = "mqtt://anna:correct horse@127.0.0.1:1883"
[influx]
url = "http://127.0.0.1:8086"
org = "hq"
bucket = "loadstar"
[tariffs]
price_per_kwh = 0.30
"""
LINES = GOOD.splitlines()

ODD = st.sampled_from(
    ["", "true", "-1", "0", "1e400", "nan", "[]", "{}", "[1, 2]", '""', '"x"', "1979-05-27", "{ a = 1 }", "9" * 400]
)


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "site.toml"


def attempt(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    for problem in problems_of(path):
        assert 1 <= problem.line <= text.count("\n") + 1
        assert problem.expected
        assert "correct horse" not in str(problem)


def problems_of(path: Path) -> Sequence[Problem]:
    try:
        load_configuration(path, {})
    except ConfigurationError as refused:
        return refused.problems or pytest.fail("refused without a reason")
    return ()


@settings(max_examples=thorough(300, 6000), deadline=None)
@given(number=st.integers(0, len(LINES) - 1), odd=ODD)
def test_one_value_replaced(path: Path, number: int, odd: str):
    key, equals, _ = LINES[number].partition("=")
    changed = f"{key}= {odd}" if equals else odd
    attempt(path, "\n".join([*LINES[:number], changed, *LINES[number + 1 :]]))


@settings(max_examples=thorough(200, 4000), deadline=None)
@given(order=st.lists(st.integers(0, len(LINES) - 1), max_size=60))
def test_lines_dropped_repeated_and_out_of_order(path: Path, order: list[int]):
    attempt(path, "\n".join(LINES[number] for number in order))


@settings(max_examples=thorough(200, 4000), deadline=None)
@given(position=st.integers(0, len(GOOD)), cut=st.integers(0, 12), text=st.text(max_size=6))
def test_characters_cut_out_and_put_in(path: Path, position: int, cut: int, text: str):
    attempt(path, GOOD[:position] + text + GOOD[position + cut :])


def test_the_file_that_is_changed_is_good(path: Path):
    path.write_text(GOOD, encoding="utf-8")
    assert problems_of(path) == ()
