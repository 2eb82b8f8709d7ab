"""A load in steps of equal length: the mean of each, and what the present is in between."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class StepMeans:
    """Means of N series over steps.

    Args:
        series: N.
        step_s: length of a step [s].
        recent_s: time constant of the mean of the last while [s].
    """

    def __init__(self, series: int, step_s: float, recent_s: float) -> None:
        self.step_s = step_s
        self._recent_s = recent_s
        self._sum, self._count = np.zeros(series), 0
        self._begin_s = self._closed_s = math.nan
        self._last = np.full(series, np.nan)
        self._recent = np.full(series, np.nan)

    def see(self, begin_s: float, load: Floats) -> int:
        """Take note of a moment.

        Args:
            begin_s: when its step began [Unix s].
            load: (N,) finite.

        Returns:
            By how many steps the newest whole step has moved on; 0 when it is still the same.
        """
        moved = self._close() if begin_s != self._begin_s and self._count else 0
        self._begin_s = begin_s
        self._sum = self._sum + load
        self._count += 1
        return moved

    def _close(self) -> int:
        mean = self._sum / self._count
        steps = 1 if math.isnan(self._closed_s) else max(1, round((self._begin_s - self._closed_s) / self.step_s))
        self._recent = self._newer(mean, steps)
        self._last, self._closed_s = mean, self._begin_s
        self._sum, self._count = np.zeros_like(mean), 0
        return steps

    def _newer(self, present: Floats, steps: float) -> Floats:
        """The mean of the last while, so many steps later."""
        share = 1.0 - math.exp(-steps * self.step_s / self._recent_s)
        newer: Floats = np.where(np.isnan(self._recent), present, self._recent + share * (present - self._recent))
        return newer

    @property
    def whole(self) -> tuple[Floats, Floats]:
        """(N,) the mean of the newest whole step, and that of the last while up to its end; NaN before the first."""
        return self._last, self._recent

    def present(self, now_s: float) -> tuple[Floats, Floats, float, float] | None:
        """The load of the last step's length up to a moment; None before anything was seen.

        Args:
            now_s: the moment [Unix s]; what is later than the end of the newest step counts as that.

        Returns:
            (N,) that load, (N,) the mean of the last while, until when both reach [Unix s], and which part of them
            lies in the step that runs.
        """
        if not self._count:
            if math.isnan(self._closed_s):
                return None
            return self._last, self._recent, self._closed_s + self.step_s, 0.0
        partial = self._sum / self._count
        part = min(1.0, max(0.0, (now_s - self._begin_s) / self.step_s))
        adjoins = self._closed_s + 1.5 * self.step_s > self._begin_s  # False for NaN: nothing before
        if not adjoins:
            return partial, self._newer(partial, 1.0), self._begin_s + part * self.step_s, 1.0
        present = part * partial + (1.0 - part) * self._last
        return present, self._newer(partial, part), self._begin_s + part * self.step_s, part

    def state(self) -> Mapping[str, Floats]:
        """All that is known."""
        times = np.array([self._begin_s, self._closed_s, float(self._count)])
        return {"times": times, "sums": np.stack([self._sum, self._last, self._recent])}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on from a state of as many series.

        Raises:
            ValueError: it is another's.
        """
        times, sums = (np.asarray(state.get(name, ()), dtype=np.float64) for name in ("times", "sums"))
        if times.shape != (3,) or sums.shape != (3, self._last.size):
            raise ValueError(f"expected (3,) and (3, {self._last.size}), got {times.shape} and {sums.shape}")
        self._begin_s, self._closed_s, self._count = float(times[0]), float(times[1]), int(times[2])
        self._sum, self._last, self._recent = sums.copy()
