"""The composition root: with ``economy``, ``takings``, ``meters`` and ``limit_ways`` it alone makes a real site."""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import make_url

from adapters.clock import SystemClock
from adapters.configuration import Configuration, Listener
from adapters.driver_desk import DriverDesk
from adapters.economy import Economy
from adapters.influx import InfluxWriter
from adapters.limit_ways import admission, listeners
from adapters.limit_ways import commands as mqtt_commands
from adapters.limiting import Limits
from adapters.live import Live
from adapters.loop import ControlLoop
from adapters.meters import made_meter
from adapters.mqtt.publisher import MqttPublisher
from adapters.ocpp import CentralSystem
from adapters.ocpp.surroundings import Premises
from adapters.onboarding import Onboarding
from adapters.pricing import Books
from adapters.recording import Recorder
from adapters.settlement_desk import SettlementDesk
from adapters.site_facts import site_facts
from adapters.store import MeasurementStore, open_ledger
from adapters.summary import Reactions, summary
from adapters.takings import Takings
from adapters.upstreams import Upstreams
from adapters.watchdog import notify
from adapters.web.app import create_app
from adapters.web.parts import Parts
from adapters.web.server import WebServer
from adapters.wishes import Wishes
from controller.commands import Command, CommandResult
from controller.engine import Decision, Memory
from controller.plan import Event, Severity
from controller.ports.common import Clock
from controller.ports.devices import Applied, Meter
from controller.ports.ledger import SessionRecord
from controller.ports.measurements import MeterSample
from controller.ports.tick import Tick
from controller.snapshot import ExternalLimit, Snapshot

COMMAND_TIMEOUT_S: Final = 35.0
"""A little longer than a station may take to answer."""

SESSIONS_EVERY_S: Final = 2.0
"""How often running sessions are looked up for those who watch."""

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
        self._sessions: Mapping[str, SessionRecord] = {}
        self._takings = Takings(configuration, self._clock, self._report)
        self.reactions = Reactions()
        self._tasks: list[asyncio.Task[None]] = []
        self._stops: list[tuple[str, Any]] = []
        self._mqtt: MqttPublisher | None = None
        self._influx: InfluxWriter | None = None
        self._recorder: Recorder | None = None
        self._on_loop: asyncio.AbstractEventLoop | None = None
        self._loop: ControlLoop | None = None

    async def start(self) -> None:
        """Open the ledger, take up running sessions, listen, and begin to control.

        Raises:
            OSError: an address is taken, or a file cannot be opened.
            LedgerUnavailable: the ledger cannot be opened.
        """
        self._on_loop = asyncio.get_running_loop()
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        while self._stops:
            name, stop = self._stops.pop()
            try:
                if asyncio.iscoroutinefunction(stop):
                    await stop()
                else:
                    await asyncio.to_thread(stop)
            except Exception:
                log.exception("stop_failed", part=name)

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
        configuration, site = self._configuration, self._site
        tls, _ = _tls(configuration.ocpp), _tls(configuration.web)  # both before anything is written or listens
        measurements = MeasurementStore(_measurements_path(configuration), on_event=self._report, now=self._clock.now)
        self._stops.append(("measurements", measurements.close))
        self._ledger = await asyncio.to_thread(
            open_ledger,
            configuration.store_url,
            currency=site.currency,
            price_per_kwh=configuration.price_per_kwh,
            on_event=self._report,
            last_register=measurements.last_register,
            operator=configuration.operator,
            surcharge=self._takings.surcharge,
        )
        self._stops.append(("ledger", self._ledger.close))
        await asyncio.to_thread(self._seed)
        self._wishes = Wishes(self._ledger, configuration.groups, site.time_zone, self._clock, self._wake)
        self._limits = Limits(
            site, admission(configuration), self._ledger.limit_log, self._clock, self._report, self._limits_changed
        )
        await asyncio.to_thread(self._limits.restore)
        self._economy = Economy(
            configuration,
            clock=self._clock,
            ledger=self._ledger,
            notes=measurements,
            running=lambda: self._sessions,
            limits_ahead=self._limits.ahead,
            on_event=self._report,
        )
        await asyncio.to_thread(self._economy.restore)
        self._stops.append(("economy", self._economy.close))
        self._open_recorder()
        await asyncio.to_thread(self._takings.open, self._ledger, measurements)
        self._stops.append(("takings", self._takings.record_ended))
        await self._open_stations(tls, measurements)
        self._open_web()
        self._open_telemetry()
        self._run(self._economy.run())
        self._open_loop()
        for work in self._takings.works(self._points, lambda: self._sessions):
            self._run(work)
        commands = mqtt_commands(configuration, self._limits, self._takings.curves.heard, self._clock, self._report)
        if commands is not None:
            self._run(commands.run())
        for work in listeners(configuration, self._limits, self._clock, self._report):
            self._run(work)

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
            forwards=self._upstreams.forwards,
            refusing=self._upstreams.refusing,
        )
        self._upstreams.attach(self._points, self._limits.in_force)
        self._run(self._upstreams.run())
        await self._points.start()
        self._stops.append(("ocpp", self._points.stop))

    def _last_measured(self, measurements: MeasurementStore) -> Mapping[str, MeterSample]:
        """What each charger measured last, if that is no older than the limit which it may still be holding."""
        now = self._clock.now()
        since = now - timedelta(seconds=self._site.control.validity_s)
        samples = [sample for point in self._site.points for sample in measurements.history(point.id, since, now)]
        return {sample.point: sample for sample in samples if sample.current_a is not None}

    def _seed(self) -> None:
        """Bring the site file's beginning into the ledger."""
        configuration = self._configuration
        self._ledger.seed(configuration.tokens, configuration.passwords, configuration.users)
        if self._lab:
            return
        password = self._ledger.keys.ensure_first_user()
        if password is not None:
            print(f"First start: log in as 'admin' with the password {password}", file=sys.stderr)  # noqa: T201 - shown once, never logged

    def _open_recorder(self) -> None:
        if (recording := self._configuration.recording) is not None:
            self._recorder = Recorder(
                recording.directory,
                site=self._site,
                keep_days=recording.keep_days,
                clock=self._clock,
                on_event=self._report,
            )
            self._stops.append(("recorder", self._recorder.close))

    def _open_web(self) -> None:
        listener = self._configuration.web
        parts = Parts(
            site=self._site,
            live=self.live,
            records=self._ledger,
            wishes=self._wishes,
            limits=self._limits,
            windows=self._ledger.demand.windows,
            onboarding=Onboarding(
                self._site,
                self._points.stations,
                self._ledger.keys,
                scheme="ws" if self._configuration.ocpp.tls_certificate is None else "wss",
                port=lambda: self.ocpp_port,
                open_to_all=self._lab,
            ),
            commands=self._command,
            publish_prices=self._takings.curves.publish,
            drivers=DriverDesk(
                site=self._site,
                live=self.live,
                wishes=self._wishes,
                board=self._takings.board,
                offers=self._ledger,
                clock=self._clock,
            ),
            books=Books(self._ledger.book, self._ledger.token_book, self._clock),
            charged=SettlementDesk(
                self._ledger.charged, self._configuration.store_url, site_facts(self._configuration), self._clock
            ),
            authenticate=self._ledger.keys.check_user,
            lab=self._lab,
            version=version("loadstar"),
        )
        self._web = WebServer(
            create_app(parts), listener.host, listener.port, listener.tls_certificate, listener.tls_key
        )
        self._web.start()
        self._stops.append(("web", self._web.stop))

    def _open_telemetry(self) -> None:
        configuration = self._configuration
        if configuration.mqtt_url is not None:
            self._mqtt = MqttPublisher(
                url=configuration.mqtt_url, site=self._site, clock=self._clock, on_event=self._report
            )
            self._run(self._mqtt.run())
        if (influx := configuration.influx) is not None:
            self._influx = InfluxWriter(
                url=influx.url,
                org=influx.org,
                bucket=influx.bucket,
                token=influx.token,
                site=self._site,
                on_event=self._report,
            )
            self._stops.append(("influx", self._influx.close))

    def _open_loop(self) -> None:
        meters: list[Meter] = []
        loop = ControlLoop(
            site=self._site,
            clock=self._clock,
            meters=meters,
            points=self._points,
            sessions=lambda: self._sessions,
            wished=lambda states: self._upstreams.overlaid(self._wishes.overlaid(states)),
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
            self._run(meter.run())
        self._run(self._follow_sessions())
        self._run(loop.run())
        self._loop = loop

    def _command(self, point: str, command: Command) -> CommandResult:
        """Have a point's station do something, and wait for its answer; from any thread but the loop's.

        Raises:
            TimeoutError: it does not answer.
        """
        if self._on_loop is None or self._on_loop.is_closed():
            return CommandResult(accepted=False, status="Offline")
        asked = asyncio.run_coroutine_threadsafe(self._points.command(point, command), self._on_loop)
        return asked.result(COMMAND_TIMEOUT_S)

    def _wake(self) -> None:
        """Have the loop take its next turn now; from any thread."""
        if self._on_loop is not None and self._loop is not None and not self._on_loop.is_closed():
            self._on_loop.call_soon_threadsafe(self._loop.wake)

    def _limits_changed(self) -> None:
        """Decide now, and plan anew: a limit may have been announced that does not hold yet; from any thread."""
        self._wake()
        if self._on_loop is not None and not self._on_loop.is_closed():
            self._on_loop.call_soon_threadsafe(self._economy.wake)

    # -- what flows --------------------------------------------------------------------------------------------

    def _all_limits(self, at: datetime) -> tuple[ExternalLimit, ...]:
        """What others allow, and what the running demand window does."""
        return self._limits.in_force(at) + self._economy.limits(at)

    def _publish(self, tick: Tick) -> None:
        tick = self._upstreams.described(self._takings.described(self._economy.described(tick)))
        self.live.publish(tick)
        self._limits.watch(tick)
        if self._mqtt is not None:
            self._mqtt.publish(tick)
        if self._influx is not None:
            self._influx.write(tick)
        notify("WATCHDOG=1")

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
        if self._mqtt is not None and self._on_loop is not None and not self._on_loop.is_closed():
            self._on_loop.call_soon_threadsafe(self._mqtt.publish_event, event)

    async def _follow_sessions(self) -> None:
        """Keep the running sessions at hand without ever asking the ledger on the control loop's time."""
        while True:
            try:
                sessions, _ = await asyncio.to_thread(self._ledger.sessions, running=True, limit=500)
                priced = await self._takings.priced(sessions)
                running = {session.point: session for session in reversed(priced) if session.point}
                await asyncio.to_thread(self._wishes.refresh, running.values())
                self._sessions = running  # last: for a session that is shown, something can be asked
            except Exception:
                log.exception("sessions_unreadable")
            await asyncio.sleep(SESSIONS_EVERY_S)

    def _run(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))


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


def _measurements_path(configuration: Configuration) -> Path:
    """Beside a SQLite ledger; for any other, beside the site file: measurements never leave the machine."""
    url = make_url(configuration.store_url)
    if url.get_backend_name() == "sqlite" and url.database:
        ledger = Path(url.database)
        return ledger.with_name(f"{ledger.stem}-measurements.db")
    return configuration.path.with_name("loadstar-measurements.db")


def _tls(listener: Listener) -> ssl.SSLContext | None:
    if listener.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listener.tls_certificate, listener.tls_key)
    except OSError as error:
        raise OSError(
            f"{listener.tls_certificate} and {listener.tls_key} are no certificate and key: {error}"
        ) from error
    return context
