"""Whatever comes, fails, comes again or starts anew: each session is told of once, whole, numbered without a gap."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp.messages import Call, validate_payload
from ocpp.v16.enums import Reason
from ocpp.v201.enums import ReasonEnumType

from adapters.ocpp.upstream.hub_book import HubBook
from adapters.ocpp.upstream.hub_ledger import HubLedger
from controller.hub_satellite.dialect2 import Dialect2
from controller.hub_satellite.dialect16 import Dialect16
from controller.hub_satellite.dialects import Dialect
from controller.hub_satellite.hub_sessions import Ending, HubSession, Measurement
from controller.hub_satellite.outbox import Letter, Posted
from controller.hub_satellite.satellites import Satellites
from controller.ports.ledger import LedgerUnavailable
from controller.ports.measurements import MeterSample
from controller.ports.transactions import Outcome, Started, TransactionDetails, TransactionStart, TransactionStop
from controller.site import ChargingPoint
from tests.support.ledger import FakeLedger, SteppedClock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
POINTS = [ChargingPoint("P1", "main", "CP1", 1), ChargingPoint("P2", "main", "CP2", 1, phases=(1, 2, 0))]


@dataclass
class PostingLedger(FakeLedger):
    """A ledger in memory that also keeps letters, each key once."""

    letters: list[Letter] = field(default_factory=list)

    async def start_transaction(self, start: TransactionStart, letters: Sequence[Letter] = ()) -> Started:
        started = await super().start_transaction(start)
        if start.transaction_id is not None or started.outcome is not Outcome.REPEATED:
            self.post(letters, started.session_id)
        return started

    async def complete_transaction(self, details: TransactionDetails, letters: Sequence[Letter] = ()) -> Outcome:
        outcome = await super().complete_transaction(details)
        self.post(letters)
        return outcome

    async def stop_transaction(self, stop: TransactionStop, letters: Sequence[Letter] = ()) -> Outcome:
        outcome = await super().stop_transaction(stop)
        if stop.chosen or outcome is not Outcome.REPEATED:
            self.post(letters)
        return outcome

    def post(self, letters: Sequence[Letter], session: str | None = None) -> None:
        known = {letter.key for letter in self.letters}
        for letter in letters:
            if letter.key not in known:
                object.__setattr__(letter, "session", session or letter.session)
                self.letters.append(letter)

    def posted(self) -> dict[str, Posted]:
        return {letter.session: Posted(letter.key, None) for letter in self.letters if letter.session}


class SilentHub:
    """As much of a hub as its ledger needs."""

    def __init__(self, dialect: Dialect) -> None:
        self.book = HubBook("office", "HUB1", Satellites(POINTS), dialect, lambda: False)

    def began(self, _draft: Any) -> None: ...

    ended = began

    def posted(self) -> None: ...

    async def transaction_id(self, session: HubSession) -> str:
        return session.transaction_id

    async def judge(self, _uid: str, _points: Sequence[str], here: Any, _at: datetime) -> Any:
        return here


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "measure", "token", "stop", "again", "fail", "restart"]), st.integers(0, 1)),
    max_size=25,
)


@given(steps=STEPS, chosen=st.booleans(), legacy=st.booleans())
@settings(max_examples=30, deadline=None)
def test_each_session_is_told_of_once_and_whole(steps: list[tuple[str, int]], chosen: bool, legacy: bool):
    asyncio.run(_story(steps, chosen=chosen, legacy=legacy))


async def _story(steps: list[tuple[str, int]], *, chosen: bool, legacy: bool) -> None:
    dialect = Dialect16() if legacy else Dialect2()
    ledger, clock, hub = PostingLedger(), SteppedClock(began_at=NOON), SilentHub(dialect)
    told = HubLedger(ledger, [hub], asyncio.Lock(), clock)
    running: list[TransactionStart | None] = [None, None]
    ids = ["", ""]
    truth: list[tuple[int, int, int]] = []
    register_wh = [1_000, 9_000]
    for what, which in [*steps, ("stop", 0), ("stop", 1)]:
        clock.advance(61.0)
        register_wh[which] += 10
        start, at = running[which], clock.now()
        if what == "start" and start is None:
            start = TransactionStart(
                station=f"CP{which + 1}",
                connector=1,
                point=POINTS[which].id,
                token="" if chosen else "T",
                started_at=at,
                start_wh=register_wh[which],
                transaction_id=f"tx-{clock.elapsed_s}" if chosen else None,
            )
            started = await told.start_transaction(start)
            running[which], ids[which] = start, start.transaction_id or str(started.transaction_id)
        elif what == "again" and start is not None:
            assert (await told.start_transaction(start)).outcome is Outcome.REPEATED
        elif what == "token" and start is not None and chosen:
            await told.complete_transaction(TransactionDetails(start.station, ids[which], token="T"))
        elif what == "measure":
            await _measure(hub, ledger, which, register_wh[which], clock)
        elif what == "stop" and start is not None:
            stop = TransactionStop(start.station, ids[which], at, register_wh[which], chosen=chosen)
            await told.stop_transaction(stop)
            await told.stop_transaction(stop)
            truth.append((which + 1, start.start_wh, register_wh[which]))
            running[which] = None
        elif what == "fail" and start is not None:
            ledger.available = False
            with pytest.raises(LedgerUnavailable):
                await told.stop_transaction(TransactionStop(start.station, ids[which], at, 1, chosen=chosen))
            ledger.available = True
        elif what == "restart":
            hub = SilentHub(dialect)
            hub.book.restore(await ledger.running(), ledger.posted())
            told = HubLedger(ledger, [hub], asyncio.Lock(), clock)
    await _check(ledger, truth, "1.6" if legacy else "2.0.1")


async def _measure(hub: SilentHub, ledger: PostingLedger, which: int, wh: int, clock: SteppedClock) -> None:
    session = hub.book.at(which + 1)
    if session is None:
        return
    hub.book.measured(MeterSample(POINTS[which].id, clock.now(), (1.0, 2.0, 3.0), 900.0, wh, session.id))
    draft = hub.book.sampling(session, clock.now(), 60)
    if draft is not None:
        ledger.post(draft.letters)
        hub.book.take(draft)


async def _check(ledger: PostingLedger, truth: list[tuple[int, int, int]], version: str) -> None:
    by_name: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for letter in ledger.letters:
        _, _, action, payload = json.loads(letter.frame)
        await validate_payload(Call("x", action, dict(payload)), version)
        name, _, number = letter.key.rpartition("#")
        assert int(number) == len(by_name.setdefault(name, []))
        by_name[name].append((action, payload))
    books = []
    for number, messages in enumerate(by_name.values()):
        first, last = messages[0][1], messages[-1][1]
        if version == "1.6":
            actions = [action for action, _ in messages]
            assert (actions[0], actions[-1]) == ("StartTransaction", "StopTransaction"), number
            assert set(actions[1:-1]) <= {"MeterValues"}
            books.append((first["connectorId"], first["meterStart"], last["meterStop"]))
        else:
            assert [payload["seqNo"] for _, payload in messages] == list(range(len(messages)))
            kinds = [payload["eventType"] for _, payload in messages]
            assert (kinds[0], kinds[-1]) == ("Started", "Ended")
            assert set(kinds[1:-1]) <= {"Updated"}
            books.append((first["evse"]["id"], register(first), register(last)))
    assert sorted(books) == sorted(truth)


def register(payload: dict[str, Any]) -> int:
    return int(payload["meterValue"][0]["sampledValue"][0]["value"])


def test_currents_are_told_by_the_connectors_own_phases():
    session = HubSession("s", "n", "CP2", "1", 2, "T", NOON, 0, told=1)
    sample = Measurement(NOON, 1_234_567, 7_000.04, (1.0, 2.0, 3.0))
    message = Dialect16().measured(session, POINTS[1], sample, triggered=False, offline=False)
    values = message.payload["meterValue"][0]["sampledValue"]
    assert [(value["value"], value.get("phase")) for value in values] == [
        ("1234567", None),
        ("7000.0", None),
        ("2.0", "L1"),
        ("3.0", "L2"),
        ("1.0", "L3"),
    ]


@pytest.mark.parametrize("reason", sorted({*(r.value for r in Reason), *(r.value for r in ReasonEnumType), "?"}))
async def test_every_reason_has_a_word_in_both_versions(reason: str):
    session = HubSession("s", "n", "CP2", "1", 2, "T", NOON, 0, told=3)
    end = Ending(NOON + timedelta(hours=1), None, reason, "04A2B3C4")
    for dialect, version in ((Dialect16(), "1.6"), (Dialect2(), "2.0.1")):
        message = dialect.stop(session, end, offline=False)
        await validate_payload(Call("x", message.action, dict(message.payload)), version)


def test_measurements_are_kept_sparsely_while_it_is_away():
    session = HubSession("s", "n", "CP2", "1", 2, "T", NOON, 0, told=1)
    session.sample = Measurement(NOON, 5)
    soon = NOON + timedelta(seconds=61)
    assert session.sample_due(soon, 60, away=False) is session.sample
    assert session.sample_due(soon, 60, away=True) is None
    assert session.sample_due(NOON + timedelta(seconds=901), 60, away=True) is session.sample
    assert session.sample_due(soon, 0, away=False) is None


async def test_a_session_whose_place_is_known_only_later_is_told_of_then():
    ledger, clock, hub = PostingLedger(), SteppedClock(began_at=NOON), SilentHub(Dialect2())
    told = HubLedger(ledger, [hub], asyncio.Lock(), clock)
    start = TransactionStart("CP1", 0, None, "T", NOON, 500, transaction_id="tx")
    await told.start_transaction(start)
    assert ledger.letters == []
    await told.complete_transaction(TransactionDetails("CP1", "tx", connector=1, point="P1"))
    await told.stop_transaction(TransactionStop("CP1", "tx", NOON + timedelta(hours=1), 900, chosen=True))
    await _check(ledger, [(1, 500, 900)], "2.0.1")
