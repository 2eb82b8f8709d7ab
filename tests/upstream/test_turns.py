"""Calls to a back office take turns, whatever becomes of whoever has asked."""

from __future__ import annotations

import asyncio

import pytest

from adapters.ocpp.upstream.patience import Patience
from adapters.ocpp.upstream.turns import SILENT_MOST, AwayError, Turns


class Line:
    """What has gone out; nothing goes out while it is cut."""

    def __init__(self, within_s: float = 10.0) -> None:
        self.sent: list[str] = []
        self.cut = False
        self.silences = 0
        self.turns = Turns(self._send, self._silent, within_s)

    async def _send(self, text: str) -> None:
        if self.cut:
            raise AwayError("there is no connection")
        self.sent.append(text)

    def _silent(self) -> None:
        self.silences += 1


async def test_who_stops_waiting_leaves_the_turn_to_its_call():
    line, patience = Line(), Patience()
    first = await line.turns.ask("1", "first")
    second = await line.turns.ask("2", "second")
    assert await patience.answer(first, 0.01) is None
    assert line.sent == ["first"]  # it is still under way
    assert not line.turns.hear("2", "not yet")
    assert line.turns.hear("1", "late")
    await asyncio.sleep(0)
    assert line.sent == ["first", "second"]
    assert line.turns.hear("2", "in time")
    assert await second == "in time"


async def test_a_station_that_goes_waits_for_nothing_and_what_it_said_is_still_told():
    line, patience = Line(), Patience()
    waiting = asyncio.create_task(patience.answer(await line.turns.ask("1", "first"), 10.0))
    await asyncio.sleep(0)
    patience.went()
    assert await waiting is None
    assert await patience.answer(await line.turns.ask("2", "second"), 10.0) is None
    line.turns.hear("1", "late")
    await asyncio.sleep(0)
    assert line.sent == ["first", "second"]
    patience.came()
    third = asyncio.create_task(patience.answer(await line.turns.ask("3", "third"), 10.0))
    line.turns.hear("2", "late")
    await asyncio.sleep(0)
    line.turns.hear("3", "in time")
    assert await third == "in time"


async def test_with_the_connection_ends_every_call_and_the_next_one_begins_anew():
    line = Line()
    asked = [await line.turns.ask(str(number), "text") for number in range(3)]
    line.turns.end()
    for answer in asked:
        with pytest.raises(AwayError):
            await answer
    line.cut = True
    with pytest.raises(AwayError):
        await (await line.turns.ask("3", "nowhere"))
    line.cut = False
    again = await line.turns.ask("4", "again")
    line.turns.hear("4", "heard")
    assert await again == "heard"


async def test_calls_that_nobody_answers_are_too_late_one_after_the_other_and_it_is_said():
    line = Line(within_s=0.005)
    asked = [await line.turns.ask(str(number), str(number)) for number in range(SILENT_MOST)]
    for answer in asked:
        with pytest.raises(AwayError):
            await answer
    assert line.sent == [str(number) for number in range(SILENT_MOST)]
    assert line.silences == 1
