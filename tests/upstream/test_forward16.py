"""Chargers that their back office sees as themselves, in OCPP 1.6, while it is there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from adapters.ocpp.upstream.back_office import BackOffice as Office
from tests.support.back_office import BackOffice, back_office
from tests.support.forwarded import TOKEN, MeteredCharger, forwarded


@pytest_asyncio.fixture
async def office(tmp_path: Path) -> AsyncIterator[BackOffice]:
    async with back_office(tmp_path) as running:
        yield running
    assert running.failures == []


def payloads(frames: list[str]) -> list[tuple[str, Any]]:
    """Action or kind, and payload, of frames."""
    messages = [json.loads(frame) for frame in frames]
    return [(message[2], message[3]) if message[0] == 2 else (str(message[0]), message[2]) for message in messages]


async def test_a_session_passes_to_the_byte_and_the_back_offices_book_is_that_of_the_meter(
    tmp_path: Path, office: BackOffice
):
    async with (
        forwarded(tmp_path, Office("office", office.url, password="key")) as site,
        MeteredCharger(site.url) as charger,
    ):
        assert (await charger.boot())["interval"] == 300
        await site.ready()
        await charger.status()
        assert await charger.call("Authorize", {"idTag": TOKEN}) == {
            "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}
        }
        started = await charger.begin()
        assert started["transactionId"] == 5001
        await charger.measure()
        await charger.end()
        vendor = {"vendorId": "Métré", "messageId": "x", "data": '{"Δ": 1}'}
        assert await charger.call("DataTransfer", vendor) == {"status": "Accepted", "data": '{"Δ": 1}'}
        assert await office.call("CP01", "Reset", {"type": "Soft"}) == {"status": "Accepted"}
        came, went = await office.seen("CP01")
        own = [text for text in charger.said if json.loads(text)[0] == 2]
        assert [text for text in came if json.loads(text)[0] == 2] == own
        answers = [text for text in went if json.loads(text)[0] == 3]
        assert [text for text in charger.heard if json.loads(text)[0] == 3] == answers
        asked = [text for text in went if json.loads(text)[0] == 2]
        assert [text for text in charger.heard if "Reset" in text] == asked
        assert [text for text in came if json.loads(text)[0] == 3] == [t for t in charger.said if asked_id(asked) in t]
        assert office.sessions("CP01") == charger.sessions
        assert await office.stations() == {"CP01": "key"}
        (session,), _ = site.ledger.sessions()
        assert (session.transaction_id, session.energy_wh, session.running) == ("5001", 1_100, False)
        assert await site.queue() == 0


def asked_id(asked: list[str]) -> str:
    return str(json.loads(asked[0])[1])
