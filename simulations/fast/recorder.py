"""Rows of what happened, as many as the scenario asks for, kept for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulations.results import Series
from simulations.scenario.model import Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Recorder:
    """Means and peaks over stretches of ``record_s``, for B sites.

    Args:
        scenarios: they share steps, points and circuits.
        building_a: (B, T, 3) what is not charging in every step [A].
        price: (B, T) price in every step.
    """

    def __init__(self, scenarios: Sequence[Scenario], building_a: Floats, price: Floats) -> None:
        first = scenarios[0]
        self._steps = round(first.record_s / first.step_s)
        self._record_s = first.record_s
        rows, size = first.steps // self._steps, len(scenarios)
        points, circuits = len(first.site.points), len(first.site.circuits)
        self._limit_a = np.full((rows, size, points), np.nan, dtype=np.float32)
        self._current_a = np.zeros((rows, size, points), dtype=np.float32)
        self._power_w = np.zeros((rows, size, points), dtype=np.float32)
        self._because = np.zeros((rows, size, points), dtype=np.int16)
        self._state = np.zeros((rows, size, points), dtype=np.uint8)
        self._circuit_a = np.zeros((rows, size, circuits, 3), dtype=np.float32)
        self._circuit_peak_a = np.zeros((rows, size, circuits, 3), dtype=np.float32)
        self._thermal = np.zeros((rows, size, circuits), dtype=np.float32)
        kept = rows * self._steps
        self._building_a = building_a[:, :kept].reshape(size, rows, self._steps, 3).mean(axis=2)
        self._price = price[:, :kept].reshape(size, rows, self._steps).mean(axis=2)
        self._reasons: dict[str, int] = {}
        self._codes: dict[tuple[str, ...], NDArray[np.int16]] = {}

    def codes(self, names: tuple[str, ...]) -> NDArray[np.int16]:
        """The number of each reason in the results."""
        if names not in self._codes:
            numbers = [self._reasons.setdefault(name, len(self._reasons)) for name in names]
            self._codes[names] = np.array(numbers, dtype=np.int16)
        return self._codes[names]

    def step(
        self,
        step: int,
        limit_a: Floats,
        because: NDArray[np.int16],
        state: Ints,
        current_a: Floats,
        power_w: Floats,
        circuit_a: Floats,
        thermal: Floats,
    ) -> None:
        """Keep one step: all (B, P), but the last two, which are (B, C, 3)."""
        row, part = divmod(step, self._steps)
        if row >= len(self._limit_a):
            return
        if self._steps == 1:
            self._current_a[row], self._power_w[row], self._circuit_a[row] = current_a, power_w, circuit_a
            self._circuit_peak_a[row] = circuit_a
        else:
            self._current_a[row] += current_a / self._steps
            self._power_w[row] += power_w / self._steps
            self._circuit_a[row] += circuit_a / self._steps
            np.maximum(self._circuit_peak_a[row], circuit_a, out=self._circuit_peak_a[row])
        if part == self._steps - 1:
            self._limit_a[row], self._because[row], self._state[row] = limit_a, because, state
            self._thermal[row] = thermal.max(axis=2)

    def series(self, member: int) -> Series:
        """The rows of one site."""
        return Series(
            time_s=np.arange(len(self._limit_a), dtype=np.float64) * self._record_s,
            step_s=self._record_s,
            limit_a=self._limit_a[:, member],
            current_a=self._current_a[:, member],
            power_w=self._power_w[:, member],
            because=self._because[:, member],
            state=self._state[:, member],
            circuit_a=self._circuit_a[:, member],
            circuit_peak_a=self._circuit_peak_a[:, member],
            building_a=self._building_a[member].astype(np.float32),
            price=self._price[member],
            thermal=self._thermal[:, member],
            reasons=tuple(self._reasons),
        )
