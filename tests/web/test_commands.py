"""What people have stations do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.live import Live
from controller.commands import (
    Availability,
    Command,
    CommandResult,
    Diagnostics,
    News,
    Reset,
    StartCharging,
    StopCharging,
    Trigger,
    Unlock,
    UpdateFirmware,
)
from tests.support.reach import reached
from tests.support.web import BEGIN, HandClock, made_app, small_site

SITE = small_site()


class Desk:
    def __init__(self) -> None:
        self.told: list[tuple[str, Command]] = []
        self.silent = False
        app = made_app(SITE, Live(SITE, HandClock()), commands=self.command)
        self.http = reached(app)

    def command(self, point: str, command: Command) -> CommandResult:
        if self.silent:
            raise TimeoutError
        self.told.append((point, command))
        return CommandResult(accepted=True, status="Accepted")

    async def post(self, body: dict[str, Any], point: str = "P02") -> httpx.Response:
        return await self.http.post(f"/api/v1/points/{point}/commands", json=body)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    created = Desk()
    yield created
    await created.http.aclose()


AT = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ({"command": "reset"}, Reset()),
        ({"command": "reset", "type": "hard"}, Reset(hard=True)),
        ({"command": "start", "token": "04A2"}, StartCharging("04A2")),
        ({"command": "stop"}, StopCharging()),
        ({"command": "unlock"}, Unlock()),
        ({"command": "availability", "type": "inoperative"}, Availability(in_service=False)),
        ({"command": "availability", "type": "operative"}, Availability(in_service=True)),
        (
            {"command": "update_firmware", "url": "https://a.test/fw.bin"},
            UpdateFirmware("https://a.test/fw.bin", BEGIN),
        ),
        (
            {"command": "update_firmware", "url": "https://a.test/fw.bin", "at": "2026-11-21T03:00:00+01:00"},
            UpdateFirmware("https://a.test/fw.bin", AT),
        ),
        ({"command": "diagnostics", "url": "ftp://a.test/logs"}, Diagnostics("ftp://a.test/logs")),
        ({"command": "trigger", "message": "status"}, Trigger(News.STATUS)),
    ],
)
async def test_commands_reach_the_station_of_the_point(desk: Desk, body: dict[str, Any], command: Command):
    answer = await desk.post(body)
    assert answer.json() == {"accepted": True, "status": "Accepted", "settings": {}}
    assert desk.told == [("P02", command)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": "explode"},
        {"command": "reset", "type": "gentle"},
        {"command": "start"},
        {"command": "stop", "now": True},
        {"command": "update_firmware", "url": "file:///etc/passwd"},
        {"command": "update_firmware", "url": "https://a.test/f", "at": "2026-11-21T03:00:00"},
    ],
)
async def test_what_is_no_command_is_refused(desk: Desk, body: dict[str, Any]):
    answer = await desk.post(body)
    assert answer.status_code == 422
    assert desk.told == []


async def test_unknown_points_and_silent_stations(desk: Desk):
    assert (await desk.post({"command": "stop"}, "P99")).status_code == 404
    desk.silent = True
    answer = await desk.post({"command": "stop"})
    assert (answer.status_code, answer.json()) == (503, {"detail": "the station does not answer"})
