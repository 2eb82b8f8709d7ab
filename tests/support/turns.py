"""Single decisions to explain: a garage behind one meter, what is known of its cars, and what was decided."""

from __future__ import annotations

from datetime import timedelta

from controller.engine import decide
from controller.explain import Turn
from controller.site import ChargingPoint, Circuit, Control, Site, Station
from controller.snapshot import Advice, ExternalLimit, PointState, Reading, Snapshot, State, StationLimit
from tests.support.closed_loop import START


def site_of(
    *points: ChargingPoint,
    stations: tuple[Station, ...] = (),
    contract_w: float | None = None,
    max_imbalance_a: float | None = None,
    control: Control | None = None,
) -> Site:
    main = Circuit(
        "main", None, (40.0,) * 3, margin_a=1.0, meter="grid", base_load_a=(30.0,) * 3, contract_w=contract_w
    )
    garage = Circuit("garage", "main", (32.0,) * 3, max_imbalance_a=max_imbalance_a)
    return Site("s", (main, garage), points, stations, control=control or Control())


def point(name: str, **options: object) -> ChargingPoint:
    return ChargingPoint(name, "garage", f"C{name}", 1, **options)  # type: ignore[arg-type]


def charging(draw_a: float = 8.0, **options: object) -> PointState:
    known = {"state": State.CHARGING, "measured_a": (draw_a,) * 3, "measured_at": START, "commanded_a": draw_a}
    return PointState(**(known | options))  # type: ignore[arg-type]


def turn(
    site: Site,
    points: dict[str, PointState],
    *,
    meter_a: float | None = 20.0,
    limits: tuple[ExternalLimit, ...] = (),
    after: Turn | None = None,
    passed_s: float = 1.0,
    advice: Advice | None = None,
    stations: tuple[StationLimit, ...] = (),
) -> Turn:
    at = START if after is None else after.snapshot.at + timedelta(seconds=passed_s)
    meters = {} if meter_a is None else {"grid": Reading((meter_a,) * 3, at)}
    snapshot = Snapshot(at, (at - START).total_seconds(), meters, limits, points, advice, stations)
    memory = after.decision.memory if after else None
    return Turn(memory, snapshot, decide(site, memory, snapshot))
