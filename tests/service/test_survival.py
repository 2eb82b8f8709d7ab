"""The service dies in the middle of everything and comes back: nothing is lost, doubled or overloaded."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from simulations.site_handle import SiteHandle, start_site
from tests.support.service import LAB, WITHIN_S, RunningService, eventually, running_service, write_site

POINTS = [f"P0{number}" for number in range(1, 8)]
CARS = POINTS[:5]
FUSE_A = 63.0
BUILDING_A = 12.0
CAR = {"max_a": 16.0, "reaction_s": 0.3}
CLOCK = timedelta(seconds=2)
"""Chargers are told the time in whole seconds."""


class Story:
    """A service and the simulated site that it looks after."""

    def __init__(self, service: RunningService, site: SiteHandle, directory: Path) -> None:
        self.service, self.site, self._directory = service, site, directory

    async def points(self) -> dict[str, dict[str, Any]]:
        points: dict[str, dict[str, Any]] = (await self.site.command("status"))["points"]
        return points

    async def truth(self) -> dict[str, Any]:
        truth: dict[str, Any] = (await self.site.command("status"))["truth"]
        return truth

    async def everybody_online(self) -> None:
        async def online() -> bool:
            return all(point["online"] for point in (await self.points()).values())

        await eventually(online, "every charger to be connected")

    async def nobody_online(self) -> None:
        """The service is gone, and whatever it has said has arrived."""

        async def alone() -> bool:
            return not any(point["online"] for point in (await self.points()).values())

        await eventually(alone, "every charger to be alone")

    async def plug_in(self, names: Iterable[str]) -> None:
        for name in names:
            await self.site.command("plug_in", point=name, car=CAR, soc=0.2)

    async def drawing(self, names: Iterable[str], least_a: float) -> None:
        async def see() -> bool:
            points = await self.points()
            return all(min(points[name]["current_a"]) >= least_a for name in names)

        await eventually(see, f"a draw of {least_a} A or more at {names}")

    async def booked(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The running sessions by point, once there is one at each: a charger may charge before it has said so."""

        async def see() -> dict[str, dict[str, Any]]:
            running = {session["point"]: session for session in (await self.service.sessions("running")).values()}
            return running if running.keys() == set(names) else {}

        return await eventually(see, f"a session at each of {names}")

    async def measured(self, names: Iterable[str]) -> None:
        async def see() -> bool:
            points = await self.points()
            known = {point["id"]: point["measured_a"] for point in (await self.service.get("/points"))["items"]}
            pairs = [(max(points[name]["current_a"]), max(known[name] or [0.0])) for name in names]
            return all(drawn_a >= 6 and abs(drawn_a - known_a) <= 0.5 for drawn_a, known_a in pairs)

        await eventually(see, f"the draw of {names} to be known")

    async def registers_risen(self, names: Iterable[str], by_wh: int) -> None:
        before = await self.points()

        async def see() -> bool:
            now = await self.points()
            return all(now[name]["register_wh"] >= before[name]["register_wh"] + by_wh for name in names)

        await eventually(see, f"{by_wh} Wh more at {names}")

    async def limits_in_sum_below_the_fuse(self) -> None:
        """The real safety: what the chargers may draw, not only what the cars happen to draw."""
        points = (await self.points()).values()
        charging_a = sum(point["limit_a"] for point in points if point["transaction_id"] is not None)
        assert charging_a + BUILDING_A <= FUSE_A

    def messages(self) -> list[tuple[str, str, str]]:
        """(session, kind, outcome) of every transaction message in the ledger."""
        with closing(sqlite3.connect(self._directory / "loadstar.db")) as ledger:
            return ledger.execute("SELECT session_id, kind, outcome FROM transaction_messages").fetchall()


@asynccontextmanager
async def told(directory: Path) -> AsyncIterator[Story]:
    """Five points that fall back to 6 A, two that fall back to nothing, and a building that draws what it is told to.

    Room for the fallback of a charger that is offline is kept free, even if that interrupts another.
    """
    points = {name: {"fallback_a": 6 if name in CARS else 0} for name in POINTS}
    path = write_site(directory, points, fuse_a=FUSE_A, base_load_a=20)
    async with running_service(path, LAB) as service:
        site = await start_site(path, "--quiet", "--meter-noise-a", "0.05", "--newer-every", "2")
        try:
            await site.command("step_building", a=[BUILDING_A] * 3)
            story = Story(service, site, directory)
            await story.everybody_online()
            yield story
        finally:
            await site.stop()


async def the_books_are_right(story: Story) -> None:
    """Everybody leaves; then the ledger holds each session once, with the Wh of the cars' own meters."""
    truth = await story.site.finish()
    assert truth["undelivered"] == 0
    assert truth["fuse_violation_as"] == 0
    assert not await story.service.sessions("running")
    booked = await story.service.sessions("ended")
    metered = {str(session["transaction_id"]): session for session in truth["sessions"]}
    assert booked.keys() == metered.keys()
    for name, session in metered.items():
        record = booked[name]
        assert (record["station"], record["token"]) == (session["station"], session["tag"])
        assert (record["start_wh"], record["end_wh"]) == (session["start_wh"], session["end_wh"])
        assert abs(record["energy_wh"] - session["car_wh"]) <= 1, "whole Wh at either end"
        assert record["review_flags"] == []
        assert record["cost"] is not None
    effects = [(session, kind) for session, kind, outcome in story.messages() if outcome == "recorded"]
    ids = {record["id"] for record in booked.values()}
    assert sorted(effects) == sorted((session, kind) for session in ids for kind in ("start", "stop"))
    assert {outcome for _, _, outcome in story.messages()} <= {"recorded", "repeated"}


async def test_killed_in_the_middle_of_sessions_it_takes_them_up_again(tmp_path: Path):
    async with told(tmp_path) as story:
        service = story.service
        await story.plug_in(CARS)
        await story.drawing(CARS, least_a=7.5)
        await story.measured(CARS)
        await story.registers_risen(CARS, by_wh=4)  # some seconds: a crash may cost the last second of measurements
        before = await story.booked(CARS)
        service.kill()
        await story.nobody_online()
        limits = await story.points()
        await story.registers_risen(CARS, by_wh=1)
        for name, point in (await story.points()).items():
            assert point["limit_a"] == limits[name]["limit_a"], "by the schedule that it holds"
        accepted = (await story.truth())["profiles_accepted"]

        await service.start()
        assert {k: v["id"] for k, v in (await service.sessions("running")).items()} == {
            session["transaction_id"]: session["id"] for session in before.values()
        }

        async def all_told_again() -> bool:
            await story.limits_in_sum_below_the_fuse()
            points = await story.points()
            assert all(points[name]["limit_a"] >= 6 for name in CARS), "nobody is interrupted"
            return (await story.truth())["profiles_accepted"] >= accepted + len(POINTS) + len(CARS)

        await eventually(all_told_again, "default and limit to be written into every charger again")
        await story.everybody_online()
        await story.site.command("step_building", a=[BUILDING_A + 15] * 3)

        async def obeyed() -> bool:
            points = await story.points()
            return sum(points[name]["limit_a"] for name in CARS) <= FUSE_A - BUILDING_A - 15

        await eventually(obeyed, "the limits to follow the building again")
        await story.site.command("step_building", a=[BUILDING_A] * 3)
        after = await service.sessions("running")
        assert [(s["id"], s["start_wh"], s["started_at"]) for s in after.values()] == [
            (s["id"], s["start_wh"], s["started_at"]) for s in before.values()
        ]
        await the_books_are_right(story)
        assert await service.terminate() == 0


async def test_what_happens_during_an_outage_is_recorded_afterwards_with_its_own_time(tmp_path: Path):
    async with told(tmp_path) as story:
        service = story.service
        await story.plug_in(["P01", "P02"])
        await story.drawing(["P01", "P02"], least_a=7.5)
        running = await story.booked(["P01", "P02"])
        service.kill()
        killed_at = datetime.now(UTC) - CLOCK
        await story.site.command("unplug", point="P01")
        await story.plug_in(["P03"])
        await story.drawing(["P03"], least_a=5.5)
        assert (await story.points())["P03"]["limit_a"] == 6, "the default beneath every limit"
        end_wh = (await story.points())["P01"]["register_wh"]
        restarted_at = datetime.now(UTC)
        await service.start()

        async def reported() -> dict[str, Any]:
            ended = await service.sessions("ended")
            now_running = {session["point"] for session in (await service.sessions("running")).values()}
            return ended if now_running == {"P02", "P03"} else {}

        (ended,) = (await eventually(reported, "the chargers to deliver what they kept")).values()
        assert (ended["id"], ended["end_wh"]) == (running["P01"]["id"], end_wh)
        assert killed_at <= datetime.fromisoformat(ended["ended_at"]) <= restarted_at
        begun = {session["point"]: session for session in (await service.sessions("running")).values()}
        assert killed_at <= datetime.fromisoformat(begun["P03"]["started_at"]) <= restarted_at
        assert begun["P02"]["id"] == running["P02"]["id"]
        await story.drawing(["P02", "P03"], least_a=7.5)
        await the_books_are_right(story)
        assert await service.terminate() == 0


async def test_sigterm_ends_it_at_once_however_many_are_connected(tmp_path: Path):
    async with told(tmp_path) as story:
        service = story.service
        await story.plug_in(["P01"])
        await story.drawing(["P01"], least_a=5.5)
        session = (await story.booked(["P01"]))["P01"]
        async with service.http.stream("GET", "/api/v1/stream") as stream:
            lines = stream.aiter_lines()
            assert "event: tick" in [await anext(lines) for _ in range(8)]
            assert await service.terminate() == 0
            try:
                async with asyncio.timeout(WITHIN_S):
                    async for _ in lines:
                        pass
            except httpx.RemoteProtocolError:
                pass  # an endless answer can only end before its end
        last = service.log.read_text().splitlines()[-1]
        assert '"event": "stopped"' in last
        limit_a = (await story.points())["P01"]["limit_a"]
        assert limit_a >= 6, "the charger goes on by itself"
        await service.start()
        assert [s["id"] for s in (await service.sessions("running")).values()] == [session["id"]]
        await the_books_are_right(story)
