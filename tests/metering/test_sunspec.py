"""A SunSpec meter: a foreign server with a chain of models, which is walked."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from adapters.metering.modbus_tcp import ModbusTcpMeter
from controller.snapshot import Reading
from tests.support.meters import Events, FastClock, ForeignServer, running
from tests.support.processes import until

CLOCK = FastClock()
COMMON = [1, 66, *[0] * 66]
"""The model that says who made the device."""


def integers(amperes: tuple[int, int, int]) -> list[int]:
    """Model 203 in tenths of amperes, volts and tens of watts; W of L3 is negative: it feeds in."""
    a, v, w = [0, *amperes], [0, 2314, 2298, 2306], [0, 551, 405, -220]
    points = [*a, -1, *v, 0, 0, 0, 0, -1, 50, 0, 736, *w[1:], 1]
    return [203, 105, *(value & 0xFFFF for value in points), *[0x8000] * 84]


def floats(amperes: tuple[float, float, float]) -> list[int]:
    """Model 213, without a frequency."""
    volts, watts = (231.4, 229.8, 230.6), (5512.0, 4058.0, 2207.0)
    points = [0.0, *amperes, 0.0, *volts, *[0.0] * 4, float("nan"), sum(watts), *watts]
    words = struct.unpack(f">{2 * len(points)}H", struct.pack(f">{len(points)}f", *points))
    return [213, 124, *words, *[0] * (124 - len(words))]


@pytest.fixture
def server() -> Iterator[ForeignServer]:
    foreign = ForeignServer()
    foreign.start()
    yield foreign
    foreign.stop()


def holds(server: ForeignServer, base: int, *models: list[int]) -> None:
    words = [0x5375, 0x6E53, *(word for model in models for word in model), 0xFFFF, 0]
    for address, word in enumerate(words, base):
        server.bank.set_holding_registers(address, [word])


def made_meter(server: ForeignServer, events: Events) -> ModbusTcpMeter:
    return ModbusTcpMeter(
        id="grid",
        host="127.0.0.1",
        port=server.port,
        unit=1,
        model=None,
        poll_s=0.05,
        clock=CLOCK,
        on_event=events,
        ceiling_a=630.0,
    )


def now(meter: ModbusTcpMeter) -> Reading | None:
    return meter.reading(CLOCK.now(), CLOCK.monotonic_s())


async def test_integers_have_scale_factors_and_powers_give_currents_their_sign(server: ForeignServer):
    events = Events()
    holds(server, 40000, COMMON, integers((243, 180, 97)))
    meter = made_meter(server, events)
    async with running(meter):
        await until(lambda: now(meter), "the first reading")
        reading = now(meter)
    assert reading is not None
    assert reading.current_a == pytest.approx((24.3, 18.0, -9.7))
    assert reading.voltage_v == pytest.approx((231.4, 229.8, 230.6))
    assert reading.power_w == pytest.approx((5510.0, 4050.0, -2200.0))
    assert events == []


async def test_floats_are_read_wherever_the_map_begins_and_found_again_when_the_device_has_changed(
    server: ForeignServer,
):
    events = Events()
    holds(server, 0, COMMON)
    meter = made_meter(server, events)
    async with running(meter):
        await until(lambda: events, "the loss to be noticed")
        assert "it has no meter" in events[0].message
        holds(server, 0, COMMON, floats((24.31, 18.02, 9.77)))
        await until(lambda: now(meter), "the first reading")
        reading = now(meter)
    assert reading is not None
    assert reading.current_a == pytest.approx((24.31, 18.02, 9.77))
    assert reading.power_w == pytest.approx((5512.0, 4058.0, 2207.0))


async def test_a_device_that_does_not_speak_sunspec_is_told(server: ForeignServer):
    events = Events()
    meter = made_meter(server, events)
    async with running(meter):
        await until(lambda: events, "the loss to be noticed")
    assert "it does not speak SunSpec" in events[0].message
    assert now(meter) is None
