"""The recorder beside a running service: hour by hour, bounded, and never in its way."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.recording import Message, Recorder, RecordingFile, Section, recorder
from controller.plan import Event
from controller.ports.devices import Direction
from tests.support.processes import WITHIN_S
from tests.support.recordings import Made, Story, decisions, entries, eventful, flaws
from tests.support.web import BEGIN, HandClock

HEARTBEAT = '[2,"1","Heartbeat",{}]'


@pytest.fixture(scope="module")
def story() -> Story:
    return eventful()


@dataclass
class Desk:
    """A recorder in reach of the test."""

    recorder: Recorder
    folder: Path
    clock: HandClock
    events: list[Event] = field(default_factory=list)

    def take(self, *made: Made) -> None:
        for one in made:
            self.recorder.decided(one.snapshot, one.memory, one.decision)

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, self.told
            time.sleep(0.005)

    @property
    def told(self) -> list[str]:
        return [event.message for event in self.events]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def desk(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(recorder, "FLUSH_S", 0.02)
    monkeypatch.setattr(recorder, "RETRY_S", 0.0)
    clock, events = HandClock(), list[Event]()
    folder = tmp_path / "deep" / "recordings"
    made = Recorder(folder, site=story.site, keep_days=2, clock=clock, on_event=events.append)
    desk = Desk(made, folder, clock, events)
    yield desk
    made.close()


def later(made: Made, passed: timedelta) -> Made:
    """The same decision on another day: what is decided depends on no time of day."""
    move = lambda at: at + passed  # noqa: E731
    snapshot = replace(
        made.snapshot,
        at=move(made.snapshot.at),
        meters={n: replace(r, measured_at=move(r.measured_at)) for n, r in made.snapshot.meters.items()},
        points={
            n: replace(s, measured_at=move(s.measured_at) if s.measured_at else None)
            for n, s in made.snapshot.points.items()
        },
    )
    return replace(made, snapshot=snapshot)


def test_what_was_taken_is_in_the_files_when_it_is_closed(desk: Desk, story: Story):
    desk.take(*story.made)
    desk.clock.elapsed_s = 60.0
    desk.recorder.heard("S0", Direction.IN, HEARTBEAT)
    desk.recorder.close()
    assert [entry.snapshot for entry in decisions(desk.folder)] == [made.snapshot for made in story.made]
    (message,) = [entry for entry in entries(desk.folder) if isinstance(entry, Message)]
    assert (message.at, message.station, message.text) == (BEGIN + timedelta(minutes=1), "S0", HEARTBEAT)
    assert desk.files == ["garage-20261120T090001.000Z.jsonl.gz"]
    assert flaws(desk.folder) == []
    assert desk.told == []


def test_a_file_can_be_read_while_it_is_being_written(desk: Desk, story: Story):
    desk.take(*story.made[:5])
    desk.until(lambda: desk.folder.exists() and desk.files and len(decisions(desk.folder)) == 5)
    assert [flaw.cut_off for flaw in flaws(desk.folder)] == [True]


def test_each_hour_has_a_file_that_replays_on_its_own_over_midnight_too(desk: Desk, story: Story):
    before_midnight = timedelta(hours=14, minutes=59, seconds=30)
    desk.take(*(later(made, before_midnight) for made in story.made))
    desk.recorder.close()
    assert desk.files == ["garage-20261120T235931.000Z.jsonl.gz", "garage-20261121T000000.000Z.jsonl.gz"]
    first, second = (desk.folder / name for name in desk.files)
    assert len(decisions(first)) + len(decisions(second)) == len(story.made)
    section = entries(second)[0]
    assert isinstance(section, Section)
    assert section.header.memory is not None
    assert section.header.lost == 0


def test_old_recordings_go_and_nothing_else_does(desk: Desk, story: Story):
    desk.folder.mkdir(parents=True)
    old = ["garage-20261118T085959.000Z.jsonl.gz", "garage-20250101T000000.123Z.jsonl.gz"]
    kept = ["garage-20261118T090100.000Z.jsonl.gz", "incident.jsonl.gz", "other-20250101T000000.000Z.jsonl.gz"]
    kept += ["garage-20250101T000000.123Z.jsonl.gz.keep", "garage-20250101.jsonl.gz"]
    for name in (*old, *kept):
        (desk.folder / name).write_text("")
    desk.take(story.made[0])
    desk.recorder.close()
    assert desk.files == sorted([*kept, "garage-20261120T090001.000Z.jsonl.gz"])


def test_a_restart_within_the_same_moment_finds_another_name(desk: Desk, story: Story):
    desk.take(story.made[0])
    desk.recorder.close()
    again = Recorder(desk.folder, site=story.site, keep_days=2, clock=desk.clock, on_event=desk.events.append)
    again.decided(story.made[0].snapshot, None, story.made[0].decision)
    again.close()
    assert len(desk.files) == 2
    assert desk.told == []


class Gate:
    """Holds up every write until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = threading.Event()
        self.waits = False
        flush = RecordingFile.flush

        def slowly(file: RecordingFile) -> None:
            self.waits = True
            self.opened.wait(WITHIN_S)
            self.waits = False
            flush(file)

        monkeypatch.setattr(RecordingFile, "flush", slowly)


def test_a_disk_that_hangs_costs_lines_and_no_time_of_the_loop(
    desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorder, "QUEUE_LIMIT", 10)
    gate = Gate(monkeypatch)
    desk.take(story.made[0])
    desk.until(lambda: gate.waits)
    desk.take(*story.made[1:31])
    assert gate.waits, "nobody else has waited for the disk"
    gate.opened.set()
    desk.until(lambda: desk.told)
    assert desk.told == ["recording goes on; 20 lines were lost"]
    desk.take(*story.made[31:36])
    desk.recorder.close()
    kinds = [entry.header.lost if isinstance(entry, Section) else "d" for entry in entries(desk.folder)]
    assert kinds == [0, *["d"] * 11, 20, *["d"] * 5], "the header after the gap tells how much is missing"
    assert len(desk.events) == 1


@dataclass
class SmallDisk:
    """A disk on which so many bytes find room."""

    room: int

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = Path.open

        def opened(path: Path, mode: str = "r", **options: Any) -> Any:
            file = plain(path, mode, **options)
            if mode != "xb":
                return file
            write = file.write

            def written(data: bytes) -> int:
                if len(data) > self.room:
                    raise OSError(errno.ENOSPC, "No space left on device")
                self.room -= len(data)
                return write(data)

            return Raw(file, written)

        monkeypatch.setattr(Path, "open", opened)


class Raw:
    """A file with another way of writing."""

    def __init__(self, file: Any, write: Callable[[bytes], int]) -> None:
        self._file, self.write = file, write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_a_full_disk_is_told_once_and_recording_goes_on_when_there_is_room(
    desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch
):
    disk = SmallDisk(2500)
    disk.use(monkeypatch)
    for made in story.made[:50]:
        desk.take(made)
        time.sleep(0.002)
    desk.until(lambda: desk.told)
    assert desk.told == ["nothing is recorded: [Errno 28] No space left on device"]
    disk.room = 1 << 30
    desk.take(story.made[50])
    desk.until(lambda: len(desk.told) == 2)
    desk.take(*story.made[51:])
    desk.recorder.close()
    lost = sum(entry.header.lost for entry in entries(desk.folder) if isinstance(entry, Section))
    assert desk.told[1] == f"recording goes on; {lost} lines were lost"
    assert lost > 0
    read = decisions(desk.folder)
    assert read[-1].snapshot == story.made[-1].snapshot
    assert len(read) >= len(story.made) - lost, "what had been flushed before it filled can be read too"
    assert all(flaw.cut_off for flaw in flaws(desk.folder))


def test_the_last_of_the_disk_is_left_to_the_ledger(desk: Desk, story: Story, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 30, 1 << 30, recorder.RESERVE_BYTES - 1))
    desk.take(*story.made[:3])
    desk.until(lambda: desk.told)
    assert desk.told == ["nothing is recorded: [Errno 28] less than 256 MiB are free, and are left to the ledger"]
    assert desk.files == []


def test_a_folder_that_cannot_be_made_disturbs_nobody(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder, "FLUSH_S", 0.02)
    (tmp_path / "file").write_text("")
    events: list[Event] = []

    def failing(event: Event) -> None:
        events.append(event)
        raise RuntimeError("a listener that fails")

    made = Recorder(tmp_path / "file" / "x", site=story.site, keep_days=1, clock=HandClock(), on_event=failing)
    made.decided(story.made[0].snapshot, None, story.made[0].decision)
    made.heard("S0", Direction.IN, HEARTBEAT)
    made.close()
    assert [(event.kind, event.severity.value) for event in events] == [("recording_lost", "warning")]


def test_a_flood_of_large_messages_is_bounded(desk: Desk):
    desk.recorder.heard("S0", Direction.IN, "x" * 500_000)
    desk.recorder.heard("S0", Direction.IN, b"x" * 500_000)
    desk.recorder.close()
    texts = [entry.text for entry in entries(desk.folder) if isinstance(entry, Message)]
    assert texts == ["(longer than 16384)"] * 2


def test_a_clock_that_is_set_back_only_begins_another_file(desk: Desk, story: Story):
    back = timedelta(days=-1)
    desk.take(story.made[0], *(later(made, back) for made in story.made[1:3]))
    desk.recorder.close()
    assert [datetime.strptime(name[7:22], "%Y%m%dT%H%M%S").day for name in desk.files] == [19, 20]  # noqa: DTZ007
    assert len(decisions(desk.folder)) == 3
