"""What may be believed of a meter."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.metering.plausibility import Bounds, Judge, Trouble, impossible
from adapters.metering.registers import register_map
from adapters.metering.sample import QUANTITIES, Sample
from tests.support.meters import BEGIN, RECORDED, encoded, recorded

SITE = Bounds(ceiling_a=630.0)


def judge(**options: tuple[int, ...]) -> Judge:
    return Judge(SITE, **options)


def test_an_ordinary_moment_is_believed():
    verdict = judge().verdict(recorded(), 0.0)
    assert verdict.sample == recorded()
    assert verdict.trouble is None


ARRANGEMENTS = list(itertools.product((False, True), (False, True), (1.0, 0.1, 10.0, 0.001, 1000.0)))


@pytest.mark.parametrize(("swap_bytes", "swap_words", "scale"), ARRANGEMENTS)
def test_of_all_byte_orders_word_orders_and_scales_only_the_right_one_is_believed(
    swap_bytes: bool, swap_words: bool, scale: float
):
    meter = register_map("eastron_sdm630")
    registers = encoded(meter, {name: value * scale for name, value in RECORDED.items()})
    if swap_bytes:
        registers = {a: int.from_bytes(word.to_bytes(2, "big"), "little") for a, word in registers.items()}
    if swap_words:
        registers = {address: registers[address ^ 1] for address in registers}
    verdict = judge().verdict(Sample.of(meter.decode(registers)), 0.0)
    right = not swap_bytes and not swap_words and math.isclose(scale, 1.0)
    assert (verdict.sample is not None) == right
    assert (verdict.trouble is Trouble.IMPLAUSIBLE) == (not right)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"l2_a": 700.0}, "L2: 700 A is more than the 630 A", id="beyond the ceiling"),
        pytest.param({"l3_a": -700.0}, "L3: -700 A is more than", id="export beyond the ceiling"),
        pytest.param({"l1_v": 120.0}, "L1: 120 V is outside 172 to 288 V", id="voltage too low"),
        pytest.param({"l1_v": 400.0}, "L1: 400 V is outside", id="line voltage in place of phase voltage"),
        pytest.param({"frequency_hz": 5.0}, "5 Hz is outside 45 to 65 Hz", id="frequency"),
        pytest.param({"l2_pf": 1.5}, "L2: a power factor of 1.5", id="power factor"),
        pytest.param({"l1_w": 8000.0, "total_w": None}, "L1: 8000 W is more than 231.4 V times", id="phase power"),
        pytest.param({"total_w": 25_000.0}, "the phases add up to 11777 W, the total says 25000 W", id="total power"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(change: dict[str, float | None], reason: str):
    verdict = judge().verdict(recorded(**{**RECORDED, **change}), 0.0)
    assert verdict.sample is None
    assert verdict.trouble is Trouble.IMPLAUSIBLE
    assert verdict.reason.startswith(reason)


def test_the_voltage_band_follows_the_nominal_voltage_of_the_site():
    american = recorded(l1_v=120.0, l2_v=121.0, l3_v=119.0, l1_w=2800.0, l2_w=2100.0, l3_w=1100.0)
    assert impossible(american, SITE) is not None
    assert impossible(american, Bounds(630.0, nominal_voltage_v=120.0)) is None


def test_a_meter_that_gives_currents_only_is_judged_by_these():
    only = Sample((10.0, 0.0, 3.0))
    assert judge().verdict(only, 0.0).sample == only


def test_a_gateway_that_fills_in_currents_only_is_believed_and_one_that_answers_zeros_is_not():
    zeros = dict.fromkeys(QUANTITIES, 0.0)
    partly = judge().verdict(Sample.of({**zeros, "l1_a": 12.5, "l2_a": 11.0}), 0.0)
    assert partly.sample is not None
    assert partly.sample.current_a == (12.5, 11.0, 0.0)
    nothing = judge().verdict(Sample.of(zeros), 0.0)
    assert nothing.sample is None
    assert nothing.reason == "no phase has a current"


def test_a_missing_phase_is_lost_alone():
    verdict = judge().verdict(recorded(l2_a=None), 0.0)
    assert verdict.sample is not None
    assert verdict.sample.current_a == (24.31, None, 9.77)
    assert (verdict.trouble, verdict.reason) == (Trouble.PHASE_LOST, "no current on L2")


def test_a_phase_that_is_not_connected_is_unknown_and_not_zero():
    verdict = judge().verdict(recorded(l3_v=0.3, l3_a=0.0, l3_w=0.0), 0.0)
    assert verdict.sample is not None
    assert verdict.sample.current_a[2] is None
    assert verdict.trouble is Trouble.PHASE_LOST


def test_a_phase_that_a_meter_never_had_cannot_be_lost():
    verdict = judge(phases=(0,)).verdict(Sample((7.0, None, None)), 0.0)
    assert verdict.sample is not None
    assert verdict.trouble is None


def test_a_single_spike_is_ignored():
    meter = judge()
    meter.verdict(recorded(), 0.0)
    spike = meter.verdict(recorded(l1_a=243.1), 1.0)
    assert (spike.sample, spike.trouble) == (None, Trouble.IMPLAUSIBLE)
    assert spike.reason.startswith("L1: a jump from 24.31 A to 243.1 A")
    assert meter.verdict(recorded(), 2.0).sample == recorded()


def test_two_spikes_in_a_row_are_believed():
    meter = judge()
    meter.verdict(recorded(), 0.0)
    meter.verdict(recorded(l1_a=243.1), 1.0)
    second = meter.verdict(recorded(l1_a=240.0), 2.0)
    assert second.sample is not None
    assert second.sample.current_a[0] == pytest.approx(240.0)


def test_two_spikes_above_the_ceiling_are_not_believed():
    meter = judge()
    meter.verdict(recorded(), 0.0)
    assert [meter.verdict(recorded(l1_a=900.0), t).sample for t in (1.0, 2.0, 3.0)] == [None, None, None]


def test_a_real_step_of_the_building_passes_at_once():
    meter = judge()
    meter.verdict(recorded(), 0.0)
    assert meter.verdict(recorded(l1_a=24.31 + 63.0), 1.0).sample is not None


def alive(meter: Judge, seconds: int) -> None:
    for second in range(seconds):
        assert meter.verdict(recorded(l1_a=20.0 + second / 100), float(second)).trouble is None


def test_a_meter_that_was_alive_and_repeats_itself_for_long_is_frozen():
    meter = judge()
    alive(meter, 40)
    verdicts = [meter.verdict(recorded(), 40.0 + second) for second in range(40)]
    assert [v.trouble for v in verdicts[:31]] == [None] * 31
    assert [v.trouble for v in verdicts[31:]] == [Trouble.FROZEN] * 9
    assert verdicts[31].sample is None
    assert meter.verdict(recorded(l1_a=21.0), 80.0).trouble is None


def test_a_constant_load_on_a_coarse_meter_is_not_frozen():
    meter = judge()
    for second in range(600):
        whole_amperes = Sample((float(second // 60), 0.0, 1.0))
        assert meter.verdict(whole_amperes, float(second)).trouble is None


def test_the_sign_of_a_current_is_that_of_its_power():
    reading = recorded(l1_w=-5512.0, l2_w=0.0).reading(BEGIN)
    assert reading.current_a == (-24.31, 18.02, 9.77)
    assert reading.voltage_v == (231.4, 229.8, 230.6)
    assert reading.power_w == (-5512.0, 0.0, 2207.0)


def test_a_signed_current_without_power_keeps_its_sign():
    reading = Sample((-3.0, None, 4.0), power_w=(None, 100.0, None)).reading(BEGIN)
    assert reading.current_a == (-3.0, None, 4.0)
    assert reading.power_w is None


numbers = st.one_of(st.none(), st.floats(), st.floats(-1000, 1000))


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(QUANTITIES)), numbers))
def test_whatever_a_meter_says_what_is_believed_is_finite_and_below_the_ceiling(values: dict[str, float | None]):
    verdict = judge().verdict(Sample.of(values), 0.0)
    if verdict.sample is not None:
        reading = verdict.sample.reading(BEGIN)  # refuses what is not finite
        assert all(abs(current_a) <= SITE.ceiling_a for current_a in reading.current_a if current_a is not None)
        assert any(current_a is not None for current_a in reading.current_a)
