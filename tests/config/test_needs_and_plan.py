"""Who needs what, and what the hours ahead cost: what a site file may say of it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from adapters.configuration import Configuration, ConfigurationError, load_configuration
from adapters.prices.price_file import PriceFileError, read_price_file
from controller.wishes import Needs

MAIN = '[site]\nid = "s"\n[[circuits]]\nid = "main"\nfuse_a = 63\n'
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def loaded(folder: Path, text: str) -> Configuration:
    path = folder / "site.toml"
    path.write_text(MAIN + text)
    return load_configuration(path, {})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, text)
    return [f"{problem.place}: {problem.expected}" for problem in refused.value.problems]


def test_a_group_says_what_its_tokens_need_and_a_token_says_it_of_itself(tmp_path: Path):
    site = loaded(
        tmp_path,
        '[[groups]]\nid = "pool"\ndescription = "Pool cars"\npriority = 2\nweight = 1.5\ndeparts = "07:30"\n'
        'weekdays = ["fri", "mon"]\nenergy_kwh = 20\nleast_kwh = 8.5\n'
        '[[tokens]]\nuid = "04A2"\ngroup = "pool"\nenergy_kwh = 40\n[[tokens]]\nuid = "04B3"\n',
    )
    (group,) = site.groups
    assert (group.id, group.description) == ("pool", "Pool cars")
    assert group.needs == Needs(2, 1.5, time(7, 30), (0, 4), 20_000, 8_500)
    one, other = site.tokens
    assert (one.group, one.needs) == ("pool", Needs(energy_wh=40_000))
    assert (other.group, other.needs) == (None, Needs())


def test_everything_wrong_with_needs_is_listed_at_once(tmp_path: Path):
    assert problems(
        tmp_path,
        '[[groups]]\nid = "pool"\ndeparts = "25:00"\nweekdays = ["monday"]\n[[groups]]\nid = "pool"\nenergy_kwh = -1\n'
        '[[tokens]]\nuid = "04A2"\ngroup = "pol"\nenergy_kwh = 5\nleast_kwh = 8\npriority = 5000\nweight = 0\n',
    ) == [
        'groups[0].departs: expected a time of day, such as "17:00"',
        "groups[0].weekdays[0]: expected 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'",
        "groups[1].id: the same as groups[0].id; each must be there once",
        "groups[1].energy_kwh: expected at least 0",
        "tokens[0].group: unknown group 'pol'; did you mean 'pool'?",
        "tokens[0].least_kwh: expected at most energy_kwh (5 kWh)",
        "tokens[0].priority: expected at most 1000",
        "tokens[0].weight: expected a number above 0",
    ]


def test_energy_in_watt_hours_by_mistake_is_noticed(tmp_path: Path):
    assert problems(tmp_path, '[[tokens]]\nuid = "04A2"\nenergy_kwh = 20000\n') == [
        "tokens[0].energy_kwh: expected at most 1000"
    ]


def test_the_time_of_a_turn_is_the_dwell_time(tmp_path: Path):
    assert loaded(tmp_path, "").site.control.dwell_s == pytest.approx(900)
    assert loaded(tmp_path, "[loadbalance]\nturn_min = 5\n").site.control.dwell_s == pytest.approx(300)
    assert problems(tmp_path, "[loadbalance]\nturn_min = 0\n") == ["loadbalance.turn_min: expected a number above 0"]


def test_without_its_table_or_switched_off_there_is_no_plan(tmp_path: Path):
    assert loaded(tmp_path, "").plan is None
    assert loaded(tmp_path, "[plan]\nenabled = false\n").plan is None


def test_an_empty_plan_table_is_enough_and_pays_what_charging_costs(tmp_path: Path):
    plan = loaded(tmp_path, "[plan]\n[tariffs]\nprice_per_kwh = 0.31\n").plan
    assert plan is not None
    assert (plan.slot_s, plan.slots, plan.every_s) == (900.0, 96, 300.0)
    assert plan.price_per_kwh == pytest.approx(0.31)
    own = loaded(tmp_path, "[plan]\nprice_per_kwh = 0.22\nslot_min = 5\n[tariffs]\nprice_per_kwh = 0.31\n").plan
    assert own is not None
    assert (own.price_per_kwh, own.slots) == (0.22, 288)


def test_prices_by_time_of_day(tmp_path: Path):
    row = '[[plan.time_of_use]]\nbegins = "07:00"\nends = "23:00"\nweekdays = ["mon", "tue"]\nprice_per_kwh = 0.35\n'
    plan = loaded(tmp_path, f"[plan]\n{row}").plan
    assert plan is not None
    (found,) = plan.time_of_use
    assert (found.begins, found.ends, found.weekdays) == (time(7), time(23), (0, 1))
    assert found.price_per_kwh == pytest.approx(0.35)


def test_everything_wrong_with_a_plan_is_listed_at_once(tmp_path: Path):
    (tmp_path / "prices.csv").write_text("at,price_per_kwh\n2026-11-20T09:00Z,cheap\nnoon,0.30\n")
    assert problems(
        tmp_path,
        '[plan]\nslot_min = 15\nhorizon_h = 72\nprice_file = "prices.csv"\n'
        '[[plan.time_of_use]]\nbegins = "7"\nprice_per_kwh = 0.3\nuntil = "9:00"\n',
    ) == [
        "plan.horizon_h: expected at most 48",
        "plan.price_file: prices.csv:2: price_per_kwh: expected a number up to 1000, found 'cheap'",
        "plan.price_file: prices.csv:3: at: expected a time such as 2026-11-20T09:00:00Z, found 'noon'",
        (
            'plan.time_of_use[0].ends: is missing: until this one; "00:00" is the end of the day, and a time before '
            "`begins` is of the next day"
        ),
        'plan.time_of_use[0].begins: expected a time of day, such as "17:00"',
        "plan.time_of_use[0].until: unknown key; known: begins, ends, price_per_kwh, weekdays",
    ]


def test_two_sources_of_prices_are_one_too_many(tmp_path: Path):
    (tmp_path / "prices.csv").write_text("at,price_per_kwh\n2026-11-20T09:00Z,0.3\n")
    row = '[[plan.time_of_use]]\nbegins = "07:00"\nends = "23:00"\nprice_per_kwh = 0.35\n'
    assert problems(tmp_path, f'[plan]\nprice_file = "prices.csv"\n{row}') == [
        "plan.price_file: expected either price_file or time_of_use, not both"
    ]
    assert problems(tmp_path, '[plan]\nprice_file = "none.csv"\n') == [
        "plan.price_file: no such file: 'none.csv' (relative paths begin at the site file)"
    ]


def hours(*numbers: float) -> np.ndarray:
    return np.array([(MIDNIGHT + timedelta(hours=number)).timestamp() for number in numbers])


def test_prices_of_a_file_hold_until_the_next_and_yesterdays_stand_in_for_tomorrows(tmp_path: Path):
    file = tmp_path / "prices.csv"
    rows = [f"2026-11-20T{hour:02}:00+00:00,{0.20 + hour / 100:.2f}" for hour in range(24)]
    file.write_text("\n".join(["at,price_per_kwh", *rows]) + "\n\n")
    series = read_price_file(file)
    assert series.at(hours(0, 0.99, 1, 23.9)) == pytest.approx([0.20, 0.20, 0.21, 0.43])
    assert series.at(hours(24, 30.5)) == pytest.approx([0.20, 0.26])
    assert np.isnan(series.at(hours(-1, 48))).all()


def test_times_without_offset_are_utc_and_columns_may_change_places(tmp_path: Path):
    file = tmp_path / "prices.csv"
    file.write_text("price_per_kwh,at\n0.3,2026-11-20T01:00\n-0.1,2026-11-20T03:00+01:00\n")
    assert read_price_file(file).at(hours(1.5, 2.5)) == pytest.approx([0.3, -0.1])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "p.csv:1: expected the columns at and price_per_kwh, found none"),
        ("time,price\n", "p.csv:1: expected the columns at and price_per_kwh, found time, price"),
        ("at,price_per_kwh\n", "p.csv:1: holds no prices"),
        ("at,price_per_kwh\n2026-11-20T09:00Z\n", "p.csv:2: price_per_kwh: expected a number up to 1000, found ''"),
        ("at,price_per_kwh\n2026-11-20T09:00Z,nan\n", "p.csv:2: price_per_kwh: expected a number"),
        (
            "at,price_per_kwh\n2026-11-20T09:00Z,1\n2026-11-20T09:00Z,1\n",
            "p.csv:3: at: expected a time after that of the row before",
        ),
    ],
)
def test_a_price_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, problem: str):
    file = tmp_path / "p.csv"
    file.write_text(text)
    with pytest.raises(PriceFileError) as refused:
        read_price_file(file)
    assert refused.value.problems[0].startswith(problem)


def test_a_binary_price_file_is_refused_and_long_lists_are_cut(tmp_path: Path):
    file = tmp_path / "p.csv"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PriceFileError, match="cannot be read"):
        read_price_file(file)
    file.write_text("at,price_per_kwh\n" + "x,1\n" * 50)
    with pytest.raises(PriceFileError) as refused:
        read_price_file(file)
    assert len(refused.value.problems) == 11
    assert refused.value.problems[-1] == "p.csv: and 40 more"
