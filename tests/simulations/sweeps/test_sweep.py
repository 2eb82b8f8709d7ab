"""A sweep on this machine, from the command to its files."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.simulations.sweeps.conftest import Sweep, figures, kept, kill_half_way

FUSES = "circuits.main.fuse_a=16,40"
ONE_BY_ONE = "scenario.controller=decide"
HOURLY = "scenario.step_s=3600"
CARS = "people.staff.cars_per_day=4,8.5"


def test_a_sweep_compares_all_settings(sweep: Sweep, car_park: Path, tmp_path: Path):
    out = tmp_path / "out"
    ended = sweep(car_park, "--set", FUSES, "--set", CARS, "--seeds", 3, "--workers", 2, "--out", out, "--json")
    assert ended.code == 0
    assert "12 runs of Car park: 12 to do on 2 processes of this machine" in ended.err

    runs = pq.read_table(out / "runs.parquet").to_pylist()
    assert len(runs) == 12
    assert {row["circuits.main.fuse_a"] for row in runs} == {16, 40}
    assert {row["people.staff.cars_per_day"] for row in runs} == {4.0, 8.5}
    assert [row["seed"] for row in runs[:3]] == [5, 6, 7]
    assert all(row["cost"] == row["energy_cost"] + row["demand_cost"] + row["unmet_cost"] for row in runs)
    assert all(row["peak_kw"] <= row["circuits.main.fuse_a"] * 3 * 0.23 for row in runs)

    best = ended.document["best"]
    mean = (
        sum(row["cost"] for row in runs if [row[key] for key in best["setting"]] == list(best["setting"].values())) / 3
    )
    assert best["cost"]["mean"] == pytest.approx(mean, abs=1e-5)
    assert best["cost"]["mean"] == min(each["cost"]["mean"] for each in ended.document["settings"])
    assert best["cost"]["plus_minus"] > 0

    with (out / "settings.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [float(table[0][key]) for key in best["setting"]] == list(best["setting"].values())
    assert [float(row["cost_mean"]) for row in table] == sorted(
        each["cost"]["mean"] for each in ended.document["settings"]
    )
    page = (out / "sweep.html").read_text()
    assert "circuits.main.fuse_a" in page
    assert f"loadstar sweep {car_park} --set {FUSES} --set {CARS} --seeds 3" in page

    again = sweep(car_park, "--set", FUSES, "--set", CARS, "--seeds", 3, "--workers", 1, "--out", out, "--json")
    assert "12 are there already, 0 to do" in again.err
    assert again.document | {"computed": 12} == ended.document


def test_a_killed_sweep_goes_on_where_it_was(sweep: Sweep, car_park: Path, tmp_path: Path):
    asked = (car_park, "--set", FUSES, "--set", ONE_BY_ONE, "--set", HOURLY, "--seeds", 20, "--workers", 2)
    before = kill_half_way(tmp_path / "out", *asked)
    there = sum(pq.read_metadata(tmp_path / "out/parts" / name).num_rows for name in before)
    assert 0 < there < 40

    ended = sweep(*asked, "--out", tmp_path / "out")
    assert ended.code == 0
    assert f"{there} are there already, {40 - there} to do" in ended.err
    after = kept(tmp_path / "out")
    assert {name: after[name] for name in before} == before, "nothing that was finished is computed again"
    assert sum(pq.read_metadata(tmp_path / "out/parts" / name).num_rows for name in after) == 40

    assert sweep(*asked, "--out", tmp_path / "whole").code == 0
    assert figures(tmp_path / "out") == figures(tmp_path / "whole")


def test_another_scenario_is_another_sweep_and_a_larger_one_computes_what_is_new(
    sweep: Sweep, car_park: Path, tmp_path: Path
):
    out = tmp_path / "out"
    assert sweep(car_park, "--set", FUSES, "--seeds", 1, "--out", out).code == 0
    more = sweep(car_park, "--set", "circuits.main.fuse_a=16,25,40", "--seeds", 2, "--out", out)
    assert "6 runs of Car park: 2 are there already, 4 to do" in more.err
    (out / "parts" / min(kept(out))).write_bytes(b"PAR1 and then the disk was full")
    prices = car_park.parent / "prices.csv"
    prices.write_text(prices.read_text().replace("0.22", "0.44"))
    other = sweep(car_park, "--set", FUSES, "--seeds", 1, "--out", out)
    assert "2 runs of Car park: 2 to do" in other.err
    assert ".parquet: cannot be read; what it held is computed again" in other.err


def test_many_sites_are_one_more_parameter(sweep: Sweep, car_park: Path, tmp_path: Path):
    scenario = car_park.read_text()
    begin, end = scenario.index("[site]"), scenario.index("[[people]]")
    for name, fuse_a in (("small", 16), ("large", 40)):
        points = "".join(
            f'[[points]]\nid = "P{n}"\ncircuit = "main"\nstation = "S{n}"\nfallback_a = 0\n' for n in range(4)
        )
        site = f'[site]\nid = "{name}"\nname = "Site"\n[[circuits]]\nid = "main"\nfuse_a = {fuse_a}\n{points}'
        (tmp_path / f"{name}.toml").write_text(site)
    car_park.write_text(scenario[:begin].replace("seed = 5", 'seed = 5\nsite = "small.toml"') + scenario[end:])
    ended = sweep(car_park, "--set", "scenario.site=small.toml,large.toml", "--seeds", 2, "--out", tmp_path / "out")
    assert ended.code == 0
    peaks = {row["scenario.site"]: row["peak_kw"] for row in pq.read_table(tmp_path / "out/runs.parquet").to_pylist()}
    assert peaks["small.toml"] <= 16 * 3 * 0.23 < peaks["large.toml"]


def test_interrupted_it_finishes_what_is_under_way_and_keeps_it(car_park: Path, tmp_path: Path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "simulations", "sweep", str(car_park), "--set", ONE_BY_ONE]
    command += ["--seeds", "4000", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not kept(out):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "sweep: stopped. What is done is kept in" in err
    assert "Traceback" not in err
    assert 0 < sum(pq.read_metadata(path).num_rows for path in (out / "parts").glob("*")) < 4000
    assert not (out / "runs.parquet").exists()


def test_combinations_that_cannot_be_are_told_and_the_others_run(sweep: Sweep, car_park: Path, tmp_path: Path):
    out = tmp_path / "out"
    rows = "scenario.record_s=900,172800"
    ended = sweep(car_park, "--set", "scenario.days=2,1", "--set", rows, "--seeds", 2, "--out", out, "--json")
    assert ended.code == 2
    told = "failed: scenario.days=1 scenario.record_s=172800 seed 5: "
    assert told + f"{car_park}:" in ended.err or told + "--set" in ended.err
    assert "2 of 8 runs failed" in ended.err
    assert [failed["seed"] for failed in ended.document["failed"]] == [5, 6]
    assert "seed 6" in (out / "failures.txt").read_text()
    assert pq.read_metadata(out / "runs.parquet").num_rows == 6
    assert [each["runs"] for each in ended.document["settings"]] == [2, 2, 2, 0]


def test_all_problems_of_arguments_are_told_at_once(sweep: Sweep, tmp_path: Path):
    ended = sweep(
        tmp_path / "none.toml",
        "--set",
        "fuse",
        "--set",
        "a.b=1,",
        "--seeds",
        0,
        "--workers",
        0,
        "--scheduler",
        "tcp://x:1",
    )
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "--seeds 0: expected at least 1",
        "--workers 0: expected at least 1",
        "--workers: a cluster has its own; expected either --workers or --scheduler",
        "--set fuse: expected KEY=VALUE,VALUE",
        "--set a.b=1,: a value is missing",
        f"{tmp_path / 'none.toml'}: cannot be read: No such file or directory",
    ]


def test_all_problems_of_scenario_and_values_are_told_at_once(sweep: Sweep, car_park: Path, tmp_path: Path):
    car_park.write_text(car_park.read_text().replace("cars_per_day = 6", "cars_per_day = -6"))
    values = ["circuits.main.fuse_a=-1,40,x", "circuits.mian.fuse_a=3", "prices.file=prices.csv,gone.csv"]
    ended = sweep(car_park, *(part for value in values for part in ("--set", value)), "--out", tmp_path / "out")
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    for begin in (
        f"{car_park}:26: people[0].cars_per_day: expected at least 0, found -6",
        "--set circuits.main.fuse_a=-1",
        "--set circuits.main.fuse_a=x",
        "--set circuits.mian.fuse_a=3",
        "--set prices.file=gone.csv",
    ):
        assert sum(line.startswith(begin) for line in lines) == 1, ended.err
    assert "loadstar-sweep-" not in ended.err, "files are named as the person has them"
