"""Sessions and series as files for other programs."""

import csv
import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from controller.loadbalance.facts import STATES
from simulations.report import write_tables
from simulations.results import Results
from tests.simulations.report.made import divide, office, week

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "simulation-tables.md"


@pytest.fixture(scope="module")
def results() -> Results:
    return divide(week(days=1, site=office(points=3)))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_sessions_are_told_with_what_they_asked_for_and_got(results: Results, tmp_path: Path) -> None:
    write_tables(results, tmp_path)
    rows = read_csv(tmp_path / "sessions.csv")
    assert len(rows) == len(results.sessions)
    for row, session in zip(rows, results.sessions, strict=True):
        assert row["id"] == session.visit.id
        assert float(row["requested_wh"]) == pytest.approx(session.visit.energy_wh, abs=1e-3)
        assert float(row["delivered_wh"]) == pytest.approx(session.delivered_wh, abs=1e-3)
        assert row["met"] == ("true" if session.met else "false")
        assert row["arrives_at"].startswith("2026-03-02T")
        assert row["stated_leaves_s"] == "", "nothing was stated"


def test_names_in_sessions_are_no_formulas(results: Results, tmp_path: Path) -> None:
    visit = replace(results.sessions[0].visit, token="=HYPERLINK(1)", id='a,"b"')
    write_tables(replace(results, sessions=(replace(results.sessions[0], visit=visit),)), tmp_path)
    (row,) = read_csv(tmp_path / "sessions.csv")
    assert row["token"] == "'=HYPERLINK(1)"
    assert row["id"] == 'a,"b"'


def test_series_keep_types_units_and_words(results: Results, tmp_path: Path) -> None:
    write_tables(results, tmp_path)
    table = pq.read_table(tmp_path / "series.parquet")
    series = results.series
    assert table.num_rows == len(series.time_s)
    assert str(table.schema.field("at").type) == "timestamp[ms, tz=UTC]"
    assert str(table.schema.field("point.P01.power_w").type) == "float"
    assert table["point.P01.power_w"].to_numpy() == pytest.approx(series.power_w[:, 0])
    assert table["circuit.main.l2_a"].to_numpy() == pytest.approx(series.circuit_a[:, 0, 1])
    assert table["circuit.garage.thermal"].to_numpy() == pytest.approx(series.thermal[:, 1])
    assert table["point.P02.state"].to_pylist() == [STATES[place].value for place in series.state[:, 1]]
    assert table["point.P02.because"].to_pylist() == [series.reasons[place] for place in series.because[:, 1]]
    assert table["point.P01.limit_a"].null_count == int(np.isnan(series.limit_a[:, 0]).sum()) > 0
    assert table["at"][0].as_py().timestamp() == results.scenario.start_s
    about = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert about["seed"] == "1"
    assert about["time_zone"] == "Europe/Amsterdam"


def test_without_pyarrow_the_same_series_are_text(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(results, tmp_path)
    known = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == "pyarrow" else known(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    write_tables(results, tmp_path)
    rows = read_csv(tmp_path / "series.csv")
    table = pq.read_table(tmp_path / "series.parquet")
    assert list(rows[0]) == table.column_names
    assert [row["point.P01.because"] for row in rows] == table["point.P01.because"].to_pylist()
    assert [float(row["circuit.main.l1_a"]) for row in rows] == pytest.approx(table["circuit.main.l1_a"].to_pylist())
    assert [row["point.P01.limit_a"] == "" for row in rows] == [
        v is None for v in table["point.P01.limit_a"].to_pylist()
    ]
    assert rows[1]["at"] == "2026-03-01T23:05:00Z"


def test_the_same_run_gives_the_same_bytes(results: Results, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_tables(results, tmp_path / name)
    for file in ("sessions.csv", "series.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_every_column_is_documented(results: Results, tmp_path: Path) -> None:
    write_tables(results, tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    ids = {c.id for c in results.scenario.site.circuits} | {p.id for p in results.scenario.site.points}
    for name in pq.read_table(tmp_path / "series.parquet").column_names:
        parts = ["ID" if part in ids else part for part in name.split(".")]
        general = ".".join(parts).replace("l2_", "l1_").replace("l3_", "l1_")
        assert f"`{general}`" in page, general
    for name in read_csv(tmp_path / "sessions.csv")[0]:
        assert f"`{name}`" in page, name
