"""Ids are what people and chargers say they are, slashes, spaces and all; each has a path of its own."""

from __future__ import annotations

import http.client
import json
from urllib.parse import quote

import pytest

from adapters.live import Live
from adapters.web.server import WebServer
from adapters.web.whole_ids import IdConvertor
from tests.support.books import Office, a_tariff
from tests.support.web import HandClock, made_app, small_site
from tests.web.test_office import submit

ODD = [
    "AB/12",
    "AB/history",
    "a b",
    "50%",
    "50%2F2",
    "x?y#z",
    "\u00fc\u4e2d",
    "import",
    "+;=&'\"<>\\",
    "NL*ABC*1",
    "...",
]


def path_of(name: str) -> str:
    return quote(name, safe="")


@pytest.mark.parametrize("uid", ODD)
async def test_a_token_of_any_name_is_read_changed_and_ended(office: Office, uid: str):
    path = f"/tokens/{path_of(uid)}"
    await office.ask("POST", "/tokens", {"uid": uid, "description": "Odd"}, 201)
    assert (await office.ask("GET", path))["uid"] == uid
    assert (await office.ask("PUT", path, {"description": "Odder"}))["description"] == "Odder"
    assert len((await office.ask("GET", f"{path}/history"))["items"]) == 2
    assert (await submit(office, f"{path}/block")).status_code == 303
    assert (await office.ask("DELETE", path))["blocked"]
    assert (await office.ask("GET", "/tokens"))["items"] == []


async def test_tariffs_contracts_and_parties_of_any_name_are_reached(office: Office):
    for name in ODD:
        path = path_of(name)
        await office.ask("POST", "/tariffs", a_tariff(name), 201)
        assert (await office.ask("POST", f"/tariffs/{path}/approve"))["id"] == name
        assert (await office.ask("GET", f"/tariffs/{path}"))["items"][0]["id"] == name
        await office.ask("DELETE", f"/tariffs/{path}")
        await office.ask("POST", "/parties", {"id": name, "kind": "tenant", "name": "T"}, 201)
        await office.ask("POST", "/contracts", {"id": name, "party": name}, 201)
        assert (await office.ask("PUT", f"/contracts/{path}", {"party": name, "home_charging": True}))["id"] == name
        await office.ask("DELETE", f"/contracts/{path}", status=204)
        await office.ask("DELETE", f"/parties/{path}", status=204)


async def test_a_slash_that_is_not_encoded_parts_a_path(office: Office):
    await office.ask("POST", "/tokens", {"uid": "AB"}, 201)
    await office.ask("POST", "/tokens", {"uid": "AB/history"}, 201)
    assert len((await office.ask("GET", "/tokens/AB/history"))["items"]) == 1
    assert (await office.ask("GET", "/tokens/AB%2Fhistory"))["uid"] == "AB/history"
    await office.ask("GET", "/tokens/AB/12", status=404)


async def test_no_encoding_of_a_path_leads_past_the_login(guarded_office: Office):
    for path in (
        "/api%2Fv1%2Ftokens",
        "/p/%2E%2E%2Fapi/v1/tokens",
        "/login%3F/../api/v1/tokens",
        "/static%2F..%2Ftokens",
    ):
        answer = await guarded_office.http.get(path)
        assert answer.status_code in (401, 404), path


def test_over_a_socket_the_server_hears_the_path_as_it_was_sent():
    site = small_site()
    server = WebServer(made_app(site, Live(site, HandClock())), "127.0.0.1", 0)
    server.start()
    try:
        found = {}
        for path in ("/api/v1/points/P%2F1", "/api/v1/points/P%252F1", "/api/v1/points/%5001"):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.putrequest("GET", path, skip_accept_encoding=True)
            connection.endheaders()
            found[path] = json.loads(connection.getresponse().read()).get("detail")
            connection.close()
        assert found == {
            "/api/v1/points/P%2F1": "unknown point 'P/1'",
            "/api/v1/points/P%252F1": "unknown point 'P%2F1'",
            "/api/v1/points/%5001": None,
        }
    finally:
        server.stop()


def test_every_id_in_a_path_is_taken_whole():
    site = small_site()
    app = made_app(site, Live(site, HandClock()))
    plain = {
        name
        for router in (app, *(route.original_router for route in app.routes if hasattr(route, "original_router")))
        for route in router.routes
        for name, convertor in getattr(route, "param_convertors", {}).items()
        if not isinstance(convertor, IdConvertor)
    }
    assert plain == {"month", "kind", "version", "path"}, "none of which is an id"
