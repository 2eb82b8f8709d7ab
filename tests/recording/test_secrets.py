"""No password and no whole token gets into a recording, wherever a message carries it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.recording.secrets import TEXT_MAX, safe_text

SECRET = "S3CRET-04A2B3C4D5E6F7"

CARRIERS = [
    [2, "1", "Authorize", {"idTag": SECRET}],
    [2, "1", "StartTransaction", {"connectorId": 1, "idTag": SECRET, "meterStart": 0}],
    [2, "1", "StopTransaction", {"transactionId": 1, "idTag": SECRET, "transactionData": [{"idTag": SECRET}]}],
    [3, "1", {"idTagInfo": {"status": "Accepted", "parentIdTag": SECRET}}],
    [2, "1", "SendLocalList", {"localAuthorizationList": [{"idTag": SECRET, "idTagInfo": {"parentIdTag": SECRET}}]}],
    [2, "1", "RemoteStartTransaction", {"idTag": SECRET}],
    [2, "1", "Authorize", {"idToken": {"idToken": SECRET, "type": "ISO14443"}}],
    [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}],
    [2, "1", "ChangeConfiguration", {"value": SECRET, "key": "authorizationkey"}],
    [3, "1", {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]}],
    [2, "1", "ChangeConfiguration", {"key": "Vendor_WiFi-Password", "value": SECRET}],
    [2, "1", "ChangeConfiguration", {"key": "SimPin", "value": SECRET}],
    [2, "1", "GetDiagnostics", {"location": f"ftp://user:{SECRET}@192.0.2.1/logs"}],
    [2, "1", "UpdateFirmware", {"location": f"https://{SECRET}@192.0.2.1/firmware"}],
    [2, "1", "DataTransfer", {"vendorId": "x", "data": json.dumps({"idTag": SECRET, "password": SECRET})}],
    [4, "1", "FormationViolation", "", {"cause": f'idTag="{SECRET}"'}],
]


@pytest.mark.parametrize("frame", CARRIERS, ids=lambda frame: json.dumps(frame[2:])[:40])
def test_a_secret_is_not_kept(frame: list[Any]):
    for raw in (json.dumps(frame), json.dumps(frame, indent=2).encode()):
        kept = safe_text(raw)
        assert SECRET not in kept
        assert json.loads(kept)[:2] == frame[:2], "it can still be told which message it was"


others = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(CARRIERS), others, st.sampled_from(["payload", "wrapped", "beside", "cut"]))
@settings(max_examples=200, deadline=None)
def test_whatever_stands_around_it(frame: list[Any], other: Any, how: str):
    around = {
        "payload": [*frame, other],
        "wrapped": [*frame[:-1], {"vendor": [other, frame[-1]]}],
        "beside": [*frame[:-1], {**frame[-1], "extra": other}],
        "cut": frame,
    }[how]
    raw = json.dumps(around)
    assert SECRET not in safe_text(raw[:-1] if how == "cut" else raw)


def test_a_name_that_is_given_twice_hides_nothing():
    assert SECRET not in safe_text(f'[2,"1","Authorize",{{"idTag":"{SECRET}","idTag":null}}]')


def test_the_end_of_a_long_token_stays_to_tell_tokens_apart():
    assert json.loads(safe_text('[2,"1","Authorize",{"idTag":"04A2B3C4"}]'))[3] == {"idTag": "…B3C4"}
    assert json.loads(safe_text('[2,"1","Authorize",{"idTag":"1234"}]'))[3] == {"idTag": "***"}


@pytest.mark.parametrize(
    "frame",
    [
        [
            2,
            "1",
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"sampledValue": [{"value": "16.10", "unit": "A"}]}]},
        ],
        [2, "1", "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "10"}],
        [2, "1", "ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "20"}],
        [2, "1", "StatusNotification", {"info": "Überhitzt", "vendorErrorCode": "\ud800"}],
    ],
)
def test_what_is_no_secret_is_kept_as_it_is(frame: list[Any]):
    kept = safe_text(json.dumps(frame))
    assert json.loads(kept) == frame
    assert kept.isascii(), "no charger's text can spoil a file"


@pytest.mark.parametrize("raw", [b"\xff\xfe", "", "{", "[" * 9000, SECRET, "9" * 5000, "x" * (TEXT_MAX + 1)])
def test_what_cannot_be_searched_is_only_described(raw: str | bytes):
    kept = safe_text(raw)
    assert kept.startswith("(")
    assert SECRET not in kept
    assert len(kept) < 60
