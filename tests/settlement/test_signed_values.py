"""Signed meter values: what holds is told from what was changed, mixed up or cannot be checked."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.billing.signed_values import (
    SIGNATURE_REFUSED,
    SIGNATURE_UNCHECKED,
    SIGNED_DIFFERS,
    verify,
)

METER = ec.generate_private_key(ec.SECP256R1())
KEY = METER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()
OTHER = ec.generate_private_key(ec.SECP256R1()).public_key()
OTHER_KEY = OTHER.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()


def reading(kind: str, value: str, time: str = "2026-10-05T10:00:00,000+0200 S", **more: Any) -> dict[str, Any]:
    fields = {"TM": time, "TX": kind, "RV": "@" + value, "RI": "1-b:1.8.0", "RU": "kWh", "ST": "G"}
    return fields | more


def signed(page: str, *readings: dict[str, Any], **more: Any) -> str:
    payload = {"FV": "1.0", "GI": "Charger", "GS": "17", "PG": page, "MS": "M1", "IS": True, "IT": "ISO14443"}
    payload |= {"ID": "1F2D3A4F", "RD": list(readings)} | more
    text = json.dumps(payload, separators=(",", ":")).replace('"@', "").replace('","RI', ',"RI')
    signature = METER.sign(text.encode(), ec.ECDSA(hashes.SHA256())).hex()
    return f'OCMF|{text}|{{"SD":"{signature}"}}'


BEGIN, END = reading("B", "2935.600"), reading("E", "2942.100", "2026-10-05T12:00:00,000+0200 S")
WHOLE = signed("T1", BEGIN, END)


def test_a_session_in_one_record_holds():
    checked = verify([WHOLE], KEY)
    assert (checked.verdict, checked.reasons, checked.energy_wh) == ("verified", (), Decimal(6500))
    assert checked.values[0].text == WHOLE, "to the letter"
    assert checked.flags(6500) == ()
    assert checked.flags(6400) == (SIGNED_DIFFERS,)


def test_a_session_in_two_records_holds():
    checked = verify([signed("T7", BEGIN), signed("T8", END)], KEY, time_is_billed=True)
    assert (checked.verdict, checked.energy_wh) == ("verified", 6500)
    assert [value.nature for value in checked.values] == ["Start", "End"]


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.encode().hex(),
        json.dumps({"signedMeterData": base64.b64encode(WHOLE.encode()).decode(), "encodingMethod": "OCMF"}),
    ],
)
def test_chargers_pack_the_same_record_in_several_ways(text: str):
    checked = verify([text], KEY)
    assert checked.verdict == "verified"
    assert checked.values[0].text == text


def test_a_digit_that_was_changed_is_found_out():
    checked = verify([WHOLE.replace("2942.100", "2952.100")], KEY)
    assert (checked.verdict, checked.reasons) == ("refused", ("the signature is wrong",))
    assert (checked.energy_wh, checked.flags(6500)) == (None, (SIGNATURE_REFUSED,))


def test_the_key_of_another_meter_does_not_fit():
    assert verify([WHOLE], OTHER_KEY).verdict == "refused"


@pytest.mark.parametrize(
    ("key", "reason"), [("", "no public key is registered"), ("no key", "cannot be checked"), (KEY[:-4], "cannot be")]
)
def test_without_a_key_nothing_is_verified(key: str, reason: str):
    checked = verify([WHOLE], key)
    assert checked.verdict == "unchecked"
    assert reason in checked.reasons[0]
    assert checked.flags(6500) == (SIGNATURE_UNCHECKED,)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([signed("T1", BEGIN)], "the last reading is not that of an end"),
        ([signed("T1", END)], "the first reading is not that of a beginning"),
        ([signed("T1", BEGIN), signed("T3", END)], "do not follow one another"),
        ([signed("T1", BEGIN), signed("F2", END)], "not numbered in one row"),
        ([signed("T1", BEGIN), signed("T2", END, MS="M2")], "of different meters"),
        ([signed("T1", BEGIN, END | {"ST": "M"})], "Meter status"),
        ([signed("T1", BEGIN, END | {"EF": "t"})], "has an error flag"),
        ([signed("T1", END | {"TX": "B"}, BEGIN | {"TX": "E"})], "must be >="),
    ],
)
def test_good_signatures_do_not_make_a_session(records: list[str], reason: str):
    checked = verify(records, KEY)
    assert checked.verdict == "refused"
    assert any(reason in each for each in checked.reasons), checked.reasons


def test_a_clock_that_was_not_set_matters_where_time_is_billed():
    unsure = signed("T1", BEGIN | {"TM": "2026-10-05T10:00:00,000+0200 U"}, END)
    assert verify([unsure], KEY).verdict == "verified"
    assert verify([unsure], KEY, time_is_billed=True).verdict == "refused"


@pytest.mark.parametrize("text", ["", "OCMF|{}|{}", "OCMF|x", "{", '{"signedMeterData": "%"}', "00ff", "\ud800"])
def test_whatever_else_a_charger_sends_is_refused_and_kept(text: str):
    checked = verify([text], KEY)
    assert checked.verdict == "refused"
    assert checked.values[0].text == text


def test_nothing_signed_is_nothing_checked():
    assert verify([], KEY).verdict == "unchecked"
