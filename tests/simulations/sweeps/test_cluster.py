"""The same sweep on a Dask cluster: a scheduler and two workers, programs of their own that share no folder with it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulations.sweeps import pools
from tests.simulations.sweeps.conftest import Sweep, figures, kept, kill_half_way
from tests.support.processes import WITHIN_S, free_port

FUSES = "circuits.main.fuse_a=16,40"
ONE_BY_ONE = "scenario.controller=decide"
HOURLY = "scenario.step_s=3600"
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    dask = str(Path(sys.executable).with_name("dask"))
    address = f"tcp://127.0.0.1:{free_port()}"
    host, port = address.removeprefix("tcp://").split(":")
    scheduler = [dask, "scheduler", "--host", host, "--port", port, "--no-dashboard", "--no-show"]
    worker = [dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
    programs = []
    with (folder / "log").open("wb") as log:
        for number, command in enumerate((scheduler, worker, worker)):
            elsewhere = folder / str(number)
            elsewhere.mkdir()
            programs.append(subprocess.Popen(command, cwd=elsewhere, env=os.environ | QUIET, stdout=log, stderr=log))
    deadline = time.monotonic() + WITHIN_S
    while not _listens(host, int(port)):
        assert programs[0].poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, "the scheduler does not listen"
        time.sleep(0.02)
    yield address
    for program in programs:
        program.kill()
        program.wait(WITHIN_S)


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def test_a_sweep_on_a_cluster_is_killed_and_goes_on_there(cluster: str, sweep: Sweep, car_park: Path, tmp_path: Path):
    asked = (car_park, "--set", FUSES, "--set", ONE_BY_ONE, "--set", HOURLY, "--seeds", 20)
    before = kill_half_way(tmp_path / "out", *asked, "--scheduler", cluster)
    there = sum(pq.read_metadata(tmp_path / "out/parts" / name).num_rows for name in before)
    assert 0 < there < 40

    ended = sweep(*asked, "--scheduler", cluster, "--out", tmp_path / "out")
    assert ended.code == 0
    assert f"{there} are there already, {40 - there} to do on 2 threads of the cluster at {cluster}" in ended.err
    after = kept(tmp_path / "out")
    assert {name: after[name] for name in before} == before, "nothing that was finished is computed again"

    assert sweep(*asked, "--out", tmp_path / "here").code == 0
    assert figures(tmp_path / "out") == figures(tmp_path / "here"), "a cluster finds what this machine finds"


def test_what_is_wrong_with_a_scenario_is_found_on_the_cluster_too(
    cluster: str, sweep: Sweep, car_park: Path, tmp_path: Path
):
    ended = sweep(car_park, "--set", "circuits.main.fuse_a=-1,40", "--scheduler", cluster, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "circuits[0].fuse_a: expected at least 0, found -1" in ended.err


def test_a_scheduler_that_does_not_answer_is_told(
    sweep: Sweep, car_park: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pools, "CONNECT_S", 0.2)
    ended = sweep(car_park, "--scheduler", f"tcp://127.0.0.1:{free_port()}", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "cannot be reached" in ended.err
