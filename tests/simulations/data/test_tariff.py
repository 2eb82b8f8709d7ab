"""Tariffs by season, day of the week and time of day. The prices are made up."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulations.data.problems import DataError
from simulations.data.tariff import read_tariff

LA = ZoneInfo("America/Los_Angeles")


def season(name: str, begins: str, ends: str, mask: str, *prices: tuple[int, float], **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "effective_start": begins,
        "effective_end": ends,
        "dow_mask": mask,
        "times": [hour for hour, _ in prices],
        "tariffs": [price for _, price in prices],
        "demand_charge": 9.5,
    } | more


SEASONS = [
    season("summer-workdays", "06-01", "09-30", "WEEKDAYS", (0, 0.1), (16, 0.5), (21, 0.1)),
    season("summer-weekends", "06-01", "09-30", "WEEKENDS", (0, 0.05)),
    season("winter", "10-01", "05-31", "ALL", (0, 0.2), (6, 0.3), demand_charge=0.0),
]


def written(tmp_path: Path, *seasons: dict[str, Any]) -> Path:
    path = tmp_path / "tariff.json"
    path.write_text(json.dumps({"name": "T", "effective": "2031-1-1", "link": "-", "schedule": seasons}))
    return path


def local(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=LA).timestamp()


@pytest.mark.parametrize(
    ("at", "price"),
    [
        ("2031-06-06T15:59", 0.1),  # a Friday
        ("2031-06-06T16:00", 0.5),
        ("2031-06-06T20:59", 0.5),
        ("2031-06-07T17:00", 0.05),
        ("2031-01-01T05:00", 0.2),
        ("2031-12-31T23:00", 0.3),
        ("2031-05-31T07:00", 0.3),
        ("2031-10-01T01:00", 0.2),
    ],
)
def test_the_price_follows_season_weekday_and_hour(tmp_path: Path, at: str, price: float):
    curve = read_tariff(written(tmp_path, *SEASONS)).prices(local(at), 3600.0, LA)
    assert curve.times_s[0] <= 0.0
    assert curve.at(np.array([0.0])).tolist() == [price]


def test_a_year_goes_on_rising_through_the_changes_of_the_clock(tmp_path: Path):
    tariff = read_tariff(written(tmp_path, *SEASONS))
    curve = tariff.prices(local("2031-01-01T00:00"), 365 * 86_400.0, LA)
    assert np.all(np.diff(curve.times_s) > 0.0)
    noon = [local(f"2031-{month:02}-05T17:00") - local("2031-01-01T00:00") for month in range(1, 13)]
    assert curve.at(np.array(noon)).tolist() == [0.3] * 5 + [0.5, 0.05, 0.5, 0.5] + [0.3] * 3


def test_the_demand_charge_is_that_of_the_season(tmp_path: Path):
    tariff = read_tariff(written(tmp_path, *SEASONS))
    summer = tariff.demand(local("2031-07-01T00:00"), LA)
    assert summer is not None
    assert (summer.per_kw, summer.window_s) == (9.5, 900.0)
    assert tariff.demand(local("2031-01-01T00:00"), LA) is None


def test_everything_wrong_is_listed(tmp_path: Path):
    path = written(
        tmp_path,
        season("a", "13-01", "05-31", "SOMETIMES", (0, 0.2)),
        season("b", "01-01", "12-31", "ALL", (24, 0.2)),
        season("c", "01-01", "12-31", "ALL", (6, 0.2)),
        season("d", "01-01", "12-31", "ALL", (0, 0.2), tariffs=[]),
    )
    with pytest.raises(DataError) as refused:
        read_tariff(path)
    assert [problem.place for problem in refused.value.problems] == [
        "schedule[0].effective_start",
        "schedule[0].dow_mask",
        "schedule[1].times[0]",
        "schedule[2]",
        "schedule[3]",
    ]


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_day_without_a_price_is_told(tmp_path: Path, left: int):
    path = written(tmp_path, *(one for number, one in enumerate(SEASONS) if number != left))
    with pytest.raises(DataError, match=r"schedule: has no price on a .*day such as"):
        read_tariff(path)


def test_a_table_is_no_tariff(tmp_path: Path):
    path = tmp_path / "tariff.csv"
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="expected a JSON file"):
        read_tariff(path)
