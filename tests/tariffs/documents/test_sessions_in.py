"""Sessions to be priced, in segments or in readings, with all that clocks and meters get wrong."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.json_text import DocumentError
from adapters.rating_documents.session_reading import SessionRead, read_session
from controller.tariffs.session_facts import SessionFacts

CHARGING = {"kind": "charging", "start": "2026-01-07T10:00:00", "end": "2026-01-07T11:00:00", "kwh": "20.000"}
IDLE = {"kind": "idle", "start": "2026-01-07T11:00:00", "end": "2026-01-07T11:40:00"}


def read(**contents: Any) -> SessionRead:
    return read_session(json.dumps({"id": "S1", "time_zone": "Europe/Amsterdam", **contents}).encode())


def refused(**contents: Any) -> list[str]:
    with pytest.raises(DocumentError) as error:
        read(**contents)
    return error.value.problems


def spans(facts: SessionFacts) -> list[tuple[str, str, str]]:
    return [(one.activity.value, f"{one.starts_at:%H:%M}", f"{one.ends_at:%H:%M}") for one in facts.stretches]


def meter(facts: SessionFacts) -> list[tuple[str, str]]:
    return [(f"{one.at:%H:%M}", str(one.energy_kwh)) for one in facts.meter]


def test_segments_are_local_to_their_time_zone_and_keep_their_decimals():
    found = read(segments=[{**CHARGING, "power_kw": "20", "current_a": 29}, IDLE], token="04A2", point="P01")
    assert spans(found.facts) == [("charging", "09:00", "10:00"), ("idle", "10:00", "10:40")]
    assert meter(found.facts) == [("09:00", "0"), ("10:00", "20.000"), ("10:40", "20.000")]
    assert (found.facts.token, found.facts.point, found.facts.flags) == ("04A2", "P01", ())
    assert (found.facts.stretches[0].power_kw, found.facts.stretches[0].current_a) == (Decimal(20), Decimal(29))


def test_a_time_with_an_offset_is_what_it_says():
    found = read(segments=[{**CHARGING, "start": "2026-01-07T10:00:00Z", "end": "2026-01-07T13:00:00+02:00"}])
    assert spans(found.facts) == [("charging", "10:00", "11:00")]


def test_a_time_that_no_segment_tells_of_is_billed_to_nobody():
    found = read(segments=[CHARGING, {**IDLE, "start": "2026-01-07T11:10:00"}])
    assert spans(found.facts)[1] == ("withheld", "10:00", "10:10")
    assert found.facts.flags == ("gap_between_segments",)


def test_the_hour_that_the_clock_shows_twice():
    first = {**CHARGING, "start": "2026-10-25T02:15:00", "end": "2026-10-25T02:45:00"}
    second = {**IDLE, "start": "2026-10-25T02:15:00", "end": "2026-10-25T03:00:00"}
    found = read(segments=[first, second]).facts
    assert spans(found)[0] == ("charging", "00:15", "00:45")
    assert spans(found)[-1] == ("idle", "01:15", "02:00")
    assert found.flags == ("gap_between_segments", "ambiguous_local_time")


def test_the_hour_that_the_clock_skips():
    found = read(segments=[{**CHARGING, "start": "2026-03-29T02:30:00", "end": "2026-03-29T04:00:00"}])
    assert spans(found.facts) == [("charging", "01:30", "02:00")]
    assert found.facts.flags == ("skipped_local_time",)


def test_every_problem_of_a_session_is_told_at_once():
    assert refused(
        time_zone="Mars/Olympus", segments=[{**CHARGING, "kwh": "-1", "curent_a": 3}, {**IDLE, "kind": "x"}]
    ) == [
        "time_zone: expected the name of a time zone, such as \"Europe/Amsterdam\", found 'Mars/Olympus'",
        "segments[0].kwh: expected at least 0, found -1",
        "segments[0].curent_a: unknown key; did you mean 'current_a'?",
        "segments[1].kind: expected 'charging', 'idle', 'withheld', 'reservation' or 'reservation_expired', found 'x'",
    ]
    backwards = {**CHARGING, "start": "2026-01-07T10:50:00", "end": "2026-01-07T10:10:00", "kwh": None}
    assert refused(segments=[CHARGING, backwards]) == [
        "segments[1].start: expected a time not before the end of the segment above, 2026-01-07T10:00:00Z",
        "segments[1].end: expected a time after start, 2026-01-07T09:50:00Z, found 2026-01-07T09:10:00Z",
        "segments[1].kwh: is missing",
    ]


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        ({}, "expected either segments or readings, found neither"),
        (
            {"segments": [CHARGING], "readings": [{"at": "2026-01-07T10:00:00"}] * 2},
            "expected either segments or readings, found both",
        ),
        ({"segments": []}, "segments: expected at least 1 values, found a list of 0"),
        ({"readings": [{"at": "2026-01-07T10:00:00"}]}, "readings: expected at least 2 values, found a list of 1"),
    ],
)
def test_a_session_is_told_in_one_way(contents: dict[str, Any], problem: str):
    assert refused(**contents) == [problem]


def reading(at: str, register_wh: int | None = None, state: str | None = None) -> dict[str, Any]:
    return {"at": f"2026-01-07T{at}:00Z", "register_wh": register_wh, "state": state}


def test_readings_say_what_holds_from_then_on():
    given = [
        reading("09:00", 1_000, "plugged"),
        reading("09:05", 1_000, "charging"),
        reading("09:35", 6_000),
        reading("10:00", 9_500, "withheld"),
        reading("10:10", 9_500, "ev_idle"),
        reading("10:30", 9_500, "finishing"),
    ]
    found = read(readings=given).facts
    assert spans(found) == [
        ("idle", "09:00", "09:05"),
        ("charging", "09:05", "10:00"),
        ("withheld", "10:00", "10:10"),
        ("idle", "10:10", "10:30"),
    ]
    assert meter(found)[1:3] == [("09:05", "0.000"), ("09:35", "5.000")]
    assert found.flags == ()


def test_what_is_doubtful_is_flagged_and_has_a_price_all_the_same():
    given = [
        reading("09:00", state="charging"),
        reading("09:10", 1_000),
        reading("09:30", 400),
        reading("09:20", 3_000, "offline"),
        reading("09:40", 9_999_999),
        reading("09:50", 4_000),
        reading("10:00"),
    ]
    found = read(readings=given, flags=["clock_uncertain"]).facts
    assert meter(found) == [("09:10", "0.000"), ("09:20", "2.000"), ("09:50", "3.000")]
    assert found.flags == (
        "clock_uncertain",
        "readings_out_of_order",
        "offline",
        "start_register_missing",
        "end_register_missing",
        "decreasing_register",
    )


def test_a_session_without_a_register_or_a_duration_is_one_all_the_same():
    assert meter(read(readings=[reading("09:00"), reading("10:00")]).facts) == []
    found = read(readings=[reading("09:00", 10), reading("09:00", 10)]).facts
    assert (found.starts_at, found.ends_at) == (datetime(2026, 1, 7, 9, tzinfo=UTC),) * 2


def test_a_meter_that_was_replaced_leaves_the_energy_unknown():
    found = read(readings=[reading("09:00", 900), reading("09:30", 950), reading("10:00", 10)]).facts
    assert meter(found) == [("09:00", "0.000"), ("10:00", "-0.890")]
    assert found.flags == ("decreasing_register",)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 23 * 60),
            st.none() | st.integers(0, 10_000),
            st.sampled_from([None, "charging", "idle", "withheld", "plugged", "offline", "reservation"]),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_no_row_of_readings_breaks_the_row_of_stretches(rows: list[tuple[int, int | None, str | None]]):
    found = read(readings=[reading(f"{m // 60:02}:{m % 60:02}", wh, state) for m, wh, state in rows]).facts
    ends = [one.ends_at for one in found.stretches]
    assert [one.starts_at for one in found.stretches[1:]] == ends[:-1]
    energies = [one.energy_kwh for one in found.meter]
    assert energies == sorted(energies) or (len(energies) == 2 and "decreasing_register" in found.flags)
    assert [one.at for one in found.meter] == sorted({one.at for one in found.meter})
