"""What the shell must provide, and the facts that cross between adapters.

Adapters do not know one another: each sees the others only through these protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from controller.explain import Turn
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import PriceSignal
from controller.plan import Event, Plan
from controller.snapshot import PointState, Reading
from controller.tariffs.book import NO_TOKEN_LIMITS, TokenKind, TokenLimits
from controller.tariffs.outlook import Prices
from controller.units import NO_CURRENT, Phases
from controller.wishes import NO_NEEDS, Needs

EventSink = Callable[[Event], None]
"""Where adapters report what is worth knowing. Never blocks, never raises."""


class Direction(StrEnum):
    """Which way a frame of a charging station's protocol went."""

    IN = "in"
    """From the station."""
    OUT = "out"
    """To the station."""


FrameSink = Callable[[str, Direction, str | bytes], None]
"""Takes every frame, secrets and all: station, direction, frame. Never blocks, never raises."""


class Clock(Protocol):
    """Time. Control uses ``monotonic_s`` only; ``now`` dates records and tells tariffs apart."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        ...


class Meter(Protocol):
    """One meter that reads itself for as long as it runs."""

    id: str

    async def run(self) -> None:
        """Read until cancelled; never ends by itself and never raises for what the meter does."""
        ...

    def reading(self, now: datetime, monotonic_s: float) -> Reading | None:
        """The last good reading, dated ``now`` minus its age; None when there has been none."""
        ...


class ChargingPoints(Protocol):
    """The charging points of the site, behind whatever protocol."""

    def states(self, now: datetime, monotonic_s: float) -> Mapping[str, PointState]:
        """Every point of the site, with measurements dated ``now`` minus their age."""
        ...

    def apply(self, plan: Plan) -> None:
        """Bring the plan's limits into the chargers, lower ones first. Returns at once."""
        ...


TIMESTAMP_INVALID: Final = "timestamp_invalid"
"""The flag of a transaction message whose time could not be read: the time at which it arrived stands in for it."""

START_MISSING: Final = "start_missing"
"""The flag of a start that was never announced: what came later stands in for it, until it is announced after all."""

REGISTER_MISSING: Final = "start_register_missing"
"""The flag of a start without a register value: ``NO_REGISTER_WH`` stands in for it."""

NO_REGISTER_WH: Final = -1


@dataclass(frozen=True, slots=True)
class TransactionStart:
    """A transaction as its station announces it."""

    station: str
    connector: int
    point: str | None
    """The site's name for the connector; None when the site does not know it."""
    token: str
    started_at: datetime
    start_wh: int
    flags: tuple[str, ...] = ()
    """What a reviewer should know, e.g. ``unknown_connector``."""
    transaction_id: str | None = None
    """The id that the station has chosen (OCPP 2.0.1 E01); None: it is given one (OCPP 1.6 §4.8)."""


@dataclass(frozen=True, slots=True)
class TransactionDetails:
    """What a station that chose the id tells of a transaction only after its start (OCPP 2.0.1 E03); None: nothing."""

    station: str
    transaction_id: str
    token: str | None = None
    connector: int | None = None
    point: str | None = None
    """The site's name for the connector."""
    start_wh: int | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionStop:
    """The end of a transaction as its station announces it."""

    station: str
    transaction_id: str
    """As the charger knows it."""
    ended_at: datetime
    end_wh: int
    reason: str = "Local"
    token: str | None = None
    flags: tuple[str, ...] = ()
    chosen: bool = False
    """Whether the station has chosen the id (OCPP 2.x), so that another station may have the same one."""


class Outcome(StrEnum):
    """What became of a transaction message. Whatever it is, the charger is answered."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    """The same message again: the stored answer is given, nothing is counted twice."""
    CONFLICTING = "conflicting"
    """It contradicts what is on record; kept for review, without effect."""
    UNKNOWN = "unknown"
    """No such transaction; kept as a session of its own, for review."""
    FOREIGN = "foreign"
    """The transaction belongs to another station; kept for review, without effect."""


@dataclass(frozen=True, slots=True)
class Started:
    """The ledger's word on a start: the ids, and whether it was new."""

    transaction_id: int
    """The id that the ledger gives; whoever chose another keeps to that."""
    session_id: str
    outcome: Outcome
    running: bool = True
    """Whether the session has not ended."""


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session that has not ended, as the ledger knows it."""

    id: str
    station: str
    connector: int
    point: str | None
    transaction_id: str
    token: str
    started_at: datetime
    start_wh: int
    last_wh: int | None
    """The newest register value that was kept [Wh]."""


@dataclass(frozen=True, slots=True)
class Token:
    """An id token that the site knows."""

    uid: str
    description: str = ""
    blocked: bool = False
    valid_until: datetime | None = None
    group: str | None = None
    needs: Needs = NO_NEEDS
    """Where they say something, they come before the group's."""
    kind: TokenKind = TokenKind.OWN
    contract: str | None = None
    """On whose account it charges."""
    zero_rate: bool = False
    """It charges for nothing; its sessions have records all the same."""
    limits: TokenLimits = NO_TOKEN_LIMITS
    valid_from: datetime | None = None


class Verdict(StrEnum):
    """Whether a token may charge, and if not, why."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    """Nobody's token, and guests may not charge here."""
    BLOCKED = "blocked"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    CONTRACT_ENDED = "contract_ended"
    """It charges on a contract that does not hold now."""
    USED_UP = "used_up"
    """It has used what it may this month."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The answer to who asks to charge."""

    verdict: Verdict
    kind: TokenKind
    """``guest`` for nobody's token."""
    because: str
    """For people."""
    valid_until: datetime | None = None
    """Until when a station may count on it."""

    @property
    def accepted(self) -> bool:
        """Whether it may charge."""
        return self.verdict is Verdict.ACCEPTED


@dataclass(frozen=True, slots=True)
class MeterSample:
    """One measurement of a charging point, kept for history and for sessions that never end properly."""

    point: str
    at: datetime
    current_a: tuple[float, float, float] | None = None
    power_w: float | None = None
    register_wh: int | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class HeldLimit:
    """What a charger was last told, kept so that a restart knows what chargers may still be doing."""

    point: str
    limit_a: float
    written_at: datetime


class LedgerUnavailable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The ledger could not put a record on disk (disk full, locked, unreachable).

    Whoever announced it is not acknowledged and announces it again; the ledger recovers by itself.
    """


class Ledger(Protocol):
    """The book of sessions. Every method returns after its record is on disk.

    Every method raises ``LedgerUnavailable`` when the ledger can neither write nor read.
    """

    async def start_transaction(self, start: TransactionStart) -> Started:
        """Record a start; a repeated one gets the ids that it got the first time."""
        ...

    async def complete_transaction(self, details: TransactionDetails) -> Outcome:
        """Fill in what the start has left open. What is on record stays, so a repeated one changes nothing."""
        ...

    async def stop_transaction(self, stop: TransactionStop) -> Outcome:
        """Record an end and price the session; a repeated one changes nothing."""
        ...

    async def keep_signed(self, station: str, transaction_id: str, texts: Sequence[str]) -> None:
        """Keep signed meter values of a station's transaction, to the letter; repeated ones change nothing."""
        ...

    async def running(self) -> Sequence[RunningSession]:
        """Every session that has not ended."""
        ...

    async def token(self, uid: str) -> Token | None:
        """The token of that uid (upper or lower case alike: OCPP 1.6 §7.28 idTokens are case-insensitive)."""
        ...

    async def authorise(self, uid: str, points: Sequence[str], at: datetime) -> Authorisation:
        """Whether a token may charge at any of these points now (``controller.access``)."""
        ...

    async def password_hash(self, station: str) -> str | None:
        """The station's hashed password, or None when it has none."""
        ...


class Measurements(Protocol):
    """Where measurements go. Never blocks; drops the oldest when its bound is reached, and says so."""

    def record(self, sample: MeterSample) -> None:
        """Keep one measurement."""
        ...

    def hold(self, held: HeldLimit) -> None:
        """Keep what a charger was last told."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as people and programs see it; the fields are those of docs/reference/rest-api.md."""

    id: str
    station: str
    point: str | None
    connector: int
    transaction_id: str
    """As the charger knows it."""
    token: str
    running: bool
    started_at: datetime
    ended_at: datetime | None
    start_wh: int
    end_wh: int | None
    energy_wh: int | None
    """So far, while it runs; None where the registers cannot tell."""
    cost: Decimal | None
    """So far, while it runs."""
    currency: str
    stop_reason: str | None = None
    review_flags: tuple[str, ...] = ()


class Records(Protocol):
    """The book of sessions, for reading. Safe to call from any thread; may take milliseconds."""

    def sessions(
        self, *, running: bool | None = None, point: str | None = None, limit: int = 100, after: str | None = None
    ) -> tuple[Sequence[SessionRecord], str | None]:
        """Newest first, and the ``after`` of the next page (None at the end)."""
        ...

    def session(self, session_id: str) -> SessionRecord | None:
        """One session."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """How the last plan reached the chargers."""

    changed: int
    """Limits that differed from what the chargers held."""
    accepted: int
    seconds: float
    """From the hand-over of the plan to the last answer [s]."""


@dataclass(frozen=True, slots=True)
class CircuitState:
    """One circuit as the controller saw it, per grid phase [A]."""

    current_a: Phases | None
    """Measured where the circuit has a meter that can be believed, else estimated from what is below it."""
    background_a: Phases
    """What is not charging."""
    headroom_a: Phases
    """Fuse less margin less current, never counting what points may still add."""
    fresh: bool
    """Whether its meter was believed; True for a circuit that has none."""
    warmth: Phases = NO_CURRENT
    """How near its protection devices are to opening: 0 is cold, 1 is open."""

    @property
    def charging_a(self) -> Phases | None:
        """What the points below it draw, at the meter's instant; None where the current is not known."""
        if self.current_a is None:
            return None
        one, two, three = (max(0.0, a - b) for a, b in zip(self.current_a, self.background_a, strict=True))
        return (one, two, three)


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A photovoltaic plant or a battery of the site, for those who watch; nothing that protects may rely on it."""

    kind: str
    """``pv`` or ``battery``."""
    meter: str
    power_w: float | None
    """What it takes from the site, negative while it gives [W]; None where its meter is not believed."""


@dataclass(frozen=True, slots=True)
class PriceNow:
    """What a kWh costs now in a session that begins now, for drivers and for programs that can wait."""

    usual_per_kwh: Decimal | None
    """With tax where it is known; None where the site has no tariff."""
    signal: PriceSignal | None = None
    """None where nearing the peak never changes the price."""
    holds: bool = True
    """Whether what the signal adds counts already; before that it is merely announced."""
    ahead: tuple[Prices, ...] = ()
    """Of the coming day, without what the signal adds."""
    points: Mapping[str, Decimal | None] = field(default_factory=dict)
    """What a kWh usually costs at a point, by its id, where that is known."""

    @property
    def per_kwh(self) -> Decimal | None:
        """With the surcharge of the moment; None where the site has no tariff."""
        return None if self.usual_per_kwh is None else self.usual_per_kwh + self.added_per_kwh

    @property
    def added_per_kwh(self) -> Decimal:
        """The surcharge of the moment."""
        return self.signal.surcharge_per_kwh if self.signal is not None and self.holds else Decimal(0)


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """One station of a back office: the connection, and what waits to be told."""

    upstream: str
    station: str
    """As the back office knows it: one of the site's stations, or the hub that stands for several points."""
    points: tuple[str, ...]
    hub: bool
    primary: bool
    """Whether the back office's answers reach the chargers."""
    connected: bool
    ready: bool
    """Whether messages pass: the back office has accepted the station, and has been told what it must know first."""
    trouble: str | None
    """Why there is no connection, for people."""
    waiting: int
    """Messages that it is still to be told."""
    oldest_at: datetime | None
    """When the first of them happened."""
    set_aside: int
    """Messages that it has refused too often."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one turn of the control loop knew and said: the material of pages, topics and telemetry."""

    at: datetime
    plan: Plan
    meters: Mapping[str, Reading] = field(default_factory=dict)
    points: Mapping[str, PointState] = field(default_factory=dict)
    circuits: Mapping[str, CircuitState] = field(default_factory=dict)
    sessions: Mapping[str, SessionRecord] = field(default_factory=dict)
    """Running sessions by point id."""
    decide_s: float = 0.0
    """How long the decision took [s]."""
    turn: Turn | None = None
    """The decision with everything that it was made from, so that it can be explained; None where nobody kept it."""
    peak: PeakStatus | None = None
    """The running demand window; None where demand has no price."""
    price: PriceNow | None = None
    """None where charging has no price."""
    resources: Mapping[str, ResourceState] = field(default_factory=dict)
    """By id."""
    upstreams: tuple[UpstreamState, ...] = ()
    """Back offices, each with each of its stations."""
