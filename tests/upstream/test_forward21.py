"""Chargers that their back office sees as themselves, in OCPP 2.1: what nobody answers passes as well."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from adapters.ocpp.upstream.back_office import BackOffice as Office
from tests.support.forwarded import MeteredCharger, forwarded
from tests.support.metered2 import MeteredStation
from tests.support.ocpp import until
from tests.support.raw_office import raw_office

STREAM = '[6 ,"s-1" , "NotifyPeriodicEventStream",{"id": 3, "pending":0, "basetime":"2026-11-20T09:00:00Z","data":[]}]'


def complaint(message_id: str) -> str:
    return f'[5,  "{message_id}","FormatViolation", "it lacks a field",{{}}]'


def station(url: str) -> MeteredStation:
    return MeteredStation(url, "CP01", subprotocol="ocpp2.1")


async def said(charger: MeteredCharger, text: str) -> None:
    assert charger._socket is not None
    await charger._socket.send(text)


async def test_a_session_and_a_stream_pass_to_the_byte(tmp_path: Path):
    async with (
        raw_office("ocpp2.1") as office,
        raw_office("ocpp2.1") as ears,
        forwarded(tmp_path, Office("office", office.url), Office("ears", ears.url, primary=False)) as site,
        station(site.url) as charger,
    ):
        await charger.boot()
        await site.ready()
        await charger.session()
        await said(charger, STREAM)
        await until(lambda: STREAM in office.frames and STREAM in ears.frames)
        own = [text for text in charger.said if json.loads(text)[0] == 2]
        assert [text for text in office.frames if json.loads(text)[0] == 2] == own
        await office.sockets[-1].send(STREAM)  # no version has this one, but what will come passes, too
        await ears.sockets[-1].send(STREAM.replace("s-1", "s-2"))
        await until(lambda: STREAM in charger.heard)
        assert not [text for text in charger.heard if "s-2" in text]


async def test_who_finds_an_answer_wrong_says_so_to_its_author(tmp_path: Path):
    async with (
        raw_office("ocpp2.1") as office,
        forwarded(tmp_path, Office("office", office.url)) as site,
        station(site.url) as charger,
    ):
        await charger.boot()
        await site.ready()
        await charger.call("Heartbeat", {}, "theirs")
        await said(charger, complaint("theirs"))
        await until(lambda: complaint("theirs") in office.frames)
        await office.ask("TriggerMessage", {"requestedMessage": "Heartbeat"})
        asked = next(json.loads(text)[1] for text in charger.heard if '"requestedMessage": "Heartbeat"' in text)
        await office.sockets[-1].send(complaint(asked))
        await until(lambda: complaint(asked) in charger.heard)
        await office.ask("ClearChargingProfile", {"chargingProfileId": 1})  # is answered here
        answered = [message[1] for message in map(json.loads, office.frames) if message[0] == 3]
        await office.sockets[-1].send(complaint(answered[-1]))
        await office.sockets[-1].close()
        await site.ready(ready=False)
        await charger.call("Heartbeat", {}, "ours")
        await said(charger, complaint("ours"))
        await until(lambda: "answer_refused" in site.events.kinds())
        assert [text for text in charger.heard if json.loads(text)[0] == 5] == [complaint(asked)]


async def test_a_stream_is_lost_while_nobody_hears_it_and_harms_nothing(tmp_path: Path):
    async with (
        raw_office("ocpp2.1", {"BootNotification": lambda _payload: None}) as office,
        forwarded(tmp_path, Office("office", office.url)) as site,
        station(site.url) as charger,
    ):
        booting = asyncio.create_task(charger.boot())
        await until(lambda: office.calls != [])
        await said(charger, STREAM)
        office.answers["BootNotification"] = _accepted
        await office.sockets[-1].close()
        await booting
        await site.ready()
        await charger.session()
        await site.drained()
        assert len(office.told("TransactionEvent")) == 3
        assert STREAM not in office.frames


def _accepted(_payload: dict[str, Any]) -> dict[str, Any]:
    return {"status": "Accepted", "currentTime": "2026-11-20T09:00:00Z", "interval": 300}
