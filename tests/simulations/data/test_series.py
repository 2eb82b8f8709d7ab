"""Loads and prices from CSV, what is done about their gaps, and how they stand in for another time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulations.data.days import local_seconds, matched_days, unix_seconds
from simulations.data.problems import DataError
from simulations.data.series import TimeSeries
from simulations.data.series_csv import read_load, read_prices

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


def unix(text: str, zone: ZoneInfo | None = None) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "series.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def hourly(start: str, values: list[float], zone: ZoneInfo | None = None) -> TimeSeries:
    times_s = unix(start, zone) + HOUR_S * np.arange(len(values))
    return TimeSeries(times_s, np.array(values, dtype=np.float64), HOUR_S, "W", "made up")


@pytest.mark.parametrize(
    ("header", "value", "expected_w"),
    [("time,load_kw", 1.5, 1500.0), ("time,Power [W]", 1.5, 1.5), ("time,equipment load [kWh]", 1.5, 3000.0)],
)
def test_the_name_of_a_column_says_what_it_holds(tmp_path: Path, header: str, value: float, expected_w: float):
    data = read_load(table(tmp_path, header, f"2031-01-01T00:00Z,{value}", f"2031-01-01T00:30Z,{value}"))
    assert data.series.values.tolist() == pytest.approx([expected_w] * 2)
    assert (data.series.unit, data.series.step_s, data.notes) == ("W", 1800.0, ())


def test_currents_of_three_phases_are_read_together_in_their_order(tmp_path: Path):
    data = read_load(
        table(tmp_path, "l2_a;L1 [A];l3_a;Timestamp", "2;1;3,5;2031-01-01T00:00Z", "5;4;6;2031-01-01T00:15Z")
    )
    assert data.series.unit == "A"
    assert data.series.values.tolist() == [[1.0, 2.0, 3.5], [4.0, 5.0, 6.0]]


@pytest.mark.parametrize("header", ["utc,eur_per_mwh", "Datetime (UTC),Price (EUR/MWhe)"])
def test_prices_per_megawatt_hour_become_prices_per_kilowatt_hour(tmp_path: Path, header: str):
    data = read_prices(table(tmp_path, header, "2031-01-01 00:00:00,85.0", "2031-01-01 01:00:00,-12.5"))
    assert data.series.values.tolist() == pytest.approx([0.085, -0.0125])
    assert data.series.times_s[0] == unix("2031-01-01T00:00")


@pytest.mark.parametrize("header", ["time,load", "time,a_kw,b_kw", "time,l1_a,l2_a"])
def test_without_one_column_of_a_known_unit_nobody_guesses(tmp_path: Path, header: str):
    with pytest.raises(DataError, match="expected one column whose name ends with the unit of a load"):
        read_load(table(tmp_path, header, "2031-01-01T00:00Z,1,2"))


def test_everything_wrong_with_rows_is_listed_when_it_is_too_much(tmp_path: Path):
    path = table(tmp_path, "time,load_kw", "then,1", "2031-01-01T00:00,x", "2031-01-01T01:00Z,3")
    with pytest.raises(DataError) as refused:
        read_load(path)
    assert [(problem.line, problem.place, problem.found) for problem in refused.value.problems] == [
        (2, "time", "'then'"),
        (3, "time", "'2031-01-01T00:00'"),
        (3, "load_kw", "'x'"),
    ]


def two_weeks(tmp_path: Path, header: str = "time,load_kw", **replaced: str) -> Path:
    """Hours that count up, from a Monday on; ``replaced`` rows by ``h`` and their number, none where empty."""
    start = datetime(2031, 6, 2, tzinfo=UTC)
    rows = [
        replaced.get(f"h{hour}", f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%MZ},{hour + 1}") for hour in range(336)
    ]
    return table(tmp_path, header, *(row for row in rows if row))


def test_short_gaps_are_interpolated_and_long_ones_taken_from_another_week(tmp_path: Path):
    missing = {f"h{hour}": "" for hour in (5, 6, *range(200, 210))} | {"h20": "2031-06-02T20:00Z,"}
    data = read_load(two_weeks(tmp_path, **missing))
    values_kw = data.series.values / 1000.0
    assert values_kw[4:8].tolist() == pytest.approx([5, 6, 7, 8])
    assert values_kw[20] == pytest.approx(21)
    assert values_kw[199:211].tolist() == pytest.approx([200, *range(33, 43), 211])
    assert [(note.count, note.rule.partition(" ")[0]) for note in data.notes] == [(3, "interpolated"), (10, "taken")]


def test_zeros_are_missing_only_in_the_form_that_writes_them_so(tmp_path: Path):
    zeros = {"h5": "2031-06-02T05:00Z,0", "h6": "2031-06-02T06:00Z,0.0"}
    assert read_load(two_weeks(tmp_path, **zeros)).series.values[5] == pytest.approx(0.0)
    data = read_load(two_weeks(tmp_path, "datetime,equipment load [kWh]", **zeros))
    assert data.series.values[5:7].tolist() == pytest.approx([6000, 7000])
    assert (data.notes[0].problem, data.notes[0].count) == ("zeros", 2)


def test_repeated_and_uneven_times_are_counted(tmp_path: Path):
    odd = {"h7": "2031-06-02T06:00Z,99", "h9": "2031-06-02T09:20Z,9.9"}
    data = read_load(two_weeks(tmp_path, **odd))
    assert data.series.values[6:10].tolist() == pytest.approx([7000, 8000, 9000, 9900])
    assert {note.problem.partition(",")[0]: note.count for note in data.notes} == {
        "times that are there more than once": 1,
        "times off the steps of 3600 s": 1,
        "steps without a value": 1,
    }


def test_the_hour_that_comes_twice_and_the_one_that_is_skipped(tmp_path: Path):
    autumn = [f"2031-10-26T0{hour}:00,{value}" for hour, value in [(1, 1), (2, 2), (2, 3), (3, 4)]]
    data = read_load(table(tmp_path, "local_time,load_kw", *autumn), time_zone=AMSTERDAM)
    assert data.series.times_s[0] == unix("2031-10-25T23:00")
    assert (data.series.values.tolist(), data.notes) == ([1000.0, 2000.0, 3000.0, 4000.0], ())
    spring = [f"2031-03-30T0{hour}:00,{hour}" for hour in range(1, 6)]
    data = read_load(table(tmp_path, "local_time,load_kw", *spring), time_zone=AMSTERDAM)
    assert data.series.values.tolist() == [1000.0, 3000.0, 4000.0, 5000.0]
    assert [(note.problem, note.count) for note in data.notes] == [("times that the clock skips in spring", 1)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["2031-01-01T00:00Z,1"], "expected values at two different times at least"),
        (
            ["2031-01-01T00:00Z,1", "2031-01-01T00:00:01Z,1", "2931-01-01T00:00Z,1"],
            "steps of 1 s apart; expected at most",
        ),
        (
            ["2031-01-01T00:00Z,1", "2031-01-01T01:00Z,1", "2031-01-01T08:00Z,1"],
            "has no",
        ),
    ],
)
def test_a_series_that_is_mostly_gaps_is_refused(tmp_path: Path, rows: list[str], expected: str):
    with pytest.raises(DataError, match=expected):
        read_load(table(tmp_path, "time,load_kw", *rows))


def test_json_is_no_series(tmp_path: Path):
    with pytest.raises(DataError, match="expected a CSV file"):
        read_prices(table(tmp_path, "[1]"))


def test_within_the_data_their_own_time_is_used():
    series = hourly("2031-06-02T00:00", list(range(48)))
    part = series.shifted(unix("2031-06-02T05:20"), 2 * HOUR_S, AMSTERDAM)
    assert part.times_s.tolist() == [unix(f"2031-06-02T0{hour}:00") for hour in (5, 6, 7)]
    assert part.values.tolist() == [5.0, 6.0, 7.0]


def days_of(series: TimeSeries) -> list[date]:
    """Which days of ``a_year`` these are."""
    return [date(2030, 12, 31) + timedelta(days=int(value // 100)) for value in series.values.tolist()]


def a_year() -> TimeSeries:
    """2031 in Amsterdam, hour by hour: the number of the day times 100, and the hour on the wall."""
    first_s, last_s = unix("2031-01-01T00:00", AMSTERDAM), unix("2032-01-01T00:00", AMSTERDAM)
    times_s = np.arange(first_s, last_s, HOUR_S)
    wall = [datetime.fromtimestamp(time_s, AMSTERDAM) for time_s in times_s.tolist()]
    values = [100.0 * moment.timetuple().tm_yday + moment.hour for moment in wall]
    return TimeSeries(times_s, np.array(values), HOUR_S, "W", "made up")


@pytest.mark.parametrize("wanted", ["2026-11-20", "2027-03-26", "2040-12-29", "2029-10-26"])
def test_another_week_gets_days_of_the_same_weekday_and_season_at_the_same_hours(wanted: str):
    moved = a_year().shifted(unix(f"{wanted}T00:00", AMSTERDAM), 7 * DAY_S, AMSTERDAM)
    assert len(moved.values) == 168
    for time_s, day, value in zip(moved.times_s.tolist(), days_of(moved), moved.values.tolist(), strict=True):
        wall = datetime.fromtimestamp(time_s, AMSTERDAM)
        assert day.weekday() == wall.weekday()
        apart = abs(day.timetuple().tm_yday - wall.timetuple().tm_yday)
        assert min(apart, 365 - apart) <= 5
        # The hour of the clock change is the only one that the other day may lack.
        assert value % 100 == wall.hour or wall.hour == 2


def test_a_year_of_data_serves_another_whole_year():
    moved = a_year().shifted(unix("2036-02-15T00:00", AMSTERDAM), 365 * DAY_S, AMSTERDAM)
    wall = [datetime.fromtimestamp(time_s, AMSTERDAM) for time_s in moved.times_s.tolist()]
    assert all(day.weekday() == at.weekday() for day, at in zip(days_of(moved), wall, strict=True))
    assert len(set(days_of(moved))) >= 364


def test_less_than_a_day_can_stand_in_for_nothing():
    with pytest.raises(DataError, match="made up:1: expected the time of the scenario, or a whole day at least"):
        hourly("2031-06-02T01:00", [1.0] * 20).shifted(unix("2031-07-02T00:00"), DAY_S, AMSTERDAM)


def test_short_records_begin_anew():
    monday, two_weeks_later = date(2031, 6, 2), date(2031, 6, 15)
    found = matched_days(monday, two_weeks_later, date(2035, 1, 10), 20)
    assert found[0] == date(2031, 6, 4)
    assert all(day.weekday() == (2 + number) % 7 for number, day in enumerate(found))
    assert matched_days(monday, date(2031, 6, 4), date(2035, 1, 12), 5) == [
        monday + timedelta(days=number) for number in (0, 1, 2, 0, 1)
    ]
    with pytest.raises(ValueError, match="no whole day"):
        matched_days(monday, monday - timedelta(days=1), monday, 1)


def test_the_clock_on_the_wall_and_back():
    times_s = unix("2031-03-29T12:00") + 900.0 * np.arange(200)
    there = local_seconds(times_s, AMSTERDAM)
    assert there[0] - times_s[0] == HOUR_S
    assert there[-1] - times_s[-1] == 2 * HOUR_S
    assert unix_seconds(there, AMSTERDAM).tolist() == times_s.tolist()
    kathmandu = ZoneInfo("Asia/Kathmandu")
    assert (local_seconds(times_s, kathmandu) - times_s).tolist() == [5.75 * HOUR_S] * 200
