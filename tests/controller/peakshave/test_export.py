"""What a site exports is counted with its sign: it lowers its demand window's energy, and leaves more for charging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from controller.engine import decide
from controller.peakshave.catalogue import flanders
from controller.peakshave.filling import fill
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.peak_facts import Flow, PeakTerms
from controller.plan import Plan
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Reading, Snapshot, State

SITE = Site(
    "S",
    (Circuit("main", None, (200.0, 200.0, 200.0), meter="grid"),),
    (ChargingPoint("P1", "main", "CP1", 1),),
    time_zone="Europe/Brussels",
)
TERMS = PeakTerms(flanders(per_kw_year=Decimal("53.39")), target_kw=20.0)
NOON = datetime(2026, 6, 2, 10, 0, tzinfo=UTC)


def test_a_window_that_exports_and_then_imports_holds_the_difference() -> None:
    filling, _ = fill(None, NOON, 0.0, -12_000.0, 900, 0.0)
    for second in range(3, 901, 3):
        power_w = -12_000.0 if second < 450 else 6_000.0
        filling, ended = fill(filling, NOON + timedelta(seconds=second), float(second), power_w, 900, 0.0)
    (window,) = ended
    assert window.mean_w == pytest.approx(-3_000.0)
    assert window.marks == ()


def test_sun_in_the_first_half_leaves_more_for_charging_in_the_second() -> None:
    keeper = PeakKeeper(SITE, TERMS)
    allowed_w = {}
    for second in range(0, 600, 3):
        at = NOON + timedelta(seconds=second)
        flow = Flow(-12_000.0 if second < 450 else 0.0, 0.0, 100_000.0)
        keeper.see(at, float(second), flow, {}, {}, {})
        (limit,) = keeper.limits(at, None)
        allowed_w[second] = limit.limit_w
    # 20 kW over 900 s, and what 12 kW gave in 450 s, over the 450 s that are left.
    assert allowed_w[450] > 0.9 * (20_000.0 * 900 + 12_000.0 * 450) / 450
    status = keeper.status(NOON + timedelta(seconds=597))
    assert status is not None
    assert status.window.energy_wh == pytest.approx(-12_000.0 * 450 / 3600, rel=0.01)


def decided(grid_a: float, **others_a: float) -> Plan:
    """Three cars behind a fuse of 40 A, where the meters say this."""
    points = tuple(ChargingPoint(f"P{n}", "main", f"CP{n}", 1) for n in range(1, 4))
    site = Site("S", (Circuit("main", None, (40.0, 40.0, 40.0), meter="grid"),), points)
    meters = {name: Reading((a,) * 3, NOON) for name, a in {"grid": grid_a, **others_a}.items()}
    memory = None
    for second in range(120):
        at = NOON + timedelta(seconds=second)
        meters = {name: Reading(one.current_a, at) for name, one in meters.items()}
        states = {point.id: PointState(State.PLUGGED) for point in points}
        decision = decide(site, memory, Snapshot(at, float(second), meters, (), states))
        memory = decision.memory
    return decision.plan


def test_a_plant_makes_no_room_at_a_fuse() -> None:
    exporting = decided(-30.0, pv=-45.0)
    assert sum(one.limit_a for one in exporting.setpoints.values()) <= 40.0
    assert exporting == decided(-30.0), "its own meter changes nothing"
