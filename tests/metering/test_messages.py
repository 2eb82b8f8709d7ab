"""From MQTT payloads to samples, without a broker."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.json_path import follow, parse_path
from adapters.metering.messages import Collector, PayloadError, Quantity, StaleError, problems
from adapters.metering.sample import Sample
from controller.snapshot import MeterOwn
from tests.support.meters import HandClock

ONE_TOPIC = {f"l{n}_a": Quantity("meters/grid", f"phases[{n - 1}].a") for n in (1, 2, 3)}
THREE_TOPICS = {f"l{n}_a": Quantity(f"grid/l{n}") for n in (1, 2, 3)}


class Desk:
    """Where messages are handed in, at a time that only moves when told to."""

    def __init__(self, quantities: dict[str, Quantity], timestamp_path: str | None = None) -> None:
        self.clock = HandClock()
        self._collector = Collector(quantities, timestamp_path, max_age_s=3.0)

    def hand_in(self, topic: str, payload: Any, retained: bool = False) -> tuple[Sample, float] | None:
        octets = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        now, monotonic_s = self.clock.now(), self.clock.monotonic_s()
        return self._collector.add(topic, octets, retained=retained, now=now, monotonic_s=monotonic_s)

    def stamp(self, age_s: float) -> str:
        return (self.clock.now() - timedelta(seconds=age_s)).isoformat()

    def age_s(self, complete: tuple[Sample, float] | None) -> float:
        assert complete is not None
        return self.clock.monotonic_s() - complete[1]


def phases(*currents: Any, **more: Any) -> dict[str, Any]:
    return {"phases": [{"a": current_a} for current_a in currents], **more}


def test_one_message_with_everything_is_a_sample():
    desk = Desk(ONE_TOPIC)
    complete = desk.hand_in("meters/grid", phases(1.5, "2.5", 3))
    assert complete is not None
    assert complete[0].current_a == (1.5, 2.5, 3.0)
    assert desk.age_s(complete) == 0


def test_plain_numbers_on_three_topics_are_a_sample_when_all_have_come():
    desk = Desk(THREE_TOPICS)
    assert desk.hand_in("grid/l1", b"1.5") is None
    desk.clock.elapsed_s = 0.2
    assert desk.hand_in("grid/l3", b" 3.5 ") is None
    desk.clock.elapsed_s = 0.4
    complete = desk.hand_in("grid/l2", b"-2.5")
    assert complete is not None
    assert complete[0].current_a == (1.5, -2.5, 3.5)
    assert desk.age_s(complete) == pytest.approx(0.4), "a sample is as old as its oldest part"


def test_a_topic_that_falls_silent_is_missing_and_does_not_hold_up_the_others():
    desk = Desk(THREE_TOPICS)
    for n in (1, 2, 3):
        complete = desk.hand_in(f"grid/l{n}", b"10")
    assert complete is not None
    seen = []
    for second in range(1, 7):
        desk.clock.elapsed_s = second
        for n in (1, 2):
            complete = desk.hand_in(f"grid/l{n}", str(10 + second).encode())
            if complete is not None:
                seen.append((second, complete[0].current_a, desk.age_s(complete)))
    assert seen[-1] == (6, (16.0, 16.0, None), 0.0)
    assert all(age_s <= 3.0 for _, _, age_s in seen)


def test_a_topic_that_never_speaks_leaves_its_phase_unknown():
    desk = Desk(THREE_TOPICS)
    assert desk.hand_in("grid/l1", b"10") is None
    assert desk.hand_in("grid/l2", b"10") is None
    complete = desk.hand_in("grid/l1", b"11")
    assert complete is not None
    assert complete[0].current_a == (11.0, 10.0, None)


def test_a_voltage_that_comes_seldom_makes_no_reading_old():
    desk = Desk({**ONE_TOPIC, "l1_v": Quantity("grid/voltage")})
    desk.hand_in("grid/voltage", b"230")
    desk.clock.elapsed_s = 2.5
    complete = desk.hand_in("meters/grid", phases(1, 2, 3))
    assert complete is not None
    assert complete[0].voltage_v[0] == 230.0
    assert desk.age_s(complete) == 0


def test_voltages_alone_are_no_sample():
    desk = Desk({**ONE_TOPIC, "l1_v": Quantity("grid/voltage")})
    assert [desk.hand_in("grid/voltage", b"230") for _ in range(3)] == [None, None, None]


def test_null_nan_and_absence_are_a_missing_value():
    desk = Desk(ONE_TOPIC)
    complete = desk.hand_in("meters/grid", b'{"phases": [{"a": 7}, {"a": null}]}')
    assert complete is not None
    assert complete[0].current_a == (7.0, None, None)
    complete = desk.hand_in("meters/grid", b'{"phases": [{"a": NaN}, {"a": 1e999}, {"a": 8}]}')
    assert complete is not None
    assert complete[0].current_a == (None, None, 8.0)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"", "not a number or a JSON document", id="empty"),
        pytest.param(b"{", "not a number or a JSON document", id="torn"),
        pytest.param(b"\xff\xfe\xfd", "not a number or a JSON document", id="no text"),
        pytest.param(b"[" * 60_000, "not a number or a JSON document", id="deep"),
        pytest.param(b"1" * 5000, "not a number or a JSON document", id="endless number"),
        pytest.param(b" " * 70_000, "a message of 70000 bytes", id="huge"),
        pytest.param(b'{"other": 1}', "none of l1_a, l2_a, l3_a is in the message", id="another document"),
        pytest.param(b"12.5", "none of l1_a, l2_a, l3_a is in the message", id="plain number"),
        pytest.param(b'{"phases": [{"a": "much"}, {"a": 2}, {"a": 3}]}', "'much' is not a number", id="word"),
        pytest.param(b'{"phases": [{"a": {}}, {"a": 2}, {"a": 3}]}', "{} is not a number", id="object"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_the_reason(payload: bytes, reason: str):
    with pytest.raises(PayloadError, match=reason.replace("{}", r"\{\}")):
        Desk(ONE_TOPIC).hand_in("meters/grid", payload)


@pytest.mark.parametrize("form", ["iso", "iso without zone", "seconds", "milliseconds", "text"])
def test_a_message_is_as_old_as_its_own_time_says(form: str):
    desk = Desk(ONE_TOPIC, timestamp_path="time")
    at = desk.clock.now() - timedelta(seconds=1.25)
    stamps: dict[str, Any] = {
        "iso": at.isoformat().replace("+00:00", "Z"),
        "iso without zone": at.replace(tzinfo=None).isoformat(),
        "seconds": at.timestamp(),
        "milliseconds": round(at.timestamp() * 1000),
        "text": str(at.timestamp()),
    }
    complete = desk.hand_in("meters/grid", phases(1, 2, 3, time=stamps[form]), retained=True)
    assert desk.age_s(complete) == pytest.approx(1.25, abs=1e-3)


def test_a_retained_message_without_a_time_of_its_own_is_ignored():
    desk = Desk(ONE_TOPIC)
    assert desk.hand_in("meters/grid", phases(1, 2, 3), retained=True) is None
    assert desk.hand_in("meters/grid", phases(1, 2, 3)) is not None


def test_an_old_message_never_looks_fresh():
    desk = Desk(ONE_TOPIC, timestamp_path="time")
    with pytest.raises(StaleError, match=r"its newest message is 3\.1 s old"):
        desk.hand_in("meters/grid", phases(1, 2, 3, time=desk.stamp(3.1)), retained=True)


def test_a_time_a_little_in_the_future_is_now_and_further_on_it_is_refused():
    desk = Desk(ONE_TOPIC, timestamp_path="time")
    assert desk.age_s(desk.hand_in("meters/grid", phases(1, 2, 3, time=desk.stamp(-1.5)))) == 0
    with pytest.raises(PayloadError, match=r"its time is 2\.5 s in the future"):
        desk.hand_in("meters/grid", phases(1, 2, 3, time=desk.stamp(-2.5)))


@pytest.mark.parametrize("stamp", [None, "yesterday", "", [], 1e30, "1e400", -1e300])
def test_a_time_that_is_none_is_refused(stamp: Any):
    desk = Desk(ONE_TOPIC, timestamp_path="time")
    with pytest.raises(PayloadError, match="is not a time"):
        desk.hand_in("meters/grid", phases(1, 2, 3, time=stamp))


def test_all_mistakes_in_the_quantities_are_found():
    quantities = {
        "l1_w": Quantity("grid/+", "a..b"),
        "l9_a": Quantity("", ""),
    }
    places = [place for place, _ in problems(quantities, "time[")]
    assert places == [
        "quantities",
        "quantities.l1_w.topic",
        "quantities.l1_w.path",
        "quantities.l9_a",
        "quantities.l9_a.topic",
        "quantities.l9_a.path",
        "timestamp_path",
    ]
    assert problems(ONE_TOPIC, "time") == []
    assert problems(THREE_TOPICS, None) == []


@pytest.mark.parametrize("text", [".a", "a.", "a..b", "a[", "a[x]", "[-1]", "a]b", "[0]a"])
def test_what_is_no_path_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a path"):
        parse_path(text)


def test_a_path_leads_to_a_place_or_nowhere():
    document = {"data": {"l1": [{"a": 4.5}]}}
    assert follow(document, parse_path("data.l1[0].a")) == 4.5
    for elsewhere in ("data.l2", "data.l1[1]", "data[0]", "data.l1.a", "data.l1[0].a.b"):
        with pytest.raises(LookupError):
            follow(document, parse_path(elsewhere))


def test_the_meters_own_demand_is_told_once():
    own = {"demand_w": Quantity("meters/demand", "w"), "month_peak_w": Quantity("meters/demand", "peak_w")}
    desk = Desk(ONE_TOPIC | own)
    assert desk.hand_in("meters/demand", {"w": 2351, "peak_w": 4329}) is None
    told = desk.hand_in("meters/grid", phases(1, 2, 3))
    assert told is not None
    assert told[0].own == MeterOwn(2351.0, 4329.0)
    desk.clock.elapsed_s = 1.0
    desk.hand_in("meters/grid", phases(1, 2, 3))
    again = desk.hand_in("meters/grid", phases(1, 2, 3))
    assert again is not None
    assert again[0].own is None, "by now more has flowed"
