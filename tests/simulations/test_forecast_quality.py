"""How the forecast of a building's load is graded, and that it keeps what it promises on a made building."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from simulations.data.problems import DataError
from simulations.quality.forecast import BETTER_PCT, COVERED_PCT, LEADS, app, graded, shared
from simulations.quality.loads import made


def hours_file(folder: Path, values: list[float]) -> None:
    place = folder / "building_load_cambridge"
    place.mkdir()
    begin = datetime(2019, 1, 1, tzinfo=UTC)
    lines = [f"{begin + timedelta(hours=n):%Y-%m-%d %H:%M:%S},{value}" for n, value in enumerate(values)]
    text = "datetime,equipment load [kWh]\n" + "\n".join(lines)
    (place / "UCam_Building_b0_electricity_2019.csv.gz").write_bytes(gzip.compress(text.encode()))


def test_a_made_building_is_forecast_as_well_as_promised():
    grades = graded(made(5, 5))
    assert grades.better_pct(grades.persistence_kw) >= BETTER_PCT
    assert grades.better_pct(grades.last_week_kw) >= BETTER_PCT
    assert COVERED_PCT[0] <= grades.coming_covered_pct <= COVERED_PCT[1]
    assert grades.judged > 1200
    assert len(grades.error_kw) == len(LEADS)


def test_hours_are_read_in_utc_as_quarters_and_zeros_are_gaps(tmp_path: Path):
    hours_file(tmp_path, [10.0, 12.0, 0.0, 14.0] * 20)
    (load,) = shared(tmp_path)
    by_hour = load.load_kw.reshape(-1, 4)
    assert np.isnan(by_hour[2::4]).all()
    assert by_hour[3::4].mean(axis=1) == pytest.approx(14.0)
    assert not load.real_quarters
    assert load.local(0.0).isoformat() == "2019-01-01T00:00:00+00:00"
    assert load.local(4.0 * 24 * 180).isoformat() == "2019-06-30T01:00:00+01:00"
    assert date(2019, 12, 25) in load.holidays


def test_a_folder_without_measurements_has_none_and_a_broken_file_is_named(tmp_path: Path):
    assert shared(tmp_path) == []
    hours_file(tmp_path, [])
    with pytest.raises(DataError, match="b0"):
        shared(tmp_path)


def test_the_command_prints_its_figures():
    told = CliRunner().invoke(app, ["--seeds", "1", "--weeks", "4", "--json"])
    assert told.exit_code == 0, told.output
    figures = json.loads(told.stdout)["made, seed 1"]
    assert set(figures) >= {"better_than_persistence_pct", "covered_pct"}
    assert len(figures["error_kw"]) == len(LEADS)
