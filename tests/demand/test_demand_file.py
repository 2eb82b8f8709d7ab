from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from adapters.demand_file import PROBLEMS_MAX, DemandFileError, read_windows, window_lines
from controller.peakshave.catalogue import flanders
from controller.peakshave.demand_bill import bill
from controller.peakshave.windows import Window

BRUSSELS = ZoneInfo("Europe/Brussels")


def a_year(seed: int) -> list[Window]:
    """Every hour's first quarter, for speed, with powers that no decimal fraction holds."""
    chance = Random(seed)
    begins = datetime(2025, 12, 31, 23, tzinfo=UTC)
    marks = ((), (), ("meter_gap", "restart"))
    return [
        Window(
            begins + timedelta(hours=hour),
            900,
            chance.gauss(2_000.0, 3_000.0),
            chance.uniform(0.0, 900.0),
            chance.choice(marks),
            chance.random() / 3.0,
        )
        for hour in range(8760)
    ]


def test_a_years_bill_can_be_worked_out_again_from_the_exported_windows_alone(tmp_path: Path):
    windows = a_year(seed=5)
    path = tmp_path / "windows.csv"
    path.write_text("".join(window_lines(windows)), encoding="utf-8")
    assert read_windows(path) == windows
    tariff = flanders(per_kw_year=Decimal("53.39"))
    assert bill(read_windows(path), tariff, BRUSSELS) == bill(windows, tariff, BRUSSELS)


def test_local_times_with_their_offset_and_few_columns_are_enough(tmp_path: Path):
    path = tmp_path / "meter.csv"
    path.write_text(
        "energy_wh,begins_at,length_s\n250,2026-10-25T02:00:00+02:00,900\n\n-1,2026-10-25T02:00:00+01:00,900\n"
    )
    assert read_windows(path) == [
        Window(datetime(2026, 10, 25, 0, tzinfo=UTC), 900, 250.0, 900.0),
        Window(datetime(2026, 10, 25, 1, tzinfo=UTC), 900, -1.0, 900.0),
    ]


def problems_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "w.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DemandFileError) as caught:
        read_windows(path)
    return list(caught.value.problems)


def test_everything_that_is_wrong_is_told_with_its_line(tmp_path: Path):
    text = (
        "begins_at,length_s,energy_wh,marks\n"
        "2026-10-25T02:00:00,900,250,\n"
        "2026-10-25T02:00:00Z,0,nan,odd\n"
        "2026-10-25T03:00:00Z,900.5,1,\n"
        "2026-10-25T03:00:00Z,900\n"
        "2026-10-25T04:00:00Z,900,250,meter_gap\n"
        "2026-10-25T04:10:00Z,900,250,\n"
    )
    assert problems_of(tmp_path, text) == [
        "w.csv:2: begins_at: expected a time such as 2026-11-20T09:00:00Z, found '2026-10-25T02:00:00'",
        "w.csv:3: length_s: expected seconds of 1 to 3600, found '0'",
        "w.csv:3: energy_wh: expected a number of watt-hours, found 'nan'",
        "w.csv:3: marks: expected meter_gap, clock_jump, restart, meter_clock, found 'odd'",
        "w.csv:4: length_s: expected whole seconds, found '900.5'",
        "w.csv:5: expected 4 values, found 2",
        "w.csv:7: begins_at: expected a time not before the end of the window above, 04:15",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "w.csv:1: expected the columns begins_at, length_s, energy_wh, covered_s, assumed_wh, marks, found none"),
        ("begins_at,length_s,power\n", "found begins_at, length_s, power"),
        ("begins_at,length_s,energy_wh\n", "w.csv:1: holds no windows"),
        ("begins_at,length_s,energy_wh\n\xff\xfe,1,2\n", "w.csv:1: cannot be read"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, problem: str):
    (found,) = problems_of(tmp_path, text)
    assert problem in found


def test_a_missing_file_and_a_flood_of_problems_end_in_a_few_lines(tmp_path: Path):
    with pytest.raises(DemandFileError, match="cannot be read"):
        read_windows(tmp_path / "none.csv")
    found = problems_of(tmp_path, "begins_at,length_s,energy_wh\n" + "x,y,z\n" * 50)
    assert len(found) == PROBLEMS_MAX + 1
    assert found[-1] == f"w.csv: and {150 - PROBLEMS_MAX} more"
