"""What must be true of every decision and of every two in a row, checked from outside and in plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.engine import Decision
from controller.site import Circuit, Site
from controller.snapshot import Snapshot, State
from controller.units import PHASE_NAMES

STEERED = {State.PLUGGED, State.CHARGING, State.WITHHELD, State.EV_IDLE}
EVEN_A = 0.05
"""Half of what a charger can tell apart."""

BEARS = {"gG": 1.25, "B": 1.13, "C": 1.13, "D": 1.13}
"""What a device carries for ever, over its rating (IEC 60269-1, IEC 60898-1)."""
RIDE_S = 1.5
"""An overload is ridden out from one reading to the next."""
NOISE_A = 0.5
"""So much may be missing for longer, while the meter shows that nothing is overloaded."""


@dataclass
class Witness:
    """Sees every decision of a loop; ``complaints`` stays empty while all is well."""

    site: Site
    obedient: bool = True
    """Whether every charger does what it accepts."""
    complaints: list[str] = field(default_factory=list)
    _limit: dict[str, float] = field(default_factory=dict)
    _changed_s: dict[str, float] = field(default_factory=dict)
    _reduced_s: dict[str, float] = field(default_factory=dict)
    """By circuit."""
    _ridden_since_s: dict[str, float] = field(default_factory=dict)
    """By circuit and phase."""

    def forget(self) -> None:
        """The service was started again, and knows nothing of before."""
        self._limit, self._changed_s, self._reduced_s, self._ridden_since_s = {}, {}, {}, {}

    def see(self, snapshot: Snapshot, decision: Decision) -> None:
        """Look at the next decision."""
        limits = {name: setpoint.limit_a for name, setpoint in decision.plan.setpoints.items()}
        self._is_an_order(limits)
        if self.obedient:
            self._says_the_guard(decision)
            self._fits(snapshot, decision, limits)
        self._moves(snapshot, decision, limits)

    def _complain(self, what: str) -> None:
        self.complaints.append(what)

    def _is_an_order(self, limits: Mapping[str, float]) -> None:
        for name, limit in limits.items():
            point = self.site.point[name]
            if not math.isfinite(limit) or limit > point.max_a + 1e-6 or (limit != 0 and limit < point.min_a - 1e-6):
                self._complain(f"{name} is told {limit} A, its range is 0 or {point.min_a} to {point.max_a} A")

    def _says_the_guard(self, decision: Decision) -> None:
        for event in decision.plan.events:
            if event.kind == "guard_intervened":
                self._complain(f"{event.subject}: {event.message}")

    def _fits(self, snapshot: Snapshot, decision: Decision, limits: Mapping[str, float]) -> None:
        """Nobody has more than its minimum share of what is not there, and that only for a moment."""
        facts = decision.basis.facts
        uses = dict(zip(decision.draw_a, facts.uses[0].tolist(), strict=True))
        fixed = dict(zip(decision.draw_a, facts.fixed[0].tolist(), strict=True))
        for circuit in self.site.circuits:
            for phase, background in enumerate(decision.background_a[circuit.id]):
                free = circuit.fuse_a[phase] - circuit.margin_a - background
                given = 0.0
                movable = 0.0
                for point in self.site.points_below[circuit.id]:
                    limit = limits.get(point.id, 0.0) * uses[point.id][phase]
                    idle = snapshot.points[point.id].state is State.EV_IDLE
                    drawn = decision.draw_a[point.id][phase]
                    given += max(limit, drawn) if idle or fixed[point.id] else limit
                    movable += 0.0 if fixed[point.id] or not snapshot.points[point.id].pausable else limit
                where = f"{circuit.id}:{PHASE_NAMES[phase]}"
                if given <= free + 0.01 or movable <= 0.0:
                    self._ridden_since_s.pop(where, None)
                elif not self._is_borne(snapshot, decision, limits, circuit, phase, given - free):
                    self._complain(f"{decision.plan.at:%H:%M:%S} {where}: {given:.2f} A given of {free:.2f} A")

    def _is_borne(
        self,
        snapshot: Snapshot,
        decision: Decision,
        limits: Mapping[str, float],
        circuit: Circuit,
        phase: int,
        missing_a: float,
    ) -> bool:
        """Whether this much too much is what a fuse bears, of cars that are at their minimum already, and short."""
        reading = snapshot.meters.get(circuit.meter) if circuit.meter is not None else None
        if reading is None or (current := reading.current_a[phase]) is None:
            return False
        facts = decision.basis.facts
        for place, name in enumerate(decision.draw_a):
            charges = facts.uses[0, place, phase] and facts.competing[0, place] and limits.get(name, 0.0) > 0.0
            if charges and circuit.id in self.site.path[self.site.point[name].circuit]:
                was = self._limit.get(name, snapshot.points[name].commanded_a or 0.0)
                if limits[name] > min(was, facts.min_a[0, place]) + EVEN_A:
                    return False
        usable, fuse = circuit.fuse_a[phase] - circuit.margin_a, circuit.fuse_a[phase]
        if missing_a <= NOISE_A + 0.01 and current <= usable + 0.01:
            return True
        where, now_s = f"{circuit.id}:{PHASE_NAMES[phase]}", snapshot.monotonic_s
        short = now_s - self._ridden_since_s.setdefault(where, now_s) < RIDE_S
        most = BEARS[circuit.fuse_curve] * fuse + 0.01
        return short and current <= most and usable + missing_a <= most

    def _moves(self, snapshot: Snapshot, decision: Decision, limits: Mapping[str, float]) -> None:
        now_s, control = snapshot.monotonic_s, self.site.control
        steered = {name for name, state in snapshot.points.items() if state.state in STEERED}
        before = {name: self._limit[name] for name in steered & self._limit.keys()}
        raised: dict[str, float] = {}
        for name in sorted(steered):
            was = before.get(name, snapshot.points[name].commanded_a or 0.0)
            step = limits[name] - was
            if abs(step) <= EVEN_A:
                continue
            since = now_s - self._changed_s.get(name, -math.inf)
            if step > 0 and since < control.change_s - 1e-6:
                self._complain(f"t={now_s:.0f} {name}: raised to {limits[name]:.1f} A {since:.1f} s after a change")
            if step > 0:
                raised[name] = step
            self._changed_s[name] = now_s
        uses = dict(zip(decision.draw_a, decision.basis.facts.uses[0].tolist(), strict=True))
        self._raises(snapshot, raised, uses)
        for name in steered:
            was = before.get(name, snapshot.points[name].commanded_a or 0.0)
            if limits[name] < was - EVEN_A:
                for circuit in self.site.path[self.site.point[name].circuit]:
                    self._reduced_s[circuit] = now_s
        self._changed_s = {name: at for name, at in self._changed_s.items() if name in steered}
        self._limit = {name: limits[name] for name in steered}

    def _raises(self, snapshot: Snapshot, raised: Mapping[str, float], uses: Mapping[str, list[bool]]) -> None:
        now_s, control = snapshot.monotonic_s, self.site.control
        for circuit in self.site.circuits:
            here = {p.id: raised[p.id] for p in self.site.points_below[circuit.id] if p.id in raised}
            if not here:
                continue
            since = now_s - self._reduced_s.get(circuit.id, -math.inf)
            if since < control.calm_s - 1e-6:
                self._complain(f"t={now_s:.0f} {sorted(here)} raised {since:.1f} s after a reduction on {circuit.id}")
            reading = snapshot.meters.get(circuit.meter) if circuit.meter is not None else None
            if reading is None:
                continue
            for phase, current in enumerate(reading.current_a):
                if current is None:
                    continue
                rise = sum(step for name, step in here.items() if uses[name][phase])
                room = circuit.fuse_a[phase] - circuit.margin_a - current
                if rise > max(0.0, room) + 0.01:
                    where = f"{circuit.id}:{PHASE_NAMES[phase]}"
                    self._complain(f"t={now_s:.0f} {where}: raised by {rise:.1f} A, {room:.1f} A are free")
