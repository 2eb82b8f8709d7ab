"""Recordings that are not as they should be: what is good in them is used, everything else has its place."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.recording import recording_files
from tests.support.recordings import Story, decisions, entries, eventful, flaws

Line = dict[str, Any]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    path = eventful().record(tmp_path_factory.mktemp("whole") / "whole.jsonl.gz")
    return gzip.decompress(path.read_bytes()).splitlines()[:6]


def written(folder: Path, lines: list[bytes]) -> Path:
    path = folder / "recording.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def changed(line: bytes, change: Callable[[Line], Any]) -> bytes:
    values = json.loads(line)
    change(values)
    return json.dumps(values).encode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda line: line.update(kind="guess"), "kind: expected header, decision, message"),
        (lambda line: line.update(fresch=True), "fresch: unknown key; did you mean 'fresh'?"),
        (lambda line: line["snapshot"].pop("at"), "snapshot.at: is missing"),
        (lambda line: line["snapshot"].update(at="today"), "snapshot.at: expected a time with a zone"),
        (lambda line: line["snapshot"]["points"].update(P99={}), "snapshot: the site has no point 'P99'"),
        (
            lambda line: line["snapshot"]["limits"].append({"circuit": "attic", "limit_w": 1, "source": "x"}),
            "snapshot: the site has no circuit 'attic'",
        ),
        (lambda line: line["plan"]["setpoints"]["P00"].update(limit_a="6"), "plan.setpoints.P00.limit_a: expected a n"),
        (lambda line: line["plan"]["setpoints"]["P00"].update(limit_a=-1), "at least 0, found -1"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_what_was_expected(
    lines: list[bytes], tmp_path: Path, change: Callable[[Line], Any], told: str
):
    path = written(tmp_path, [*lines[:3], changed(lines[3], change), *lines[4:]])
    (flaw,) = flaws(path)
    assert flaw.place == f"{path}:4"
    assert told in flaw.what
    assert not flaw.cut_off
    assert len(decisions(path)) == len(lines) - 2, "the other lines are read"


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"kind":', b"7" * 5000, b"[" * 5000])
def test_junk_is_a_flaw_and_nothing_worse(lines: list[bytes], tmp_path: Path, junk: bytes):
    path = written(tmp_path, [lines[0], junk, *lines[1:]])
    (flaw,) = flaws(path)
    assert flaw.place == f"{path}:2"


def test_a_header_that_breaks_a_site_is_told_once_and_its_decisions_are_passed_over(lines: list[bytes], tmp_path: Path):
    header = changed(lines[0], lambda line: line["site"]["points"][0].update(circuit="attic"))
    path = written(tmp_path, [header, *lines[1:], *lines])
    (flaw,) = flaws(path)
    assert flaw.place == f"{path}:1"
    assert "unknown circuit 'attic'" in flaw.what
    assert len(decisions(path)) == len(lines) - 1, "those after the sound header"


def test_a_later_format_is_refused_with_what_this_version_reads(lines: list[bytes], tmp_path: Path):
    path = written(tmp_path, [changed(lines[0], lambda line: line.update(format=2)), *lines[1:]])
    assert [flaw.what for flaw in flaws(path)] == ["format: expected 1, which is all that this version reads, found 2"]
    assert decisions(path) == []


def test_decisions_without_a_header_are_told_once(lines: list[bytes], tmp_path: Path):
    path = written(tmp_path, lines[2:])
    (flaw,) = flaws(path)
    assert "without a header" in flaw.what
    assert flaw.place == f"{path}:1"


def test_a_line_that_has_no_end_is_one_that_was_cut_off(lines: list[bytes], tmp_path: Path):
    path = written(tmp_path, lines)
    path.write_bytes(path.read_bytes()[:-40])
    (flaw,) = flaws(path)
    assert flaw.cut_off
    assert flaw.place == f"{path}:{len(lines)}"


def test_what_is_no_gzip_or_damaged_is_named(lines: list[bytes], tmp_path: Path):
    path = tmp_path / "recording.jsonl.gz"
    path.write_bytes(b"plain text\n")
    assert [flaw.place for flaw in flaws(path)] == [f"{path}:1"]
    damaged = bytearray(gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0))
    damaged[len(damaged) // 2] ^= 0xFF
    path.write_bytes(damaged)
    assert flaws(path)
    assert not flaws(path)[-1].cut_off


def test_a_folder_is_read_in_the_order_of_time(tmp_path: Path):
    story: Story = eventful()
    story.record(tmp_path / "garage-20261120T100000.000Z.jsonl.gz", story.made[30:])
    story.record(tmp_path / "garage-20261120T090000.000Z.jsonl.gz", story.made[:30])
    (tmp_path / "notes.txt").write_text("not a recording")
    assert [entry.snapshot for entry in decisions(tmp_path)] == [made.snapshot for made in story.made]
    assert not [entry for entry in entries(tmp_path) if type(entry).__name__ == "Flaw"]


def test_what_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(ValueError, match=r"jsonl\.gz"):
        recording_files(tmp_path)
    with pytest.raises(FileNotFoundError):
        recording_files(tmp_path / "nowhere.jsonl.gz")
