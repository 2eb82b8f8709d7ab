"""Small outlooks for stories about the plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from controller.loadbalance.horizon.outlook import CarOutlook, Demand, Outlook, PowerBound
from controller.site import ChargingPoint, Circuit, Site

SIX = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


def after(hours: float) -> datetime:
    return SIX + timedelta(hours=hours)


def garage(fuse_a: float = 32.0, points: int = 3, contract_w: float | None = None) -> Site:
    """Points of three phases behind one fuse."""
    return Site(
        "garage",
        (Circuit("main", None, (fuse_a,) * 3, contract_w=contract_w),),
        tuple(ChargingPoint(f"P{n}", "main", f"S{n}", 1) for n in range(1, points + 1)),
    )


def car(point: str, kwh: float, leaves: float, **more: Any) -> CarOutlook:
    """A car on one phase, 6 to 32 A, that leaves so many hours after six."""
    given = {"phases": (0,), "min_a": 6.0, "max_a": 32.0} | more
    return CarOutlook(point=point, energy_wh=1000 * kwh, departs_at=after(leaves), **given)


def evening(
    *cars: CarOutlook,
    site: Site | None = None,
    price: Sequence[float] = (0.3,) * 8,
    background_a: float = 0.0,
    demand: Demand | None = None,
    bounds: tuple[PowerBound, ...] = (),
    minutes: float = 0.0,
    slot_s: float = 3600.0,
) -> Outlook:
    """From six on, in slots of an hour unless told otherwise; ``minutes`` after six."""
    site = site or garage()
    return Outlook(
        site=site,
        at=SIX + timedelta(minutes=minutes),
        begins_at=SIX,
        slot_s=slot_s,
        price_per_kwh=np.array(price),
        background_a=np.full((len(price), len(site.circuits), 3), background_a),
        cars=cars,
        demand=demand,
        bounds=bounds,
    )
