"""The demand windows of a site in its control loop: what a decision saw goes in, a limit and a price come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from controller.engine import Decision
from controller.loadbalance.horizon.outlook import Demand
from controller.loadbalance.layout import layout_of
from controller.peakshave.keeper import PeakKeeper
from controller.peakshave.load_forecast import Floats, LoadForecast
from controller.peakshave.peak_facts import ClosedWindow, Flow, PeakStatus, PeakTerms
from controller.peakshave.windows import Filling
from controller.site import Site
from controller.snapshot import Advice, ExternalLimit, Reading, Snapshot


class Peak:
    """Holds the demand of one site's grid connection.

    Args:
        site: the site; its root circuit has a meter.
        terms: what peaks cost, and what is aimed at.
        closed: the windows of the accounting year and the last twelve months, as far as they are on record.
        filling: the running window as it was stored.
    """

    def __init__(
        self, site: Site, terms: PeakTerms, closed: Iterable[ClosedWindow] = (), filling: Filling | None = None
    ) -> None:
        self._site, self._layout = site, layout_of(site)
        self._root = next(circuit for circuit in site.circuits if circuit.parent is None)
        self._window_s = terms.tariff.window_s
        self._keeper = PeakKeeper(site, terms, closed, filling)

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
        return self._keeper.limits(at, None if advice is None else advice.peak_kw)

    def see(self, snapshot: Snapshot, decision: Decision) -> tuple[ClosedWindow, ...]:
        """Take note of a decision and of what it saw; return the demand windows that have ended with it."""
        volts = self._site.nominal_voltage_v
        drawn_w = {name: volts * sum(phases) for name, phases in decision.draw_a.items()}
        charging_w = sum(drawn_w.values())
        background_w = volts * sum(self._site.worst_base_a[self._root.id])
        flow = Flow(self._power_w(snapshot), charging_w, background_w + charging_w)
        habits = decision.memory.habits
        takes_a = np.minimum(self._layout.max_a[0], habits.takes_a[0])
        most_w = volts * takes_a * self._layout.wired.sum(axis=1)
        by_point = dict(zip(self._layout.point_ids, most_w.tolist(), strict=True))
        return self._keeper.see(snapshot.at, snapshot.monotonic_s, flow, snapshot.points, drawn_w, by_point)

    def demand(self, at: datetime, slot_s: float) -> Demand | None:
        """What a higher peak costs from now on, for a plan in slots of this length; None where it costs nothing."""
        price = self._keeper.price(at)
        if price is None:
            return None
        per_kw, floor_kw = price
        slots = max(1, round(self._window_s / slot_s))
        return Demand(per_kw, floor_kw, slots, max(0.0, self._keeper.drawn_kwh))

    def status(self, at: datetime) -> PeakStatus | None:
        """What is going on; None before anything was seen."""
        return self._keeper.status(at)

    def _power_w(self, snapshot: Snapshot) -> float | None:
        """The signed sum of the phases by the meter of the grid connection [W]; None where it is not believed."""
        reading = snapshot.meters.get(self._root.meter) if self._root.meter is not None else None
        if reading is None or (snapshot.at - reading.measured_at).total_seconds() >= self._site.control.hold_s:
            return None
        if reading.power_w is not None:
            return sum(reading.power_w)
        return _of_currents(reading, self._site.nominal_voltage_v)


def _of_currents(reading: Reading, nominal_v: float) -> float | None:
    volts = reading.voltage_v or (nominal_v, nominal_v, nominal_v)
    power_w = 0.0
    for current_a, voltage_v in zip(reading.current_a, volts, strict=True):
        if current_a is None:
            return None
        power_w += current_a * voltage_v
    return power_w
