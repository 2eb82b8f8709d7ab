"""Whatever comes over the wire: an answer, an error, silence or a close; never another exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ocpp.wire import MAX_FRAME_BYTES, Answers, Frame, Kind, Refused, read_frame

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
almost_frames = st.tuples(
    st.sampled_from([2, 3, 4, 2.0, True, 9, -1, "2", None]) | json_values,
    st.sampled_from(["1", "", "x" * 36, "x" * 200]) | json_values,
    st.sampled_from(["Heartbeat", "StartTransaction"]) | json_values,
    json_values,
    json_values,
)


def check(raw: str | bytes) -> None:
    found = read_frame(raw)
    if isinstance(found, Refused):
        assert found.reason
        if found.answer is not None:
            answer = json.loads(found.answer)
            assert answer[0] == 4
            assert answer[1] == json.loads(raw)[1]
    else:
        assert json.loads(found.text)[0] == found.kind
        assert json.loads(found.text)[1] == found.message_id


@given(st.text(max_size=200) | st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_and_any_bytes_are_judged(raw: str | bytes):
    check(raw)


@given(almost_frames, st.integers(0, 5))
@settings(max_examples=600, deadline=None)
def test_anything_that_looks_like_a_frame_is_judged(frame: tuple[object, ...], length: int):
    check(json.dumps(frame[:length]))


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_a_frame_that_passes_holds_only_what_a_database_takes(payload: object):
    found = read_frame(json.dumps([2, "1", "DataTransfer", {"data": payload}]))
    if isinstance(found, Frame):
        content = json.loads(found.text, parse_constant=pytest.fail)
        json.dumps(content, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("9" * 100_000, "not JSON"),
        ('[2,"1","Heartbeat",{"x":NaN}]', "not JSON"),
        ("x" * (MAX_FRAME_BYTES + 1), "larger than any OCPP message"),
        ('{"a":1}', "not an OCPP frame"),
        ('[2,"1"]', "not an OCPP frame"),
        ('[9,"1",{}]', "unknown message type"),
        ('[true,"1",{},{}]', "unknown message type"),
        ('[2,7,"Heartbeat",{}]', "unusable message id"),
        ('[2,["1"],"Heartbeat",{}]', "unusable message id"),
        (json.dumps([2, "x" * 65, "Heartbeat", {}]), "unusable message id"),
        ('[2,"\\ud800","Heartbeat",{}]', "unusable message id"),
        ('[3,"1",[]]', "a malformed answer"),
        ('[4,"1",5]', "a malformed answer"),
    ],
)
def test_what_nobody_can_answer_is_dropped(raw: str | bytes, reason: str):
    assert read_frame(raw) == Refused(reason)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('[2,"1",{"a":1},{}]', "FormationViolation"),
        ('[2,"1","Heartbeat"]', "FormationViolation"),
        ('[2,"1","Heartbeat",{},{}]', "FormationViolation"),
        ('[2,"1","Heartbeat",[]]', "FormationViolation"),
        ('[2,"1","Heartbeat",{"x":1e999}]', "PropertyConstraintViolation"),
        ('[2,"1","Heartbeat",{"x":-1e999}]', "PropertyConstraintViolation"),
        ('[2,"1","Heartbeat",{"x":' + "9" * 30 + "}]", "PropertyConstraintViolation"),
        ('[2,"1","Heartbeat",{"x":' + "[" * 50 + "]" * 50 + "}]", "PropertyConstraintViolation"),
        ('[2,"1","Heartbeat",{"x":"\\u0000"}]', "PropertyConstraintViolation"),
        ('[2,"1","Heartbeat",{"\\udfff":1}]', "PropertyConstraintViolation"),
    ],
)
def test_a_call_with_an_id_gets_an_error_that_repeats_nothing_of_it(raw: str, code: str):
    found = read_frame(raw)
    assert isinstance(found, Refused)
    assert found.answer is not None
    kind, message_id, found_code, _description, details = json.loads(found.answer)
    assert (kind, message_id, found_code, details) == (4, "1", code, {})


@pytest.mark.parametrize("left_out", ["", '"y":"\\u00e9",', '"y":"é",'])
@pytest.mark.parametrize(
    ("value", "sound"),
    [
        ("999999999999999999", True),
        ("9223372036854775807", True),
        ("9223372036854775808", False),
        ("-9223372036854775807", True),
        ("1e308", True),
        ("1e309", False),
        ("[" * 15 + "1" + "]" * 15, False),
        ("[" * 14 + "1" + "]" * 14, True),
        ("[" * 15 + "]" * 15, True),
        ("[" * 16 + "]" * 16, False),
        (json.dumps([{"a": [1]}] * 20), True),
    ],
)
def test_a_frame_is_judged_alike_whether_it_has_to_be_looked_through_or_not(left_out: str, value: str, sound: bool):
    raw = f'[2,"1","DataTransfer",{{{left_out}"x":{value}}}]'
    found = read_frame(raw)
    assert isinstance(found, Frame) is sound
    if isinstance(found, Frame):
        assert found.text == raw
        assert found.payload == json.loads(raw)[3]


def test_chargers_that_leave_out_what_is_empty_are_understood():
    assert json.loads(read_frame('[2,"1","Heartbeat",null]').text) == [2, "1", "Heartbeat", {}]  # type: ignore[union-attr]
    assert json.loads(read_frame('[3,"1",null]').text) == [3, "1", {}]  # type: ignore[union-attr]
    assert json.loads(read_frame('[4,"1","GenericError"]').text) == [4, "1", "GenericError", "", {}]  # type: ignore[union-attr]


def frame(message_id: str, payload: str) -> Frame:
    found = read_frame(f'[2,"{message_id}","DataTransfer",{payload}]')
    assert isinstance(found, Frame)
    assert found.kind is Kind.CALL
    return found


def test_a_repeated_call_is_known_by_its_content_not_by_its_spacing():
    answers = Answers()
    answers.keep(frame("1", '{"a":1,"b":2}'), "stored")
    assert answers.repeated(frame("1", '{ "b": 2, "a": 1 }')) == "stored"
    assert answers.repeated(frame("2", '{"a":1,"b":2}')) is None
    assert isinstance(answers.repeated(frame("1", '{"a":2,"b":2}')), Refused)


def test_the_memory_of_answers_is_bounded():
    answers = Answers()
    for number in range(1000):
        answers.keep(frame(str(number), "{}"), "stored")
    known = [number for number in range(1000) if answers.repeated(frame(str(number), "{}"))]
    assert known == list(range(968, 1000))
