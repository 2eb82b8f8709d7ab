"""What of a site never changes from plan to plan: which rows a car on a circuit loads, and by how much.

A row kind is a bound that holds in every slot: phase 3 c + p of circuit c, then the power of each circuit, then the
demand of the connection. Shapes: C circuits, K = 4 C + 1 row kinds, T slots.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from controller.loadbalance.horizon.outlook import CarOutlook, Floats, Ints, Outlook
from controller.site import Site

ENDLESS_A: Final = 1e9
"""In place of infinity where nothing bounds: it can be multiplied by nothing."""


class Grid:
    """The rows of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.number = {circuit.id: place for place, circuit in enumerate(site.circuits)}
        count = len(site.circuits)
        self.kinds = 4 * count + 1
        self.connection = next(place for place, circuit in enumerate(site.circuits) if circuit.parent is None)
        self._usable_a = np.array([[fuse - c.margin_a for fuse in c.fuse_a] for c in site.circuits]).reshape(-1, 1)
        contracts = [np.inf if c.contract_w is None else c.contract_w for c in site.circuits]
        self._contract_w = np.array(contracts).reshape(-1, 1)
        self.place = {name: place for place, name in enumerate(sorted(site.point))}
        self._alike: dict[tuple[str, tuple[int, ...]], int] = {}
        self._uses = np.zeros((0, self.kinds))
        self._entries: Ints = np.zeros(0, dtype=np.int64)
        self._begins: Ints = np.zeros(0, dtype=np.int64)
        self._amounts: Floats = np.zeros((0, 1))

    def alike(self, cars: Iterable[CarOutlook]) -> Ints:
        """(P,) the number of each car's use; those on the same circuit and phases have the same."""
        numbers = []
        for car in cars:
            key = self.site.point[car.point].circuit, tuple(car.phases)
            number = self._alike.get(key)
            if number is None:
                number = self._alike[key] = len(self._alike)
                self._learn(*key)
            numbers.append(number)
        return np.array(numbers, dtype=np.int64)

    def uses(self, alike: Ints) -> Floats:
        """(P, K) what each car takes of each row per ampere: A, A of the three phases together, and kW."""
        uses: Floats = self._uses[alike]
        return uses

    def _learn(self, circuit: str, phases: tuple[int, ...]) -> None:
        """Keep one more use, and where the entries of each use begin among those of all."""
        use = np.zeros(self.kinds)
        for above in self.site.path[circuit]:
            place = self.number[above]
            use[[3 * place + phase for phase in phases]] = 1.0
            use[3 * len(self.number) + place] = len(phases)
        use[-1] = len(phases) * self.site.nominal_voltage_v / 1000.0
        self._uses = np.concatenate((self._uses, use[None]))
        number, self._entries = np.nonzero(self._uses[:, :-1])
        self._begins = np.flatnonzero(np.diff(number, prepend=-1))
        self._amounts = self._uses[number, self._entries][:, None]

    def alone_a(self, alike: Ints, room_a: Floats) -> Floats:
        """(P, T) what there is for each car while no other charges [A]."""
        if not alike.size:
            return np.zeros((0, room_a.shape[1]))
        alone = np.minimum.reduceat(room_a.take(self._entries, axis=0) / self._amounts, self._begins, axis=0)
        return alone.take(alike, axis=0)

    def room_a(self, outlook: Outlook) -> Floats:
        """(K - 1, T) what charging may take of each row but the demand, at any moment of a slot [A].

        Where the background alone is too much, nothing is left; a background that feeds in leaves no more than the
        fuse, as in dispatch.
        """
        drawn_a = np.maximum(outlook.background_a, 0.0).transpose(1, 2, 0)
        count, slots = len(self.number), outlook.price_per_kwh.size
        phases_a = self._usable_a - drawn_a.reshape(3 * count, slots)
        limit_w = np.repeat(self._contract_w, slots, axis=1)
        for bound in outlook.bounds:
            place = self.number[bound.circuit]
            limit_w[place] = np.minimum(limit_w[place], bound.limit_w)
        powers_a = limit_w / self.site.nominal_voltage_v - drawn_a.sum(axis=1)
        room: Floats = np.minimum(np.maximum(np.concatenate((phases_a, powers_a)), 0.0), ENDLESS_A)
        return room
