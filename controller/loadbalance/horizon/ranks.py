"""What the ranks of wishes cost: each outbids everything below it, and no physical limit is among them.

Least energy comes before energy by departure, that before cost, cost before early, early before even. One objective
with weights ranks as strictly as one program after the other would, as long as each weight exceeds what all lower
ranks together could offer for the same kilowatt-hour.

Shapes: P cars, T slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from controller.loadbalance.horizon.outlook import Floats, Outlook

OUTBID: Final = 4.0
"""One rank's price over the next: a car on one phase may keep three kilowatt-hours from a car on three."""

NEVER_PAYS: Final = 1.1
"""A kWh that is missing costs so many times the most that a kWh can cost."""

EARLY: Final = 1e-3
"""Waiting for a whole horizon costs this part of the highest price."""

EVEN: Final = 0.5
"""Charging side by side is worth half a slot's wait: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What goes into the objective [currency/kWh]."""

    energy: Floats
    """(P, T) of charging in a slot: its price and the tie-break towards early; of eager cars the delay alone."""
    unmet: Floats
    """(P,) of energy by departure that is not given."""
    least: Floats
    """(P,) of least energy that is not given."""
    even: float
    """Of charging in the upper half of what a car can take, on top."""


def prices_of(outlook: Outlook) -> Prices:
    """The weights of one plan."""
    price, demand, cars = outlook.price_per_kwh, outlook.demand, outlook.cars
    peak = 0.0 if demand is None else demand.most_per_kw * 3600.0 / (demand.window_slots * outlook.slot_s)
    highest = float(np.abs(price).max())
    early = EARLY * (highest or 1.0) / price.size
    eager = np.array([car.eager for car in cars], dtype=bool)
    # One slot's delay of an eager car outbids every saving on price and peak.
    delay = float(price.max() - price.min()) + peak + early if eager.any() else 0.0
    slot = np.arange(price.size)
    energy: Floats = np.where(eager[:, None], delay * slot, price + early * slot)
    most = NEVER_PAYS * (highest + peak + (early + delay) * price.size)
    steps = sorted({car.priority for car in cars})
    rank = np.array([float(steps.index(car.priority)) for car in cars])
    unmet: Floats = max(outlook.unmet_per_kwh, most) * OUTBID**rank
    least: Floats = unmet.max(initial=0.0) * OUTBID ** (rank + 1.0)
    return Prices(energy, unmet, least, early * EVEN)
