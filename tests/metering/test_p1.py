"""A smart meter's P1 port: telegrams through a bridge on TCP, and through a serial device."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from adapters.metering.intake import OWN_S
from adapters.metering.p1 import P1Meter
from adapters.metering.p1_line import SerialLine, TcpLine
from controller.ports.common import Clock
from controller.snapshot import Reading
from tests.support.meters import Events, FastClock, running
from tests.support.p1 import belgian, dutch
from tests.support.processes import free_port, until

CLOCK = SystemClock()


class Bridge:
    """Sends whatever it is given to everybody who is connected, as ser2net does."""

    def __init__(self) -> None:
        self.port = free_port()
        self.writers: list[asyncio.StreamWriter] = []

    async def _meet(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Bridge]:
        server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            self.hang_up()

    def hang_up(self) -> None:
        while self.writers:
            self.writers.pop().close()

    async def met(self) -> None:
        await until(lambda: self.writers, "somebody to connect")

    def say(self, data: bytes) -> None:
        for writer in self.writers:
            writer.write(data)


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
def events() -> Events:
    return Events()


def made_meter(line: TcpLine | SerialLine, events: Events, clock: Clock = CLOCK) -> P1Meter:
    return P1Meter(id="grid", line=line, clock=clock, on_event=events, ceiling_a=630.0)


def tcp(bridge: Bridge) -> TcpLine:
    return TcpLine("127.0.0.1", bridge.port)


def now(meter: P1Meter, clock: Clock = CLOCK) -> Reading | None:
    return meter.reading(clock.now(), clock.monotonic_s())


def l1_w(meter: P1Meter) -> float | None:
    reading = now(meter)
    return reading.power_w[0] if reading and reading.power_w else None


async def speaks(bridge: Bridge, second: int, heard: Callable[[], object]) -> None:
    """A telegram a second, from one second of its clock on, until that is heard."""
    for each in range(second, 60):
        bridge.say(dutch(each))
        await asyncio.sleep(0.05)
        if heard():
            return
    raise AssertionError("it is never heard")


async def test_telegrams_become_readings(bridge: Bridge, events: Events):
    meter = made_meter(tcp(bridge), events)
    async with bridge.up(), running(meter):
        await bridge.met()
        bridge.say(dutch(1)[400:] + dutch(2)[:200])  # connected in the middle of one; the next comes in two parts
        await asyncio.sleep(0.05)
        assert now(meter) is None
        bridge.say(dutch(2)[200:])
        await until(lambda: l1_w(meter) == 2345.0, "the first reading")
        bridge.say(dutch(3, l1_w=4600, crc="0000") + dutch(4, l1_w=3000))
        await until(lambda: l1_w(meter) == 3000.0, "the good one of two")
    assert events == []


async def test_what_was_held_up_on_the_way_is_passed_over(bridge: Bridge, events: Events):
    readings = []
    meter = P1Meter(
        id="grid", line=tcp(bridge), clock=CLOCK, on_event=events, ceiling_a=630.0,
        on_reading=lambda: readings.append(l1_w(meter)),
    )  # fmt: skip
    async with bridge.up(), running(meter):
        await bridge.met()
        bridge.say(b"".join(dutch(second, l1_w=2300 + 230 * second) for second in range(4)))
        await until(lambda: readings, "a reading")
        assert readings == [2990.0]


async def test_the_meters_own_demand_is_told_of_the_moment_only(bridge: Bridge, events: Events):
    meter = made_meter(tcp(bridge), events)
    async with bridge.up(), running(meter):
        await bridge.met()
        bridge.say(belgian())
        await until(lambda: now(meter), "the reading")
        reading = now(meter)
        assert reading is not None
        assert reading.own is not None
        assert (reading.own.average_w, reading.own.month_peak_w) == (2351.0, 4329.0)
        later = meter.reading(CLOCK.now(), CLOCK.monotonic_s() + OWN_S)
        assert later is not None
        assert later.own is None, "by then more has flowed"
        assert later.power_w == (2300.0, 2300.0, 2300.0)


async def test_a_bridge_that_hangs_up_is_called_again(bridge: Bridge, events: Events):
    clock = FastClock()
    meter = made_meter(tcp(bridge), events, clock)
    async with running(meter):
        await until(lambda: events, "the loss to be noticed")
        assert events.kinds == ["meter_lost"]
        assert f"127.0.0.1:{bridge.port}" in events[0].message
        async with bridge.up():
            await bridge.met()
            bridge.say(dutch(1))
            await until(lambda: now(meter, clock), "a reading")
            bridge.hang_up()
            await bridge.met()
            await speaks(bridge, 2, lambda: "meter_back" in events.kinds)
    assert events.kinds == ["meter_lost", "meter_back"]


@pytest.mark.parametrize(
    ("telegram", "reason"),
    [
        (dutch(crc="0000"), "checksum is wrong"),
        (dutch(crc=""), "without a checksum"),
        (dutch(), "the same telegram again"),
        (b"no meter at all", "no telegram"),
    ],
    ids=["broken", "unchecked", "repeated", "noise"],
)
async def test_a_line_that_brings_nothing_of_use_is_lost(bridge: Bridge, events: Events, telegram: bytes, reason: str):
    meter = made_meter(tcp(bridge), events, FastClock())
    async with bridge.up(), running(meter):
        await bridge.met()

        def told() -> bool:
            bridge.say(telegram)
            return bool(events)

        await until(told, "the loss to be noticed")
    assert events.kinds == ["meter_lost"]
    assert reason in events[0].message


async def test_a_meter_that_speaks_every_ten_seconds_does_not_steer(bridge: Bridge, events: Events):
    clock = FastClock()
    meter = made_meter(tcp(bridge), events, clock)
    async with bridge.up(), running(meter):
        await bridge.met()
        for second in range(5):
            bridge.say(dutch(second, l1_w=2300 + second))
            await clock.passes(3.5)
        await until(lambda: "meter_too_slow" in events.kinds, "it to be told")
        told = next(event for event in events if event.kind == "meter_too_slow")
        assert "a reading counts for 3 s only" in told.message
        reading = now(meter, clock)
        assert reading is not None
        assert (clock.now() - reading.measured_at).total_seconds() > 3.0, "no limit may follow it any more"
        await speaks(bridge, 10, lambda: "meter_back" in events.kinds)


@contextmanager
def plugged(device: Path) -> Iterator[int]:
    """A serial device at this path: what is written to the yielded handle, it reads."""
    far, near = pty.openpty()
    device.symlink_to(os.ttyname(near))
    os.close(near)
    try:
        yield far
    finally:
        os.close(far)
        device.unlink()


async def test_a_serial_device_may_be_unplugged_and_plugged_in_again(tmp_path: Path, events: Events):
    clock = FastClock()
    device = tmp_path / "ttyUSB0"
    meter = made_meter(SerialLine(str(device)), events, clock)
    async with running(meter):
        await until(lambda: events, "the missing device to be noticed")
        assert "No such file" in events[0].message
        for first in (0, 10):
            with plugged(device) as wire:
                known, second = len(events), first
                while len(events) == known or now(meter, clock) is None:
                    os.write(wire, dutch(second % 60))
                    second += 1
                    await asyncio.sleep(0.05)
                assert events.kinds[-1] == "meter_back"
            await until(lambda: events.kinds[-1] == "meter_lost", "the loss to be noticed")


async def test_a_file_that_is_no_serial_device_is_a_lost_meter(tmp_path: Path, events: Events):
    file = tmp_path / "file"
    file.touch()
    async with running(made_meter(SerialLine(str(file)), events, FastClock())):
        await until(lambda: events, "the loss to be noticed")
    assert events.kinds == ["meter_lost"]
    assert str(file) in events[0].message
