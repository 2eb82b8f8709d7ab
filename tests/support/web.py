"""A site for tests of pages and API: a garage and a yard behind one grid meter, with hand-made ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import FastAPI

from adapters.driver_desk import DriverDesk
from adapters.limits.limiting import Limits
from adapters.live import Live
from adapters.loop import circuit_state
from adapters.onboarding import Onboarding
from adapters.prices.pricing import Books
from adapters.settling.charged import Charged
from adapters.web.app import create_app
from adapters.web.demand_export import Windows
from adapters.web.parts import Parts
from adapters.web.publishing import Publish
from adapters.wishes import Wishes
from controller.commands import Command, CommandResult
from controller.engine import decide
from controller.explain import Turn
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import PriceLevel, PriceSignal
from controller.peakshave.windows import Window
from controller.plan import Plan, Setpoint
from controller.ports.ledger import SessionRecord
from controller.ports.tick import CircuitState, PriceNow, Tick
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import Advice, ExternalLimit, PointState, Reading, Snapshot, State
from controller.units import NO_CURRENT, Phases, phase_vector
from tests.support.charged import NothingCharged
from tests.support.web_books import (
    EmptyBook,
    FakeBook,
    FakeRecords,
    NothingPosted,
    nothing_published,
    onboarding_of,
    open_limits,
)

BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
VERSION = "0.1.0-test"


class HandClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self) -> float:
        return self.elapsed_s


def small_site(points: int = 4) -> Site:
    """Three-phase points, every fourth of them on one phase; the first two thirds stand in the garage."""
    return Site(
        id="hq",
        name="Head office",
        time_zone="Europe/Amsterdam",
        circuits=(
            Circuit("main", None, (63.0, 63.0, 63.0), margin_a=1.0, meter="grid", base_load_a=(25.0, 25.0, 25.0)),
            Circuit("garage", "main", (40.0, 40.0, 40.0)),
            Circuit("yard", "main", (25.0, 25.0, 25.0)),
        ),
        points=tuple(
            ChargingPoint(
                id=f"P{n:02}",
                circuit="garage" if n <= points * 2 // 3 else "yard",
                station=f"CP{n:02}",
                connector=1,
                phases=((n // 4) % 3,) if n % 4 == 0 else (0, 1, 2),
            )
            for n in range(1, points + 1)
        ),
    )


@dataclass
class Seen:
    """What one charging point is made to look like."""

    state: State = State.CHARGING
    draw_a: float = 9.8
    limit_a: float = 10.0
    because: str = "circuit:garage:L2"
    energy_wh: int = 5300


def made_tick(
    site: Site, second: float, seen: dict[str, Seen], background_a: Phases = (14.0, 21.0, 9.0), fresh: bool = True
) -> Tick:
    """The tick at that second; points that are not mentioned are available."""
    at = BEGIN + timedelta(seconds=second)
    until = at + timedelta(seconds=120)
    points, setpoints, sessions = {}, {}, {}
    for point in site.points:
        as_seen = seen.get(point.id)
        if as_seen is None:
            setpoints[point.id] = Setpoint(0.0, "not_admitted:available", until)
            continue
        measured = None if as_seen.state is State.OFFLINE else phase_vector(point.phases, as_seen.draw_a)
        points[point.id] = PointState(as_seen.state, measured, at, as_seen.limit_a)
        if as_seen.state is not State.OFFLINE:
            setpoints[point.id] = Setpoint(as_seen.limit_a, as_seen.because, until)
        sessions[point.id] = running_session(point, as_seen.energy_wh)
    circuits = {}
    for circuit in site.circuits:
        drawn = [points[p.id].measured_a or NO_CURRENT for p in site.points_below[circuit.id] if p.id in points]
        background = background_a if circuit.meter else NO_CURRENT
        current = tuple(sum(a[i] for a in drawn) + background[i] for i in range(3))
        headroom = tuple(circuit.fuse_a[i] - circuit.margin_a - current[i] for i in range(3))
        circuits[circuit.id] = CircuitState(
            phases(current), background, phases(headroom), fresh=fresh or circuit.meter is None
        )
    grid = circuits[site.circuits[0].id].current_a or NO_CURRENT
    measured_at = at if fresh else at - timedelta(seconds=42)
    return Tick(
        at=at,
        plan=Plan(at, setpoints),
        meters={"grid": Reading(grid, measured_at)},
        points=points,
        circuits=circuits,
        sessions=sessions,
        decide_s=0.0004,
    )


def decided_tick(
    site: Site,
    second: float,
    points: dict[str, PointState],
    after: Tick | None = None,
    meter_a: float = 20.0,
    advice: Advice | None = None,
    limits: tuple[ExternalLimit, ...] = (),
) -> Tick:
    """The tick of a decision that was really made, with everything that explains it."""
    at = BEGIN + timedelta(seconds=second)
    snapshot = Snapshot(at, second, {"grid": Reading((meter_a,) * 3, at)}, limits, points, advice)
    memory = after.turn.decision.memory if after and after.turn else None
    turn = Turn(memory, snapshot, decide(site, memory, snapshot))
    circuits = {circuit.id: circuit_state(site, circuit, snapshot, turn.decision) for circuit in site.circuits}
    sessions = {name: running_session(site.point[name], 5300) for name in points}
    return Tick(
        at, turn.decision.plan, snapshot.meters, points, circuits, sessions=sessions, decide_s=0.0004, turn=turn
    )


def made_peak(**changes: Any) -> PeakStatus:
    """A quarter-hour of which eight minutes have passed, held at a peak that is paid for."""
    window = Window(BEGIN, 900, energy_wh=5_340.4, covered_s=477.0, marks=("meter_gap",), assumed_wh=12.0)
    status = PeakStatus(
        window=window,
        passed_s=480.0,
        projected_w=42_125.0,
        target_w=45_000.0,
        allowed_w=12_250.0,
        billed=True,
        month_peak_w=44_210.0,
        month_peak_at=BEGIN - timedelta(days=8, hours=-7),
        floor_w=45_000.0,
        per_kw=4.45,
        saved=Decimal("312.40"),
    )
    return replace(status, **changes)


def made_price(level: PriceLevel = PriceLevel.HIGH) -> PriceNow:
    """A price that was raised two minutes ago, or one that never was."""
    if level is PriceLevel.NORMAL:
        return PriceNow(Decimal("0.35"), PriceSignal(level, Decimal(0), BEGIN, None))
    since, until = BEGIN - timedelta(minutes=2), BEGIN + timedelta(minutes=30)
    return PriceNow(Decimal("0.35"), PriceSignal(level, Decimal("0.15"), since, until))


def with_warmth(tick: Tick, **warmth: Phases) -> Tick:
    """The same tick, where some fuses have been carrying too much."""
    warm = {name: replace(tick.circuits[name], warmth=state) for name, state in warmth.items()}
    return replace(tick, circuits={**tick.circuits, **warm})


def phases(values: Sequence[float]) -> Phases:
    return (values[0], values[1], values[2])


def running_session(point: ChargingPoint, energy_wh: int) -> SessionRecord:
    return SessionRecord(
        id=f"S-{point.id}",
        station=point.station,
        point=point.id,
        connector=point.connector,
        transaction_id=f"7{point.id[1:]}",
        token="04A2B3C4",
        running=True,
        started_at=BEGIN - timedelta(minutes=47),
        ended_at=None,
        start_wh=120_000,
        end_wh=None,
        energy_wh=energy_wh,
        cost=(Decimal(energy_wh) * Decimal("0.00035")).quantize(Decimal("0.0001")),
        currency="EUR",
    )


def ended_session(number: int, point: str = "P01") -> SessionRecord:
    running = running_session(ChargingPoint(point, "garage", "CP" + point[1:], 1), 11_250)
    return replace(
        running,
        id=f"E{number}",
        running=False,
        started_at=BEGIN - timedelta(hours=2 + number),
        ended_at=BEGIN - timedelta(hours=1, minutes=10) - timedelta(hours=number),
        end_wh=131_250,
        stop_reason="EVDisconnected",
    )


def only_ada(user: str, password: str) -> str | None:
    """The accounts of these tests: Ada's, Ben's, who may only look, and Cleo's, who approves prices."""
    roles = {"ada": "operator", "ben": "viewer", "cleo": "approver"}
    return roles.get(user) if password == "correct horse" else None


OFFLINE = CommandResult(accepted=False, status="Offline")


def made_app(
    site: Site,
    live: Live,
    records: FakeRecords | None = None,
    lab: bool = True,
    version: str = VERSION,
    wishes: Wishes | None = None,
    limits: Limits | None = None,
    windows: Windows = lambda _since, _until: (),
    books: Books | None = None,
    charged: Charged | None = None,
    drivers: DriverDesk | None = None,
    onboarding: Onboarding | None = None,
    commands: Callable[[str, Command], CommandResult] = lambda _point, _command: OFFLINE,
    publish_prices: Publish = nothing_published,
) -> FastAPI:
    wishes = wishes or Wishes(FakeBook(), (), site.time_zone, HandClock())
    parts = Parts(
        site=site,
        live=live,
        records=records or FakeRecords(),
        wishes=wishes,
        limits=limits or open_limits(site, HandClock()),
        windows=windows,
        books=books or Books(EmptyBook(), EmptyBook(), HandClock()),
        charged=charged or NothingCharged(),
        drivers=drivers or DriverDesk(site, live, wishes, NothingPosted(), NothingPosted(), HandClock()),
        onboarding=onboarding or onboarding_of(site),
        commands=commands,
        publish_prices=publish_prices,
        authenticate=only_ada,
        lab=lab,
        version=version,
    )
    return create_app(parts)
