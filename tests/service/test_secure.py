"""The whole service with passwords, tokens, logins and TLS, from the outside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from ocpp.v16 import call
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from simulations.demo_credentials import Credentials, make_credentials
from simulations.demo_site import write_demo_site
from tests.support.ocpp import Charger, basic
from tests.support.service import RunningService, eventually, free_ports, running_service


class Guarded:
    """A secured service, and what it takes to get in."""

    def __init__(self, service: RunningService, credentials: Credentials, trust: ssl.SSLContext) -> None:
        self.service, self.credentials, self.trust = service, credentials, trust

    @asynccontextmanager
    async def charger(self, identity: str, password: str | None = None) -> AsyncIterator[Charger]:
        """A charger on a connection of its own; None: with its own password."""
        secret = self.credentials.station_password(identity) if password is None else password
        url = f"wss://127.0.0.1:{self.service.ocpp_port}/ocpp/{identity}"
        headers = basic(identity, secret)
        async with connect(url, subprotocols=["ocpp1.6"], additional_headers=headers, ssl=self.trust) as connection:  # type: ignore[list-item]
            client = Charger(identity, connection)
            listening = asyncio.create_task(client.start())
            try:
                yield client
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def log_in(self, password: str) -> httpx.Response:
        body = {"username": self.credentials.user, "password": password}
        return await self.service.http.post("/api/v1/login", json=body)


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Guarded]:
    credentials = make_credentials(tmp_path)
    path = write_demo_site(tmp_path, 2, free_ports(), credentials)
    trust = ssl.create_default_context(cafile=str(credentials.authority))
    async with running_service(path, trust=trust) as service:
        yield Guarded(service, credentials, trust)
    secrets = [
        credentials.user_password,
        *(credentials.station_password(f"CP0{n}") for n in (1, 2)),
        *credentials.tokens,
    ]
    log = service.log.read_text()
    assert not any(secret in log for secret in secrets)


async def test_who_does_not_know_the_secrets_is_refused_everywhere(guarded: Guarded):
    for password in ("wrong", guarded.credentials.station_password("CP02"), ""):
        with pytest.raises(InvalidStatus) as refusal:
            async with guarded.charger("CP01", password):
                pass
        assert refusal.value.response.status_code == 401
        assert refusal.value.response.headers["WWW-Authenticate"].startswith("Basic")
    http = guarded.service.http
    for path in ("/api/v1/site", "/api/v1/sessions", "/api/v1/events", "/api/v1/stream", "/metrics"):
        assert (await http.get(path)).status_code == 401, path
    assert (await guarded.log_in("wrong-password")).status_code == 401
    stranger = {"Authorization": "Bearer nobody"}
    assert (await http.get("/api/v1/site", headers=stranger)).status_code == 401
    assert (await http.get("/healthz")).status_code == 200


async def test_without_our_authority_and_without_tls_nobody_talks_to_it(guarded: Guarded):
    https = f"https://127.0.0.1:{guarded.service.web_port}/healthz"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        async with httpx.AsyncClient(trust_env=False) as suspicious:
            await suspicious.get(https)
    with pytest.raises(httpx.TransportError):
        async with httpx.AsyncClient(trust_env=False) as plain:
            await plain.get(https.replace("https", "http"))


async def test_an_unknown_token_is_invalid_and_gets_no_current_and_a_known_one_charges(guarded: Guarded):
    token = guarded.credentials.tokens[0]
    async with guarded.charger("CP01") as charger, guarded.charger("CP02") as other:
        for client in (charger, other):
            await client.boot()
            await client.say("Preparing")
        assert (await charger.ask(call.Authorize("STRANGER"))).id_tag_info == {"status": "Invalid"}
        assert (await charger.ask(call.Authorize(token.lower()))).id_tag_info == {"status": "Accepted"}
        refused = await charger.begin(token="STRANGER")
        assert refused.id_tag_info == {"status": "Invalid"}
        accepted = await other.begin(token=token)
        assert accepted.id_tag_info == {"status": "Accepted"}

        async def limited() -> bool:
            return bool(charger.periods("TxProfile") and charger.stopped)

        await eventually(limited, "the stranger's charger to be told 0 A and to stop")
        assert {first[1] for first, *_ in charger.periods("TxProfile")} == {0.0}
        assert charger.stopped == [refused.transaction_id]
        await charger.end(refused.transaction_id, stop_wh=1000)
        await other.end(accepted.transaction_id, stop_wh=3000)
    answer = await guarded.log_in(guarded.credentials.user_password)
    assert answer.status_code == 200
    http = guarded.service.http
    http.cookies.clear()  # the token alone must do
    http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    ended = await guarded.service.sessions("ended")
    assert ended[str(accepted.transaction_id)]["cost"] == "0.7000"
    assert "unauthorised_token" in ended[str(refused.transaction_id)]["review_flags"]
    assert "unknown_token" in await guarded.service.event_kinds()
