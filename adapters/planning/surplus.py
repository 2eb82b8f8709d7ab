"""Stands between a plan and the control loop: what the site would export lifts caps that are for the price."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from adapters.resources import signed_w
from controller.engine import Decision
from controller.loadbalance.surplus import Surplus
from controller.ports.common import Clock
from controller.site import Site
from controller.snapshot import Advice, Snapshot

log = structlog.get_logger(__name__)


class SurplusCharging:
    """Uses the surplus of one site, whose grid connection has a meter. Nothing here blocks or raises."""

    def __init__(self, site: Site, clock: Clock, advice: Callable[[], Advice | None]) -> None:
        self._site, self._clock, self._advice = site, clock, advice
        self._root = next(circuit for circuit in site.circuits if circuit.parent is None)
        self._surplus = Surplus(site)

    def advice(self) -> Advice | None:
        """The newest plan with its caps lifted; None when there is none."""
        advice = self._advice()
        try:
            return None if advice is None else self._surplus.lifted(advice, self._clock.now())
        except Exception:
            log.exception("surplus_failed")
            return advice

    def decided(self, snapshot: Snapshot, decision: Decision) -> None:
        """Look at what the control loop saw and decided."""
        try:
            volts = self._site.nominal_voltage_v
            reading = snapshot.meters.get(self._root.meter or "")
            power_w = None if reading is None else signed_w(self._site, reading, snapshot.at)
            drawn_w = {name: volts * sum(phases) for name, phases in decision.draw_a.items()}
            self._surplus.see(snapshot.monotonic_s, power_w, drawn_w, snapshot.points)
        except Exception:
            log.exception("surplus_failed")
