"""What is recorded is read back as it was, to the last digit, and replays on its own."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.document_models import PlanDocument, SnapshotDocument
from adapters.documents import plan_document, plan_of, snapshot_document, snapshot_of
from adapters.origin import origin
from adapters.recording import Message, Recorded, RecordingFile, Section
from adapters.recording.memory import ForeignMemoryError, memory_document, memory_of
from adapters.reference import schemas
from controller.engine import decide
from controller.plan import Event, Plan, Setpoint, Severity
from controller.ports.devices import Direction
from controller.snapshot import ExternalLimit, MeterOwn, PointState, Reading, Snapshot, State
from tests.support.closed_loop import START
from tests.support.recordings import Story, decisions, entries, eventful, flaws

AMPERES = st.floats(-1e6, 1e6, allow_nan=False)
NOT_NEGATIVE = st.floats(0, 1e6, allow_nan=False)
PHASES = st.tuples(AMPERES, AMPERES, AMPERES)
MOMENTS = st.timedeltas(timedelta(-10_000), timedelta(10_000)).map(lambda passed: START + passed)


@pytest.fixture(scope="module")
def story() -> Story:
    return eventful()


@given(
    st.builds(
        Snapshot,
        at=MOMENTS,
        monotonic_s=st.floats(0, 1e9, allow_nan=False),
        meters=st.dictionaries(
            st.sampled_from(["grid", "pv"]),
            st.builds(
                Reading,
                current_a=st.tuples(AMPERES | st.none(), AMPERES | st.none(), AMPERES | st.none()),
                measured_at=MOMENTS,
                voltage_v=st.tuples(NOT_NEGATIVE, NOT_NEGATIVE, NOT_NEGATIVE) | st.none(),
                power_w=PHASES | st.none(),
                own=st.builds(MeterOwn, AMPERES, AMPERES | st.none(), MOMENTS | st.none()) | st.none(),
            ),
        ),
        limits=st.lists(st.builds(ExternalLimit, st.just("main"), NOT_NEGATIVE, st.text(min_size=1))).map(tuple),
        points=st.dictionaries(
            st.text(),
            st.builds(
                PointState,
                state=st.sampled_from(State),
                measured_a=PHASES | st.none(),
                measured_at=MOMENTS | st.none(),
                commanded_a=NOT_NEGATIVE | st.none(),
                obeys=st.booleans(),
                max_a=NOT_NEGATIVE | st.none(),
                energy_needed_wh=st.integers(0, 10**6) | st.none(),
                departs_at=MOMENTS | st.none(),
                priority=st.integers(-1000, 1000) | st.none(),
                weight=st.floats(1e-6, 1e6) | st.none(),
                unserved_s=NOT_NEGATIVE,
                delivered_wh=st.integers(0, 10**6),
            ),
        ),
    )
)
@settings(max_examples=80, deadline=None)
def test_any_snapshot_is_read_back_as_it_was(snapshot: Snapshot):
    text = json.dumps(snapshot_document(snapshot))
    assert snapshot_of(SnapshotDocument.model_validate_json(text)) == snapshot


@given(st.floats(0, 1e3, allow_nan=False), st.text(), st.sampled_from(Severity), MOMENTS | st.none())
@settings(max_examples=80, deadline=None)
def test_any_plan_is_read_back_as_it_was(limit_a: float, text: str, severity: Severity, at: object):
    plan = Plan(START, {"P1": Setpoint(limit_a, text, START)}, (Event(text, text, text, severity, at),))  # type: ignore[arg-type]
    assert plan_of(PlanDocument.model_validate_json(json.dumps(plan_document(plan, exact=True)))) == plan


def test_a_recording_holds_every_decision_with_what_it_saw(story: Story, tmp_path: Path):
    path = story.record(tmp_path / "a.jsonl.gz")
    section, *rest = entries(path)
    assert isinstance(section, Section)
    assert (section.site.circuits, section.site.points, section.site.control) == (
        story.site.circuits,
        story.site.points,
        story.site.control,
    )
    assert section.header.memory is None, "it began with the controller"
    assert section.header.controller == origin().controller
    assert len(rest) == len(story.made)
    for number, (entry, made) in enumerate(zip(rest, story.made, strict=True)):
        assert isinstance(entry, Recorded)
        assert entry.snapshot == made.snapshot
        assert entry.plan == made.decision.plan
        assert entry.fresh == (number == 0)


def test_the_same_calls_leave_the_same_bytes(story: Story, tmp_path: Path):
    one, other = story.record(tmp_path / "a.jsonl.gz"), story.record(tmp_path / "b.jsonl.gz")
    assert one.read_bytes() == other.read_bytes()


def test_every_line_fits_the_published_schema(story: Story, tmp_path: Path):
    with RecordingFile(tmp_path / "a.jsonl.gz", story.site) as file:
        for made in story.made[30:32]:
            file.decided(made.snapshot, made.memory, made.decision)
        file.decided(story.made[32].snapshot, story.made[32].memory, None)
        file.message(START, "S1", Direction.IN, '[2,"1","Heartbeat",{}]')
    schema = jsonschema.Draft202012Validator(json.loads(schemas()["recording.schema.json"]))
    lines = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).splitlines()
    assert len(lines) == 5
    for line in lines:
        schema.validate(json.loads(line))


def test_a_recording_that_begins_in_the_middle_replays_on_its_own(story: Story, tmp_path: Path):
    path = story.record(tmp_path / "a.jsonl.gz", story.made[35:])
    section, *rest = entries(path)
    assert isinstance(section, Section)
    assert section.header.memory is not None
    memory = memory_of(section.header.memory, story.made[0].decision.memory)
    for entry, made in zip(rest, story.made[35:], strict=True):
        assert isinstance(entry, Recorded)
        decision = decide(section.site, memory, entry.snapshot)
        assert decision.plan == made.decision.plan
        memory = decision.memory


def test_after_a_gap_the_memory_is_written_anew(story: Story, tmp_path: Path):
    path = story.record(tmp_path / "a.jsonl.gz", [*story.made[:10], *story.made[20:]])
    kinds = [type(entry) for entry in entries(path)]
    assert kinds == [Section, *[Recorded] * 10, Section, *[Recorded] * 40]


def test_a_decision_that_failed_is_kept_with_what_it_saw(story: Story, tmp_path: Path):
    one, two, three = story.made[:3]
    path = tmp_path / "a.jsonl.gz"
    with RecordingFile(path, story.site) as file:
        file.decided(one.snapshot, None, one.decision)
        file.decided(two.snapshot, two.memory, None)
        file.decided(three.snapshot, None, three.decision)
    before, failed, after = decisions(path)
    assert (before.plan is None, failed.plan is None, after.plan is None) == (False, True, False)
    assert failed.snapshot == two.snapshot
    assert after.fresh, "after a failure the controller begins anew"


def test_messages_stand_where_they_came(story: Story, tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    with RecordingFile(path, story.site) as file:
        file.message(START, "S0", Direction.IN, '[2,"1","Heartbeat",{}]')
        file.decided(story.made[0].snapshot, None, story.made[0].decision)
        file.message(START, "S0", Direction.OUT, b'[3,"1",{"currentTime":"2026-11-20T09:00:00Z"}]')
    found = entries(path)
    assert [type(entry) for entry in found] == [Section, Message, Recorded, Message]
    assert [(m.station, m.direction, m.text) for m in found if isinstance(m, Message)] == [
        ("S0", "in", '[2,"1","Heartbeat",{}]'),
        ("S0", "out", '[3,"1",{"currentTime":"2026-11-20T09:00:00Z"}]'),
    ]


def test_a_crash_leaves_everything_up_to_the_last_flush(story: Story, tmp_path: Path):
    path = tmp_path / "a.jsonl.gz"
    with RecordingFile(path, story.site) as file:
        for made in story.made[:20]:
            file.decided(made.snapshot, made.memory, made.decision)
        file.flush()
        flushed = path.stat().st_size
        for made in story.made[20:]:
            file.decided(made.snapshot, made.memory, made.decision)
    whole = path.read_bytes()
    for size in (flushed, flushed + 1, flushed + 200, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert [d.snapshot for d in decisions(path)][:20] == [made.snapshot for made in story.made[:20]]
        (flaw,) = flaws(path)
        assert flaw.cut_off
        assert "without having been closed" in flaw.what
    path.write_bytes(whole[:5])
    assert [flaw.cut_off for flaw in flaws(path)] == [True]


def test_a_file_that_is_there_is_never_written_over(story: Story, tmp_path: Path):
    story.record(tmp_path / "a.jsonl.gz")
    with pytest.raises(FileExistsError):
        RecordingFile(tmp_path / "a.jsonl.gz", story.site)


def test_a_memory_is_read_back_to_the_last_bit(story: Story):
    like = story.made[0].decision.memory
    for made in (story.made[0], story.made[30], story.made[-1]):
        document = memory_document(made.decision.memory)
        again = memory_of(json.loads(json.dumps(document, allow_nan=False)), like)
        assert memory_document(again) == document
        assert again.sight.low_a.dtype == made.decision.memory.sight.low_a.dtype
        assert np.array_equal(again.pulse.limit_a, made.decision.memory.pulse.limit_a, equal_nan=True)


def test_a_memory_of_another_kind_is_told_apart(story: Story):
    like = story.made[0].decision.memory
    document = memory_document(like)
    wrong = {
        "sight": {**document, "sight": {}},
        "good_readings": {name: value for name, value in document.items() if name != "good_readings"},
        "overloaded": {**document, "overloaded": {"dtype": "bool", "shape": [7], "values": [True] * 7}},
        "admitted_since_s": {**document, "admitted_since_s": {**document["admitted_since_s"], "values": ["x"]}},
    }
    for place, one in wrong.items():
        with pytest.raises(ForeignMemoryError, match=place):
            memory_of(one, like)
    larger = decide(eventful(4).site, None, replace(story.made[0].snapshot, points={})).memory
    with pytest.raises(ForeignMemoryError, match="shape"):
        memory_of(document, larger)
