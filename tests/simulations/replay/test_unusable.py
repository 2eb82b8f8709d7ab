"""``loadstar replay``: what cannot be replayed is said with its place, and the rest is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Loadstar
from tests.support.recordings import Story, rewritten

EXPECTED = "expected a time such as 14:05, 2026-11-20T14:05 (both by the site's clock) or 2026-11-20T13:05:00Z"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--explain", "P1"], ["--explain: the site has no point 'P1'; did you mean 'P01'?"]),
        (
            ["--from", "noon", "--to", "25:00", "--explain", "X"],
            [
                f"--from: {EXPECTED}, found 'noon'",
                f"--to: {EXPECTED}, found '25:00'",
                "--explain: the site has no point 'X'; known: P00, P01, P02, P03",
            ],
        ),
        (["--from", "09:01", "--to", "09:00:30"], ["--to: expected a time after --from, found '09:00:30'"]),
        (
            ["--at", "09:01", "--to", "09:00:30"],
            ["--at: names one decision; --from, --to and --save-as are about several"],
        ),
        (["--save-as", "../x"], ["--save-as: expected letters, digits, '_', '-' and '.', found '../x'"]),
        (
            ["--at", "2026-11-20T12:00Z"],
            ["--at: nothing was decided then; the last decision before it is of 2026-11-20 09:01:00"],
        ),
    ],
)
def test_impossible_wishes_are_refused_all_at_once(
    replay: Loadstar, recording: Path, arguments: list[str], told: list[str]
):
    refused = replay(recording, *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines() == told


def test_a_time_at_which_nothing_was_recorded_is_said(replay: Loadstar, recording: Path):
    early = replay(recording, "--to", "2026-11-20T08:00Z")
    assert early.code == 2
    assert "no decision in it that can be replayed" in early.err
    late = replay(recording, "--from", "2026-11-20T12:00Z")
    assert late.code == 2
    assert "the last one before it is of 2026-11-20 09:01:00" in late.err


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_what_cannot_be_opened_is_said(replay: Loadstar, tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    told = replay(tmp_path / name)
    assert told.code == 2
    assert told.err.startswith(f"{tmp_path / name}: cannot be replayed: ")


def test_a_bad_line_has_its_place_and_what_follows_from_it_is_passed_over(
    replay: Loadstar, recording: Path, tmp_path: Path
):
    def spoil(lines: list[dict[str, Any]]) -> None:
        del lines[11]["snapshot"]["at"]

    path = rewritten(recording, tmp_path, spoil)
    told = replay(path, "--json")
    assert told.code == 2
    assert told.err == f"{path}:12: snapshot.at: is missing\n"
    assert (told.document["decisions"], told.document["passed_over"], told.document["differing"]) == (10, 49, 0)


def test_what_follows_a_bad_line_is_taken_up_at_the_next_header(
    replay: Loadstar, story: Story, recording: Path, tmp_path: Path
):
    story.record(tmp_path / "b.jsonl.gz", story.made[30:])

    def spoil(lines: list[dict[str, Any]]) -> None:
        lines[11]["snapshot"] = {}
        lines += [json.loads(one) for one in gzip.decompress((tmp_path / "b.jsonl.gz").read_bytes()).splitlines()]

    told = replay(rewritten(recording, tmp_path, spoil), "--json")
    assert (told.document["decisions"], told.document["differing"]) == (40, 0)


def test_a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes(replay: Loadstar, recording: Path, tmp_path: Path):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(recording.read_bytes()[:-300])
    told = replay(path)
    assert told.code == 0, "a crash is no bad input"
    assert "ends here without having been closed" in told.err
    assert "All were decided in the same way again." in told.out


def test_a_memory_of_another_version_is_noted_and_replaced(replay: Loadstar, story: Story, tmp_path: Path):
    story.record(tmp_path / "middle.jsonl.gz", story.made[30:])

    def age(lines: list[dict[str, Any]]) -> None:
        lines[0]["memory"]["pulse"].pop("changed_s")

    told = replay(rewritten(tmp_path / "middle.jsonl.gz", tmp_path, age), "--json")
    assert told.code == 0
    assert "the memory is of another version of the controller (memory.pulse: expected " in told.err
    assert "the replay goes on without a memory" in told.err
    assert told.document["decisions"] == 30


def test_a_recording_over_several_days_wants_a_date(replay: Loadstar, story: Story, recording: Path, tmp_path: Path):
    (tmp_path / "a.jsonl.gz").write_bytes(recording.read_bytes())

    def next_day(lines: list[dict[str, Any]]) -> None:
        text = json.dumps(lines).replace("2026-11-20T", "2026-11-21T")
        lines[:] = json.loads(text)

    rewritten(recording, tmp_path, next_day)
    told = replay(tmp_path, "--at", "09:00:25")
    assert told.code == 2
    assert "--at: expected a date too: the recording goes from 2026-11-20 to 2026-11-21" in told.err
    told = replay(tmp_path, "--at", "2026-11-21T09:00:25", "--json")
    assert told.code == 0
    assert told.document["from"] == "2026-11-21T09:00:01Z", "the file of the day before need not be read"
