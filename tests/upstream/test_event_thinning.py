"""Which TransactionEvents a back office is told that has asked for fewer, and how they are numbered."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.ocpp.upstream.events import ENDED_MOST, RUNS_MOST, EventThinning, Numbers
from adapters.ocpp.upstream.thinning import Thinning


def event(number: int, *, periodic: bool = True, kind: str = "Updated", transaction: str = "T1") -> dict[str, Any]:
    value = {"value": 1.0, "context": "Sample.Periodic"}
    return {
        "eventType": kind,
        "triggerReason": "MeterValuePeriodic" if periodic else "Trigger",
        "seqNo": number,
        "transactionInfo": {"transactionId": transaction, "timeSpentCharging": number},
        "meterValue": [{"timestamp": "2026-11-20T09:00:00Z", "sampledValue": [value]}],
    }


def thinned(events: EventThinning, told: dict[str, Any], at_s: float = 0.0) -> Any:
    """What it is numbered; None: it is left out."""
    return None if events.left_out(told, at_s) else events.number(told)


@given(
    periodic=st.lists(st.booleans(), max_size=60),
    lost=st.sets(st.integers(1, 60)),
    restarts=st.sets(st.integers(0, 60)),
    again=st.sets(st.integers(0, 60)),
)
def test_the_numbers_miss_what_the_station_has_lost_and_nothing_else(
    periodic: list[bool], lost: set[int], restarts: set[int], again: set[int]
):
    events, told, came, left_out = EventThinning(Thinning()), list[int](), list[int](), list[int]()
    for number, plain in enumerate([False, *periodic]):
        if number in lost:
            continue
        came.append(number)
        if number in restarts:
            events = EventThinning(Thinning(), json.loads(json.dumps(events.notes())))
        as_told = thinned(events, event(number, periodic=plain))
        if number in again:
            assert thinned(events, event(number, periodic=plain)) == as_told
        told.append(as_told) if as_told is not None else left_out.append(number)
    assert told == [number - sum(one < number for one in left_out) for number in came if number not in left_out]


def test_what_tells_more_than_measurements_is_told():
    events = EventThinning(Thinning())
    told = event(0, kind="Started", periodic=False)
    news = [
        event(1),  # the first is in time
        {**event(2), "numberOfPhasesUsed": 1},
        {**event(3), "idToken": {"idToken": "04A2", "type": "ISO14443"}},
        {**event(4), "meterValue": [{"sampledValue": [{"value": 1.0, "context": "Transaction.Begin"}]}]},
        {**event(5), "triggerReason": "MeterValueClock"},
        {**event(6), "transactionInfo": {"transactionId": "T1", "chargingState": "SuspendedEV"}},
    ]
    assert [thinned(events, one) for one in (told, *news)] == [0, 1, 2, 3, 4, 5, 6]
    assert thinned(events, event(7)) is None
    assert thinned(events, {**event(8), "numberOfPhasesUsed": 1}) is None  # it was told before
    assert thinned(events, {**event(9), "numberOfPhasesUsed": 3}) == 7
    assert thinned(events, event(8, transaction="T2")) == 8
    assert thinned(events, {**event(5), "seqNo": "x"}) == "x"


def test_what_comes_late_is_told():
    events = EventThinning(Thinning())
    assert [thinned(events, event(number)) for number in (0, 1, 5, 4, 6)] == [0, 1, None, 4, None]
    assert thinned(events, event(7, kind="Ended")) == 5


def test_what_is_remembered_has_a_bound():
    numbers = Numbers(0)
    for number in range(2, 10 * RUNS_MOST, 2):
        numbers = numbers.without(number)
    assert len(numbers.runs) == RUNS_MOST
    assert numbers.told(10 * RUNS_MOST) == 10 * RUNS_MOST - (5 * RUNS_MOST - 1)
    events = EventThinning(Thinning())
    for number in range(3 * ENDED_MOST):
        name = f"T{number}"
        for told in (event(0, transaction=name), event(1, transaction=name), event(2, transaction=name)):
            thinned(events, told)
        thinned(events, event(3, transaction=name, kind="Ended"))
    assert len(events.notes()) == ENDED_MOST
