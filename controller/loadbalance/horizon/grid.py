"""What of a site never changes from plan to plan: which rows a car on a circuit loads, and by how much.

A row kind is a bound that holds in every slot: phase 3 c + p of circuit c, then the power of each circuit, then the
demand of the connection. Shapes: C circuits, K = 4 C + 1 row kinds, T slots.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from controller.loadbalance.horizon.outlook import CarOutlook, Floats, Outlook
from controller.site import Site


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
        self._uses: dict[tuple[str, tuple[int, ...]], Floats] = {}

    def uses(self, cars: Iterable[CarOutlook]) -> Floats:
        """(P, K) what each car takes of each row per ampere: A, A of the three phases together, and kW."""
        return np.array([self._use(car.point, car.phases) for car in cars]).reshape(-1, self.kinds)

    def _use(self, point: str, phases: tuple[int, ...]) -> Floats:
        use = self._uses.get((point, phases))
        if use is None:
            use = np.zeros(self.kinds)
            for circuit in self.site.path[self.site.point[point].circuit]:
                place = self.number[circuit]
                use[[3 * place + phase for phase in phases]] = 1.0
                use[3 * len(self.number) + place] = len(phases)
            use[-1] = len(phases) * self.site.nominal_voltage_v / 1000.0
            self._uses[point, phases] = use
        return use

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
        room: Floats = np.maximum(np.concatenate((phases_a, powers_a)), 0.0)
        return room
