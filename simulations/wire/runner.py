"""The wire depth: the whole service over OCPP, Modbus and, where there is a broker, MQTT, against a scenario's world.

Service and equipment share one event loop, and so one time; every byte between them goes through a socket.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from adapters.configuration import Configuration, load_configuration
from adapters.limits.limiting import Way
from adapters.log import configure_logging
from adapters.service import Service
from controller.peakshave.grid_operator import Limit, Source
from simulations.equipment import LEAD_S, world_of
from simulations.live_site import LiveSite, Options
from simulations.loopback import free_port
from simulations.pace import Pace, PacedLoop
from simulations.results import Results
from simulations.scenario.model import Scenario
from simulations.wire.notes import Notes
from simulations.wire.play import PLAYABLE, Play
from simulations.wire.site_file import Addresses, meter_ids, site_file

SETTLED_S: Final = 2.0
"""Of the lead, from the registration of the last station: time for the default profiles to arrive."""
EDGE_S: Final = 1e-6
LEAST_POLL_S: Final = 0.1
MOST_POLL_S: Final = 3.0
"""What a site file allows."""
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own with a random name is made in it

_LOG: Final = structlog.get_logger("loadstar.simulation")


class WireError(Exception):
    """The equipment and the service did not come together, or not apart in peace."""


def run_wire(
    scenario: Scenario,
    *,
    factor: float = 1.0,
    directory: Path | None = None,
    progress: Callable[[float], None] | None = None,
    mqtt_url: str | None = None,
) -> Results:
    """Run a scenario through the whole service.

    What is drawn is the same as in the fast depth; but messages take the time that they take, so no two runs are alike
    to the last ampere.

    Args:
        scenario: its visits, building, faults and chargers; what drivers state is nothing that OCPP 1.6 can say.
        factor: how much waiting is shortened, see ``simulations.pace``; 1: real time.
        directory: where the site file, the ledger and ``loadstar.log`` are left; None: nowhere.
        progress: told the part that is done, from 0 to 1, now and then.
        mqtt_url: a broker to which the service publishes; None: none.

    Raises:
        ValueError: the scenario has what the service cannot be shown (every problem is named), the factor is out of
            range, or the directory holds a ledger.
        OSError: a port or a file cannot be opened.
        WireError: not every station could be connected in time, not every message was answered in the end, or the
            ledger does not hold what the chargers measured.
    """
    problems = list(wire_problems(scenario))
    if directory is not None and (directory / "loadstar.db").exists():
        problems.append(f"{directory}: expected a folder without a ledger")
    if problems:
        raise ValueError("; ".join(problems))
    pace = Pace(factor, scenario.start_s - LEAD_S)
    with ExitStack() as stack:
        folder = directory or Path(stack.enter_context(_throw_away()))
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_log_in(folder / "loadstar.log"))
        runner = stack.enter_context(asyncio.Runner(loop_factory=lambda: PacedLoop(pace)))
        return runner.run(_Run(scenario, pace, folder, mqtt_url).results(progress))


def _throw_away() -> TemporaryDirectory[str]:
    """In memory where the machine offers that: nobody will look at it, so that no commit need wait for a disk."""
    return TemporaryDirectory(prefix="loadstar-wire-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None)


def wire_problems(scenario: Scenario) -> Iterator[str]:
    """What of a scenario the service cannot be shown, as texts."""
    if not meter_ids(scenario.site):
        yield "circuits: at least one needs a meter"
    if not LEAST_POLL_S <= scenario.meter.poll_s <= MOST_POLL_S:
        yield f"meter.poll_s: expected {LEAST_POLL_S:g} to {MOST_POLL_S:g} s, found {scenario.meter.poll_s:g}"
    kinds = {(limit.source, limit.charging_only) for limit in scenario.limits}
    for source in sorted({source for source, only in kinds if (source, not only) in kinds}):
        yield f"limits: {source} limits either everything or what charges, not both"
    for kind in dict.fromkeys(fault.kind for fault in scenario.faults):
        if kind not in PLAYABLE:
            yield f"faults: {kind} cannot be played over the wire; possible: {', '.join(sorted(PLAYABLE))}"


@contextmanager
def _log_in(path: Path) -> Iterator[None]:
    """Send the log of the service, and what the equipment complains of, into a file."""
    root, equipment = logging.getLogger(), logging.getLogger("simulations")
    before = (root.handlers, root.level, equipment.level)
    with path.open("a", encoding="utf-8") as stream:
        configure_logging(stream=stream)
        equipment.setLevel(logging.WARNING)
        try:
            yield
        finally:
            root.handlers = before[0]
            root.setLevel(before[1])
            equipment.setLevel(before[2])


class _Run:
    def __init__(self, scenario: Scenario, pace: Pace, directory: Path, mqtt_url: str | None) -> None:
        self._scenario, self._pace = scenario, pace
        self._configuration = _configuration(scenario, directory, mqtt_url)
        model = scenario.meter
        options = Options(seed=scenario.seed, meter_noise_a=model.noise_a, meter_latency_s=model.latency_s)
        world = world_of(scenario)
        world.open(scenario.start_s)
        self._site = LiveSite(self._configuration, world, pace, options)
        self._site.watchers.append(self._step)
        self._play = Play(scenario, self._site, self._serve, self._say)
        self._notes = Notes(scenario, world)
        self._service: Service | None = None
        self._progress: Callable[[float], None] | None = None
        self._end = asyncio.Event()

    async def results(self, progress: Callable[[float], None] | None) -> Results:
        """Live through the scenario, then send everybody home."""
        self._progress = progress
        await self._site.start_meters()
        await self._serve(there=True)
        life = asyncio.create_task(self._site.run(self._play.run()))
        ended = asyncio.create_task(self._end.wait())
        try:
            await self._all_aboard()
            await asyncio.wait({life, ended}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()
            results = self._notes.results(self._play.results(), self._site.opens_s)
            await self._farewell()
        finally:
            life.cancel()
            ended.cancel()
            await asyncio.gather(life, ended, return_exceptions=True)
            await self._serve(there=False)
        return results

    async def _all_aboard(self) -> None:
        """Wait for every station, then let the scenario begin."""
        within_s = self._scenario.start_s - SETTLED_S - self._pace.now_s()
        if not await self._site.everybody_registered(within_s):
            missing = [name for name, client in self._site.clients.items() if not client.registered.is_set()]
            raise WireError(f"not connected within {LEAD_S - SETTLED_S:g} s: {', '.join(missing)}")
        self._site.open(self._opening_s())

    def _opening_s(self) -> float:
        """The scenario begins, as in the fast depth, at a moment whose truth the meter shows."""
        read_s, meter = self._site.last_read_s, self._scenario.meter
        if read_s is None:
            raise WireError(f"no meter was read within {LEAD_S - SETTLED_S:g} s")
        shown_s = read_s - meter.latency_s
        return shown_s + math.ceil((self._scenario.start_s - shown_s) / meter.poll_s) * meter.poll_s

    def _step(self, now_s: float, dt: float) -> None:
        """The world has moved."""
        if self._end.is_set():
            return
        duration_s, time_s = self._scenario.duration_s, now_s - self._site.opens_s
        if self._service is not None:
            self._notes.listen(self._service.live)
        self._play.step(time_s, dt)
        self._notes.step(time_s, dt)
        percent = int(100 * time_s / duration_s)
        if self._progress is not None and percent > int(100 * (time_s - dt) / duration_s):
            self._progress(min(1.0, percent / 100))
        if time_s >= duration_s - EDGE_S:
            self._end.set()

    async def _farewell(self) -> None:
        """Everybody leaves, every message is answered, and the books are compared."""
        if self._service is None:
            return  # nobody is left who could answer
        truth = await self._site.finish()
        booked = await asyncio.to_thread(self._service.summary)
        metered = {"sessions": len(truth["sessions"]), "wh": truth["metered_wh"]}
        recorded = {"sessions": booked["sessions_recorded"], "wh": booked["energy_wh"]}
        _LOG.info("simulation_ended", metered=metered, recorded=recorded, reaction_ms=booked["reaction_ms"])
        if truth["undelivered"]:
            raise WireError(f"{truth['undelivered']} messages of chargers were never answered")
        if recorded != metered:
            raise WireError(f"the ledger holds {recorded}, and chargers measured {metered}")

    def _say(self, limit: Limit) -> bool:
        if self._service is None:
            return False
        self._service.limits.put(limit, Way.REST, "scenario")
        return True

    async def _serve(self, *, there: bool) -> None:
        """Have the service started, or stopped."""
        if there:
            service = Service(self._configuration, lab=True, clock=self._pace)
            await service.start()
            self._service = service
        elif self._service is not None:
            service, self._service = self._service, None
            self._notes.listen(service.live)
            self._notes.silent()
            await service.stop()


def _configuration(scenario: Scenario, directory: Path, mqtt_url: str | None) -> Configuration:
    """Write the site file and read it again, as the service does."""
    meters = {name: free_port(0, name) for name in meter_ids(scenario.site)}
    addresses = Addresses(free_port(0, "web"), free_port(0, "ocpp"), meters, mqtt_url)
    path = directory / "site.toml"
    path.write_text(site_file(scenario.site, addresses, scenario.meter.poll_s), encoding="utf-8")
    configuration = load_configuration(path, {})
    sources = {limit.source: Source(limit.source, charging_only=limit.charging_only) for limit in scenario.limits}
    grid_operator = replace(configuration.grid_operator, sources=tuple(sources.values()), rest=frozenset(sources))
    site = replace(configuration.site, control=scenario.site.control)
    return replace(configuration, site=site, grid_operator=grid_operator)
