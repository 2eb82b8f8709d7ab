"""Every register map decodes what its meter sends, and a wrong map is refused with all that is wrong with it."""

from __future__ import annotations

import math

import pytest

from adapters.metering.registers import (
    MAX_REGISTERS,
    Block,
    MapError,
    UnknownModelError,
    models,
    parse,
    register_map,
)
from adapters.metering.sample import Sample
from tests.support.meters import RECORDED, encoded

SOUND = """
name = "A meter"
function = "input"
[quantities]
l1_a = { address = 0, type = "float32" }
l2_a = { address = 2, type = "float32" }
l3_a = { address = 4, type = "float32" }
"""


def test_the_known_meters_are_listed():
    assert models() == [
        "abb_ab",
        "carlo_gavazzi_em24",
        "carlo_gavazzi_em24_e1",
        "eastron_sdm630",
        "janitza_b",
        "schneider_iem3000",
        "siemens_pac2200",
    ]


def test_an_unknown_meter_is_refused_with_the_known_ones():
    with pytest.raises(UnknownModelError, match=r"unknown meter model 'sdm63'; known: abb_ab, .*eastron_sdm630"):
        register_map("sdm63")


@pytest.mark.parametrize("model", models())
def test_a_map_decodes_what_its_meter_measures(model: str):
    meter = register_map(model)
    values = meter.decode(encoded(meter, RECORDED))
    for name, value in values.items():
        assert value == pytest.approx(RECORDED[name], abs=0.06, rel=1e-6), name
    assert {"l1_a", "l2_a", "l3_a", "l1_v", "l2_v", "l3_v", "l1_w", "l2_w", "l3_w", "total_w"} <= values.keys()


@pytest.mark.parametrize("model", models())
def test_one_read_fetches_a_whole_meter(model: str):
    (block,) = register_map(model).blocks
    assert block.count <= MAX_REGISTERS


@pytest.mark.parametrize("model", models())
def test_reads_without_gaps_touch_exactly_the_registers_of_the_map(model: str):
    meter = register_map(model)
    read = [address for block in meter.blocks_without_gaps for address in range(block.address, block.end)]
    assert sorted(read) == sorted(encoded(meter, RECORDED))


def test_a_frame_of_an_sdm630_written_down_by_hand():
    registers = dict.fromkeys(range(72), 0)
    registers |= {0: 0x4367, 1: 0x6666}  # 231.4 V
    registers |= {6: 0x41C2, 7: 0x7AE1}  # 24.31 A
    registers |= {12: 0xC5AC, 13: 0x4000}  # -5512 W
    registers |= {70: 0x4247, 71: 0xEB85}  # 49.98 Hz
    values = register_map("eastron_sdm630").decode(registers)
    assert values["l1_v"] == pytest.approx(231.4, abs=1e-4)
    assert values["l1_a"] == pytest.approx(24.31, abs=1e-5)
    assert values["l1_w"] == pytest.approx(-5512.0)
    assert values["frequency_hz"] == pytest.approx(49.98, abs=1e-5)


def test_a_frame_of_an_em24_has_its_low_word_first():
    registers = dict.fromkeys(range(56), 0)
    registers |= {0: 2314, 1: 0, 12: 0x9C40, 13: 0x0001, 18: 0x28F6, 19: 0xFFFF}
    values = register_map("carlo_gavazzi_em24").decode(registers)
    assert values["l1_v"] == pytest.approx(231.4)
    assert values["l1_a"] == pytest.approx(105.536)  # 0x00019C40 mA
    assert values["l1_w"] == pytest.approx(-5505.0)


def test_what_a_meter_marks_as_not_available_is_missing():
    meter = register_map("abb_ab")
    registers = encoded(meter, RECORDED)
    registers |= {0x5B00: 0xFFFF, 0x5B01: 0xFFFF, 0x5B16: 0x7FFF, 0x5B17: 0xFFFF, 0x5B3B: 0x7FFF}
    values = meter.decode(registers)
    assert [values["l1_v"], values["l1_w"], values["l1_pf"]] == [None, None, None]
    assert values["l2_v"] == pytest.approx(229.8)


def test_a_float_that_is_not_a_number_is_missing():
    meter = register_map("eastron_sdm630")
    values = meter.decode(encoded(meter, {**RECORDED, "l2_a": math.nan, "l3_v": math.inf}))
    sample = Sample.of(values)
    assert sample.current_a[1] is None
    assert sample.voltage_v[2] is None
    assert sample.current_a[0] == pytest.approx(24.31, abs=1e-5)


def test_a_map_that_is_spread_out_is_read_in_as_few_blocks_as_possible():
    meter = parse(SOUND.replace("address = 4", "address = 300"), "spread")
    assert meter.blocks == (Block(0, 4), Block(300, 2))
    assert parse(SOUND.replace("address = 4", "address = 123"), "wide").blocks == (Block(0, 125),)
    assert parse(SOUND.replace("address = 4", "address = 124"), "wider").blocks == (Block(0, 4), Block(124, 2))


def test_a_wrong_map_is_refused_with_everything_that_is_wrong():
    broken = """
    name = ""
    function = "coils"
    colour = "red"
    [quantities]
    l1_a = { address = 70000, type = "float32" }
    l2_a = { address = 1, type = "float99", scale = -1 }
    """
    with pytest.raises(MapError) as refusal:
        parse(broken, "broken")
    places = {place for place, _ in refusal.value.problems}
    assert places == {
        "name",
        "function",
        "colour",
        "quantities.l1_a.address",
        "quantities.l2_a.type",
        "quantities.l2_a.scale",
    }


def test_a_map_must_have_all_currents_and_no_overlap_and_no_strangers():
    text = SOUND.replace("l3_a = { address = 4", "l3_q = { address = 3")
    with pytest.raises(MapError, match=r"unknown quantity 'l3_q'; l3_a is missing; l3_q and l2_a share register 3"):
        parse(text, "odd")


def test_a_map_that_is_no_toml_is_refused():
    with pytest.raises(MapError, match="TOML"):
        parse("name = ", "torn")
