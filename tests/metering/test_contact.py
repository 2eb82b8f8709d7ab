"""A contact behind a foreign Modbus server: what is told of it, and what happens while the server is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from adapters.metering.contact import LOST_AFTER, ModbusContact
from tests.support.meters import Events, FastClock, ForeignServer
from tests.support.processes import until


@pytest.fixture
def server() -> Iterator[ForeignServer]:
    foreign = ForeignServer()
    foreign.start()
    yield foreign
    foreign.stop()


@asynccontextmanager
async def read(server: ForeignServer, kind: str, address: int, events: Events) -> AsyncIterator[list[bool]]:
    told: list[bool] = []
    contact = ModbusContact(
        name="relay",
        host="127.0.0.1",
        port=server.port,
        unit=1,
        kind=kind,
        address=address,
        poll_s=0.5,
        clock=FastClock(),
        on_event=events,
        on_read=told.append,
    )
    task = asyncio.create_task(contact.run())
    try:
        yield told
        assert not task.done(), "it never ends by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("kind", ["coil", "discrete", "holding", "input"])
async def test_each_kind_of_contact_is_told_with_every_reading(server: ForeignServer, kind: str):
    write = {
        "coil": lambda closed: server.bank.set_coils(9, [closed]),
        "discrete": lambda closed: server.bank.set_discrete_inputs(9, [closed]),
        "holding": lambda closed: server.bank.set_holding_registers(9, [2 * closed]),
        "input": lambda closed: server.bank.set_input_registers(9, [2 * closed]),
    }[kind]
    write(closed=False)
    async with read(server, kind, 9, Events()) as told:
        await until(lambda: told[-2:] == [False, False], "two readings of an open contact")
        write(closed=True)
        await until(lambda: told[-2:] == [True, True], "two of a closed one")


async def test_a_device_that_goes_away_is_reported_once_and_again_when_it_is_back(server: ForeignServer):
    events = Events()
    async with read(server, "coil", 0, events) as told:
        await until(lambda: bool(told), "a reading")
        server.stop()
        await until(lambda: events.kinds == ["contact_lost"], "the loss")
        heard = len(told)
        server.start()
        await until(lambda: len(told) > heard, "it to be heard again")
    assert events.kinds == ["contact_lost", "contact_back"]
    assert LOST_AFTER > 1, "one lost answer is no loss"
    assert "what it said last holds" in events[0].message
