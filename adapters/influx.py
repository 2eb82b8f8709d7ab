"""Telemetry: what the controller knew and said, tick by tick, in InfluxDB (or what speaks its v2 write protocol)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from controller.peakshave.peak_facts import PeakStatus
from controller.plan import Event, Severity
from controller.ports.common import EventSink
from controller.ports.tick import PriceNow, Tick
from controller.site import Site
from controller.units import PHASE_NAMES

if TYPE_CHECKING:
    from influxdb_client.client.write_api import WriteApi

TICKS_KEPT: Final = 600
"""Ten minutes of one tick a second, some megabytes: a restart of the server loses nothing. Beyond it the oldest go."""
FLUSH_S: Final = 2.0
"""One request for the ticks of this time."""
RETRY_LAST_S: Final = 60.0
"""Attempts to reach a server that is away grow as rare as this."""
TIMEOUT_S: Final = 5.0
CLOSE_S: Final = 3.0
"""How long the end of the service may wait for the last ticks."""

REFUSED: Final = frozenset({400, 413, 422})
"""HTTP: the server will never take these lines, however often they are sent."""


class InfluxWriter:
    """Writes ticks from a thread of its own. Nothing that the server does reaches the caller.

    The library's own batching is not used: it queues without a bound while a server hangs, and drops what it
    cannot deliver within minutes.

    Args:
        url: of the server, e.g. ``http://127.0.0.1:8086``.
        org: organisation.
        bucket: where to write.
        token: None where the server wants none.
        site: tags every line.
        on_event: hears when the server is lost and when it is back; called from the writer's thread.

    Raises:
        ValueError: the URL is wrong.
    """

    def __init__(self, *, url: str, org: str, bucket: str, token: str | None, site: Site, on_event: EventSink) -> None:
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise ValueError("expected a URL such as http://127.0.0.1:8086")
        self._url, self._org, self._bucket, self._token = url, org, bucket, token
        self._site = site
        self._on_event = on_event
        self._ticks: deque[Tick] = deque(maxlen=TICKS_KEPT)
        self._wake = threading.Condition()
        self._closing = False
        self._dropped = 0
        self._lost = False
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)
        self._thread.start()

    def write(self, tick: Tick) -> None:
        """Have a tick written soon. Returns at once, from any thread."""
        with self._wake:
            self._dropped += len(self._ticks) == TICKS_KEPT
            self._ticks.append(tick)

    def close(self) -> None:
        """Write what is left if the server takes it now, and end. Waits for at most ``CLOSE_S``."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        # Imported here: 40 MB that a site without telemetry does not pay for.
        from influxdb_client.client.influxdb_client import InfluxDBClient  # noqa: PLC0415
        from influxdb_client.client.write_api import SYNCHRONOUS  # noqa: PLC0415

        timeout_ms = round(TIMEOUT_S * 1000)
        with (
            InfluxDBClient(self._url, self._token or "", org=self._org, timeout=timeout_ms, enable_gzip=True) as client,
            client.write_api(write_options=SYNCHRONOUS) as api,
        ):
            self._deliver(api)

    def _deliver(self, api: WriteApi) -> None:
        batch: list[Tick] = []
        pause_s = FLUSH_S
        while True:
            with self._wake:
                closing = self._wake.wait_for(lambda: self._closing, pause_s)
                batch = batch or self._taken()
            delivered = not batch or self._sent(api, batch)
            if delivered:
                batch, pause_s = [], FLUSH_S
            else:
                pause_s = min(2 * pause_s, RETRY_LAST_S)
            if closing and not (delivered and self._ticks):
                return

    def _taken(self) -> list[Tick]:
        batch = list(self._ticks)
        self._ticks.clear()
        return batch

    def _sent(self, api: WriteApi, batch: list[Tick]) -> bool:
        """Whether the batch is done with: written, or refused for good."""
        from influxdb_client.rest import ApiException  # noqa: PLC0415 - see _run
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        records = list(chain.from_iterable(records_of(self._site.id, tick) for tick in batch))
        try:
            api.write(self._bucket, self._org, records)
        except ApiException as error:
            done = error.status in REFUSED
            self._dropped += len(batch) if done else 0
            self._report_lost(f"HTTP {error.status} {error.reason}")
            return done
        except (HTTPError, OSError) as error:
            self._report_lost(str(error))
            return False
        self._report_back()
        return True

    def _report_lost(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._tell("influx_lost", f"telemetry to {self._url}: {reason}", Severity.WARNING)

    def _report_back(self) -> None:
        if self._lost:
            self._lost = False
            dropped, self._dropped = self._dropped, 0
            self._tell("influx_back", f"telemetry to {self._url}: written again, {dropped} ticks lost", Severity.INFO)

    def _tell(self, kind: str, message: str, severity: Severity) -> None:
        self._on_event(Event(kind, "influx", message, severity))


def records_of(site_id: str, tick: Tick) -> Iterator[dict[str, Any]]:
    """The lines of one tick, as records of influxdb-client; values that are not known have no field.

    Readings bear the time at which they were measured, so a meter that is silent leaves a gap.
    """
    for meter_id, reading in tick.meters.items():
        per_phase = {"current_a": reading.current_a, "voltage_v": reading.voltage_v, "power_w": reading.power_w}
        yield from _per_phase("meter", {"site": site_id, "meter": meter_id}, reading.measured_at, per_phase)
    for circuit_id, circuit in tick.circuits.items():
        per_phase = {
            "current_a": circuit.current_a,
            "background_a": circuit.background_a,
            "headroom_a": circuit.headroom_a,
            "warmth": circuit.warmth,
        }
        yield from _per_phase("circuit", {"site": site_id, "circuit": circuit_id}, tick.at, per_phase)
    yield from _points(site_id, tick)
    if tick.peak is not None:
        yield from _record("demand", {"site": site_id}, tick.at, _demand(tick.peak))
    if tick.price is not None:
        yield from _record("price", {"site": site_id}, tick.at, _price(tick.price))
    for name, resource in tick.resources.items():
        tags = {"site": site_id, "resource": name, "kind": resource.kind}
        yield from _record("resource", tags, tick.at, {"power_w": resource.power_w})
    for upstream in tick.upstreams:
        tags = {"site": site_id, "upstream": upstream.upstream, "station": upstream.station}
        so_far = {"ready": upstream.ready, "waiting": upstream.waiting, "set_aside": upstream.set_aside}
        yield from _record("upstream", tags, tick.at, so_far)
    yield from _record("controller", {"site": site_id}, tick.at, {"decide_s": tick.decide_s})


def _points(site_id: str, tick: Tick) -> Iterator[dict[str, Any]]:
    for point_id in sorted({*tick.points, *tick.plan.setpoints}):
        state, setpoint = tick.points.get(point_id), tick.plan.setpoints.get(point_id)
        measured = (state and state.measured_a) or (None, None, None)
        price_per_kwh = tick.price.points.get(point_id) if tick.price is not None else None
        fields = {
            "state": state.state.value if state else None,
            "limit_a": setpoint.limit_a if setpoint else None,
            "because": setpoint.because if setpoint else None,
            "price_per_kwh": price_per_kwh,
            **{f"{phase.lower()}_a": value for phase, value in zip(PHASE_NAMES, measured, strict=True)},
        }
        yield from _record("point", {"site": site_id, "point": point_id}, tick.at, fields)
    for point_id, session in tick.sessions.items():
        so_far = {"id": session.id, "energy_wh": session.energy_wh, "cost": session.cost}
        yield from _record("session", {"site": site_id, "point": point_id}, tick.at, so_far)


def _demand(peak: PeakStatus) -> dict[str, Any]:
    return {
        "energy_wh": peak.window.energy_wh,
        "projected_w": peak.projected_w,
        "target_w": peak.target_w,
        "allowed_w": peak.allowed_w,
        "month_peak_w": peak.month_peak_w,
        "saved": peak.saved,
    }


def _price(price: PriceNow) -> dict[str, Any]:
    signal = price.signal
    return {
        "per_kwh": price.per_kwh,
        "usual_per_kwh": price.usual_per_kwh,
        "surcharge_per_kwh": signal and signal.surcharge_per_kwh,
        "surcharge_holds": signal and price.holds,
        "level": signal and signal.level.value,
    }


def _per_phase(
    measurement: str, tags: dict[str, str], at: datetime, values: Mapping[str, tuple[float | None, ...] | None]
) -> Iterator[dict[str, Any]]:
    for number, phase in enumerate(PHASE_NAMES):
        fields = {name: triple[number] for name, triple in values.items() if triple is not None}
        yield from _record(measurement, {**tags, "phase": phase}, at, fields)


def _record(
    measurement: str, tags: dict[str, str], at: datetime, fields: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    # Telemetry knows no decimals; the ledger keeps the amounts.
    known = {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in fields.items()
        if value is not None
    }
    if known:
        yield {"measurement": measurement, "tags": tags, "time": at, "fields": known}
