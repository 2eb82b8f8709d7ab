"""The whole service on real protocols, with twenty simulated chargers and a simulated meter on loopback."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import psutil

from adapters.configuration import load_configuration
from adapters.log import configure_logging
from adapters.service import Service
from simulations.demo_site import Ports, write_demo_site
from simulations.loopback import free_port
from simulations.site_handle import SiteHandle, start_site
from tests.benchmarks.registry import Measurement, benchmark, percentile

STEPS = 20
UP_S, DOWN_S = 4.0, 16.0
"""A step is answered within 3 s; afterwards the raises need ten calm seconds and more."""
IDLE_S = 30.0
LIMITS, LOWER_TO = 6, 0.85
"""Each limit leaves so much of what the chargers hold; then all of them still have their minimum."""
LOOKS, LOOK_S = 500, 0.02
NOMINAL_V = 230.0
VOLTAGE_FALLS = 1.01
"""Under load the meter sees less than the nominal voltage, and a limit in watts allows more current."""


def _site_file(folder: Path) -> tuple[Path, Ports]:
    ports = Ports(*(free_port(0, "any") for _ in range(3)))
    return write_demo_site(folder, 20, ports, None), ports


def _everybody_single_phase(path: Path) -> None:
    """Rewire the site so that all twenty are served at once, and a step of the building changes every one of them."""
    numbers = count()
    text = re.sub(r'(?m)^phases = ".*"$', lambda _: f'phases = "L{1 + next(numbers) % 3}"', path.read_text())
    path.write_text(re.sub(r"(?m)^fuse_a = (40|32)$", "fuse_a = 63", text).replace("margin_a = 2", "margin_a = 1"))


async def _everybody_online(site: SiteHandle) -> None:
    while True:
        points = (await site.command("status"))["points"].values()
        if all(point["online"] for point in points):
            return
        await asyncio.sleep(0.2)


@asynccontextmanager
async def _quiet_site(path: Path) -> AsyncIterator[SiteHandle]:
    site = await start_site(path, "--quiet")
    try:
        yield site
    finally:
        await site.stop()


async def _plug_in_everybody(site: SiteHandle) -> None:
    await _everybody_online(site)
    for point in (await site.command("status"))["points"]:
        await site.command("plug_in", point=point, car={"max_a": 32, "capacity_wh": 200_000})


async def _reactions(path: Path) -> tuple[list[float], dict[str, float]]:
    """Step the building up and down; returns our own part of every reaction [s], and what the site measured."""
    own_s: list[float] = []
    configure_logging(stream=io.StringIO())
    service = Service(load_configuration(path, {}), lab=True)
    async with _quiet_site(path) as site:
        await service.start()
        try:
            await _plug_in_everybody(site)
            await asyncio.sleep(25)
            dice = random.Random(4)
            for _ in range(STEPS):
                await site.command("step_building", a=[15, 15, 15])
                await asyncio.sleep(UP_S + dice.random())
                await site.command("step_building", a=[0, 0, 0])
                await asyncio.sleep(DOWN_S + dice.random())
            measured = (await site.command("status"))["truth"]["reaction_ms"]
            own_s += service.reactions.seconds()
        finally:
            await service.stop()
    return own_s, measured


@benchmark
def reaction() -> dict[str, Measurement]:
    """From a step of the building to the last changed profile accepted, and what of it passes in the service."""
    with tempfile.TemporaryDirectory() as folder:
        path, _ = _site_file(Path(folder))
        _everybody_single_phase(path)
        own_s, measured = asyncio.run(_reactions(path))
    count = int(measured["n"])
    return {
        "reaction_own_p99_ms": Measurement(1000 * percentile(own_s, 99), "ms", len(own_s), at_most=100),
        "reaction_own_p50_ms": Measurement(1000 * statistics.median(own_s), "ms", len(own_s)),
        "reaction_total_p50_ms": Measurement(measured["p50"], "ms", count),
        "reaction_total_p99_ms": Measurement(measured["p99"], "ms", count, at_most=1500),
    }


async def _told_w(site: SiteHandle, path: Path) -> tuple[float, float]:
    """What all chargers hold together, and what the building draws [W]."""
    status = await site.command("status")
    phases = {point.id: len(point.phases) for point in load_configuration(path, {}).site.points}
    told_w = sum(NOMINAL_V * phases[name] * (point["limit_a"] or 0.0) for name, point in status["points"].items())
    return told_w, NOMINAL_V * sum(status["building_a"])


async def _held(site: SiteHandle, path: Path, limit_w: float) -> None:
    """Wait until the chargers hold no more than a limit leaves them, in vain for some seconds if need be."""
    for _ in range(LOOKS):
        if sum(await _told_w(site, path)) <= limit_w * VOLTAGE_FALLS:
            return
        await asyncio.sleep(LOOK_S)


def _put_limit(port: int, limit_w: float) -> None:
    body = json.dumps({"circuit": "main", "limit_w": limit_w, "source": "grid_operator"}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/limits", body, headers, method="PUT")
    urllib.request.urlopen(request, timeout=5).close()


async def _limit_times(path: Path, web_port: int) -> list[float]:
    """Lower the limit again and again; how long each took until every charger held its part of it [s]."""
    configure_logging(stream=io.StringIO())
    service = Service(load_configuration(path, {}), lab=True)
    took_s = []
    async with _quiet_site(path) as site:
        await service.start()
        try:
            await _plug_in_everybody(site)
            await asyncio.sleep(25)
            for _ in range(LIMITS):
                told_w, building_w = await _told_w(site, path)
                limit_w = building_w + LOWER_TO * told_w
                began_s = time.monotonic()
                await asyncio.to_thread(_put_limit, web_port, limit_w)
                await _held(site, path, limit_w)
                took_s.append(time.monotonic() - began_s)
                await asyncio.sleep(UP_S)
        finally:
            await service.stop()
    return took_s


@benchmark
def limit_to_charger() -> dict[str, Measurement]:
    """From a grid operator's limit by REST to the last of twenty chargers that holds its part of it: the longest."""
    with tempfile.TemporaryDirectory() as folder:
        path, ports = _site_file(Path(folder))
        _everybody_single_phase(path)
        took_s = asyncio.run(_limit_times(path, ports.web))
    return {"limit_to_charger_s": Measurement(max(took_s), "s", len(took_s), at_most=3)}


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
        return str(answer.read().decode())


def _first_plan_s(port: int, began_s: float) -> float:
    while time.monotonic() - began_s < 30:
        try:
            if re.search(r"^loadstar_ticks_total [1-9]", _get(port, "/metrics"), re.MULTILINE):
                return time.monotonic() - began_s
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError("the service has not made a plan within 30 s")


async def _idle(path: Path, web_port: int) -> tuple[float, float, float]:
    """(seconds from the start to the first plan, resident MB, percent of a core) with twenty idle chargers."""
    async with _quiet_site(path) as site:
        began_s = time.monotonic()
        command = [sys.executable, "-m", "simulations", "run", "--config", str(path), "--insecure-lab"]
        service = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
        try:
            first_plan_s = await asyncio.to_thread(_first_plan_s, web_port, began_s)
            await _everybody_online(site)
            await asyncio.sleep(10)
            process = psutil.Process(service.pid)
            before = process.cpu_times()
            await asyncio.sleep(IDLE_S)
            after = process.cpu_times()
            used_s = after.user + after.system - before.user - before.system
            return first_plan_s, process.memory_info().rss / 1e6, 100 * used_s / IDLE_S
        finally:
            service.terminate()
            service.wait(20)


@benchmark
def idle_service() -> dict[str, Measurement]:
    """Memory and CPU of the service with twenty connected chargers and no cars; how long it takes to its first plan."""
    with tempfile.TemporaryDirectory() as folder:
        path, ports = _site_file(Path(folder))
        first_plan_s, resident_mb, cpu_pct = asyncio.run(_idle(path, ports.web))
    return {
        "start_to_plan_s": Measurement(first_plan_s, "s", 1, at_most=3),
        "service_rss_mb": Measurement(resident_mb, "MB", 1, at_most=180),
        "service_idle_cpu_pct": Measurement(cpu_pct, "% of a core", 1, at_most=3),
    }
