"""The plan's definition, written once more: one equation at a time, no bound left out, another solver's front end."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog

from controller.loadbalance.horizon.outlook import CarOutlook, DemandPart, Floats, Outlook


class PlanOracle:
    """One outlook, in the order of its own cars. A cell is (car, slot)."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self.cars, self.slots = len(outlook.cars), outlook.price_per_kwh.size
        self.volts = outlook.site.nominal_voltage_v
        self.ends_s = [(slot + 1) * outlook.slot_s for slot in range(self.slots)]
        self.now_s = (outlook.at - outlook.begins_at).total_seconds()

    def left(self, slot: int) -> float:
        return min(1.0, max(0.0, (self.ends_s[slot] - self.now_s) / self.outlook.slot_s))

    def part(self, car: CarOutlook, slot: int) -> float:
        """The part of a slot in which the car is there."""
        begins_at = self.outlook.begins_at
        comes_s = self.now_s if car.arrives_at is None else (car.arrives_at - begins_at).total_seconds()
        goes_s = (car.departs_at - begins_at).total_seconds()
        from_s = max(self.ends_s[slot] - self.outlook.slot_s, comes_s, self.now_s)
        return max(0.0, min(self.ends_s[slot], goes_s) - from_s) / self.outlook.slot_s

    def shared(self, slot: int, use: dict[int, float]) -> float:
        """The part of a slot in which anybody is there who needs something of a bound."""
        users = [self.outlook.cars[number] for number in use]
        return max((self.part(car, slot) for car in users if car.energy_wh > 0.0), default=0.0)

    def kwh(self, car: CarOutlook) -> float:
        """Of one ampere for a slot."""
        return len(car.phases) * self.volts * self.outlook.slot_s / 3.6e6

    def bounds(self) -> Iterator[tuple[str, int, dict[int, float], float]]:
        """Every physical bound: its name, its slot, what each car takes of it per ampere, and the room [A or W]."""
        site = self.outlook.site
        for slot in range(self.slots):
            for place, circuit in enumerate(site.circuits):
                below = [
                    (number, car)
                    for number, car in enumerate(self.outlook.cars)
                    if circuit.id in site.path[site.point[car.point].circuit]
                ]
                background = [max(0.0, float(a)) for a in self.outlook.background_a[slot, place]]
                for phase in range(3):
                    use = {number: 1.0 for number, car in below if phase in car.phases}
                    room = circuit.fuse_a[phase] - circuit.margin_a - background[phase]
                    yield f"{circuit.id}:L{phase + 1}", slot, use, max(0.0, room)
                limits = [circuit.contract_w] if circuit.contract_w is not None else []
                limits += [float(b.limit_w[slot]) for b in self.outlook.bounds if b.circuit == circuit.id]
                use = {number: self.volts * len(car.phases) for number, car in below}
                for limit in filter(math.isfinite, limits):
                    yield circuit.id, slot, use, max(0.0, limit - self.volts * sum(background))

    def most_a(self) -> Floats:
        """(P, T) what each car could get alone, as a mean over the slot."""
        most = np.array([[car.max_a] * self.slots for car in self.outlook.cars]).reshape(self.cars, self.slots)
        for _, slot, use, room in self.bounds():
            for number, share in use.items():
                most[number, slot] = min(most[number, slot], room / share)
        for number, car in enumerate(self.outlook.cars):
            most[number] *= [self.part(car, slot) for slot in range(self.slots)]
        return most

    def windows(self) -> dict[int, tuple[list[int], float]]:
        """By number, each demand window's slots and what it holds without charging [kW]."""
        demand = self.outlook.demand
        assert demand is not None
        root = next(n for n, circuit in enumerate(self.outlook.site.circuits) if circuit.parent is None)
        first = round(self.outlook.begins_at.timestamp() / self.outlook.slot_s)
        held: dict[int, tuple[list[int], float]] = {}
        for slot in range(self.slots):
            number = (first + slot) // demand.window_slots
            slots, kw = held.get(number, ([], 0.0))
            if not slots and not held:
                kw = demand.drawn_kwh / (demand.window_slots * self.outlook.slot_s / 3600)
            load_kw = self.outlook.background_a[slot, root].sum() * self.volts / 1000 * self.left(slot)
            held[number] = [*slots, slot], kw + load_kw / demand.window_slots
        return held

    def weight(self, part: DemandPart, window: int) -> float:
        """How much of the power of the window of that number counts."""
        return part.weights[window - min(self.windows())] if part.weights else 1.0

    def floor_kw(self, part: DemandPart) -> float:
        """Below it nothing is saved [kW, weighted]."""
        return max(part.floor_kw, *(self.weight(part, number) * kw for number, (_, kw) in self.windows().items()))

    def late(self, car: CarOutlook, slot: int) -> float:
        """Which part of its stay in a slot is later than the car had better be ready."""
        begins_at, stay = self.outlook.begins_at, self.part(car, slot)
        if car.ready_at is None or stay == 0.0:
            return 0.0
        ready_s, goes_s = ((moment - begins_at).total_seconds() for moment in (car.ready_at, car.departs_at))
        comes_s = self.now_s if car.arrives_at is None else (car.arrives_at - begins_at).total_seconds()
        from_s = max(self.ends_s[slot] - self.outlook.slot_s, ready_s, comes_s, self.now_s)
        return max(0.0, min(self.ends_s[slot], goes_s) - from_s) / self.outlook.slot_s / stay

    def urgency(self) -> Floats:
        """(P,) 1 for a car without time to spare beyond what charging takes, a half for one with an hour."""
        found = []
        for car, most_a in zip(self.outlook.cars, self.most_a(), strict=True):
            could_kwh, fastest_kwh = self.kwh(car) * sum(most_a), self.kwh(car) * max(most_a)
            spare_kwh = max(0.0, could_kwh - car.energy_wh / 1000)
            spare_h = spare_kwh / fastest_kwh * self.outlook.slot_s / 3600 if fastest_kwh > 0.0 else 0.0
            found.append(1 / (1 + spare_h))
        return np.array(found)

    def weights(self) -> tuple[Floats, Floats, Floats]:
        """Per kWh: of charging (P, T), of energy that is missing (P,), and of least energy that is missing (P,)."""
        outlook, price = self.outlook, self.outlook.price_per_kwh
        window_h = 1.0 if outlook.demand is None else outlook.demand.window_slots * outlook.slot_s / 3600
        parts = outlook.demand.parts if outlook.demand else ()
        peak = sum(part.per_kw * max(part.weights or (1.0,)) for part in parts) / window_h
        highest = max(abs(price))
        early = 1e-3 * (highest or 1.0) / self.slots
        delay = max(price) - min(price) + peak + early if any(car.eager for car in outlook.cars) else 0.0
        first, late = early * (1 + 3 * self.urgency()), 0.3 * outlook.unmet_per_kwh
        energy = np.array(
            [
                [
                    delay * slot if car.eager else price[slot] + first[number] * slot + late * self.late(car, slot)
                    for slot in range(self.slots)
                ]
                for number, car in enumerate(outlook.cars)
            ]
        ).reshape(self.cars, self.slots)
        fear = late if any(self.late(car, slot) for car in outlook.cars for slot in range(self.slots)) else 0.0
        basis = max(outlook.unmet_per_kwh, 1.1 * (highest + peak + fear + (4 * early + delay) * self.slots))
        priorities = sorted({car.priority for car in outlook.cars})
        rank = np.array([priorities.index(car.priority) for car in outlook.cars], dtype=float)
        unmet = basis * 4.0**rank
        return energy, unmet, max(unmet, default=0.0) * 4.0 ** (rank + 1)

    def value(self, current_a: Floats) -> float:
        """What a plan is worth in the ranks' own money; less is better."""
        outlook = self.outlook
        energy, unmet, least = self.weights()
        kwh = np.array([self.kwh(car) for car in outlook.cars]).reshape(-1, 1) * current_a
        total = float((energy * kwh).sum())
        for number, car in enumerate(outlook.cars):
            missing = max(0.0, car.energy_wh / 1000 - float(kwh[number].sum()))
            at_last = min(car.least_wh, car.energy_wh) / 1000
            half = (car.energy_wh / 1000 - at_last) / 2
            total += unmet[number] * min(missing, half)
            total += 1.25 * unmet[number] * min(max(0.0, missing - half), half)
            total += least[number] * max(0.0, missing - 2 * half)
        if outlook.demand is not None:
            loads = {
                number: kw + kwh[:, slots].sum() / (outlook.demand.window_slots * outlook.slot_s / 3600)
                for number, (slots, kw) in self.windows().items()
            }
            for part in outlook.demand.parts:
                floor = self.floor_kw(part)
                counting = [self.weight(part, number) * kw for number, kw in loads.items()]
                total += part.per_kw * (max(floor, *counting) - floor)
        return total

    def best_value(self) -> float:
        """What the best plan is worth, if a car may charge below its minimum."""
        outlook, cells = self.outlook, self.cars * self.slots
        energy, unmet, least = self.weights()
        parts = outlook.demand.parts if outlook.demand else ()
        columns = cells + 3 * self.cars + max(1, len(parts))  # the solver wants one at least
        cost, upper, rows, limits = np.zeros(columns), np.full(columns, np.inf), [], []
        most = self.most_a()
        balances, needs = np.zeros((self.cars, columns)), np.zeros(self.cars)
        for number, car in enumerate(outlook.cars):
            own = slice(number * self.slots, (number + 1) * self.slots)
            cost[own], upper[own] = energy[number] * self.kwh(car), most[number]
            tiers = cells + 3 * number + np.arange(3)
            need = car.energy_wh / 1000
            at_last = min(car.least_wh / 1000, need)
            cost[tiers] = unmet[number], 1.25 * unmet[number], least[number]
            upper[tiers] = (need - at_last) / 2, (need - at_last) / 2, at_last
            balances[number, own], balances[number, tiers], needs[number] = self.kwh(car), 1.0, need
        for _, slot, use, room in self.bounds():
            row = np.zeros(columns)
            row[[number * self.slots + slot for number in use]] = list(use.values())
            rows, limits = [*rows, row], [*limits, room * self.shared(slot, use)]
        for place, part in enumerate(parts, cells + 3 * self.cars):
            cost[place] = part.per_kw
            for window, (slots, kw) in self.windows().items():
                row, weight = np.zeros(columns), self.weight(part, window)
                row[place] = -1.0
                for number, car in enumerate(outlook.cars):
                    share = len(car.phases) * self.volts / 1000 / outlook.demand.window_slots
                    row[number * self.slots + np.array(slots)] = weight * share
                rows, limits = [*rows, row], [*limits, self.floor_kw(part) - weight * kw]
        found = linprog(cost, np.array(rows), limits, balances, needs, np.column_stack((np.zeros(columns), upper)))
        assert found.status == 0, found.message
        return float(found.fun)
