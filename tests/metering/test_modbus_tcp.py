"""A meter on Modbus TCP: a foreign server serves it, and fails in every way that servers fail."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from adapters.metering.modbus_link import next_beat
from adapters.metering.modbus_tcp import ModbusTcpMeter
from adapters.metering.registers import UnknownModelError, register_map
from controller.snapshot import Reading
from tests.support.meters import RECORDED, Events, FastClock, ForeignServer, encoded, running
from tests.support.processes import WITHIN_S, free_port, until

POLL_S = 0.05
CLOCK = FastClock()
SDM630 = register_map("eastron_sdm630")


def made_meter(port: int, events: Events, model: str = "eastron_sdm630", poll_s: float = POLL_S) -> ModbusTcpMeter:
    return ModbusTcpMeter(
        id="grid",
        host="127.0.0.1",
        port=port,
        unit=1,
        model=model,
        poll_s=poll_s,
        clock=CLOCK,
        on_event=events,
        ceiling_a=630.0,
    )


def now(meter: ModbusTcpMeter) -> Reading | None:
    return meter.reading(CLOCK.now(), CLOCK.monotonic_s())


def current(meter: ModbusTcpMeter, phase: int = 0) -> float | None:
    reading = now(meter)
    return None if reading is None else reading.current_a[phase]


def age_s(meter: ModbusTcpMeter) -> float:
    at = CLOCK.now()
    reading = meter.reading(at, CLOCK.monotonic_s())
    assert reading is not None
    return (at - reading.measured_at).total_seconds()


@pytest.fixture
def server() -> Iterator[ForeignServer]:
    foreign = ForeignServer()
    foreign.serve(SDM630)
    foreign.start()
    yield foreign
    foreign.stop()


@pytest.fixture
def events() -> Events:
    return Events()


async def test_a_foreign_server_is_read(server: ForeignServer, events: Events):
    meter = made_meter(server.port, events)
    assert now(meter) is None
    async with running(meter):
        await until(lambda: now(meter), "the first reading")
        reading = now(meter)
        assert reading is not None
        assert reading.current_a == pytest.approx((24.31, 18.02, 9.77), abs=1e-4)
        assert reading.voltage_v == pytest.approx((231.4, 229.8, 230.6), abs=1e-3)
        assert reading.power_w == pytest.approx((5512.0, 4058.0, 2207.0))
        server.serve(SDM630, l1_a=30.0, l1_w=-6800.0, total_w=-535.0)
        await until(lambda: (current(meter) or 0.0) < 0, "the export to show")
        assert current(meter) == pytest.approx(-30.0)
    assert events == []


async def test_a_meter_with_holding_registers_is_read(events: Events):
    server = ForeignServer()
    server.serve(register_map("abb_ab"))
    server.start()
    meter = made_meter(server.port, events, model="abb_ab")
    try:
        async with running(meter):
            await until(lambda: now(meter), "the first reading")
            assert current(meter) == pytest.approx(24.31)
    finally:
        server.stop()


async def test_a_server_that_dies_is_lost_once_and_is_back_when_it_returns(server: ForeignServer, events: Events):
    meter = made_meter(server.port, events)
    async with running(meter):
        await until(lambda: now(meter), "the first reading")
        server.stop()
        await until(lambda: events, "the loss to be noticed")
        assert events.kinds == ["meter_lost"]
        assert events[0].subject == "meter:grid"
        assert f"127.0.0.1:{server.port}" in events[0].message
        assert age_s(meter) > 3.0  # the last good value is kept, and says how old it is
        server.serve(SDM630, l1_a=12.0, l1_w=2700.0, total_w=8965.0)
        server.start()
        await until(lambda: len(events) > 1, "the return to be noticed")
        assert events.kinds == ["meter_lost", "meter_back"]
        assert current(meter) == pytest.approx(12.0)
        await until(lambda: age_s(meter) < 3.0, "a fresh reading")


async def test_a_server_that_is_not_there_at_first_is_found_later(events: Events):
    server = ForeignServer()
    server.serve(SDM630)
    meter = made_meter(server.port, events)
    async with running(meter):
        await until(lambda: events, "the loss to be noticed")
        server.start()
        try:
            await until(lambda: now(meter), "the first reading")
        finally:
            server.stop()
    assert events.kinds[0] == "meter_lost"


async def test_not_a_number_on_one_phase_loses_that_phase(server: ForeignServer, events: Events):
    server.serve(SDM630, l2_a=math.nan)
    meter = made_meter(server.port, events)
    async with running(meter):
        await until(lambda: now(meter), "the first reading")
        assert current(meter, 1) is None
        assert current(meter, 2) == pytest.approx(9.77)
        assert events.kinds == ["meter_phase_lost"]
        server.serve(SDM630)
        await until(lambda: len(events) > 1, "the phase to return")
        assert events.kinds == ["meter_phase_lost", "meter_back"]


async def test_nonsense_is_refused_and_told_once(server: ForeignServer, events: Events):
    meter = made_meter(server.port, events)
    async with running(meter):
        await until(lambda: now(meter), "the first reading")
        server.serve(SDM630, l1_v=0.2314)
        await until(lambda: events, "the refusal")
        before = now(meter)
        await asyncio.sleep(10 * POLL_S)  # several more refusals
        assert events.kinds == ["meter_implausible"]
        assert "L1: 0.2314 V is outside" in events[0].message
        assert before is not None
        assert current(meter) == before.current_a[0]
        server.serve(SDM630)
        await until(lambda: len(events) > 1, "the meter to be believed again")
        assert events.kinds == ["meter_implausible", "meter_back"]


async def test_registers_that_are_all_zero_are_no_reading(events: Events):
    server = ForeignServer()  # outside of what it was given, this server answers zeros
    server.start()
    meter = made_meter(server.port, events)
    try:
        async with running(meter):
            await until(lambda: events, "the refusal")
    finally:
        server.stop()
    assert events.kinds == ["meter_implausible"]
    assert now(meter) is None


async def test_exception_responses_are_no_reading(server: ForeignServer, events: Events):
    server.handler.exception = 4
    meter = made_meter(server.port, events)
    async with running(meter):
        await until(lambda: events, "the loss to be noticed")
        assert events.kinds == ["meter_lost"]
        assert "Modbus exception 4" in events[0].message
        server.handler.exception = 0
        await until(lambda: now(meter), "a reading")


async def test_a_meter_that_refuses_to_be_read_across_gaps_is_read_in_pieces(server: ForeignServer, events: Events):
    server.handler.refuses = range(18, 30)  # apparent and reactive power: not in the map, but in between
    meter = made_meter(server.port, events)
    async with running(meter):
        await until(lambda: now(meter), "a reading")
        assert current(meter, 2) == pytest.approx(9.77, abs=1e-4)
    assert events == []


def test_an_unknown_model_is_refused_at_once():
    with pytest.raises(UnknownModelError, match="eastron_sdm630"):
        made_meter(free_port(), Events(), model="sdm-630")


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def rude_server(answer: Callable[[bytes, int], Awaitable[bytes]]) -> AsyncIterator[int]:
    """A server that makes its own frames: ``answer`` gets the request and its number."""
    requests = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        try:
            while request := await reader.read(12):
                requests += 1
                writer.write(await answer(request, requests))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def good_frame(request: bytes, l1_a: float) -> bytes:
    """A right answer to ``request``."""
    words = dict.fromkeys(range(72), 0) | encoded(
        SDM630, {**RECORDED, "l1_a": l1_a, "l1_w": 231.0 * l1_a, "total_w": 0}
    )
    data = b"".join(words[address].to_bytes(2, "big") for address in range(72))
    return request[:4] + (3 + len(data)).to_bytes(2, "big") + request[6:8] + bytes([len(data)]) + data


GARBAGE = [
    pytest.param(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
    pytest.param(lambda _: b"\xff" * 400, id="noise"),
    pytest.param(lambda r: good_frame(r, 10.0)[:40], id="half a frame"),
    pytest.param(lambda r: r[:4] + b"\x00\x05" + r[6:8] + b"\x02\x43\x66", id="too few registers"),
    pytest.param(lambda r: r[:4] + b"\x00\x03" + r[6:7] + b"\x99\x01", id="another function's exception"),
    pytest.param(lambda r: r[:4] + b"\x00\x02" + r[6:7] + b"\x04", id="no data"),
    pytest.param(lambda r: r[:4] + b"\x00\x00" + r[6:8], id="no length"),
    pytest.param(lambda _: b"", id="silence"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_is_no_reading_and_is_survived(garbage: Callable[[bytes], bytes], events: Events):
    broken = True

    async def answer(request: bytes, _: int) -> bytes:
        return garbage(request) if broken else good_frame(request, 10.0)

    async with rude_server(answer) as port:
        meter = made_meter(port, events)
        async with running(meter):
            await until(lambda: events, "the loss to be noticed")
            assert events.kinds == ["meter_lost"]
            assert now(meter) is None
            broken = False
            await until(lambda: now(meter), "a reading")
            assert current(meter) == pytest.approx(10.0)


async def test_a_late_answer_is_never_taken_for_the_next_one(events: Events):
    async def answer(request: bytes, number: int) -> bytes:
        if number == 1:
            await asyncio.sleep(1.2)
            return good_frame(request, 55.0)
        return good_frame(request, 10.0)

    async with rude_server(answer) as port:
        meter = made_meter(port, events)
        async with running(meter):
            await until(lambda: now(meter), "a reading")
            for _ in range(30):
                assert current(meter) == pytest.approx(10.0)
                await asyncio.sleep(POLL_S)


async def test_the_age_of_a_reading_counts_from_the_question(events: Events):
    delay_s = 1.8

    async def answer(request: bytes, _: int) -> bytes:
        await CLOCK.passes(delay_s)
        return good_frame(request, 10.0)

    async with rude_server(answer) as port:
        meter = made_meter(port, events)
        async with running(meter):
            await until(lambda: now(meter), "a reading")
            assert age_s(meter) >= 0.99 * delay_s


async def test_a_meter_ends_even_when_the_library_swallows_the_request_to(
    server: ForeignServer, events: Events, monkeypatch: pytest.MonkeyPatch
):
    asked = asyncio.Event()

    async def swallowing(*_: object, **__: object) -> None:
        asked.set()
        try:
            await asyncio.sleep(WITHIN_S)
        except asyncio.CancelledError:
            raise ModbusIOException("too late") from None

    monkeypatch.setattr(AsyncModbusTcpClient, "read_input_registers", swallowing)
    task = asyncio.create_task(made_meter(server.port, events).run())
    await asked.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=WITHIN_S)
    assert done == {task}
    assert task.cancelled()


@pytest.mark.parametrize(
    ("beat", "passed_s", "following", "wait_s"),
    [
        pytest.param(0, 0.01, 1, 0.99, id="the first"),
        pytest.param(41, 41.2, 42, 0.8, id="in time"),
        pytest.param(41, 42.0, 42, 0.0, id="just in time"),
        pytest.param(41, 45.3, 46, 0.7, id="late: the missed ones are skipped"),
        pytest.param(41, 40.9, 42, 1.1, id="woken early"),
    ],
)
def test_polls_keep_their_beat(beat: int, passed_s: float, following: int, wait_s: float):
    number, wait = next_beat(beat, passed_s, 1.0)
    assert number == following
    assert wait == pytest.approx(wait_s)
