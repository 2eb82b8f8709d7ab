"""`make bench`: a table for people, build/bench.json for programs."""

import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as harness
from tests.benchmarks.registry import Measurement, percentile, seconds_per_call


def quick_thing() -> dict[str, Measurement]:
    return {"quick_us": Measurement(90.0, "us", 100, at_most=100.0), "calls": Measurement(3, "1", 1)}


def broken_thing() -> dict[str, Measurement]:
    raise OSError("the port is taken")


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(harness, "discover", lambda: (broken_thing, quick_thing))


def test_one_broken_benchmark_does_not_hide_the_others(capsys: pytest.CaptureFixture[str]):
    assert harness.main([]) == 1
    assert json.loads(Path("build/bench.json").read_text()) == {
        "quick_us": {"value": 90.0, "unit": "us", "n": 100},
        "calls": {"value": 3, "unit": "1", "n": 1},
    }
    shown = capsys.readouterr()
    assert "broken_thing" in shown.out
    assert "the port is taken" in shown.err


def test_benchmarks_are_chosen_by_a_part_of_their_name(capsys: pytest.CaptureFixture[str]):
    assert harness.main(["quick"]) == 0
    assert harness.main(["nothing"]) == 2
    assert "nothing" in capsys.readouterr().out


@pytest.mark.parametrize(("value", "kept"), [(100.0, True), (100.1, False)])
def test_promises_are_judged(value: float, kept: bool):
    assert Measurement(value, "us", 1, at_most=100.0).kept is kept
    assert Measurement(-value, "us", 1, at_least=-100.0).kept is kept


def test_every_call_is_timed():
    calls: list[int] = []
    durations = seconds_per_call(lambda: calls.append(1), n=5, warm_up=2)
    assert (len(durations), len(calls)) == (5, 7)
    assert 0 < percentile(durations, 50) <= percentile(durations, 99)
