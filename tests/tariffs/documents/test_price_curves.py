"""Prices that change with time, from files and messages: taken whole, or not at all."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.json_text import DocumentError
from adapters.prices.curves import read_curve_file, read_curve_message
from controller.tariffs.tariff import PriceCurve

PUBLISHED = datetime(2026, 1, 6, 13, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 7, tzinfo=UTC)


def from_file(folder: Path, text: str) -> PriceCurve:
    path = folder / "day.csv"
    path.write_text(text, encoding="utf-8")
    return read_curve_file(path, "epex", PUBLISHED)


def from_message(document: Any) -> PriceCurve:
    return read_curve_message(json.dumps(document).encode(), PUBLISHED)


def hours(curve: PriceCurve) -> list[tuple[float, float, str]]:
    def hour(at: datetime) -> float:
        return (at - MIDNIGHT) / timedelta(hours=1)

    return [(hour(one.begins_at), hour(one.ends_at), str(one.per_kwh)) for one in curve.periods]


def test_each_price_holds_until_the_next_one(tmp_path: Path):
    curve = from_file(
        tmp_path,
        "at,price_per_kwh\n2026-01-07T00:00:00Z,0.10\n2026-01-07T01:00:00,-0.020\n2026-01-07T03:15+01:00,0.3\n",
    )
    assert hours(curve) == [(0, 1, "0.10"), (1, 2.25, "-0.020"), (2.25, 3.5, "0.3")]
    assert (curve.id, curve.published_at) == ("epex", PUBLISHED)


def test_hours_without_a_price_stay_without_one(tmp_path: Path):
    curve = from_file(
        tmp_path,
        "at,until,price_per_kwh\n2026-01-07T00:00:00Z,2026-01-07T01:00:00Z,0.1\n2026-01-07T05:00:00Z,,0.2\n",
    )
    assert hours(curve) == [(0, 1, "0.1"), (5, 10, "0.2")]


def test_the_same_prices_are_the_same_version(tmp_path: Path):
    curve = from_file(tmp_path, "at,price_per_kwh\n2026-01-07T00:00:00Z,0.10\n2026-01-07T01:00:00Z,0.2\n")
    prices = [
        {"at": "2026-01-07T00:00:00Z", "price_per_kwh": "0.1"},
        {"at": "2026-01-07T01:00:00Z", "price_per_kwh": 0.2},
    ]
    assert from_message({"curve": "epex", "prices": prices}).version == curve.version
    prices[1]["price_per_kwh"] = 0.21
    assert from_message({"curve": "epex", "prices": prices}).version != curve.version


def test_a_message_says_when_it_was_published():
    prices = [{"at": "2026-01-07T00:00:00Z", "until": "2026-01-07T00:15:00Z", "price_per_kwh": 0.25}]
    curve = from_message(
        {"curve": "epex", "version": "2026-01-06", "published_at": "2026-01-06T12:00:00Z", "prices": prices}
    )
    assert (curve.version, curve.published_at.hour, hours(curve)) == ("2026-01-06", 12, [(0, 0.25, "0.25")])
    assert curve.periods[0].per_kwh == Decimal("0.25")


def test_one_bad_row_and_nothing_is_taken(tmp_path: Path):
    with pytest.raises(DocumentError) as error:
        from_file(
            tmp_path,
            "at,until,price_per_kwh\n"
            "2026-01-07T00:00:00Z,2026-01-07T02:00:00Z,0.1\n"
            "2026-01-07T01:00:00Z,,0.2\n"
            "yesterday,,210\n"
            "2026-01-07T03:00:00Z,2026-01-07T02:30:00Z,NaN\n"
            "2026-01-07T04:00:00Z,0.1\n"
            "2026-01-07T05:00:00Z,2026-01-07T04:30:00Z,1001\n",
        )
    assert error.value.problems == [
        "day.csv:3: at: expected a time not before the end of the price above, 2026-01-07T02:00:00Z",
        "day.csv:4: at: expected a time such as 2026-11-20T09:00:00Z, found 'yesterday'",
        "day.csv:5: price_per_kwh: expected a number from -1000 to 1000, found 'NaN'",
        "day.csv:6: expected 3 values, found 2",
        "day.csv:7: price_per_kwh: expected a number from -1000 to 1000, found '1001'",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "day.csv:1: expected the columns at, price_per_kwh and, if need be, until; found none"),
        ("at,price\n", "day.csv:1: expected the columns at, price_per_kwh and, if need be, until; found at, price"),
        ("at,price_per_kwh\n", "day.csv:1: holds no prices"),
    ],
)
def test_a_file_of_something_else_is_told(tmp_path: Path, text: str, problem: str):
    with pytest.raises(DocumentError) as error:
        from_file(tmp_path, text)
    assert error.value.problems == [problem]


def test_a_message_of_something_else_is_told():
    with pytest.raises(DocumentError) as error:
        from_message({"curve": "a/b", "prices": [{"at": "2026-01-07", "price_per_kwh": "2000"}], "price": 1})
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        "curve",
        "prices[0].at",
        "prices[0].price_per_kwh",
        "price",
    ]
    falling = [{"at": f"2026-01-07T0{hour}:00:00Z", "price_per_kwh": 0} for hour in (2, 1)]
    with pytest.raises(DocumentError) as error:
        from_message({"curve": "a", "prices": falling})
    assert error.value.problems[0].startswith("prices[1].at: expected a time not before the end of the price above")
