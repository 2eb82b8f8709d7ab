"""Whatever a charger repeats, and in whatever order, the book is the one of the clean stream.

OCPP 1.6 §3.7: transaction messages are delivered in order, and retried until answered; an answer that is lost
on the way makes the charger announce again what the ledger has long recorded.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.store.ledger import open_ledger
from controller.ports.ledger import SessionRecord
from controller.ports.transactions import Outcome, Started
from tests.support.sessions import a_start, a_stop
from tests.support.thorough import thorough

Visit = tuple[int, int, int, bool]
"""Station, minutes at the charger, Wh taken, whether it ends within the stream."""

visits = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 30), st.integers(-50, 5_000), st.booleans()), min_size=1, max_size=8
)
retries = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12)
"""After which message of the stream which earlier one comes again."""


def clean_stream(stream: list[Visit]) -> list[tuple[str, int]]:
    """Every visit's start and stop in order, as (kind, visit)."""
    return [
        (kind, index) for index, visit in enumerate(stream) for kind in (("start", "stop") if visit[3] else ("start",))
    ]


def disturbed(messages: list[tuple[str, int]], again: list[tuple[int, int]]) -> list[tuple[str, int]]:
    """The same stream with retries of what was announced before, anywhere after it."""
    out: list[tuple[str, int]] = []
    for position, message in enumerate(messages):
        out.append(message)
        out += [messages[which % (position + 1)] for after, which in again if after % len(messages) == position]
    return out


async def book_of(stream: list[Visit], messages: list[tuple[str, int]], *, together: bool) -> list[SessionRecord]:
    """Play the messages into a new ledger, one by one or each twice at once; return its book without the random ids."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{Path(directory) / 'ledger.db'}"
        ledger = open_ledger(url, currency="EUR", price_per_kwh=None, on_event=print)
        started: dict[int, Started] = {}
        for kind, index in messages:
            station, minutes, wh, _ = stream[index]
            begin = index * 60
            if kind == "start":
                start = a_start(f"CP{station}", minutes=begin, wh=1_000 * index)
                answers = await asyncio.gather(*(ledger.start_transaction(start) for _ in range(1 + together)))
                assert {a.session_id for a in answers} == {started.setdefault(index, answers[0]).session_id}
            else:
                transaction = started[index].transaction_id
                stop = a_stop(transaction, f"CP{station}", minutes=begin + minutes, wh=1_000 * index + wh)
                outcomes = await asyncio.gather(*(ledger.stop_transaction(stop) for _ in range(1 + together)))
                assert set(outcomes) <= {Outcome.RECORDED, Outcome.REPEATED}
        records, _ = ledger.sessions()
        ledger.close()
    return [replace(record, id="", transaction_id="") for record in records]


@settings(max_examples=thorough(15, 300), deadline=None)
@given(stream=visits, again=retries, together=st.booleans())
def test_any_stream_with_retries_gives_the_book_of_the_clean_stream(
    stream: list[Visit], again: list[tuple[int, int]], together: bool
):
    messages = clean_stream(stream)
    clean = asyncio.run(book_of(stream, messages, together=False))
    assert len(clean) == len(stream)
    assert asyncio.run(book_of(stream, disturbed(messages, again), together=together)) == clean
