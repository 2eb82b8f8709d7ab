"""One connection to a back office: whatever the other side does, whoever asks is answered or told that it is away."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from adapters.ocpp.upstream.link import PAUSE_LAST_S, UpstreamLink
from adapters.ocpp.upstream.turns import AwayError
from adapters.ocpp.upstream.way import Way, client_tls
from adapters.ocpp.wire import Frame
from tests.support.ocpp import basic, until
from tests.support.tls import certificate_and_key

Talk = Callable[[ServerConnection], Awaitable[None]]
CALL = '[2, "1",  "Heartbeat",{ }]'
"""With spaces that no encoder of ours would make."""


@dataclass
class Met:
    link: UpstreamLink
    frames: list[tuple[str, str | bytes]]
    opened: list[int] = field(default_factory=list)
    sockets: list[ServerConnection] = field(default_factory=list)


@asynccontextmanager
async def link_to(talk: Talk, *, password: str | None = None, call_timeout_s: float = 5.0) -> AsyncIterator[Met]:
    """A link to a back office that talks so on each connection."""

    async def on_call(call: Frame, _text: str) -> str:
        if call.action == "Fault":
            raise RuntimeError("a mistake of ours")
        return json.dumps([3, call.message_id, {"status": "Accepted"}])

    async def on_open() -> None:
        met.opened.append(1)

    async def conversation(socket: ServerConnection) -> None:
        met.sockets.append(socket)
        await talk(socket)

    frames: list[tuple[str, str | bytes]] = []
    async with serve(conversation, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        way = Way(f"ws://127.0.0.1:{port}/office", "CP 01", "ocpp1.6", password)
        link = UpstreamLink(
            way,
            on_call=on_call,
            on_open=on_open,
            on_frame=lambda direction, frame: frames.append((direction.value, frame)),
            call_timeout_s=call_timeout_s,
            chance=lambda: 0.0,
        )
        met = Met(link, frames)
        running = asyncio.create_task(link.run())
        try:
            yield met
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def echo(socket: ServerConnection) -> None:
    async for raw in socket:
        await socket.send(f'[3,"{json.loads(raw)[1]}", {{"currentTime" :"now"}} ]')


async def test_frames_pass_to_the_byte_and_the_password_is_shown():
    async with link_to(echo, password="secret") as met:
        await until(lambda: met.link.connected)
        assert await met.link.call("1", CALL) == '[3,"1", {"currentTime" :"now"} ]'
        assert met.frames == [("out", CALL), ("in", '[3,"1", {"currentTime" :"now"} ]')]
        request = met.sockets[0].request
        assert request is not None
        assert request.path == "/office/CP%2001"
        assert request.headers["Authorization"] == basic("CP 01", "secret")["Authorization"]
        assert met.opened == [1]


async def test_one_call_at_a_time_is_under_way():
    most = under_way = 0

    async def slowly(socket: ServerConnection) -> None:
        nonlocal most, under_way
        async for raw in socket:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
            await socket.send(json.dumps([3, json.loads(raw)[1], {}]))

    async with link_to(slowly) as met:
        await until(lambda: met.link.connected)
        calls = [met.link.call(str(n), json.dumps([2, str(n), "Heartbeat", {}])) for n in range(5)]
        answers = await asyncio.gather(*calls)
        assert [json.loads(answer)[1] for answer in answers] == ["0", "1", "2", "3", "4"]
    assert most == 1


async def test_a_call_ends_with_the_connection_and_the_next_connection_serves():
    async def dies_at_first(socket: ServerConnection) -> None:
        if len(met.sockets) == 1:
            await socket.recv()
            socket.transport.abort()
        else:
            await echo(socket)

    async with link_to(dies_at_first) as met:
        await until(lambda: met.link.connected)
        with pytest.raises(AwayError):
            await met.link.call("1", CALL)
        with pytest.raises(AwayError):
            await met.link.call("1", CALL)  # nobody is there
        await until(lambda: met.link.connected)
        assert json.loads(await met.link.call("1", CALL))[0] == 3
        assert len(met.opened) == 2


async def test_who_never_answers_is_left_and_tried_anew():
    async def silent(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with link_to(silent, call_timeout_s=0.02) as met:
        await until(lambda: met.link.connected)
        for number in range(3):
            with pytest.raises(AwayError):
                await met.link.call(str(number), CALL)
        await until(lambda: len(met.sockets) == 2)


async def test_nonsense_and_late_answers_are_no_answers():
    async def nonsense(socket: ServerConnection) -> None:
        async for raw in socket:
            for frame in ("no json", '[3,"another",{}]', '[9,"1",{}]', b"\xff", '[3,"1",7]', '["2"]'):
                await socket.send(frame)
            await socket.send(json.dumps([4, json.loads(raw)[1], "NotSupported", "", {}]))

    async with link_to(nonsense) as met:
        await until(lambda: met.link.connected)
        assert json.loads(await met.link.call("1", CALL))[0] == 4


async def test_what_is_asked_is_answered_whatever_becomes_of_it():
    answers: list[object] = []

    async def asks(socket: ServerConnection) -> None:
        for action in ("Reset", "Fault"):
            await socket.send(json.dumps([2, action, action, {}]))
            answers.append(json.loads(await socket.recv()))
        await socket.send('[2,"x","Reset",7]')
        answers.append(json.loads(await socket.recv()))
        await socket.wait_closed()

    async with link_to(asks):
        await until(lambda: len(answers) == 3)
    assert answers[0] == [3, "Reset", {"status": "Accepted"}]
    assert answers[1] == [4, "Fault", "InternalError", "", {}]
    assert answers[2][:3] == [4, "x", "FormationViolation"]  # type: ignore[index]


async def test_a_back_office_that_is_not_there_is_tried_ever_less_often(monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    link = UpstreamLink(Way("ws://127.0.0.1:1/x", "CP01", "ocpp1.6"), on_call=None, on_open=None)  # type: ignore[arg-type]

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 11:
            raise asyncio.CancelledError

    monkeypatch.setattr("adapters.ocpp.upstream.link.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await link.run()
    assert pauses == sorted(pauses)
    assert 1.0 <= pauses[0] <= 1.5
    assert pauses[-1] == PAUSE_LAST_S
    assert link.trouble


async def test_both_sides_show_certificates(tmp_path: Path):
    for name in ("office", "station"):
        certificate, key = certificate_and_key()
        (tmp_path / f"{name}.pem").write_bytes(certificate)
        (tmp_path / f"{name}.key").write_bytes(key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "office.pem", tmp_path / "office.key")
    server.load_verify_locations(tmp_path / "station.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    trusting = client_tls(tmp_path / "office.pem", None, None)
    showing = client_tls(tmp_path / "office.pem", tmp_path / "station.pem", tmp_path / "station.key")
    connected: dict[str, bool] = {}
    options: dict[str, Any] = {"subprotocols": [Subprotocol("ocpp1.6")], "ssl": server}
    async with serve(echo, "localhost", 0, **options) as office:
        port = next(iter(office.sockets)).getsockname()[1]
        for name, tls in (
            ("shows nothing", trusting),
            ("shows its own", showing),
            ("trusts others", client_tls(None, None, None)),
        ):
            way = Way(f"wss://localhost:{port}", "CP01", "ocpp1.6", tls=tls)
            link = UpstreamLink(way, on_call=None, on_open=_nothing)  # type: ignore[arg-type]  # nobody calls
            running = asyncio.create_task(link.run())
            await link.tried()
            try:
                await link.call("1", CALL)
                connected[name] = True
            except AwayError:
                connected[name] = False
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert connected == {"shows nothing": False, "shows its own": True, "trusts others": False}


async def test_a_certificate_that_is_none_is_refused_at_once(tmp_path: Path):
    (tmp_path / "no.pem").write_text("no certificate")
    for files in ((tmp_path / "no.pem", None, None), (None, tmp_path / "missing.pem", tmp_path / "missing.key")):
        with pytest.raises(OSError, match=r".*"):
            client_tls(*files)


async def _nothing() -> None:
    """Announces nothing."""
