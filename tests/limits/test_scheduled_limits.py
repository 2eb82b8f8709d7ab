"""A schedule of limits in a file: taken up, changed, broken, repaired."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.limits.schedule import ROWS_MAX, ScheduleError, read_schedule
from adapters.limits.scheduled import ScheduledLimits
from controller.plan import Event
from tests.support.web import BEGIN, HandClock, small_site
from tests.support.web_books import FakeEvidence, open_limits

SITE = small_site()
HEADER = "circuit,from,until,limit_w"
EVENING = "main,2026-11-20T10:00:00Z,2026-11-20T12:00:00Z,8000"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.clock, self.events, self.book = HandClock(), list[Event](), FakeEvidence()
        self.limits = open_limits(SITE, self.clock, self.book)
        self.path = folder / "limits.csv"
        self._writes = 0
        self.schedule = ScheduledLimits(
            self.path, "schedule", site=SITE, limits=self.limits, clock=self.clock, on_event=self.events.append
        )

    def write(self, *rows: str) -> None:
        self.path.write_text("\n".join([HEADER, *rows]) + "\n")
        self._writes += 1
        os.utime(self.path, (self._writes, self._writes))
        self.schedule.look()

    def at(self, hours: float) -> list[tuple[str, float]]:
        return [(one.circuit, one.limit_w) for one in self.limits.in_force(BEGIN + timedelta(hours=hours))]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_limits_hold_when_the_schedule_says_so(desk: Desk):
    desk.write(EVENING, "garage,2026-11-20T12:30+01:00,2026-11-20T14:00+01:00,3000", "main,2020-01-01,2020-01-02,1")
    assert desk.at(0.9) == []
    assert desk.at(1.0) == [("main", 8_000.0)]
    assert sorted(desk.at(2.6)) == [("garage", 3_000.0), ("main", 8_000.0)]
    assert desk.at(4.1) == []
    assert desk.events == []
    assert len(desk.book.lines) == 2, "what has passed is nothing new"


def test_a_changed_file_changes_what_holds_and_what_left_it_ends(desk: Desk):
    desk.write(EVENING)
    desk.write(EVENING.replace("8000", "6000"))
    assert desk.at(1.5) == [("main", 6_000.0)]
    desk.clock.elapsed_s = 5_400
    desk.write("main,2026-11-21T10:00:00Z,2026-11-21T12:00:00Z,8000")
    assert desk.at(1.6) == []
    assert desk.at(25.5) == [("main", 8_000.0)]


def test_an_unchanged_file_is_not_read_again(desk: Desk):
    desk.write(EVENING)
    desk.schedule.look()
    assert desk.book.happenings() == ["received"]


def test_a_broken_file_is_reported_with_its_lines_and_changes_nothing(desk: Desk):
    desk.write(EVENING)
    desk.write("attic,x,2026-11-20T12:00:00Z,-1")
    (event,) = desk.events
    assert [line.split(": ")[:2] for line in event.message.splitlines()] == [
        ["limits.csv:2", "from"],
        ["limits.csv:2", "circuit"],
        ["limits.csv:2", "limit_w"],
    ]
    desk.path.unlink()
    desk.schedule.look()
    desk.schedule.look()
    assert len(desk.events) == 2, "each trouble is told once"
    assert desk.at(1.5) == [("main", 8_000.0)]
    desk.write(EVENING)
    assert desk.events[-1].message == "limits.csv is in force again"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "limits.csv:1: expected the columns circuit, from, until, limit_w, found none"),
        ("circuit,from,until\n", "limits.csv:1: expected the columns"),
        (f"{HEADER}\nmain,2026-11-20T12:00Z,2026-11-20T12:00Z,1\n", "limits.csv:2: until: expected a time after"),
        (f"{HEADER}\n\nmain,2026-11-20T12:00Z\n", "limits.csv:3: until: expected a time such as"),
        (f"{HEADER}\n{EVENING}1e999\n", "limits.csv:2: limit_w: expected a number"),
        (HEADER + f"\n{EVENING}" * (ROWS_MAX + 1), f"limits.csv:{ROWS_MAX + 2}: expected at most {ROWS_MAX} rows"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "limits.csv"
    path.write_text(text)
    with pytest.raises(ScheduleError) as refused:
        read_schedule(path, SITE.circuit)
    assert problem in str(refused.value)


def test_bytes_that_are_no_text_are_no_schedule(tmp_path: Path):
    path = tmp_path / "limits.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScheduleError, match=r"limits\.csv:1: cannot be read"):
        read_schedule(path, SITE.circuit)
