"""The composition root.

With ``economy``, ``takings``, ``meters``, ``limit_ways``, ``upstreams``, ``front`` and ``telemetry`` it alone makes a
real site.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from adapters.billing.surcharges import Surcharges
from adapters.clock import SystemClock
from adapters.configuration import Configuration
from adapters.economy import Economy
from adapters.front import web_server
from adapters.limit_ways import Said, admission, listeners
from adapters.limit_ways import commands as mqtt_commands
from adapters.limits.limiting import Limits
from adapters.limits.points import PointLimits
from adapters.live import Live
from adapters.loop import ControlLoop
from adapters.meters import made_meter
from adapters.ocpp import CentralSystem
from adapters.ocpp.surroundings import Premises
from adapters.on_loop import OnLoop
from adapters.running_sessions import RunningSessions
from adapters.store import MeasurementStore, open_ledger
from adapters.store.measurement_file import measurements_path
from adapters.summary import Reactions, summary
from adapters.takings import Takings
from adapters.telemetry import Telemetry
from adapters.tls import server_tls
from adapters.upstreams import Upstreams
from adapters.watchdog import notify
from adapters.wishes import Wishes
from adapters.works import Works
from controller.commands import Command, CommandResult
from controller.engine import Decision, Memory
from controller.plan import Event, Severity
from controller.ports.common import Clock
from controller.ports.devices import Applied, Meter
from controller.ports.measurements import MeterSample
from controller.ports.tick import Tick
from controller.snapshot import ExternalLimit, PointState, Snapshot

if TYPE_CHECKING:
    from adapters.recording import Recorder

COMMAND_TIMEOUT_S: Final = 35.0
"""A little longer than a station may take to answer."""

log = structlog.get_logger("loadstar")


class Service:
    """A whole site: meters, charging points, ledger, pages, telemetry, and the loop that holds them together."""

    def __init__(self, configuration: Configuration, *, lab: bool = False, clock: Clock | None = None) -> None:
        """Prepare; nothing is opened or bound before ``start``.

        Args:
            configuration: a checked site.
            lab: let stations and people in without passwords, and let every token charge.
            clock: time, where it is not the machine's; the event loop must run by the same.
        """
        self._configuration, self._lab = configuration, lab
        self._site = configuration.site
        self._clock = clock or SystemClock()
        self.live = Live(self._site, self._clock)
        self._surcharges = Surcharges(configuration.surcharge_terms)
        self.reactions = Reactions()
        self._works = Works()
        self._on_loop = OnLoop()
        self._telemetry: Telemetry | None = None
        self._recorder: Recorder | None = None
        self._loop: ControlLoop | None = None

    async def start(self) -> None:
        """Open the ledger, take up running sessions, listen, and begin to control.

        Raises:
            OSError: an address is taken, or a file cannot be opened.
            LedgerUnavailable: the ledger cannot be opened.
        """
        self._on_loop.begin()
        try:
            await self._open()
        except BaseException:
            await self.stop()
            raise
        notify("READY=1")
        log.info("started", site=self._site.id, ocpp=self.ocpp_port, web=self.web_port, lab=self._lab)

    async def stop(self) -> None:
        """Stop controlling and close everything, newest first. Chargers go on with their own schedules."""
        notify("STOPPING=1")
        await self._works.end()

    @property
    def ocpp_port(self) -> int:
        """Where stations connect."""
        return self._points.port

    @property
    def web_port(self) -> int:
        """Where pages and API are served."""
        return self._web.port

    @property
    def limits(self) -> Limits:
        """What others limit the site's power to, for who runs the service within a program."""
        return self._limits

    def summary(self) -> dict[str, Any]:
        """What has happened since the start, from the service's own books. Sessions that are over are priced first."""
        self._takings.record_ended()
        online = {station.id for station in self._points.stations() if station.online}
        return summary(
            self._ledger,
            self.reactions,
            points_connected=sum(point.station in online for point in self._site.points),
            profiles_accepted=self.live.counters().accepted_limits,
        )

    # -- construction ------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        # Both before anything is written or listens.
        tls, _ = server_tls(self._configuration.ocpp), server_tls(self._configuration.web)
        measurements = await self._open_books()
        await self._open_advice(measurements)
        self._open_recorder()
        await self._open_stations(tls, measurements)
        self._open_web()
        self._open_telemetry()
        self._works.run(self._economy.run())
        self._open_loop()
        for work in self._takings.works(self._points, self._sessions.by_point):
            self._works.run(work)
        self._listen()

    async def _open_books(self) -> MeasurementStore:
        """Open what is on record: of sessions and their prices, and of measurements."""
        configuration = self._configuration
        path = measurements_path(configuration.store_url, configuration.path.parent)
        measurements = MeasurementStore(path, on_event=self._report, now=self._clock.now)
        self._works.at_end("measurements", measurements.close)
        self._ledger = await asyncio.to_thread(
            open_ledger,
            configuration.store_url,
            currency=self._site.currency,
            price_per_kwh=configuration.price_per_kwh,
            on_event=self._report,
            last_register=measurements.last_register,
            operator=configuration.operator,
            surcharge=self._surcharges.at,
        )
        self._works.at_end("ledger", self._ledger.close)
        await asyncio.to_thread(self._seed)
        self._takings = await asyncio.to_thread(
            Takings, configuration, self._ledger, measurements, self._surcharges, self._clock, self._report
        )
        self._works.at_end("takings", self._takings.record_ended)
        return measurements

    def _seed(self) -> None:
        """Bring the site file's beginning into the ledger."""
        configuration = self._configuration
        self._ledger.seed(configuration.tokens, configuration.passwords, configuration.users)
        if self._lab:
            return
        password = self._ledger.keys.ensure_first_user()
        if password is not None:
            print(f"First start: log in as 'admin' with the password {password}", file=sys.stderr)  # noqa: T201 - shown once, never logged

    async def _open_advice(self, measurements: MeasurementStore) -> None:
        """Take up what is asked for and advised: wishes, the limits of others, the plan and the peak."""
        configuration, site, clock = self._configuration, self._site, self._clock
        self._wishes = Wishes(self._ledger, configuration.groups, site.time_zone, clock, self._wake)
        self._sessions = RunningSessions(self._ledger, self._takings.priced, self._wishes)
        who, on_record = admission(configuration), self._ledger.limit_log
        self._limits = Limits(site, who, on_record, clock, self._report, self._limits_changed)
        await asyncio.to_thread(self._limits.restore)
        self._point_limits = PointLimits(self._ledger.point_book, clock, self._report, self._wake)
        await asyncio.to_thread(self._point_limits.restore)
        self._economy = Economy(
            configuration,
            clock=clock,
            ledger=self._ledger,
            notes=measurements,
            running=self._sessions.by_point,
            limits_ahead=self._limits.ahead,
            on_event=self._report,
        )
        await asyncio.to_thread(self._economy.restore)
        self._works.at_end("economy", self._economy.close)

    async def _open_stations(self, tls: ssl.SSLContext | None, measurements: MeasurementStore) -> None:
        """Let stations connect, and what stands behind them."""
        configuration, site = self._configuration, self._site
        self._upstreams = Upstreams(
            configuration.upstreams,
            Premises(site, self._clock, self._report),
            self._ledger,
            self._recorder.heard if self._recorder else None,
        )
        self._points = CentralSystem(
            site=site,
            ledger=await self._upstreams.open(),
            measurements=self._upstreams.measured(self._takings.chronicle),
            clock=self._clock,
            on_event=self._report,
            on_applied=self._applied,
            host=configuration.ocpp.host,
            port=configuration.ocpp.port,
            ssl_context=tls,
            lab=self._lab,
            held=measurements.held_limits(),
            measured=self._last_measured(measurements),
            on_frame=self._recorder.heard if self._recorder else None,
            costs=self._takings.board,
            service=self._ledger.point_book,
            forwards=self._upstreams.forwards,
            refusing=self._upstreams.refusing,
        )
        self._upstreams.attach(self._points, self._limits.in_force)
        self._works.run(self._upstreams.run())
        await self._points.start()
        self._works.at_end("ocpp", self._points.stop)

    def _last_measured(self, measurements: MeasurementStore) -> Mapping[str, MeterSample]:
        """What each charger measured last, if that is no older than the limit which it may still be holding."""
        now = self._clock.now()
        since = now - timedelta(seconds=self._site.control.validity_s)
        samples = [sample for point in self._site.points for sample in measurements.history(point.id, since, now)]
        return {sample.point: sample for sample in samples if sample.current_a is not None}

    def _open_recorder(self) -> None:
        if (recording := self._configuration.recording) is not None:
            from adapters.recording import Recorder  # noqa: PLC0415 - it takes its time to load, and few sites record

            self._recorder = Recorder(
                recording.directory,
                site=self._site,
                keep_days=recording.keep_days,
                clock=self._clock,
                on_event=self._report,
            )
            self._works.at_end("recorder", self._recorder.close)

    def _open_web(self) -> None:
        self._web = web_server(
            self._configuration,
            ledger=self._ledger,
            takings=self._takings,
            live=self.live,
            wishes=self._wishes,
            limits=self._limits,
            stations=self._points,
            commands=self._command,
            clock=self._clock,
            lab=self._lab,
        )
        self._web.start()
        self._works.at_end("web", self._web.stop)

    def _open_telemetry(self) -> None:
        self._telemetry = Telemetry(self._configuration, self._clock, self._report, self._on_loop)
        self._works.at_end("telemetry", self._telemetry.close)
        self._works.run(self._telemetry.run())

    def _open_loop(self) -> None:
        meters: list[Meter] = []
        loop = ControlLoop(
            site=self._site,
            clock=self._clock,
            meters=meters,
            points=self._points,
            sessions=self._sessions.by_point,
            stations=self._upstreams.station_limits,
            wished=self._wished,
            limits=self._all_limits,
            publish=self._publish,
            on_event=self._report,
            advice=self._economy.advice,
            record=self._decided,
        )
        meters += [
            made_meter(meter, self._site, self._clock, self._report, loop.wake) for meter in self._configuration.meters
        ]
        for meter in meters:
            self._works.run(meter.run())
        self._works.run(self._sessions.run())
        self._works.run(loop.run())
        self._loop = loop

    def _listen(self) -> None:
        """Hear what others say beside the REST API: limits, and prices."""
        configuration, limits, clock = self._configuration, self._limits, self._clock
        said = Said(limits, self._point_limits.say, self._takings.curves.heard)
        commands = mqtt_commands(configuration, said, clock, self._report)
        if commands is not None:
            self._works.run(commands.run())
        for work in listeners(configuration, limits, clock, self._report):
            self._works.run(work)

    def _command(self, point: str, command: Command) -> CommandResult:
        """Have a point's station do something, and wait for its answer; from any thread but the loop's.

        Raises:
            TimeoutError: it does not answer.
        """
        if not self._on_loop.runs:
            return CommandResult(accepted=False, status="Offline")
        return self._on_loop.result(self._points.command(point, command), COMMAND_TIMEOUT_S)

    def _wake(self) -> None:
        """Have the loop take its next turn now; from any thread."""
        if self._loop is not None:
            self._on_loop.call(self._loop.wake)

    def _limits_changed(self) -> None:
        """Decide now, and plan anew: a limit may have been announced that does not hold yet; from any thread."""
        self._wake()
        self._on_loop.call(self._economy.wake)

    # -- what flows --------------------------------------------------------------------------------------------

    def _all_limits(self, at: datetime) -> tuple[ExternalLimit, ...]:
        """What others allow, and what the running demand window does."""
        return self._limits.in_force(at) + self._economy.limits(at)

    def _publish(self, tick: Tick) -> None:
        tick = self._upstreams.described(self._takings.described(self._economy.described(tick)))
        self.live.publish(tick)
        self._limits.watch(tick)
        if self._telemetry is not None:
            self._telemetry.publish(tick)
        notify("WATCHDOG=1")

    def _wished(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, with what drivers, energy systems and back offices want of them."""
        return self._upstreams.overlaid(self._point_limits.overlaid(self._wishes.overlaid(states)))

    def _decided(self, snapshot: Snapshot, memory: Memory | None, decision: Decision | None) -> None:
        if self._recorder is not None:
            self._recorder.decided(snapshot, memory, decision)
        if decision is not None:
            self._economy.decided(snapshot, decision)

    def _applied(self, applied: Applied) -> None:
        self.live.applied(applied)
        self.reactions.add(applied)

    def _report(self, event: Event) -> None:
        """Take an event from any thread."""
        level = {Severity.INFO: log.info, Severity.WARNING: log.warning, Severity.ALARM: log.error}[event.severity]
        level(event.kind, subject=event.subject, message=event.message)
        self.live.report(event)
        if self._telemetry is not None:
            self._telemetry.report(event)


def run(configuration: Configuration, *, lab: bool = False) -> None:
    """Run a site until SIGTERM or Ctrl-C."""
    asyncio.run(_run_until_told(configuration, lab))


async def _run_until_told(configuration: Configuration, lab: bool) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    service = Service(configuration, lab=lab)
    await service.start()
    try:
        await told.wait()
    finally:
        await service.stop()
        log.info("stopped", site=configuration.site.id)
