"""Frames that are no conversation: they cost their own connection at most."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from adapters.ocpp.link import MAX_UNANSWERABLE
from adapters.ocpp.wire import MAX_FRAME_BYTES
from tests.support.ocpp import bench, charger, charging, point, rpc, site_of, socket, until

TWO_STATIONS = site_of(point(), point("P02", "CP02"))


async def alive(connection: ClientConnection) -> bool:
    return (await rpc(connection, "Heartbeat", {}))[0] == 3


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 100_000,
        '[2,"1",{"a":1},{}]',
        '[2,["x"],"Heartbeat",{}]',
        '[2,7,"Heartbeat",{}]',
        '[2,"1","Heartbeat",{"x":1e999}]',
        '[2,"1","Heartbeat",{"x":NaN}]',
        '[2,"1","Heartbeat",' + '{"a":' * 900 + "1" + "}" * 900 + "}]",
        b"\x00\xff\xfe",
        b'[2,"1"',
        "",
        "null",
        '"text"',
        "[]",
        "[2]",
        '[9,"1","Heartbeat",{}]',
        '[3,"nobody asked",{}]',
        '[4,"nobody asked","GenericError","",{}]',
        '[4,"x"]',
    ],
)
async def test_a_broken_frame_does_not_end_the_conversation(raw: str | bytes):
    async with bench() as b, socket(b) as connection:
        await connection.send(raw)
        assert await alive(connection)


async def test_a_stranger_who_does_not_speak_ocpp_is_shown_the_door():
    async with bench(TWO_STATIONS) as b, charger(b, "CP02") as neighbour:
        async with socket(b) as connection:
            for _ in range(MAX_UNANSWERABLE):
                await connection.send("hello")
            await connection.wait_closed()
            assert connection.close_code == 1008
        await neighbour.boot()
        assert b.events.kinds("station:CP01").count("malformed_frame") == 1


async def test_a_frame_that_is_too_large_closes_its_connection_only():
    async with bench(TWO_STATIONS) as b, charger(b, "CP02") as neighbour:
        async with socket(b) as connection:
            await connection.send(json.dumps([2, "1", "DataTransfer", {"data": "x" * MAX_FRAME_BYTES}]))
            await connection.wait_closed()
            assert connection.close_code == 1009
        await neighbour.boot()


async def test_answers_that_nobody_waits_for_pile_up_nowhere():
    async with bench() as b, charging(b) as (client, _):
        for number in range(3000):
            await client._connection.send(f'[3,"{number}",{{}}]')
        b.plan(P01=16)
        await until(lambda: b.applied)
        assert b.applied[0].accepted == 1


async def test_an_answer_that_comes_too_late_is_not_taken_for_another():
    async with bench(call_timeout_s=0.1) as b, socket(b) as connection:
        await rpc(connection, "Heartbeat", {})
        first = json.loads(await connection.recv())
        await until(lambda: b.events.kinds("point:P01") == ["profile_rejected"])
        await connection.send(json.dumps([3, first[1], {"status": "Accepted"}]))
        assert await alive(connection)
        assert b.state().commanded_a == 32, "nobody knows whether it holds its default"


@pytest.mark.parametrize(
    "answer",
    [
        [3, None, {"status": "Perhaps"}],
        [3, None, {}],
        [4, None, "MadeUpError", "", {}],
        [4, None, "InternalError", "", {}],
        [4, None, "NotSupported", "", {}],
        [4, None, "FormationViolation", "", {}],
    ],
)
async def test_nonsense_as_an_answer_is_no_acceptance(answer: list[Any]):
    async with bench() as b, socket(b) as connection:
        await connection.send('[2,"h","Heartbeat",{}]')
        while (frame := json.loads(await connection.recv()))[0] != 2:
            pass
        answer[1] = frame[1]
        await connection.send(json.dumps(answer))
        await until(lambda: "profile_rejected" in b.events.kinds("point:P01"))
        assert await alive(connection)


async def test_an_answer_with_more_in_it_than_was_asked_for_is_an_answer():
    async with bench() as b, socket(b) as connection:
        await connection.send('[2,"h","Heartbeat",{}]')
        while (frame := json.loads(await connection.recv()))[0] != 2:
            pass
        await connection.send(json.dumps([3, frame[1], {"status": "Accepted", "vendorInfo": {"deep": [1]}}]))
        await until(lambda: b.state().commanded_a == 6)
        assert await alive(connection)
        assert b.events.kinds("point:P01") == []


async def test_random_frames_leave_the_central_system_and_the_neighbour_unharmed():
    dice = random.Random(7)
    pieces = ["[", "]", "{", "}", '"', ",", ":", "2", "3", "4", "1e999", "null", "Heartbeat", "\\ud800", " "]
    frames = ["".join(dice.choices(pieces, k=dice.randint(1, 30))) for _ in range(1000)]
    async with bench(TWO_STATIONS, lab=True) as b, charger(b, "CP02") as neighbour:
        await neighbour.boot()
        while frames:
            async with socket(b, password=None) as connection:
                for _ in range(min(len(frames), MAX_UNANSWERABLE - 1)):
                    await connection.send(frames.pop())
                assert await alive(connection)
        await neighbour.heartbeat()
        assert "internal_error" not in b.events.kinds()


async def test_a_peer_that_vanishes_in_the_middle_of_a_call_leaves_nothing_behind():
    async with bench() as b, socket(b) as connection:
        await connection.send('[2,"h","Heartbeat",{}]')
        while json.loads(await connection.recv())[0] != 2:
            pass
        connection.transport.abort()
        await until(lambda: not b.central.stations()[0].online)
    leftovers = [task for task in asyncio.all_tasks() if task.get_name().startswith("ocpp-writer")]
    assert leftovers == []
