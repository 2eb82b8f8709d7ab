"""The whole service under a grid operator's limits: by every way, in the chargers, on record, through a restart."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulations.site_handle import SiteHandle, start_site
from tests.support.meters import ForeignServer
from tests.support.mosquitto import Listener, Mosquitto, mosquitto
from tests.support.service import LAB, RunningService, eventually, running_service, write_site

POINTS = ("P01", "P02")
W_PER_A = 3 * 230.0
DIMMED_W = 13_020.0
"""What §14a EnWG leaves to four devices."""
SET = "loadstar/test/circuit/main/limit_w/set"


def tables(broker: Mosquitto, contact: ForeignServer) -> str:
    return f"""[mqtt]
url = "{broker.url}"

[peak.grid_operator]
release_min = 0
schedule_file = "limits.csv"
[[peak.grid_operator.sources]]
id = "dso"
[[peak.grid_operator.sources]]
id = "dimmer"
by = ["rest"]
paragraph_14a = true
silent_s = 4
fail_safe_w = 5000
[peak.grid_operator.paragraph_14a]
devices = 4
[[peak.grid_operator.inputs]]
source = "dimmer"
host = "127.0.0.1"
port = {contact.port}
kind = "coil"
address = 3
poll_s = 0.5
"""


class Story:
    """A service, two cars that could take 22 kW together, and what their chargers have really been told."""

    def __init__(self, service: RunningService, site: SiteHandle) -> None:
        self.service, self.site = service, site

    async def told_a(self) -> float:
        points = (await self.site.command("status"))["points"]
        return float(sum(points[name]["limit_a"] for name in POINTS))

    async def begin(self) -> None:
        async def online() -> bool:
            return all(point["online"] for point in (await self.site.command("status"))["points"].values())

        await eventually(online, "the chargers")
        for name in POINTS:
            await self.site.command("plug_in", point=name, car={"max_a": 16.0, "reaction_s": 0.3}, soc=0.2)
        await self.full("the beginning")

    async def full(self, after: str) -> None:
        async def look() -> bool:
            return await self.told_a() == 32

        await eventually(look, f"all that the points may have, after {after}")

    async def limited(self, most_w: float, source: str) -> None:
        async def look() -> bool:
            points = (await self.service.get("/points"))["items"]
            because = {point["because"] for point in points}
            return because == {f"limit:{source}"} and 12 <= await self.told_a() <= most_w / W_PER_A + 0.01

        await eventually(look, f"the chargers to hold the limit of {source}")

    async def limits(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.service.get("/limits"))["items"]
        return items

    async def put(self, **limit: object) -> None:
        answer = await self.service.http.put("/api/v1/limits", json={"circuit": "main", **limit})
        assert answer.status_code == 200, answer.text

    async def clear(self) -> None:
        answer = await self.service.http.delete("/api/v1/limits")
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def told(directory: Path, broker: Mosquitto, contact: ForeignServer) -> AsyncIterator[Story]:
    (directory / "limits.csv").write_text("circuit,from,until,limit_w\n")
    points = {name: {"max_a": 16} for name in POINTS}
    path = write_site(directory, points, base_load_a=10.0, more=tables(broker, contact))
    async with running_service(path, LAB) as service:
        site = await start_site(path, "--quiet")
        try:
            story = Story(service, site)
            await story.begin()
            yield story
        finally:
            await site.stop()


async def test_limits_reach_the_chargers_by_every_way_and_survive_a_restart(tmp_path: Path):
    contact, schedule = ForeignServer(), tmp_path / "limits.csv"
    contact.start()
    try:
        with mosquitto(tmp_path) as broker:
            async with told(tmp_path, broker, contact) as story:
                await by_rest(story)
                await by_mqtt(story, broker)
                await by_contact(story, contact)
                seen = await story.service.event_kinds()
                assert seen >= {"limit_received", "limit_refused", "limit_withdrawn"}
                assert seen >= {"limit_source_lost", "contact_lost", "contact_back"}
                await through_a_restart(story)
                schedule.write_text(
                    "circuit,from,until,limit_w\nmain,2020-01-01T00:00:00Z,2999-01-01T00:00:00Z,21000\n"
                )
                await story.limited(21_000, "schedule")
                await on_record(story)
    finally:
        contact.stop()


async def by_rest(story: Story) -> None:
    await story.put(source="dso", limit_w=20_000)
    await story.limited(20_000, "dso")
    why = await story.service.get("/points/P01/explanation")
    assert "that the limit set by dso leaves" in why["sentence"]


async def by_mqtt(story: Story, broker: Mosquitto) -> None:
    async with broker.client() as sender, Listener(broker, "loadstar/test/circuit/#") as listener:
        await sender.publish(SET, "19000", 1)
        await listener.sees(lambda t: t.get("loadstar/test/circuit/main/limit_w") == "19000", "the limit to be told")
        await story.limited(19_000, "dso")
        assert listener.latest["loadstar/test/circuit/main/limit_by"] == "dso"
        await sender.publish(SET, "-5", 1)
        await sender.publish(SET, "none", 1)
        await listener.sees(lambda t: "loadstar/test/circuit/main/limit_w" not in t, "it to be gone")
    assert await story.limits() == []


async def by_contact(story: Story, contact: ForeignServer) -> None:
    contact.bank.set_coils(3, [True])
    await story.limited(DIMMED_W, "dimmer")
    (limit,) = await story.limits()
    assert (limit["limit_w"], limit["allowed_w"], limit["charging_only"]) == (0.0, DIMMED_W, True)
    contact.stop()

    async def fail_safe() -> bool:
        found = [(one["phase"], one["standing"]) for one in await story.limits()]
        told = "limit_source_lost" in await story.service.event_kinds()
        return told and found == [("fail_safe", "counts"), ("valid", "silent")]

    await eventually(fail_safe, "the fail-safe of a contact that is not heard")
    await story.limited(DIMMED_W, "dimmer")
    contact.bank.set_coils(3, [False])
    contact.start()

    async def nothing() -> bool:
        return await story.limits() == [] and "limit_source_back" in await story.service.event_kinds()

    await eventually(nothing, "the contact to be heard again, and open")


async def through_a_restart(story: Story) -> None:
    await story.put(source="dso", limit_w=18_000, id="D-7")
    await story.limited(18_000, "dso")
    (before,) = await story.limits()
    story.service.kill()
    await story.service.start()
    (after,) = await story.limits()
    assert after == before, "when it came, and how long it holds, is what it was"
    await story.limited(18_000, "dso")

    async def met() -> bool:
        return any(row["happening"] == "met" for row in await record_of(story, "D-7"))

    await eventually(met, "the limit to be met")
    await story.clear()
    await story.full("the end of what was set before the restart")


async def record_of(story: Story, limit: str) -> list[dict[str, str]]:
    """What the export says of a limit of this hour."""
    now = datetime.now(UTC)
    times = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    answer = await story.service.http.get("/api/v1/exports/limits", params=times)
    return [row for row in csv.DictReader(io.StringIO(answer.text)) if row["limit"] == limit]


async def on_record(story: Story) -> None:
    """What the chargers held, and when, is told by the log alone."""
    rows = await record_of(story, "D-7")
    told = [row["happening"] for row in rows]
    order = ["received", "began", "in_chargers", "met", "withdrawn", "ended", "released"]
    assert sorted(order, key=told.index) == order
    assert float(rows[told.index("met")]["drawn_w"]) <= 18_000 * 1.02
