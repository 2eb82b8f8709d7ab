"""``loadstar replay``: the same decisions, other decisions, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller import engine
from tests.support.closed_loop import START
from tests.support.command import Loadstar
from tests.support.recordings import Story, rewritten

ROOT = Path(__file__).parents[3]


def test_the_same_controller_decides_the_same_again(replay: Loadstar, recording: Path):
    told = replay(recording)
    assert (told.code, told.err) == (0, "")
    assert "60 decisions from 2026-11-20 09:00:01 to 2026-11-20 09:01:00 (UTC)" in told.out
    assert "by the same controller" in told.out
    assert "All were decided in the same way again." in told.out
    assert replay(recording.parent).out == told.out, "a folder is replayed like its files"


def test_another_controller_is_compared_decision_by_decision(
    replay: Loadstar, recording: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine, "NOISE_LEAST_A", 1.5)  # more room is left for noise
    told = replay(recording)
    assert told.code == 0, "differences are a result, not an error"
    assert "were decided in another way:" in told.out
    document = replay(recording, "--json").document
    assert document["decisions"] == 60
    assert 0 < document["differing"] <= 60
    first = document["differences"][0]
    assert first["from"] == "2026-11-20T09:00:01Z"
    assert "P00" in first["subjects"]
    assert first["replayed"]["limit_a"][1] < first["recorded"]["limit_a"][0], "less is handed out"
    assert sum(one["decisions"] * len(one["subjects"]) for one in document["differences"]) >= document["differing"]


def test_another_margin_gives_other_limits_and_says_for_how_long(replay: Loadstar, recording: Path, tmp_path: Path):
    def widen(lines: list[dict[str, Any]]) -> None:
        lines[0]["site"]["circuits"][0]["margin_a"] = 4.0

    told = replay(rewritten(recording, tmp_path, widen), "--json")
    differences = told.document["differences"]
    assert all(one["recorded"]["limit_a"][0] >= one["replayed"]["limit_a"][0] for one in differences[:1])
    longest = max(differences, key=lambda one: one["decisions"])
    assert longest["decisions"] > 5, "one line for a difference that goes on"
    assert longest["from"] < longest["to"]


def test_one_stretch_of_time_is_compared_when_asked(replay: Loadstar, recording: Path):
    document = replay(recording, "--from", "09:00:30", "--to", "2026-11-20T10:00:40+01:00", "--json").document
    assert (document["decisions"], document["from"], document["to"]) == (
        11,
        "2026-11-20T09:00:30Z",
        "2026-11-20T09:00:40Z",
    )
    assert document["differing"] == 0, "what came before was replayed for its memory"


def test_the_decision_of_one_moment_is_shown_whole(replay: Loadstar, recording: Path):
    told = replay(recording, "--at", "09:00:25")
    assert "Decision of 2026-11-20 09:00:25 (UTC)" in told.out
    assert told.out.count("the same") == 4
    decision = replay(recording, "--at", "09:00:25", "--json").document["decision"]
    assert decision["recorded"] == decision["replayed"]
    assert set(decision["recorded"]["setpoints"]) == {"P00", "P01", "P02", "P03"}


def test_a_limit_is_explained_with_what_happened_and_what_the_charger_was_told(replay: Loadstar, recording: Path):
    told = replay(recording, "--at", "09:00:24", "--explain", "P01")
    assert told.out.startswith("P01 at 2026-11-20 09:00:24 (UTC)\n")
    assert "P01 was limited to " in told.out
    explanation = replay(recording, "--at", "09:00:24", "--explain", "P01", "--json").document["explanation"]
    assert told.out.splitlines()[2] == explanation["sentence"], "the whole of it comes first"
    assert "It had this limit since 09:00:21" in told.out
    assert "What is not charging went from 10." in told.out
    assert 'S1 is told SetChargingProfile {"connectorId": 1}' in told.out
    assert 'S1 says {"status": "Accepted"}' in told.out
    assert "Reset" not in told.out, "that was another charger"
    assert explanation["as_recorded"] is True
    assert {"limit", "room", "sharers", "measured", "meter"} <= {one["topic"] for one in explanation["reasons"]}
    assert len(explanation["messages"]) == 2


def test_without_a_time_the_last_decision_is_explained(replay: Loadstar, recording: Path):
    assert replay(recording, "--explain", "P03").out.startswith("P03 at 2026-11-20 09:01:00 (UTC)")


def test_the_documented_explanation_is_what_is_printed(replay: Loadstar):
    page = (ROOT / "docs" / "how-to" / "replay-an-incident.md").read_text("utf-8")
    shown = page.split("```text\n")[1].split("```")[0]
    incident = ROOT / "tests" / "golden" / "incidents" / "building-step"
    assert replay(incident, "--at", "08:07:06", "--explain", "G04").out == shown


def test_a_decision_that_failed_then_is_seen_to_succeed_now_and_the_other_way_round(
    replay: Loadstar, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(lines: list[dict[str, Any]]) -> None:
        lines[5]["plan"] = None

    path = rewritten(recording, tmp_path, fail)
    (first, *_) = replay(path, "--json").document["differences"]
    assert first["subjects"] == ["decision"]
    assert (first["recorded"]["because"], first["replayed"]["because"]) == ("failed", "decided")

    with monkeypatch.context() as broken:
        broken.setattr("simulations.replay.rerun.decide", lambda *_: 1 / 0)
        (first, *_) = replay(path, "--json").document["differences"]
    assert first["replayed"]["because"] == "failed: ZeroDivisionError: division by zero"


def test_the_sites_clock_counts_for_times_without_a_zone(replay: Loadstar, recording: Path, tmp_path: Path):
    def move(lines: list[dict[str, Any]]) -> None:
        lines[0]["site"]["time_zone"] = "Europe/Amsterdam"

    path = rewritten(recording, tmp_path, move)
    assert "Decision of 2026-11-20 10:00:25 (Europe/Amsterdam)" in replay(path, "--at", "10:00:25").out

    def nowhere(lines: list[dict[str, Any]]) -> None:
        lines[0]["site"]["time_zone"] = "Nowhere/At_All"

    assert replay(rewritten(recording, tmp_path, nowhere), "--at", "09:00:25").code == 0


def test_an_unknown_time_of_day_after_midnight_is_of_the_next_day(replay: Loadstar, story: Story, tmp_path: Path):
    assert START.hour == 9

    def late(lines: list[dict[str, Any]]) -> None:
        text = json.dumps(lines)
        for minute in (1, 0):
            text = text.replace(f"2026-11-20T09:0{minute}", ("2026-11-20T23:59", "2026-11-21T00:00")[minute])
        lines[:] = json.loads(text)

    path = rewritten(story.record(tmp_path / "a.jsonl.gz"), tmp_path, late)
    assert replay(path, "--at", "00:00", "--json").document["to"] == "2026-11-21T00:00:00Z"
