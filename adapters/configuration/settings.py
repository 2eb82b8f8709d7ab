"""What a site file says, checked and ready for use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from pathlib import Path

from adapters.configuration.places import Places
from adapters.configuration.upstream_assembly import Upstream
from controller.peakshave.grid_operator import Source
from controller.peakshave.peak_facts import PeakTerms
from controller.peakshave.price_lever import LeverTerms
from controller.ports.tokens import Token
from controller.site import Site
from controller.tariffs.book import OperatorTerms
from controller.tariffs.offers import Offer, SurchargeTerms
from controller.tariffs.premises import GridConnection, MeterIdentity, Place
from controller.wishes import Group


@dataclass(frozen=True, slots=True)
class ModbusTcpMeter:
    """A meter to read over Modbus TCP."""

    id: str
    host: str
    port: int
    unit: int
    model: str | None
    """The register map; None: it speaks SunSpec."""
    poll_s: float


@dataclass(frozen=True, slots=True)
class MqttQuantity:
    """Where one quantity of an MQTT meter is found."""

    topic: str
    path: str
    """Way to the number in a JSON payload, such as ``phases[0].a``; empty when the payload is the number."""


@dataclass(frozen=True, slots=True)
class MqttMeter:
    """A meter whose values arrive over MQTT."""

    id: str
    url: str = field(repr=False)
    """May hold a password."""
    quantities: Mapping[str, MqttQuantity] | None
    """By name (``adapters.metering.sample.QUANTITIES``), with ``l1_a`` to ``l3_a``; None: readings are said whole."""
    timestamp_path: str | None
    """Way to the time in each payload; None when payloads carry none."""


@dataclass(frozen=True, slots=True)
class P1Meter:
    """A smart meter's P1 port: at ``host`` and ``port``, or at ``device``; the others are None."""

    id: str
    host: str | None
    port: int | None
    device: str | None


Meter = ModbusTcpMeter | MqttMeter | P1Meter


@dataclass(frozen=True, slots=True)
class User:
    """Who may log in to the web interface."""

    name: str
    password: str = field(repr=False)
    role: str
    """``viewer``, ``operator``, ``approver`` or ``installer``."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a server listens, and with which certificate; without one it speaks plain text."""

    host: str
    port: int
    """0: any free port."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Influx:
    """Where telemetry goes."""

    url: str = field(repr=False)
    org: str
    bucket: str
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recording:
    """Where decisions are recorded, and for how long."""

    directory: Path
    keep_days: int


@dataclass(frozen=True, slots=True)
class TimeOfUse:
    """A time of day, on the clock of the site, with a price of its own."""

    begins: time
    ends: time
    """Not after ``begins``: that of the next day."""
    weekdays: tuple[int, ...]
    """On which it begins, 0 is Monday."""
    price_per_kwh: float


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """How the coming hours are planned, and what they cost. Prices are in the site's currency."""

    slot_s: float
    slots: int
    every_s: float
    price_per_kwh: float
    """Where nothing else says so."""
    time_of_use: tuple[TimeOfUse, ...]
    """The first that fits counts."""
    price_file: Path | None
    unmet_per_kwh: float


@dataclass(frozen=True, slots=True)
class Resource:
    """A photovoltaic plant or a battery of the site."""

    id: str
    kind: str
    """``pv`` or ``battery``."""
    meter: str
    """A meter of its own."""
    reversed: bool
    """Whether its meter counts as positive what it gives."""


@dataclass(frozen=True, slots=True)
class LimitInput:
    """A contact that Modbus TCP reads: while it is closed, a limit holds."""

    source: str
    circuit: str
    limit_w: float
    host: str
    port: int
    unit: int
    kind: str
    """``coil``, ``discrete``, ``holding`` or ``input``."""
    address: int
    closed: bool
    """False: the limit holds while it is open."""
    poll_s: float


@dataclass(frozen=True, slots=True)
class GridOperator:
    """Who may set limits from outside, and how they end."""

    sources: tuple[Source, ...]
    rest: frozenset[str]
    """Those that may speak by REST."""
    mqtt: str | None
    """The one whose limits come by MQTT."""
    release_s: float
    start_delay_s: int
    """Starts that only a plan was waiting for are put off by a random time up to this [s]."""
    inputs: tuple[LimitInput, ...]
    schedule_file: Path | None


@dataclass(frozen=True, slots=True)
class Location:
    """Where the site is, and what measures there."""

    place: Place
    """Of no point in particular."""
    operator_id: str
    """OCPI party_id."""
    connection: GridConnection | None
    meters: Mapping[str, MeterIdentity]
    """By station, as far as the site file tells."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A site file, checked as a whole. Shows no secret when printed."""

    path: Path
    """The site file."""
    site: Site
    """With every fallback resolved."""
    meters: tuple[Meter, ...]
    tokens: tuple[Token, ...] = field(repr=False)
    groups: tuple[Group, ...]
    passwords: Mapping[str, str] = field(repr=False)
    """Plain, by station id, for the stations that have one here."""
    users: tuple[User, ...]
    ocpp: Listener
    web: Listener
    store_url: str = field(repr=False)
    """A SQLite file is given by its absolute path."""
    mqtt_url: str | None = field(repr=False)
    influx: Influx | None
    recording: Recording | None
    price_per_kwh: Decimal | None
    operator: OperatorTerms
    """What is settled for all sessions."""
    location: Location
    plan: PlanSettings | None
    peak: PeakTerms | None
    """None: demand costs nothing."""
    price_lever: LeverTerms | None
    """None: the published price is never raised."""
    surcharge_terms: SurchargeTerms
    price_curves: Mapping[str, Path]
    """The files of price curves, by curve."""
    prices_by_mqtt: bool
    offers: Mapping[Offer, str]
    """The tariffs of what drivers may choose besides the regular price."""
    resources: tuple[Resource, ...]
    use_surplus: bool
    """Whether cars that the plan puts off for the price may charge with what would be exported."""
    grid_operator: GridOperator
    upstreams: tuple[Upstream, ...]
    places: Places = field(repr=False, compare=False)
    """Where things stand in the file."""
