"""Who gets in, and what everybody else is told."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from adapters.ocpp.access import FREE_TRIES, Patience, credentials, identity_of
from adapters.ocpp.lobby import MAX_WAITING_OF_ADDRESS
from adapters.ocpp.server import OPEN_TIMEOUT_S
from controller.site import Station
from tests.support.ocpp import PASSWORD, Bench, basic, bench, charger, point, rpc, site_of, socket, until
from tests.support.tls import tls_contexts

HEX_KEY = "00ff10203040506070809aabbccddeeff0011223"


async def refused(bench: Bench, path: str = "/ocpp/CP01", **options: Any) -> InvalidStatus:
    options = {"subprotocols": ["ocpp1.6"], "additional_headers": basic("CP01", PASSWORD)} | options
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"ws://127.0.0.1:{bench.central.port}{path}", **options):
            pass
    return caught.value


@pytest.mark.parametrize("path", ["/", "/ocpp", "/ocpp/", "/ocpp/STRANGER", "/ocpp/CP01/x", "/CP01", "/ocpp/%ff"])
async def test_a_path_that_names_no_station_of_the_site_is_not_found(path: str):
    async with bench() as b:
        assert (await refused(b, path)).response.status_code == 404


async def test_refusals_are_reported_with_their_reason_but_not_without_end():
    async with bench() as b:
        for _ in range(5):
            await refused(b, "/ocpp/CP1")
        assert [event.message for event in b.events.events] == [
            "a connection from 127.0.0.1 was refused: the site has no station 'CP1'"
        ]
        b.clock.advance(61)
        await refused(b, additional_headers={})
        assert b.events.events[-1].message.endswith("station 'CP01' gave no password")


async def test_an_identity_may_be_percent_encoded():
    async with bench(site_of(point(station="Garage 1/ä"))) as b:
        b.ledger.add_password("Garage 1/ä", PASSWORD)
        headers = basic("Garage 1/ä", PASSWORD)
        path = "Garage%201%2F%C3%A4"
        async with connect(b.url(path), subprotocols=["ocpp1.6"], additional_headers=headers) as connection:
            assert connection.subprotocol == "ocpp1.6"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("CP01", "wrong"),
        basic("CP02", PASSWORD),
        basic("CP01", ""),
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + "QUFB" * 1000},
    ],
    ids=["none", "wrong", "another station's name", "empty", "bearer", "not base64", "long"],
)
async def test_without_its_own_password_a_station_stays_outside(headers: dict[str, str]):
    async with bench(site_of(point(), point("P02", "CP02"))) as b:
        answer = (await refused(b, additional_headers=headers)).response
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert not b.central.stations()[0].online


async def test_a_station_without_a_stored_password_stays_outside():
    async with bench(site_of(point(station="CP09"))) as b:
        assert (await refused(b, "/ocpp/CP09", additional_headers=basic("CP09", ""))).response.status_code == 401
        assert (await refused(b, "/ocpp/CP09", additional_headers=basic("CP09", "x"))).response.status_code == 401


@pytest.mark.parametrize("password", [HEX_KEY, bytes.fromhex(HEX_KEY)], ids=["as text", "as the bytes it stands for"])
@pytest.mark.parametrize("stored", [HEX_KEY, HEX_KEY.upper()])
async def test_an_authorization_key_in_hex_is_taken_in_either_form(password: str | bytes, stored: str):
    async with bench() as b:
        b.ledger.add_password("CP01", stored)
        if password == HEX_KEY and stored != HEX_KEY:
            assert (await refused(b, additional_headers=basic("CP01", password))).response.status_code == 401
        else:
            async with socket(b, password=password) as connection:
                assert (await rpc(connection, "Heartbeat", {}))[0] == 3


async def test_wrong_passwords_are_reported_and_slowed_down_without_harm_to_others():
    async with bench(site_of(point(), point("P02", "CP02"))) as b, charger(b) as real:
        codes = [
            (await refused(b, additional_headers=basic("CP01", f"guess {n}"))).response for n in range(FREE_TRIES + 3)
        ]
        assert [answer.status_code for answer in codes] == [401] * FREE_TRIES + [429] * 3
        assert codes[-1].headers["Retry-After"] == "1"
        assert b.events.kinds("station:CP01").count("authentication_failed") == FREE_TRIES
        assert not any("guess" in event.message for event in b.events.events)
        await real.boot()
        async with charger(b, "CP02") as other:
            await other.boot()
        b.clock.advance(1.1)
        async with charger(b) as again:
            await again.boot()


async def test_no_secret_is_ever_logged(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    async with bench() as b:
        await refused(b, additional_headers=basic("CP01", "wrong-secret"))
        async with charger(b) as client:
            await client.boot()
            await client.begin(token="SECRETTAG")
            connection = client._connection
            await connection.send('[2,"x","StartTransaction",{"idTag":"SECRETTAG"}]')
            await connection.send('[2,"y","Authorize",{"idTag":["SECRETTAG"]}]')
            await client.heartbeat()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("loadstar")]
    assert not [line for line in ours if "SECRETTAG" in line or "wrong-secret" in line or PASSWORD in line]
    assert not [event for event in b.events.events if "SECRETTAG" in event.message]


@pytest.mark.parametrize("offered", [["ocpp1.5", "ocpp2.0"], ["mqtt"], None])
async def test_without_a_common_subprotocol_the_handshake_is_completed_and_closed(offered: list[str] | None):
    async with bench() as b:
        async with socket(b, subprotocols=offered) as connection:
            assert connection.subprotocol is None
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            assert connection.close_code == 1002
        assert not b.central.stations()[0].online


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["ocpp1.5", "ocpp1.6"], "ocpp1.6"),
        (["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], "ocpp2.1"),
        (["ocpp2.0", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
    ],
)
async def test_what_a_station_names_first_of_what_is_spoken_here_is_spoken(offered: list[str], spoken: str):
    async with bench() as b, socket(b, subprotocols=offered) as connection:
        assert connection.subprotocol == spoken


async def test_in_the_laboratory_a_station_needs_no_password_but_a_wrong_one_is_still_wrong():
    async with bench(site_of(point(), point("P09", "CP09")), lab=True) as b:
        for identity in ("CP01", "CP09"):
            async with socket(b, identity, None) as connection:
                assert (await rpc(connection, "Heartbeat", {}))[0] == 3
        async with socket(b, "CP09", "whatever") as connection:
            assert (await rpc(connection, "Heartbeat", {}))[0] == 3
        assert (await refused(b, additional_headers=basic("CP01", "wrong"))).response.status_code == 401


async def test_a_station_without_points_may_connect():
    async with bench(site_of(point(), stations=(Station("CP02"),))) as b, charger(b, "CP02") as client:
        await client.boot()
        assert [view.id for view in b.central.stations() if view.online] == ["CP02"]


async def test_while_the_ledger_is_away_nobody_is_mistaken_for_an_impostor():
    async with bench() as b:
        b.ledger.available = False
        assert (await refused(b)).response.status_code == 503
        assert b.events.kinds() == []


async def test_a_newer_connection_takes_over_and_the_old_ones_end_changes_nothing():
    async with bench() as b, charger(b) as old:
        await old.boot()
        async with charger(b) as new:
            await new.boot()
            await old._connection.wait_closed()
            assert old._connection.close_code == 1000
            assert b.central.stations()[0].online
            assert b.state().state == "available"
            await new.say("Available")
        await until(lambda: not b.central.stations()[0].online)
    kinds = b.events.kinds("station:CP01")
    assert kinds == ["station_online", "station_replaced", "station_offline"]


async def test_many_reconnects_at_once_leave_exactly_one_conversation():
    async with bench() as b:

        async def once() -> None:
            with suppress(ConnectionClosed):  # replaced by another
                async with socket(b) as connection:
                    await rpc(connection, "Heartbeat", {})

        await asyncio.gather(*(once() for _ in range(20)))
        await until(lambda: not b.central.stations()[0].online)
        async with charger(b) as last:
            await last.boot()
            assert b.central.stations()[0].online


async def test_what_a_replaced_connection_still_sends_is_not_looked_at():
    async with bench() as b, socket(b) as old:
        await rpc(old, "Heartbeat", {})
        async with charger(b) as new:
            await new.boot()
            await new.say("Available")
            status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
            with suppress(ConnectionClosed):
                await old.send(json.dumps([2, "late", "StatusNotification", status]))
            await new.heartbeat()
            assert b.state().state == "available"


async def test_sockets_that_only_hold_a_place_make_room_for_chargers():
    async with bench() as b:
        silent = [
            await asyncio.open_connection("127.0.0.1", b.central.port) for _ in range(MAX_WAITING_OF_ADDRESS + 30)
        ]
        async with charger(b) as client:
            await client.boot()
        async with asyncio.timeout(OPEN_TIMEOUT_S / 2):  # sooner than the handshake's own timeout
            for reader, writer in silent[:20]:
                assert await reader.read(1) == b""
                writer.close()
        for _reader, writer in silent[20:]:
            writer.close()


async def test_forty_stations_may_share_an_address():
    names = [f"CP{number:02}" for number in range(1, 41)]
    site = site_of(*(point(f"P-{name}", name) for name in names))
    async with bench(site, lab=True) as b, AsyncExitStack() as open_sockets:
        for name in names:
            await rpc(await open_sockets.enter_async_context(socket(b, name, None)), "Heartbeat", {})
        assert all(view.online for view in b.central.stations())
    assert b.events.kinds().count("station_online") == 40


def test_patience_grows_is_bounded_and_forgives():
    patience = Patience(free_tries=2)
    waits = []
    for _ in range(12):
        patience.failed("x", 0.0)
        waits.append(patience.wait_s("x", 0.0))
    assert waits[:5] == [0, 1, 2, 4, 8]
    assert waits[-1] == 60
    assert patience.wait_s("y", 0.0) == 0
    patience.failed("x", 700.0)
    assert patience.wait_s("x", 700.0) == 0
    patience.failed("x", 700.0)
    patience.succeeded("x")
    assert patience.wait_s("x", 700.0) == 0


def test_patience_has_a_bounded_memory():
    patience = Patience(free_tries=1)
    for offender in range(10_000):
        patience.failed(offender, 0.0)
    assert len(patience._failures) == 4096


def test_odd_identities_and_headers_are_no_identities_and_no_credentials():
    assert identity_of("/ocpp/a:b") is None
    assert identity_of("/ocpp/" + "x" * 49) is None
    assert identity_of("/ocpp/%00") is None
    assert identity_of("/ocpp/CP01") == "CP01"
    assert credentials("Basic bm9jb2xvbg==") is None
    assert credentials("Basic Q1A6YTpi") == ("CP", b"a:b")
    assert credentials("Basic /zo=") is None


async def test_over_tls_the_same_rules_hold():
    server_tls, client_tls = tls_contexts()
    async with bench(ssl_context=server_tls) as b:
        url = f"wss://localhost:{b.central.port}/ocpp/CP01"
        options: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "ssl": client_tls}
        async with connect(url, additional_headers=basic("CP01", PASSWORD), **options) as connection:
            assert (await rpc(connection, "Heartbeat", {}))[0] == 3
        with pytest.raises(InvalidStatus):
            async with connect(url, additional_headers=basic("CP01", "wrong"), **options):
                pass
        with pytest.raises((InvalidMessage, ConnectionClosed, ConnectionError)):
            async with connect(b.url(), additional_headers=basic("CP01", PASSWORD), open_timeout=5):
                pass
