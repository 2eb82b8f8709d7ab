"""``loadstar replay --save-as``: an incident becomes a regression test with one command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller import engine
from tests.support.command import Loadstar
from tests.support.recordings import rewritten


def test_an_incident_is_kept_with_one_command_and_holds(replay: Loadstar, recording: Path, tmp_path: Path):
    told = replay(
        recording,
        "--from",
        "09:00:18",
        "--to",
        "09:00:26",
        "--save-as",
        "step",
        "--into",
        tmp_path,
        "--note",
        "A step.",
    )
    assert told.code == 0
    assert told.err == f"{tmp_path / 'step'}: 9 decisions\n"
    folder = tmp_path / "step"
    assert sorted(path.name for path in folder.iterdir()) == ["expected.txt", "recording.jsonl.gz", "why.md"]
    assert (folder / "why.md").read_text().startswith("# Step\n\nA step.\n\nSite `garage`, 9 decisions from ")
    expected = (folder / "expected.txt").read_text()
    assert expected.startswith("2026-11-20T09:00:18Z P00 ")
    assert "2026-11-20T09:00:21Z warning overload circuit:main: " in expected
    again = replay(folder, "--json").document
    assert (again["decisions"], again["differing"]) == (9, 0), "it begins with the memory of that moment"
    assert replay(folder, "--explain", "P01", "--json").document["explanation"]["messages"], "messages are part of it"


def test_an_incident_tells_when_the_controller_decides_otherwise(
    replay: Loadstar, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from simulations.replay.incident import broken_expectations  # noqa: PLC0415

    replay(recording, "--from", "09:00:18", "--save-as", "step", "--into", tmp_path)
    folder = tmp_path / "step"
    assert broken_expectations(folder) == []
    monkeypatch.setattr(engine, "NOISE_LEAST_A", 1.5)
    changed = broken_expectations(folder)
    assert any(line.startswith("-2026-11-20T09:00:") for line in changed)
    assert any(line.startswith("+2026-11-20T09:00:") for line in changed)

    why = (folder / "why.md").read_text()
    assert replay(folder, "--save-as", "step", "--into", tmp_path).code == 0, "its expectation is written anew"
    assert broken_expectations(folder) == []
    assert (folder / "why.md").read_text() == why


def test_an_incident_is_never_written_over_by_another(replay: Loadstar, recording: Path, tmp_path: Path):
    assert replay(recording, "--save-as", "step", "--into", tmp_path).code == 0
    before = (tmp_path / "step" / "expected.txt").read_text()
    told = replay(recording, "--from", "09:00:30", "--save-as", "step", "--into", tmp_path)
    assert told.code == 2
    assert told.err == f"--save-as: {tmp_path / 'step'} is there already\n"
    assert (tmp_path / "step" / "expected.txt").read_text() == before
    nowhere = tmp_path / "nowhere"
    assert replay(recording, "--save-as", "step", "--into", nowhere).err == f"--into: no such folder: {nowhere}\n"


def test_a_recording_with_flaws_is_no_incident(replay: Loadstar, recording: Path, tmp_path: Path):
    def spoil(lines: list[dict[str, Any]]) -> None:
        lines[40]["snapshot"] = {}

    told = replay(rewritten(recording, tmp_path, spoil), "--save-as", "step", "--into", tmp_path)
    assert told.code == 2
    assert "an incident must be whole" in told.err
    assert not (tmp_path / "step").exists()
