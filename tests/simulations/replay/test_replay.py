"""``loadstar replay``: the same decisions, other decisions, and what cannot be replayed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.cli import execute
from adapters.recording import RecordingFile
from controller import engine
from controller.ports import Direction
from simulations.cli import app
from tests.support.closed_loop import START
from tests.support.recordings import Story, eventful


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


Replay = Callable[..., Told]
ROOT = Path(__file__).parents[3]
EXPECTED = "expected a time such as 14:05, 2026-11-20T14:05 (both by the site's clock) or 2026-11-20T13:05:00Z"


@pytest.fixture
def replay(capsys: pytest.CaptureFixture[str]) -> Replay:
    def run(*arguments: str | Path) -> Told:
        code = execute(app, ["replay", *map(str, arguments)])
        captured = capsys.readouterr()
        return Told(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def story() -> Story:
    return eventful(4)


@pytest.fixture(scope="module")
def recording(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "garage.jsonl.gz"
    with RecordingFile(path, story.site) as file:
        for number, made in enumerate(story.made):
            file.decided(made.snapshot, made.memory, made.decision)
            if number == 20:
                file.message(made.snapshot.at, "S1", Direction.OUT, '[2,"1","SetChargingProfile",{"connectorId":1}]')
                file.message(made.snapshot.at, "S2", Direction.OUT, '[2,"1","Reset",{"type":"Soft"}]')
                file.message(made.snapshot.at, "S1", Direction.IN, '[3,"1",{"status":"Accepted"}]')
                file.message(made.snapshot.at, "S1", Direction.IN, '[3,"2",{}]')
    return path


def rewritten(recording: Path, folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """A recording with other lines."""
    lines = [json.loads(line) for line in gzip.decompress(recording.read_bytes()).splitlines()]
    change(lines)
    path = folder / "changed.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_same_controller_decides_the_same_again(replay: Replay, recording: Path):
    told = replay(recording)
    assert (told.code, told.err) == (0, "")
    assert "60 decisions from 2026-11-20 09:00:01 to 2026-11-20 09:01:00 (UTC)" in told.out
    assert "by the same controller" in told.out
    assert "All were decided in the same way again." in told.out
    assert replay(recording.parent).out == told.out, "a folder is replayed like its files"


def test_another_controller_is_compared_decision_by_decision(
    replay: Replay, recording: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine, "NOISE_LEAST_A", 1.5)  # more room is left for noise
    told = replay(recording)
    assert told.code == 0, "differences are a result, not an error"
    assert "were decided in another way:" in told.out
    document = replay(recording, "--json").json
    assert document["decisions"] == 60
    assert 0 < document["differing"] <= 60
    first = document["differences"][0]
    assert first["from"] == "2026-11-20T09:00:01Z"
    assert "P00" in first["subjects"]
    assert first["replayed"]["limit_a"][1] < first["recorded"]["limit_a"][0], "less is handed out"
    assert sum(one["decisions"] * len(one["subjects"]) for one in document["differences"]) >= document["differing"]


def test_another_margin_gives_other_limits_and_says_for_how_long(replay: Replay, recording: Path, tmp_path: Path):
    def widen(lines: list[dict[str, Any]]) -> None:
        lines[0]["site"]["circuits"][0]["margin_a"] = 4.0

    told = replay(rewritten(recording, tmp_path, widen), "--json")
    differences = told.json["differences"]
    assert all(one["recorded"]["limit_a"][0] >= one["replayed"]["limit_a"][0] for one in differences[:1])
    longest = max(differences, key=lambda one: one["decisions"])
    assert longest["decisions"] > 5, "one line for a difference that goes on"
    assert longest["from"] < longest["to"]


def test_one_stretch_of_time_is_compared_when_asked(replay: Replay, recording: Path):
    document = replay(recording, "--from", "09:00:30", "--to", "2026-11-20T10:00:40+01:00", "--json").json
    assert (document["decisions"], document["from"], document["to"]) == (
        11,
        "2026-11-20T09:00:30Z",
        "2026-11-20T09:00:40Z",
    )
    assert document["differing"] == 0, "what came before was replayed for its memory"


def test_the_decision_of_one_moment_is_shown_whole(replay: Replay, recording: Path):
    told = replay(recording, "--at", "09:00:25")
    assert "Decision of 2026-11-20 09:00:25 (UTC)" in told.out
    assert told.out.count("the same") == 4
    decision = replay(recording, "--at", "09:00:25", "--json").json["decision"]
    assert decision["recorded"] == decision["replayed"]
    assert set(decision["recorded"]["setpoints"]) == {"P00", "P01", "P02", "P03"}


def test_a_limit_is_explained_with_what_happened_and_what_the_charger_was_told(replay: Replay, recording: Path):
    told = replay(recording, "--at", "09:00:24", "--explain", "P01")
    assert told.out.startswith("P01 at 2026-11-20 09:00:24 (UTC)\n")
    assert "P01 was limited to " in told.out
    assert "It had this limit since 09:00:21" in told.out
    assert "What is not charging went from 10." in told.out
    assert 'S1 is told SetChargingProfile {"connectorId": 1}' in told.out
    assert 'S1 says {"status": "Accepted"}' in told.out
    assert "Reset" not in told.out, "that was another charger"
    explanation = replay(recording, "--at", "09:00:24", "--explain", "P01", "--json").json["explanation"]
    assert explanation["as_recorded"] is True
    assert {"limit", "room", "sharers", "measured", "meter"} <= {one["topic"] for one in explanation["reasons"]}
    assert len(explanation["messages"]) == 2


def test_without_a_time_the_last_decision_is_explained(replay: Replay, recording: Path):
    assert replay(recording, "--explain", "P03").out.startswith("P03 at 2026-11-20 09:01:00 (UTC)")


def test_the_documented_explanation_is_what_is_printed(replay: Replay):
    page = (ROOT / "docs" / "how-to" / "replay-an-incident.md").read_text("utf-8")
    shown = page.split("```text\n")[1].split("```")[0]
    incident = ROOT / "tests" / "golden" / "incidents" / "building-step"
    assert replay(incident, "--at", "08:07:06", "--explain", "G04").out == shown


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
    replay: Replay, recording: Path, arguments: list[str], told: list[str]
):
    refused = replay(recording, *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines() == told


def test_a_time_at_which_nothing_was_recorded_is_said(replay: Replay, recording: Path):
    early = replay(recording, "--to", "2026-11-20T08:00Z")
    assert early.code == 2
    assert "no decision in it that can be replayed" in early.err
    late = replay(recording, "--from", "2026-11-20T12:00Z")
    assert late.code == 2
    assert "the last one before it is of 2026-11-20 09:01:00" in late.err


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_what_cannot_be_opened_is_said(replay: Replay, tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    told = replay(tmp_path / name)
    assert told.code == 2
    assert told.err.startswith(f"{tmp_path / name}: cannot be replayed: ")


def test_a_bad_line_has_its_place_and_what_follows_from_it_is_passed_over(
    replay: Replay, recording: Path, tmp_path: Path
):
    def spoil(lines: list[dict[str, Any]]) -> None:
        del lines[11]["snapshot"]["at"]

    path = rewritten(recording, tmp_path, spoil)
    told = replay(path, "--json")
    assert told.code == 2
    assert told.err == f"{path}:12: snapshot.at: is missing\n"
    assert (told.json["decisions"], told.json["passed_over"], told.json["differing"]) == (10, 49, 0)


def test_what_follows_a_bad_line_is_taken_up_at_the_next_header(
    replay: Replay, story: Story, recording: Path, tmp_path: Path
):
    story.record(tmp_path / "b.jsonl.gz", story.made[30:])

    def spoil(lines: list[dict[str, Any]]) -> None:
        lines[11]["snapshot"] = {}
        lines += [json.loads(one) for one in gzip.decompress((tmp_path / "b.jsonl.gz").read_bytes()).splitlines()]

    told = replay(rewritten(recording, tmp_path, spoil), "--json")
    assert (told.json["decisions"], told.json["differing"]) == (40, 0)


def test_a_recording_that_was_cut_off_is_replayed_as_far_as_it_goes(replay: Replay, recording: Path, tmp_path: Path):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(recording.read_bytes()[:-300])
    told = replay(path)
    assert told.code == 0, "a crash is no bad input"
    assert "ends here without having been closed" in told.err
    assert "All were decided in the same way again." in told.out


def test_a_memory_of_another_version_is_noted_and_replaced(replay: Replay, story: Story, tmp_path: Path):
    story.record(tmp_path / "middle.jsonl.gz", story.made[30:])

    def age(lines: list[dict[str, Any]]) -> None:
        lines[0]["memory"]["pulse"].pop("changed_s")

    told = replay(rewritten(tmp_path / "middle.jsonl.gz", tmp_path, age), "--json")
    assert told.code == 0
    assert "the memory is of another version of the controller (memory.pulse: expected " in told.err
    assert "the replay goes on without a memory" in told.err
    assert told.json["decisions"] == 30


def test_a_decision_that_failed_then_is_seen_to_succeed_now_and_the_other_way_round(
    replay: Replay, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(lines: list[dict[str, Any]]) -> None:
        lines[5]["plan"] = None

    path = rewritten(recording, tmp_path, fail)
    (first, *_) = replay(path, "--json").json["differences"]
    assert first["subjects"] == ["decision"]
    assert (first["recorded"]["because"], first["replayed"]["because"]) == ("failed", "decided")

    with monkeypatch.context() as broken:
        broken.setattr("simulations.replay.rerun.decide", lambda *_: 1 / 0)
        (first, *_) = replay(path, "--json").json["differences"]
    assert first["replayed"]["because"] == "failed: ZeroDivisionError: division by zero"


def test_a_recording_over_several_days_wants_a_date(replay: Replay, story: Story, recording: Path, tmp_path: Path):
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
    assert told.json["from"] == "2026-11-21T09:00:01Z", "the file of the day before need not be read"


def test_the_sites_clock_counts_for_times_without_a_zone(replay: Replay, recording: Path, tmp_path: Path):
    def move(lines: list[dict[str, Any]]) -> None:
        lines[0]["site"]["time_zone"] = "Europe/Amsterdam"

    path = rewritten(recording, tmp_path, move)
    assert "Decision of 2026-11-20 10:00:25 (Europe/Amsterdam)" in replay(path, "--at", "10:00:25").out

    def nowhere(lines: list[dict[str, Any]]) -> None:
        lines[0]["site"]["time_zone"] = "Nowhere/At_All"

    assert replay(rewritten(recording, tmp_path, nowhere), "--at", "09:00:25").code == 0


def test_an_unknown_time_of_day_after_midnight_is_of_the_next_day(replay: Replay, story: Story, tmp_path: Path):
    assert START.hour == 9

    def late(lines: list[dict[str, Any]]) -> None:
        text = json.dumps(lines)
        for minute in (1, 0):
            text = text.replace(f"2026-11-20T09:0{minute}", ("2026-11-20T23:59", "2026-11-21T00:00")[minute])
        lines[:] = json.loads(text)

    path = rewritten(story.record(tmp_path / "a.jsonl.gz"), tmp_path, late)
    assert replay(path, "--at", "00:00", "--json").json["to"] == "2026-11-21T00:00:00Z"


# -- incidents --------------------------------------------------------------------------------------------------------


def test_an_incident_is_kept_with_one_command_and_holds(replay: Replay, recording: Path, tmp_path: Path):
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
    again = replay(folder, "--json").json
    assert (again["decisions"], again["differing"]) == (9, 0), "it begins with the memory of that moment"
    assert replay(folder, "--explain", "P01", "--json").json["explanation"]["messages"], "messages are part of it"


def test_an_incident_tells_when_the_controller_decides_otherwise(
    replay: Replay, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


def test_an_incident_is_never_written_over_by_another(replay: Replay, recording: Path, tmp_path: Path):
    assert replay(recording, "--save-as", "step", "--into", tmp_path).code == 0
    before = (tmp_path / "step" / "expected.txt").read_text()
    told = replay(recording, "--from", "09:00:30", "--save-as", "step", "--into", tmp_path)
    assert told.code == 2
    assert told.err == f"--save-as: {tmp_path / 'step'} is there already\n"
    assert (tmp_path / "step" / "expected.txt").read_text() == before
    nowhere = tmp_path / "nowhere"
    assert replay(recording, "--save-as", "step", "--into", nowhere).err == f"--into: no such folder: {nowhere}\n"


def test_a_recording_with_flaws_is_no_incident(replay: Replay, recording: Path, tmp_path: Path):
    def spoil(lines: list[dict[str, Any]]) -> None:
        lines[40]["snapshot"] = {}

    told = replay(rewritten(recording, tmp_path, spoil), "--save-as", "step", "--into", tmp_path)
    assert told.code == 2
    assert "an incident must be whole" in told.err
    assert not (tmp_path / "step").exists()
