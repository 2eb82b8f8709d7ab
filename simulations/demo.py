"""The demonstration: the real service against a simulated site, on this machine, over real protocols."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters.configuration import ConfigurationError, load_configuration
from adapters.log import configure_logging
from adapters.service import Service
from simulations.demo_books import keep_demo_books
from simulations.demo_credentials import Credentials, make_credentials
from simulations.demo_site import Ports, demo_tokens, write_demo_site
from simulations.drivers_app import DriversApp
from simulations.faults import FAULTS
from simulations.loopback import HOST, free_port
from simulations.site_handle import SiteHandle, SiteProcessError, start_site

MOST_POINTS: Final = 200
"""More simulated stations than this say more about the machine than about the controller."""

NEWER_EVERY: Final = 4
"""One station in so many speaks OCPP 2.0.1, the others 1.6."""

FAULT_AFTER_S: Final = 45.0
"""When a fault begins in a demonstration without an end; in one with a duration, halfway."""
REFRESH_S: Final = 1.0
BAD_INPUT: Final = 2
OUR_FAULT: Final = 1


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was asked for, checked."""

    points: int
    duration_s: float | None
    seed: int
    fault: str | None
    ports: Ports
    directory: Path
    credentials: Credentials | None
    recorded: bool
    """Whether decisions are recorded: only where somebody can find them afterwards."""

    @property
    def url(self) -> str:
        """Where the page is served."""
        return f"{'http' if self.credentials is None else 'https'}://{HOST}:{self.ports.web}"


def run_demo(
    points: int = 20,
    duration: float | None = None,
    seed: int = 1,
    fault: str | None = None,
    secure: bool = False,
    web_port: int = 8080,
    ocpp_port: int = 9000,
    directory: Path | None = None,
) -> int:
    """Run the service and a simulated site until the time is over or Ctrl-C; print one JSON summary to stdout.

    Args:
        points: charging points, one per simulated station.
        duration: how long [s]; None: until Ctrl-C.
        seed: the same seed brings the same cars and the same building load.
        fault: a name in ``simulations.faults.FAULTS``: what goes wrong halfway.
        secure: passwords, tokens, a login and TLS from throw-away credentials, instead of laboratory mode.
        web_port: where the page is served; 0: any free port.
        ocpp_port: where the charging stations connect; 0: any free port.
        directory: where the site file, the ledger, the log and a recording are kept; None: nowhere after the end.

    Returns:
        The exit code: 0 done, 2 bad input or a busy port, 1 our fault.
    """
    console = Console(stderr=True)
    with ExitStack() as stack:
        folder = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loadstar-demo-")))
        try:
            plan = _plan(points, duration, seed, fault, secure, web_port, ocpp_port, folder, recorded=bool(directory))
            log = stack.enter_context((folder / "loadstar.log").open("a", encoding="utf-8"))
            configure_logging(stream=log)
            summary = asyncio.run(_demonstrate(plan, console, log.fileno()))
        except (ConfigurationError, ValueError, OSError) as problem:
            console.print(f"demo: {problem}", style="red", highlight=False)
            return BAD_INPUT
        except SiteProcessError as problem:
            console.print(f"demo: {problem}; the log: {(folder / 'loadstar.log').read_text()[-2000:]}", style="red")
            return OUR_FAULT
    print(json.dumps(summary, indent=2))  # noqa: T201  (the result)
    return 0


def _plan(
    points: int,
    duration: float | None,
    seed: int,
    fault: str | None,
    secure: bool,
    web_port: int,
    ocpp_port: int,
    directory: Path,
    recorded: bool,
) -> _Plan:
    if not 1 <= points <= MOST_POINTS:
        raise ValueError(f"--points: expected 1 to {MOST_POINTS}, got {points}")
    if duration is not None and not 0 < duration < float("inf"):
        raise ValueError(f"--duration: expected seconds above 0, got {duration}")
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"--fault: unknown {fault!r}; known: {', '.join(FAULTS)}")
    directory.mkdir(parents=True, exist_ok=True)
    ports = Ports(free_port(web_port, "--web-port"), free_port(ocpp_port, "--ocpp-port"), free_port(0, "meter"))
    credentials = make_credentials(directory) if secure else None
    return _Plan(points, duration, seed, fault, ports, directory, credentials, recorded)


async def _demonstrate(plan: _Plan, console: Console, log: int) -> dict[str, Any]:
    path = write_demo_site(plan.directory, plan.points, plan.ports, plan.credentials, recorded=plan.recorded)
    configuration = load_configuration(path, {})
    await asyncio.to_thread(keep_demo_books, configuration, demo_tokens(plan.credentials))
    service = Service(configuration, lab=plan.credentials is None)
    arguments = ["--seed", str(plan.seed), "--newer-every", str(NEWER_EVERY)]
    if plan.credentials is not None:
        arguments += ["--ca-file", str(plan.credentials.authority)]
    site = await start_site(path, *arguments, log=log)
    try:
        await service.start()
        try:
            _announce(plan, console)
            await _watch(plan, site, DriversApp(plan.url, plan.credentials), console)
            console.print("Everybody leaves; waiting for the last sessions to be recorded ...")
            truth = await site.finish()
            return _summary(service.summary(), truth)
        finally:
            await service.stop()
    finally:
        await site.stop()


def _announce(plan: _Plan, console: Console) -> None:
    console.print(f"Loadstar runs on {plan.url} - Ctrl-C ends it", style="bold")
    if plan.credentials is not None:
        console.print(f"Log in as {plan.credentials.user} with the password {plan.credentials.user_password}")
        console.print(f"Your browser may want to trust {plan.credentials.authority}", soft_wrap=True)
    if plan.fault is not None:
        console.print(f"Halfway, {FAULTS[plan.fault].meaning}.")


async def _watch(plan: _Plan, site: SiteHandle, app: DriversApp, console: Console) -> None:
    """Show the site until the time is over or somebody wants to stop; let the fault happen on the way."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    trouble = asyncio.create_task(_trouble(plan, site))
    begun_s = loop.time()
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("starting", total=plan.duration_s)
            while not ended.is_set() and (plan.duration_s is None or loop.time() - begun_s < plan.duration_s):
                status = await site.command("status")
                progress.update(task, completed=loop.time() - begun_s, description=_line(status))
                await app.tell(status["points"])
                try:
                    async with asyncio.timeout(REFRESH_S):
                        await ended.wait()
                except TimeoutError:
                    continue
    finally:
        trouble.cancel()
        # From here on, an impatient second Ctrl-C ends the program at once.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if trouble.done() and not trouble.cancelled():
        trouble.result()


async def _trouble(plan: _Plan, site: SiteHandle) -> None:
    if plan.fault is None:
        return
    fault = FAULTS[plan.fault]
    await asyncio.sleep(plan.duration_s / 2 if plan.duration_s else FAULT_AFTER_S)
    begin = dict(fault.begin)
    if "point" in begin:
        begin["point"] = next(iter((await site.command("status"))["points"]))
    await site.command(**begin)
    if fault.end is not None:
        await asyncio.sleep(fault.lasts_s)
        await site.command(**fault.end)


def _line(status: dict[str, Any]) -> str:
    points = status["points"].values()
    phases = " ".join(f"L{n} {current_a:5.1f}" for n, current_a in enumerate(status["grid_a"], start=1))
    online = sum(point["online"] for point in points)
    charging = sum(max(point["current_a"]) > 0 for point in points)
    ended = len(status["truth"]["sessions"])
    truth = status["truth"]
    told = f"{phases} of {truth['fuse_a']:g} A | {online} online, {charging} charging, {ended} sessions ended"
    if not truth["needs_total"]:
        return told
    return f"{told}, {truth['needs_met']} of {truth['needs_total']} drivers left with what they asked for"


def _summary(booked: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
    """What the service has on its books, beside what the simulated equipment knows to be true."""
    kept = ("peak_phase_a", "fuse_a", "overload_as", "longest_overload_s", "fuse_violation_as", "thermal_peak")
    return {
        **booked,
        "points_connected": truth["points_connected"],
        "profiles_accepted": truth["profiles_accepted"],
        "metered_sessions": len(truth["sessions"]),
        "metered_wh": truth["metered_wh"],
        "undelivered": truth["undelivered"],
        "needs_total": truth["needs_total"],
        "needs_met": truth["needs_met"],
        **{name: round(truth[name], 4) for name in kept},
        "reaction_own_ms": booked.get("reaction_ms"),
        "reaction_ms": truth["reaction_ms"],
    }
