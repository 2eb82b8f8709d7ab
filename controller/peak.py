"""The demand windows of a site in its control loop: what a decision saw goes in, a limit and a price come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import numpy as np

from controller.engine import Decision
from controller.loadbalance.horizon.outlook import Demand, DemandPart
from controller.loadbalance.layout import layout_of
from controller.peakshave.filling import HOLD_S
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.load_forecast import Floats, LoadForecast
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakStatus, PeakTerms
from controller.peakshave.windows import Filling
from controller.site import Site
from controller.snapshot import Advice, ExternalLimit, Reading, Snapshot

QUARTER_S: Final = 900
"""What meters count by themselves are quarters of an hour."""


class Peak:
    """Holds the demand of one site's grid connection.

    Args:
        site: the site; its root circuit has a meter.
        terms: what peaks cost, and what is aimed at.
        closed: the windows of the accounting year and the last twelve months, as far as they are on record.
        filling: the running window as it was stored.
        hold_s: how long what was seen counts when nothing follows.
    """

    def __init__(
        self,
        site: Site,
        terms: PeakTerms,
        closed: Iterable[ClosedWindow] = (),
        filling: Filling | None = None,
        hold_s: float = HOLD_S,
    ) -> None:
        self._site, self._layout = site, layout_of(site)
        self._root = next(circuit for circuit in site.circuits if circuit.parent is None)
        self._keeper = PeakKeeper(site, terms, closed, filling, hold_s)

    @property
    def filling(self) -> Filling | None:
        """The running window; to be stored."""
        return self._keeper.filling

    def learned(self) -> Mapping[str, Floats]:
        """What was learned of the building's load: arrays by name; to be stored."""
        return self._keeper.building.state()

    def restore(self, learned: Mapping[str, Floats]) -> None:
        """Go on from what was learned before.

        Raises:
            ValueError: it is of demand windows of another length, or not whole; nothing has changed then.
        """
        terms = self._keeper.terms
        building = LoadForecast(1, float(terms.tariff.window_s), terms.holidays)
        building.restore(learned)
        self._keeper.building = building

    def limits(self, at: datetime, advice: Advice | None) -> tuple[ExternalLimit, ...]:
        """What charging may draw now; nothing where nothing is gained by holding back."""
        return self._keeper.limits(at, None if advice is None else advice.peak_at(at))

    def see(self, snapshot: Snapshot, decision: Decision) -> tuple[ClosedWindow, ...]:
        """Take note of a decision and of what it saw; return the demand windows that have ended with it."""
        volts = self._site.nominal_voltage_v
        drawn_w = {name: volts * sum(phases) for name, phases in decision.draw_a.items()}
        charging_w = sum(drawn_w.values())
        background_w = volts * sum(self._site.worst_base_a[self._root.id])
        reading = self._believed(snapshot)
        power_w = None if reading is None else reading.total_w(volts)
        of_quarters = self._keeper.terms.tariff.window_s == QUARTER_S
        own = reading.own if reading is not None and of_quarters else None
        flow = Flow(power_w, charging_w, background_w + charging_w, own)
        habits = decision.memory.habits
        takes_a = np.minimum(self._layout.max_a[0], habits.takes_a[0])
        most_w = volts * takes_a * self._layout.wired.sum(axis=1)
        by_point = dict(zip(self._layout.point_ids, most_w.tolist(), strict=True))
        return self._keeper.see(snapshot.at, snapshot.monotonic_s, flow, snapshot.points, drawn_w, by_point)

    def demand(self, at: datetime, slot_s: float, slots: int) -> Demand | None:
        """What higher peaks cost from now on, for a plan of that many slots of this length; None: nothing."""
        return demand_ahead(self._keeper, at, slot_s, slots)

    def status(self, at: datetime) -> PeakStatus | None:
        """What is going on; None before anything was seen."""
        return self._keeper.status(at)

    def _believed(self, snapshot: Snapshot) -> Reading | None:
        """What the meter of the grid connection says; None where it is not believed."""
        reading = snapshot.meters.get(self._root.meter) if self._root.meter is not None else None
        if reading is None or (snapshot.at - reading.measured_at).total_seconds() >= self._site.control.hold_s:
            return None
        return reading


def demand_ahead(keeper: PeakKeeper, at: datetime, slot_s: float, slots: int, *, held: bool = True) -> Demand | None:
    """What higher peaks cost from now on, for a plan; None where they cost nothing.

    Args:
        keeper: follows the demand windows.
        at: a moment in the running window.
        slot_s: length of the plan's slots [s].
        slots: how many slots there are.
        held: whether the keeper's limits are kept.
    """
    window_s = keeper.terms.tariff.window_s
    window_slots = max(1, round(window_s / slot_s))
    windows_per_slot = max(1, round(slot_s / window_s))
    count = (slots // window_slots + 2) * windows_per_slot
    parts = tuple(
        DemandPart(charge.per_kw, charge.planned_floor_kw, charge.weights[::windows_per_slot])
        for charge in keeper.charges(at, count)
    )
    shift_slots = round(keeper.window_begins_s(at) % window_s / slot_s) % window_slots
    if not parts:
        return None
    return Demand(parts, window_slots, max(0.0, keeper.drawn_kwh), shift_slots, held)
