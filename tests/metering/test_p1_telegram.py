"""What P1 telegrams say, and what of a stream of bytes is a telegram at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.metering.p1_telegram import TELEGRAM_MOST, Cutter, TelegramError, decode
from tests.support.p1 import belgian, dutch, sealed, single_phase


def test_a_dutch_telegram_has_the_direction_of_every_phase():
    sample = decode(dutch()).sample
    assert sample.power_w == (2345.0, -1150.0, 0.0)
    assert sample.voltage_v == (230.0, 230.0, 231.5)
    assert sample.total_w == 1195.0
    reading = sample.reading(datetime(2026, 11, 20, 11, tzinfo=UTC))
    assert reading.current_a == (pytest.approx(10.196, abs=1e-3), -5.0, 2.0)
    assert reading.own is None


def test_a_telegram_tells_its_time_in_winter_and_in_summer():
    assert decode(dutch(second=7)).stamp == datetime(2026, 11, 20, 11, 0, 7, tzinfo=UTC)
    assert decode(belgian()).stamp == datetime(2026, 7, 12, 8, 15, 30, tzinfo=UTC)
    assert decode(sealed("0-0:1.0.0(261320120000W)")).stamp is None, "there is no 13th month"


@pytest.mark.parametrize(
    ("whole", "power", "expected_a"),
    [
        ("010", "02.345", 10.196),  # as its power says
        ("009", "02.280", 9.913),  # decimals were cut off
        ("010", "02.000", 10.0),  # the rest is reactive
        ("000", "00.069", 0.3),
        ("004", "02.345", 4.0),  # they contradict each other, and whoever judges must see it
    ],
)
def test_whole_amperes_are_made_finer_by_the_power(whole: str, power: str, expected_a: float):
    lines = f"1-0:31.7.0({whole}*A)", "1-0:32.7.0(230.0*V)", f"1-0:21.7.0({power}*kW)"
    assert decode(sealed(*lines)).sample.current_a[0] == pytest.approx(expected_a, abs=1e-3)


def test_currents_stand_as_they_are_where_nothing_makes_them_finer():
    assert decode(belgian()).sample.current_a == (10.07, 10.07, 10.07)
    no_voltage = decode(sealed("1-0:31.7.0(010*A)", "1-0:21.7.0(02.345*kW)"))
    assert no_voltage.sample.current_a == (10.0, None, None)


def test_a_belgian_meter_tells_its_running_quarter_and_its_months_peak():
    own = decode(belgian()).sample.own
    assert own is not None
    assert own.average_w == 2351.0
    assert own.month_peak_w == 4329.0, "not that of the months before"
    assert own.month_peak_at == datetime(2026, 7, 1, 0, 0, tzinfo=UTC)


def test_on_one_phase_the_others_carry_nothing():
    sample = decode(single_phase()).sample
    assert sample.current_a == (2.0, 0.0, 0.0)
    assert sample.power_w == (460.0, 0.0, 0.0)


def test_phases_that_a_meter_only_fails_to_list_stay_unknown():
    sample = decode(single_phase(total="03.000")).sample
    assert sample.current_a == (2.0, None, None)


@pytest.mark.parametrize(
    ("telegram", "reason"),
    [
        (dutch(crc="0000"), "checksum is wrong"),
        (dutch().replace(b"02.345", b"09.345"), "checksum is wrong"),
        (dutch(crc=""), "without a checksum"),
        (dutch(crc="XYZ!"), "without a checksum"),
    ],
)
def test_a_broken_telegram_is_refused(telegram: bytes, reason: str):
    with pytest.raises(TelegramError, match=reason):
        decode(telegram)


def test_lines_that_make_no_sense_are_left_out():
    odd = decode(sealed("1-0:32.7.0()", "1-0:31.7.0(ten*A)", "1-0:1.7.0(1e9*kW)", "1-0:1.4.0(00.1*kWh)", "garbage\xff"))
    assert odd.sample.current_a == (None, None, None)
    assert odd.sample.voltage_v == (None, None, None)
    assert odd.sample.total_w is None
    assert odd.sample.own is None


@given(st.lists(st.integers(1, 600), max_size=12), st.binary(max_size=40).filter(lambda b: b"/" not in b))
@settings(max_examples=15)
def test_telegrams_are_found_whatever_pieces_they_come_in(lengths: list[int], noise: bytes):
    whole = [dutch(1), belgian(), dutch(2)]
    stream = noise + whole[0] + whole[1][:300] + whole[1] + whole[2]  # the second one begins twice
    cutter, found, at = Cutter(), [], 0
    for number, length in enumerate([*lengths, len(stream)]):
        found += cutter.feed(stream[at : at + length], float(number))
        at += length
    assert [telegram for telegram, _ in found] == whole


def test_a_telegrams_age_counts_from_its_first_byte():
    cutter, telegram = Cutter(), dutch()
    assert cutter.feed(telegram[:100], 10.0) == []
    assert cutter.feed(telegram[100:-1], 10.1) == []
    assert cutter.feed(telegram[-1:] + telegram, 10.2) == [(telegram, 10.0), (telegram, 10.2)]


def test_a_telegram_without_end_is_forgotten():
    cutter = Cutter()
    assert cutter.feed(b"/" + b"x" * TELEGRAM_MOST, 1.0) == []
    assert cutter.feed(b"!0000\r\n" + dutch(), 2.0) == [(dutch(), 2.0)]
