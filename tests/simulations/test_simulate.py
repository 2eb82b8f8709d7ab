"""The ``simulate`` command: from a file to a report."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulations.simulate import split_settings
from tests.support.command import Loadstar

OFFICE = Path(__file__).parents[2] / "simulations" / "scenarios" / "office.toml"
ONCE = ["--short", "--set", "judging.seeds=2", "--set", 'judging.policies=["uncontrolled", "first_come"]']


def test_a_run_leaves_a_summary_tables_and_a_report_and_again_the_same_bytes(loadstar: Loadstar, tmp_path: Path):
    done = [loadstar("simulate", OFFICE, "--out", tmp_path / name, *ONCE) for name in ("one", "two")]
    assert [run.code for run in done] == [0, 0], done[0].err
    for name in ("report.html", "sessions.csv", "series.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("one", "two")]
    for summary in summaries:
        assert summary.pop("wall_s") > 0
        assert summary.pop("days_per_s") > 0
    assert summaries[0] == summaries[1]
    summary = summaries[0]
    assert {
        "requested_kwh", "delivered_kwh", "bound_delivered_kwh", "sessions", "sessions_met", "energy_cost",
        "demand_cost", "bound_cost", "regret_pct", "peak_kw", "fuse_violation_as", "thermal_peak",
        "invalid_setpoints", "seed", "commit",
    } <= set(summary)  # fmt: skip
    assert summary["delivered_kwh"] <= summary["bound_delivered_kwh"] + 0.01
    assert summary["fuse_violation_as"] == 0
    assert set(summary["rivals"]) == {"uncontrolled", "first_come"}
    assert summary["rivals"]["uncontrolled"]["fuse_violation_as"] > 0
    with (tmp_path / "one" / "sessions.csv").open() as file:
        assert len(list(csv.DictReader(file))) == summary["sessions"]
    assert pq.read_table(tmp_path / "one" / "series.parquet").num_rows == 60
    report = (tmp_path / "one" / "report.html").read_text()
    assert "loadstar simulate" in report
    assert "of the possible energy" in done[0].out


def test_the_summary_can_be_had_as_json(loadstar: Loadstar, tmp_path: Path):
    done = loadstar("simulate", OFFICE, "--out", tmp_path, "--json", "--seed", "7", *ONCE)
    summary = json.loads(done.out)
    assert summary["seed"] == 7
    assert summary == json.loads((tmp_path / "summary.json").read_text())


def test_bad_input_is_listed_whole_and_nothing_is_written(loadstar: Loadstar, tmp_path: Path):
    text = OFFICE.read_text().replace("fuse_a = 125", "fuse_a = -1").replace("count = 16", 'count = "many"')
    (tmp_path / "bad.toml").write_text(text)
    done = loadstar("simulate", tmp_path / "bad.toml", "--out", tmp_path / "out", "--set", "no.such=1")
    assert done.code == 2
    assert done.out == ""
    assert "circuits[0].fuse_a: expected at least 0, found -1" in done.err
    assert "groups[0].count: expected a whole number, found 'many'" in done.err
    assert "--set no.such=1" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gone.toml"], "gone.toml:1: cannot be read: No such file or directory"),
        ([OFFICE, "--depth", "deep"], "--depth: expected fast or wire, found 'deep'"),
        ([OFFICE, "--depth", "wire", "--speed", "0"], "--speed: expected a number from 1 to 1000, found 0"),
        ([OFFICE, "--record"], "--record: expected the fast depth and a step_s of at most 5 s, found 300"),
        ([OFFICE, "--depth", "wire"], "--depth wire: expected a step_s of at most 5 s"),
    ],
)
def test_what_cannot_be_is_told(loadstar: Loadstar, tmp_path: Path, arguments: list[str | Path], expected: str):
    done = loadstar("simulate", *arguments, "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert expected in done.err


def test_a_recorded_run_can_be_replayed(loadstar: Loadstar, tmp_path: Path):
    quick = ["--set", "short.step_s=1", "--set", "short.hours=0.02", "--set", "judging.policies=[]"]
    assert loadstar("simulate", OFFICE, "--out", tmp_path, "--short", "--record", *quick).code == 0
    done = loadstar("replay", tmp_path / "recording.jsonl.gz", "--json")
    assert done.code == 0, done.err
    assert done.document["decisions"] >= 72, "one a second at least"
    assert done.document["differences"] == []


def test_settings_are_split_at_the_first_equals_sign():
    assert split_settings(["a.b=1=2", "c="]) == {"a.b": "1=2", "c": ""}
