"""What a site file says of demand: by which rules it is billed, at which prices, and what is aimed at."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.configuration import Configuration, ConfigurationError, load_configuration

MAIN = """
[site]
id = "s"
[[meters]]
id = "grid"
kind = "modbus_tcp"
host = "127.0.0.1"
model = "eastron_sdm630"
[[circuits]]
id = "main"
fuse_a = 63
meter = "grid"
"""


def loaded(folder: Path, text: str, main: str = MAIN) -> Configuration:
    path = folder / "site.toml"
    path.write_text(main + text)
    return load_configuration(path, {})


def problems(folder: Path, text: str, main: str = MAIN) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, text, main)
    return [f"{problem.place}: {problem.expected}" for problem in refused.value.problems]


def test_without_a_tariff_demand_costs_nothing(tmp_path: Path):
    assert loaded(tmp_path, "").peak is None
    assert loaded(tmp_path, "[peak]\n").peak is None


def test_a_tariff_by_name_with_its_prices(tmp_path: Path):
    peak = loaded(
        tmp_path,
        '[peak]\ntariff = "flanders"\ntarget_kw = 40\nholidays = [2026-12-25]\n[peak.prices]\nper_kw_year = "53.39"\n',
    ).peak
    assert peak is not None
    assert peak.tariff.components[0].price_per_kw == Decimal("53.39")
    assert (peak.target_kw, peak.expected_kw) == (40.0, None)
    assert date(2026, 12, 25) in peak.holidays


def test_the_price_may_be_raised_near_the_peak(tmp_path: Path):
    text = '[peak]\ntariff = "flanders"\nprices = {per_kw_year = 50}\n[peak.price_lever]\nsurcharge_per_kwh = "0.15"\n'
    lever = loaded(tmp_path, text).price_lever
    assert lever is not None
    assert (lever.surcharge_per_kwh, lever.near, lever.least_s) == (Decimal("0.15"), 0.9, 900.0)
    lever = loaded(tmp_path, text + "near = 0.8\nleast_min = 60\n").price_lever
    assert lever is not None
    assert (lever.near, lever.least_s) == (0.8, 3600.0)
    assert loaded(tmp_path, "").price_lever is None


def test_a_price_lever_needs_a_demand_tariff_and_a_surcharge(tmp_path: Path):
    found = problems(tmp_path, "[peak.price_lever]\nnear = 1.5\nleast_min = 0\n")
    assert "peak.price_lever: needs a tariff: by which rules is demand billed?" in found
    text = "\n".join(found)
    for place in ("surcharge_per_kwh", "near", "least_min"):
        assert f"peak.price_lever.{place}: " in text


PV = MAIN.replace(
    "[[circuits]]",
    '[[meters]]\nid = "pv"\nkind = "mqtt"\nurl = "mqtt://broker"\n'
    '[meters.quantities]\nl1_a = {topic = "1"}\nl2_a = {topic = "2"}\nl3_a = {topic = "3"}\n[[circuits]]',
)


def test_a_plant_with_a_meter_of_its_own(tmp_path: Path):
    row = '[[peak.resources]]\nid = "roof"\nkind = "pv"\nmeter = "pv"\n'
    (roof,) = loaded(tmp_path, row + "reversed = true\n", PV).resources
    assert (roof.id, roof.kind, roof.meter, roof.reversed) == ("roof", "pv", "pv", True)
    assert loaded(tmp_path, "").resources == ()


def test_a_plant_whose_meter_is_another_s_or_nobody_s(tmp_path: Path):
    row = '[[peak.resources]]\nid = "roof"\nkind = "{}"\nmeter = "{}"\n'
    found = problems(tmp_path, row.format("pv", "grid") + row.format("battery", "pw") + row.format("wind", "pv"), PV)
    assert found[:4] == [
        "peak.resources[0].meter: is the meter of circuit 'main'; a resource needs one of its own",
        "peak.resources[1].id: the same as peak.resources[0].id; each must be there once",
        "peak.resources[1].meter: unknown meter 'pw'; known: grid, pv",
        "peak.resources[2].id: the same as peak.resources[0].id; each must be there once",
    ]
    assert found[4].startswith("peak.resources[2].kind: expected 'pv'")


def test_a_surplus_is_used_where_a_plan_puts_cars_off(tmp_path: Path):
    assert loaded(tmp_path, "[peak]\nuse_surplus = true\n[plan]\nprice_per_kwh = 0.3\n").use_surplus
    assert not loaded(tmp_path, "").use_surplus
    assert problems(tmp_path, "[peak]\nuse_surplus = true\n", MAIN.replace('\nmeter = "grid"', "")) == [
        "circuits[0].meter: is missing: what is exported is what the meter of the grid connection sees",
        "peak.use_surplus: needs [plan]: without one no car is put off for the price",
    ]


def test_everything_wrong_with_a_peak_is_listed_at_once(tmp_path: Path):
    found = problems(
        tmp_path,
        '[peak]\ntariff = "netherlands_kw_max"\ntarget_kw = 0\ncaution = 1.5\n'
        "[peak.prices]\nper_kw_max_month = -3\ncontracted_kv = 100\n",
    )
    text = "\n".join(found)
    assert "peak.target_kw: expected a number above 0" in text
    assert "peak.caution: expected at most 0.99" in text
    assert "peak.prices.per_kw_max_month: expected at least 0" in text
    assert "peak.prices.contracted_kv: the tariff netherlands_kw_max has no such price" in text
    assert "did you mean 'contracted_kw'?" in text
    assert "peak.prices: the tariff netherlands_kw_max needs contracted_kw, per_contracted_kw_month" in text


def test_an_unknown_tariff_and_prices_without_one(tmp_path: Path):
    assert "peak.tariff: expected 'month_peak', 'flanders'" in "\n".join(
        problems(tmp_path, '[peak]\ntariff = "flandern"\n')
    )
    assert problems(tmp_path, "[peak]\ntarget_kw = 40\n") == [
        "peak.target_kw: needs a tariff: by which rules is demand billed?"
    ]


def test_demand_is_what_the_meter_of_the_grid_connection_counts(tmp_path: Path):
    without = MAIN.replace('\nmeter = "grid"', "")
    assert problems(tmp_path, '[peak]\ntariff = "flanders"\nprices = {per_kw_year = 50}\n', without) == [
        "circuits[0].meter: is missing: demand is what the meter of the grid connection counts"
    ]
