"""What the protection devices of many sites had to bear: the book of ``simulations.world.FuseBook``, as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.peakshave import thermal
from controller.site import Site
from controller.units import TOLERANCE_A
from simulations.world import RELIEF_S, Truth

Floats = NDArray[np.float64]


class Fuses:
    """One book for each phase of each circuit of B sites; all arrays are (B, C, 3).

    Args:
        sites: of the same circuits; their ratings may differ.
    """

    def __init__(self, sites: list[Site]) -> None:
        self._circuits = [list(site.circuits) for site in sites]
        self._rating_a = np.array([[c.fuse_a for c in circuits] for circuits in self._circuits], dtype=np.float64)
        self._root = next(n for n, c in enumerate(sites[0].circuits) if c.parent is None)
        self._unbroken_s = np.zeros_like(self._rating_a)
        self._longest_s = np.zeros_like(self._rating_a)
        self._overload_as = np.zeros_like(self._rating_a)
        self.violation_as = np.zeros_like(self._rating_a)
        self._peak_a = np.zeros_like(self._rating_a)
        self.thermal = np.zeros_like(self._rating_a)
        self._thermal_peak = np.zeros_like(self._rating_a)

    def step(self, current_a: Floats, dt: float) -> None:
        """Bear these currents for ``dt`` seconds."""
        np.maximum(self._peak_a, current_a, out=self._peak_a)
        excess_a = current_a - self._rating_a
        over = excess_a > TOLERANCE_A
        cooled = thermal.advance(1.0, 0.0, 1.0, dt)
        if not over.any():
            self._unbroken_s.fill(0.0)
            self.thermal *= cooled
            return
        late_s = np.clip(self._unbroken_s + dt - RELIEF_S, 0.0, dt)
        self._unbroken_s = np.where(over, self._unbroken_s + dt, 0.0)
        np.maximum(self._longest_s, self._unbroken_s, out=self._longest_s)
        self._overload_as += np.where(over, excess_a * dt, 0.0)
        self.violation_as += np.where(over, excess_a * late_s, 0.0)
        self.thermal = np.where(over, self.thermal, self.thermal * cooled)
        for member, place, phase in np.argwhere(over).tolist():
            circuit = self._circuits[member][place]
            self.thermal[member, place, phase] = thermal.advance(
                self.thermal[member, place, phase],
                current_a[member, place, phase],
                circuit.fuse_a[phase],
                dt,
                circuit.fuse_curve,
            )
        np.maximum(self._thermal_peak, self.thermal, out=self._thermal_peak)

    def truth(self, member: int) -> Truth:
        """The worst over all fuses of one site so far."""
        return Truth(
            peak_phase_a=float(self._peak_a[member, self._root].max()),
            fuse_a=float(self._rating_a[member, self._root].min()),
            overload_as=float(self._overload_as[member].sum()),
            longest_overload_s=float(self._longest_s[member].max()),
            fuse_violation_as=float(self.violation_as[member].sum()),
            thermal_peak=float(self._thermal_peak[member].max()),
        )
