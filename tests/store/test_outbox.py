"""What back offices are still to be told is on record with what happened, and only with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.store.ledger import SqlLedger
from controller.away import Heard
from controller.hub_satellite.outbox import Answer, Letter, Posted, Settled, Standing, after
from controller.ports.transactions import Outcome
from tests.support.sessions import a_start, a_stop

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_letter(key: str, **changes: Any) -> Letter:
    frame = f'[2,"{key}","StopTransaction",{{}}]'
    return replace(Letter("office", "CP01", key, "StopTransaction", frame, key, NOON), **changes)


async def test_a_session_is_told_of_in_the_order_in_which_it_happened(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start("CP01"), [a_letter("a"), a_letter("a", upstream="audit")])
    await ledger.outbox.post([a_letter("b", transaction_id=str(started.transaction_id))])
    stop = a_stop(started.transaction_id, "CP01", wh=12_000)
    await ledger.stop_transaction(stop, [a_letter("c", transaction_id=stop.transaction_id)])
    head = await ledger.outbox.head("office", "CP01", 10)
    assert [entry.message_id for entry in head] == ["a", "b", "c"]
    assert {entry.session for entry in head} == {started.session_id}
    assert [entry.message_id for entry in await ledger.outbox.head("audit", "CP01", 10)] == ["a"]
    assert await ledger.outbox.head("office", "CP02", 10) == []


async def test_what_is_announced_again_is_told_once(ledger: SqlLedger):
    started = await ledger.start_transaction(a_start("CP01"), [a_letter("a")])
    again = await ledger.start_transaction(a_start("CP01"), [a_letter("other")])
    assert again.outcome is Outcome.REPEATED
    for _ in range(2):
        await ledger.stop_transaction(a_stop(started.transaction_id, "CP01", wh=12_000), [a_letter("c")])
        await ledger.outbox.post([a_letter("b")])
    assert [entry.message_id for entry in await ledger.outbox.head("office", "CP01", 10)] == ["a", "c", "b"]


async def test_what_was_delivered_is_remembered_and_not_told_again(ledger: SqlLedger):
    await ledger.outbox.post([a_letter("a"), a_letter("b")])
    first, second = await ledger.outbox.head("office", "CP01", 10)
    await ledger.outbox.settle(Settled(first, after(first, Answer.TAKEN)))
    await ledger.outbox.settle(Settled(second, after(second, Answer.REFUSED)))
    await ledger.outbox.post([a_letter("a")])
    (waiting,) = await ledger.outbox.head("office", "CP01", 10)
    assert (waiting.message_id, waiting.refusals) == ("b", 1)
    delivered = await ledger.outbox.entry(a_letter("a"))
    assert delivered is not None
    assert delivered.standing is Standing.DELIVERED
    assert await ledger.outbox.entry(a_letter("c")) is None


async def test_an_id_is_adopted_or_kept_beside_ours(ledger: SqlLedger):
    one = await ledger.start_transaction(a_start("CP01", minutes=1), [a_letter("a")])
    two = await ledger.start_transaction(a_start("CP01", minutes=2), [a_letter("b")])
    for entry, theirs, adopted in zip(
        await ledger.outbox.head("office", "CP01", 10), ("71", "72"), (True, False), strict=True
    ):
        await ledger.outbox.settle(Settled(entry, after(entry, Answer.TAKEN), theirs, adopted))
    assert await ledger.outbox.transaction_id(one.session_id) == "71"
    assert await ledger.outbox.transaction_id(two.session_id) == str(two.transaction_id)
    assert await ledger.outbox.theirs("office", "CP01") == {"71": "71", str(two.transaction_id): "72"}
    outcome = await ledger.stop_transaction(a_stop(71, "CP01", wh=12_000), [a_letter("c", transaction_id="71")])
    assert outcome is Outcome.RECORDED
    (entry,) = await ledger.outbox.head("office", "CP01", 10)
    assert (entry.session, entry.theirs) == (one.session_id, "71")


async def test_the_length_of_the_queue_and_the_age_of_its_head_can_be_seen(ledger: SqlLedger):
    later = NOON + timedelta(minutes=5)
    await ledger.outbox.post([a_letter("a"), a_letter("b", happened_at=later), a_letter("c", station="CP02")])
    first = (await ledger.outbox.head("office", "CP01", 1))[0]
    await ledger.outbox.settle(Settled(first, replace(after(first, Answer.REFUSED), standing=Standing.SET_ASIDE)))
    seen = {queue.station: queue for queue in await ledger.outbox.queues()}
    assert (seen["CP01"].waiting, seen["CP01"].oldest_at, seen["CP01"].set_aside) == (1, later, 1)
    assert (seen["CP02"].waiting, seen["CP02"].oldest_at, seen["CP02"].set_aside) == (1, NOON, 0)


async def test_what_a_back_office_says_of_tokens_is_kept_until_it_says_otherwise(ledger: SqlLedger):
    memory = ledger.upstream_memory
    await memory.hear("office", [Heard("04A2", "Accepted", "FLEET", NOON), Heard("04b3", "Accepted")], NOON)
    await memory.hear("office", [Heard("04B3", "Blocked", listed=True)], NOON)
    assert await memory.heard("office", "04a2") == Heard("04a2", "Accepted", "FLEET", NOON)
    assert await memory.heard("office", "04B3") == Heard("04B3", "Blocked", listed=True)
    assert await memory.heard("audit", "04A2") is None
    await memory.hear("office", [Heard("04C4", "Accepted", listed=True)], NOON, all_listed=True)
    assert await memory.heard("office", "04B3") is None
    assert await memory.heard("office", "04C4") is not None
    await memory.hear("office", [Heard("04C4", "")], NOON)
    assert await memory.heard("office", "04C4") is None


async def test_notes_are_kept_by_back_office_and_station(ledger: SqlLedger):
    memory = ledger.upstream_memory
    await memory.note("office", "CP01", "sample_interval_s", 60)
    await memory.note("office", "CP01", "sample_interval_s", 30)
    await memory.note("office", "CP01", "boot", {"a": [1]})
    assert await memory.notes("office", "CP01") == {"sample_interval_s": 30, "boot": {"a": [1]}}
    assert await memory.notes("office", "CP02") == {}


async def test_what_was_written_of_running_sessions_is_known_after_a_restart(ledger: SqlLedger):
    one = await ledger.start_transaction(a_start("CP01", minutes=1), [a_letter("a#0", station="HUB1")])
    two = await ledger.start_transaction(a_start("CP01", minutes=2), [a_letter("b#0", station="HUB1")])
    await ledger.outbox.post([a_letter("a#1", station="HUB1", session=one.session_id)])
    for entry in await ledger.outbox.head("office", "HUB1", 10):
        theirs = "71" if entry.key == "a#0" else None
        await ledger.outbox.settle(Settled(entry, after(entry, Answer.TAKEN), theirs))
    assert await ledger.outbox.posted("office", "HUB1") == {
        one.session_id: Posted("a#1", "71"),
        two.session_id: Posted("b#0", None),
    }
    await ledger.stop_transaction(
        a_stop(one.transaction_id, "CP01", wh=12_000), [a_letter("a#2", station="HUB1", session=one.session_id)]
    )
    assert set(await ledger.outbox.posted("office", "HUB1")) == {two.session_id}
    (entry,) = await ledger.outbox.head("office", "HUB1", 10)
    assert (entry.session, entry.theirs) == (one.session_id, "71")


async def test_what_was_answered_of_tokens_is_forgotten_and_what_was_listed_stays(ledger: SqlLedger):
    await ledger.upstream_memory.hear("office", [Heard("A", "Accepted"), Heard("B", "Accepted", listed=True)], NOON)
    await ledger.upstream_memory.forget("office")
    assert await ledger.upstream_memory.heard("office", "A") is None
    assert await ledger.upstream_memory.heard("office", "B") is not None
