"""The split, worked out a second time from its published definition alone.

Plain loops for what is free and who is admitted; a linear program (scipy) for each level of the lexicographic max-min
division. It shares nothing with the controller but the nouns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from controller.site import ChargingPoint, Site
from controller.snapshot import PointState, Snapshot

COMPETING = {"plugged", "charging", "withheld"}
EPS = 1e-7


@dataclass
class Row:
    """One bound: sum of use[point] * current[point] <= free."""

    use: dict[str, float]
    free: float


class Oracle:
    """What the definition says of one site and snapshot."""

    def __init__(self, site: Site, snapshot: Snapshot) -> None:
        self.site, self.snapshot = site, snapshot
        self.rows = self._rows()

    def state(self, point: ChargingPoint) -> PointState:
        return self.snapshot.points.get(point.id, PointState())

    def offline(self, point: ChargingPoint) -> bool:
        return self.state(point).state == "offline" or not self.state(point).obeys

    def competes(self, point: ChargingPoint) -> bool:
        return self.state(point).state in COMPETING and not self.offline(point)

    def most(self, point: ChargingPoint) -> float:
        told = self.state(point).max_a
        return point.max_a if told is None else min(point.max_a, told)

    def below(self, circuit_id: str) -> list[ChargingPoint]:
        found = [p for p in self.site.points if p.circuit == circuit_id]
        for child in self.site.circuits:
            if child.parent == circuit_id:
                found += self.below(child.id)
        return found

    def reading(self, circuit_id: str):
        circuit = next(c for c in self.site.circuits if c.id == circuit_id)
        reading = self.snapshot.meters.get(circuit.meter or "")
        if reading is not None and (self.snapshot.at - reading.measured_at).total_seconds() < 3:
            return reading
        return None

    def background(self, circuit_id: str, phase: int) -> float:
        reading = self.reading(circuit_id)
        if reading is not None and reading.current_a[phase] is not None:
            drawn = sum((self.state(p).measured_a or (0, 0, 0))[phase] for p in self.below(circuit_id))
            return max(0.0, reading.current_a[phase] - drawn)
        circuit = next(c for c in self.site.circuits if c.id == circuit_id)
        children = sum(self.background(c.id, phase) for c in self.site.circuits if c.parent == circuit_id)
        return max(circuit.base_load_a[phase], children)

    def reserve(self, point: ChargingPoint, phase: int) -> float:
        state = self.state(point)
        measured = state.measured_a or (0.0, 0.0, 0.0)
        if self.offline(point):
            return max(*measured, state.commanded_a or 0.0, point.fallback_a) if phase in point.phases else 0.0
        return 0.0 if self.competes(point) else measured[phase]

    def _rows(self) -> list[Row]:
        rows = []
        for circuit in self.site.circuits:
            points = self.below(circuit.id)
            taken = [
                self.background(circuit.id, phase) + sum(self.reserve(p, phase) for p in points) for phase in range(3)
            ]
            for phase in range(3):
                use = {p.id: 1.0 for p in points if phase in p.phases}
                rows.append(Row(use, circuit.fuse_a[phase] - circuit.margin_a - taken[phase]))
            reading = self.reading(circuit.id)
            volts = (self.site.nominal_voltage_v,) * 3 if reading is None else reading.voltage_v
            volts = volts or (self.site.nominal_voltage_v,) * 3
            bounds = [limit.limit_w for limit in self.snapshot.limits if limit.circuit == circuit.id]
            bounds += [] if circuit.contract_w is None else [circuit.contract_w]
            for bound in bounds:
                use = {p.id: sum(volts[phase] for phase in p.phases) for p in points}
                rows.append(Row(use, bound - sum(v * t for v, t in zip(volts, taken, strict=True))))
        return rows

    def limits(self) -> dict[str, float]:
        """The limits before they are floored, for every point that is not offline."""
        result = {p.id: 0.0 for p in self.site.points if not self.offline(p)}
        order = sorted((p for p in self.site.points if not self.offline(p)), key=self._entitlement)
        admitted = [p for p in order if self.competes(p) and self._enter(p, result)]
        for level in sorted({self._priority(p) for p in admitted}, reverse=True):
            self._max_min([p for p in admitted if self._priority(p) == level], result)
        for point in order:
            if self.state(point).state == "ev_idle":
                self._enter(point, result)
        return result

    def _priority(self, point: ChargingPoint) -> int:
        told = self.state(point).priority
        return point.priority if told is None else told

    def _entitlement(self, point: ChargingPoint) -> tuple[float, float, float, str]:
        state = self.state(point)
        return (-self._priority(point), -state.unserved_s, state.delivered_wh, point.id)

    def slack(self, row: Row, result: dict[str, float]) -> float:
        return row.free - sum(use * result.get(name, 0.0) for name, use in row.use.items())

    def _enter(self, point: ChargingPoint, result: dict[str, float]) -> bool:
        if self.most(point) < point.min_a:
            return False
        for row in self.rows:
            need = row.use.get(point.id, 0.0) * point.min_a
            if need > 0 and need > self.slack(row, result) + EPS:
                return False
        result[point.id] = point.min_a
        return True

    def _max_min(self, group: list[ChargingPoint], result: dict[str, float]) -> None:
        """Raise the lowest weighted level as far as it goes, fix who is stuck, and go on with the others."""
        weight = {p.id: (self.state(p).weight or p.weight) for p in group}
        names = [p.id for p in group]
        room = {p.id: max(0.0, self.most(p) - p.min_a) for p in group}
        rows = [Row({n: row.use[n] for n in names if n in row.use}, self.slack(row, result)) for row in self.rows]
        rows = [Row(row.use, max(0.0, row.free)) for row in rows if row.use]
        fixed: dict[str, float] = {}
        while len(fixed) < len(names):
            free = [n for n in names if n not in fixed]
            level = self._level(names, rows, room, fixed, {n: weight[n] for n in free})
            floor = {n: weight[n] * level for n in free}
            stuck = [n for n in free if self._most_alone(rows, room, fixed | floor, n) < floor[n] + 1e-6]
            for name in stuck or free:
                fixed[name] = floor[name]
        for name, extra in fixed.items():
            result[name] += extra

    @staticmethod
    def _most_alone(rows, room, given, name):  # noqa: ANN001, ANN205
        """The most for one point while nobody gets less: then all the others get no more either."""
        slacks = [
            (row.free - sum(use * given[n] for n, use in row.use.items())) / row.use[name]
            for row in rows
            if name in row.use and row.use[name] > 0
        ]
        return min([room[name], *(given[name] + slack for slack in slacks)])

    @staticmethod
    def _level(names, rows, room, fixed, weight):  # noqa: ANN001, ANN205
        """The highest level that all who are not fixed can have in common, each times its weight."""
        count = len(names)
        matrix = [[row.use.get(n, 0.0) for n in names] + [0.0] for row in rows]
        bound = [row.free + 1e-10 for row in rows]
        low, high = np.zeros(count + 1), np.array([room[n] for n in names] + [1e6])
        for index, name in enumerate(names):
            if name in fixed:
                low[index] = high[index] = fixed[name]
            else:
                line = [0.0] * (count + 1)
                line[index], line[-1] = -1.0, weight[name]
                matrix.append(line)
                bound.append(0.0)
        cost = np.zeros(count + 1)
        cost[count] = -1.0
        low = np.maximum(0.0, low - 1e-9)
        answer = linprog(cost, np.array(matrix), bound, bounds=np.column_stack([low, np.maximum(low, high)]))
        assert answer.status == 0, answer.message
        return answer.x[-1]
