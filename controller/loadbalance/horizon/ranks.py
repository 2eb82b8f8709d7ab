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

from controller.loadbalance.horizon.chances import Cells
from controller.loadbalance.horizon.outlook import Floats, Outlook

OUTBID: Final = 4.0
"""One rank's price over the next: a car on one phase may keep three kilowatt-hours from a car on three."""

NEVER_PAYS: Final = 1.1
"""A kWh that is missing costs so many times the most that a kWh can cost."""

EARLY: Final = 1e-3
"""Waiting for a whole horizon costs this part of the highest price."""

URGENT: Final = 3.0
"""Whoever has no time to spare has so much more of this: where not all can charge at once, those go first that would
soon have no choice, and those that come next find more room."""

LATE: Final = 0.3
"""A kWh of the last minutes may be missed, so it costs this part of one that is missing: more than waiting saves as a
rule, and less than a higher peak."""

EVEN: Final = 0.5
"""Charging side by side is worth half a slot's wait: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What goes into the objective [currency/kWh]."""

    energy: Floats
    """(P, T) of charging in a slot: its price, the fear to be late and the tie-break towards early; of eager cars the
    delay alone."""
    unmet: Floats
    """(P,) of energy by departure that is not given."""
    least: Floats
    """(P,) of least energy that is not given."""
    even: float
    """Of charging in the upper half of what a car can take, on top."""


def prices_of(outlook: Outlook, cells: Cells) -> Prices:
    """The weights of one plan."""
    price, demand, cars = outlook.price_per_kwh, outlook.demand, outlook.cars
    peak = 0.0 if demand is None else demand.most_per_kw * 3600.0 / (demand.window_slots * outlook.slot_s)
    highest = float(np.abs(price).max())
    early = EARLY * (highest or 1.0) / price.size
    eager = np.array([car.eager for car in cars], dtype=bool)
    # One slot's delay of an eager car outbids every saving on price and peak.
    delay = float(price.max() - price.min()) + peak + early if eager.any() else 0.0
    slot = np.arange(price.size)
    late = LATE * outlook.unmet_per_kwh
    first = early * (1.0 + URGENT * cells.urgency[:, None])
    energy: Floats = np.where(eager[:, None], delay * slot, price + first * slot + late * cells.late)
    most = NEVER_PAYS * (
        highest + peak + late * float(cells.late.any()) + (early * (1.0 + URGENT) + delay) * price.size
    )
    steps = sorted({car.priority for car in cars})
    rank = np.array([float(steps.index(car.priority)) for car in cars])
    unmet: Floats = max(outlook.unmet_per_kwh, most) * OUTBID**rank
    least: Floats = unmet.max(initial=0.0) * OUTBID ** (rank + 1.0)
    return Prices(energy, unmet, least, early * EVEN)
