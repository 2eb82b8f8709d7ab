"""Which topics there are and what stands on them: tables from which values, documents and the manual are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from controller.explain import Insight, insights, sentence
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import PriceSignal
from controller.plan import Event, Setpoint
from controller.ports.ledger import SessionRecord
from controller.ports.tick import CircuitState, PriceNow, ResourceState, Tick, UpstreamState
from controller.site import Site
from controller.snapshot import ExternalLimit, PointState, Reading
from controller.tariffs.price_words import shown
from controller.units import PHASE_NAMES, Phases

Value = float | int | str | bool | Decimal | datetime | None
"""None: there is no such value at present; its topic is emptied."""
Path = tuple[str, ...]

ROOT: Final = "loadstar"
STATUS, STATE, EVENT = "status", "state", "event"
ONLINE, OFFLINE = "online", "offline"

_DECIMALS: Final[Mapping[str, int]] = {"A": 2, "V": 1, "W": 0}
"""Finer than any meter is true, coarse enough that noise is not news."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Topic(Generic[T]):
    """One topic below a meter, a circuit, a point, a resource, the demand window or the price."""

    name: str
    unit: str
    meaning: str
    value: Callable[[T], Value]


@dataclass(frozen=True, slots=True)
class PointView:
    """Everything about one charging point at one tick."""

    state: PointState
    setpoint: Setpoint | None
    session: SessionRecord | None
    why: str | None
    known: Insight | None


def _per_phase(
    name: str, unit: str, meaning: str, values: Callable[[T], tuple[float | None, ...] | None]
) -> tuple[Topic[T], ...]:
    def of(phase: int) -> Callable[[T], Value]:
        return lambda source: None if (triple := values(source)) is None else triple[phase]

    return tuple(
        Topic(name.format(phase=label.lower()), unit, meaning.format(phase=label), of(phase))
        for phase, label in enumerate(PHASE_NAMES)
    )


def _total(power_w: Phases | None) -> float | None:
    return None if power_w is None else sum(power_w)


def _setpoint(value: Callable[[Setpoint], Value]) -> Callable[[PointView], Value]:
    return lambda view: None if view.setpoint is None else value(view.setpoint)


def _session(value: Callable[[SessionRecord], Value]) -> Callable[[PointView], Value]:
    return lambda view: None if view.session is None else value(view.session)


def _known(value: Callable[[Insight], Value]) -> Callable[[PointView], Value]:
    return lambda view: None if view.known is None else value(view.known)


def _shortfall_wh(known: Insight) -> Value:
    return round(known.shortfall_wh)


def _waiting_s(known: Insight) -> Value:
    return None if known.waiting_s is None else round(known.waiting_s)


def _compliance(known: Insight) -> Value:
    return known.remedy.value if known.remedy else "obeys"


def _signal(value: Callable[[PriceSignal], Value]) -> Callable[[PriceNow], Value]:
    return lambda price: None if price.signal is None else value(price.signal)


def _holds(price: PriceNow) -> Value:
    return None if price.signal is None else price.holds


def _ahead(price: PriceNow) -> Value:
    """The prices of the coming day; as one text, since they belong together."""
    rows = [
        {
            "begins_at": prices.begins_at.isoformat(),
            "ends_at": prices.ends_at.isoformat(),
            "per_kwh": None if prices.per_kwh is None else _text(shown(prices.per_kwh)),
            "start": _text(shown(prices.flat)),
            "per_hour": _text(shown(prices.per_hour)),
            "per_idle_hour": _text(shown(prices.per_idle_hour)),
        }
        for prices in price.ahead
    ]
    return json.dumps(rows) if rows else None


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _warmth(circuit: CircuitState) -> tuple[float, float, float]:
    one, two, three = circuit.warmth
    return round(one, 2), round(two, 2), round(three, 2)


METER: Final[tuple[Topic[Reading], ...]] = (
    Topic("power_w", "W", "Active power of the three phases; export is negative", lambda r: _total(r.power_w)),
    *_per_phase("{phase}_a", "A", "Current on {phase}; export is negative", lambda r: r.current_a),
    *_per_phase("{phase}_v", "V", "Voltage of {phase}", lambda r: r.voltage_v),
    Topic("measured_at", "", "When this was measured, UTC", lambda r: r.measured_at),
)
CIRCUIT: Final[tuple[Topic[CircuitState], ...]] = (
    *_per_phase("current_{phase}_a", "A", "Current on {phase}, measured or estimated", lambda c: c.current_a),
    *_per_phase("background_{phase}_a", "A", "What is not charging, on {phase}", lambda c: c.background_a),
    *_per_phase("headroom_{phase}_a", "A", "What is left below fuse and margin on {phase}", lambda c: c.headroom_a),
    *_per_phase("warmth_{phase}", "", "How near its device on {phase} is to opening: 0 is cold, 1 is open", _warmth),
    Topic("fresh", "", "Whether its meter is believed: `true` or `false`", lambda c: c.fresh),
)
LIMIT: Final[tuple[Topic[ExternalLimit | None], ...]] = (
    Topic("limit_w", "W", "The strictest power limit that others have set", lambda x: None if x is None else x.limit_w),
    Topic("limit_by", "", "Who has set it", lambda x: None if x is None else x.source),
)
POINT: Final[tuple[Topic[PointView], ...]] = (
    Topic("state", "", "One of the states of a charging point, e.g. `charging`", lambda p: p.state.state.value),
    *_per_phase("current_{phase}_a", "A", "What it draws on the grid's {phase}", lambda p: p.state.measured_a),
    Topic("limit_a", "A", "What it may draw per phase", _setpoint(lambda s: s.limit_a)),
    Topic("because", "", "What keeps the limit from being higher", _setpoint(lambda s: s.because)),
    Topic("why", "", "The same for people, in one sentence with its numbers", lambda p: p.why),
    Topic("need/energy_wh", "Wh", "What its driver still needs", lambda p: p.state.energy_needed_wh),
    Topic("need/departs_at", "", "Until when, UTC", lambda p: p.state.departs_at),
    Topic("need/shortfall_wh", "Wh", "What will be missing then, as far as is known", _known(_shortfall_wh)),
    Topic("waiting_s", "s", "How long its car has been waiting to be admitted", _known(_waiting_s)),
    Topic("compliance", "", "`obeys`, or what its charger is treated with, e.g. `resend`", _known(_compliance)),
    Topic("session/id", "", "The running session", _session(lambda s: s.id)),
    Topic("session/started_at", "", "When it began, UTC", _session(lambda s: s.started_at)),
    Topic("session/energy_wh", "Wh", "Energy of the session so far", _session(lambda s: s.energy_wh)),
    Topic("session/cost", "currency", "Cost of the session so far", _session(lambda s: s.cost)),
    Topic("session/currency", "", "ISO 4217 code of the cost", _session(lambda s: s.currency)),
)
PEAK: Final[tuple[Topic[PeakStatus], ...]] = (
    Topic("window/begins_at", "", "When the running demand window began, UTC", lambda p: p.window.begins_at),
    Topic("window/energy_wh", "Wh", "Import minus export since then", lambda p: round(p.window.energy_wh)),
    Topic("window/projected_w", "W", "Its mean power if all goes on as it does now", lambda p: p.projected_w),
    Topic("window/marks", "", "What went wrong in it, separated by spaces", lambda p: " ".join(p.window.marks)),
    Topic("billed", "", "Whether it can cost anything: `true` or `false`", lambda p: p.billed),
    Topic("target_w", "W", "What it is held at; empty where nothing is gained by that", lambda p: p.target_w),
    Topic("allowed_w", "W", "What charging may draw now; empty: as much as fuses allow", lambda p: p.allowed_w),
    Topic("month_peak_w", "W", "The highest window of the month that has ended", lambda p: p.month_peak_w),
    Topic("month_peak_at", "", "When that began, UTC", lambda p: p.month_peak_at),
    Topic("paid_w", "W", "The peak that is paid for already", lambda p: p.floor_w),
    Topic("saved", "currency", "By how much the accounting year's bill is lower for control", lambda p: p.saved),
)

PRICE: Final[tuple[Topic[PriceNow], ...]] = (
    Topic("now", "currency/kWh", "What a kWh costs now; empty where the site has no tariff", lambda p: p.per_kwh),
    Topic("level", "", "`normal`, or `high` while the site nears its peak", _signal(lambda s: s.level.value)),
    Topic("surcharge_per_kwh", "currency/kWh", "What it costs more than usual", _signal(lambda s: s.surcharge_per_kwh)),
    Topic("surcharge_holds", "", "Whether sessions that begin pay that already: `true` or `false`", _holds),
    Topic("ahead", "", "The usual prices of the next 24 hours, as JSON", _ahead),
    Topic("since", "", "Since when, UTC", _signal(lambda s: s.since)),
    Topic("until", "", "Until when a high price stays, UTC; empty while it is normal", _signal(lambda s: s.until)),
)
POINT_PRICE: Final[tuple[Topic[Decimal | None], ...]] = (
    Topic("price_per_kwh", "currency/kWh", "What a kWh usually costs there; empty where it is not known", lambda p: p),
)
RESOURCE: Final[tuple[Topic[ResourceState], ...]] = (
    Topic("kind", "", "`pv` or `battery`", lambda r: r.kind),
    Topic("power_w", "W", "What it takes from the site; negative while it gives", lambda r: r.power_w),
)
UPSTREAM: Final[tuple[Topic[UpstreamState], ...]] = (
    Topic("connected", "", "Whether there is a connection: `true` or `false`", lambda u: u.connected),
    Topic("ready", "", "Whether messages pass; while they do not, chargers are answered here", lambda u: u.ready),
    Topic("waiting", "", "How many messages it is still to be told", lambda u: u.waiting),
    Topic("oldest_at", "", "When the first of them happened, UTC; empty where none waits", lambda u: u.oldest_at),
    Topic("set_aside", "", "How many messages it has refused too often", lambda u: u.set_aside),
)


def values(site: Site, tick: Tick) -> dict[Path, Value]:
    """Every value of the site, by the levels of its topic below ``loadstar/<site>``; takes milliseconds."""
    found: dict[Path, Value] = {}
    for meter_id, reading in tick.meters.items():
        found |= _filled(("meter", meter_id), METER, reading)
    for circuit in site.circuits:
        state = tick.circuits.get(circuit.id)
        if state is not None:
            found |= _filled(("circuit", circuit.id), CIRCUIT, state)
            found |= _filled(("circuit", circuit.id), LIMIT, _strictest(tick, circuit.id))
    if tick.peak is not None:
        found |= _filled(("peak",), PEAK, tick.peak)
    for name, resource in tick.resources.items():
        found |= _filled(("resource", name), RESOURCE, resource)
    for upstream in tick.upstreams:
        found |= _filled(("upstream", upstream.upstream, upstream.station), UPSTREAM, upstream)
    if tick.price is not None:
        found |= _filled(("price",), PRICE, tick.price)
    known = {} if tick.turn is None else insights(site, tick.turn)
    for point in site.points:
        view = PointView(
            state=tick.points.get(point.id, PointState()),
            setpoint=tick.plan.setpoints.get(point.id),
            session=tick.sessions.get(point.id),
            why=None if tick.turn is None else sentence(site, tick.turn, point.id),
            known=known.get(point.id),
        )
        found |= _filled(("point", point.id), POINT, view)
        if tick.price is not None and point.id in tick.price.points:
            found |= _filled(("point", point.id), POINT_PRICE, tick.price.points[point.id])
    return found


def _strictest(tick: Tick, circuit: str) -> ExternalLimit | None:
    limits = () if tick.turn is None else tick.turn.snapshot.limits
    return min(
        (one for one in limits if one.circuit == circuit and not one.per_point),
        key=lambda one: one.limit_w,
        default=None,
    )


def _filled(place: Path, topics: tuple[Topic[T], ...], source: T) -> dict[Path, Value]:
    return {(*place, *entry.name.split("/")): _rounded(entry.value(source), entry.unit) for entry in topics}


def _rounded(value: Value, unit: str) -> Value:
    if not isinstance(value, float) or unit not in _DECIMALS:
        return value
    decimals = _DECIMALS[unit]
    return round(value, decimals) + 0.0 if decimals else round(value)  # and no "-0.0"


def topic(*levels: str) -> str:
    """The full topic of some levels; what has a meaning of its own in a topic cannot be part of a level.

    >>> topic("hq", "point", "P/01#", "state")
    'loadstar/hq/point/P_01_/state'
    """
    forbidden = str.maketrans("/+#\0", "____")
    return "/".join((ROOT, *(level.translate(forbidden) for level in levels)))


def text(value: Value) -> str:
    """A value as it stands on a topic: plain, without quotes; empty when there is none.

    >>> text(10.4), text(True), text(None), text(datetime(2026, 11, 20, 9, tzinfo=UTC))
    ('10.4', 'true', '', '2026-11-20T09:00:00Z')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _utc(value) if isinstance(value, datetime) else str(value)


def document(tick: Tick, found: Mapping[Path, Value]) -> dict[str, Any]:
    """All values as one JSON document: its keys are the levels of the topics. Amounts and times are texts."""
    whole: dict[str, Any] = {"at": _utc(tick.at)}
    for path, value in found.items():
        place = whole
        for level in path[:-1]:
            place = place.setdefault(level, {})
        place[path[-1]] = text(value) if isinstance(value, Decimal | datetime) else value
    return whole


def event_document(event: Event, now: datetime) -> dict[str, str]:
    """An event as a JSON document."""
    return {
        "at": _utc(event.at or now),
        "kind": event.kind,
        "subject": event.subject,
        "severity": event.severity.value,
        "message": event.message,
    }


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
