"""How long the site took from a rise of the building's load to the limits that answer it."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import Final

from controller.units import Phases

RISE_A: Final = 8.0
"""A smaller one is hard to tell from the noise of meters and cars."""
WINDOW_S: Final = 4.0
"""Beyond the controller's 3 s: what is lowered later has other causes."""
WAVE_GAP_S: Final = 0.4
"""Limits that answer one reading arrive in one wave; the next reading's are a poll interval away."""
KEPT: Final = 10_000
"""Rises and lowered limits that are remembered: hours of a busy site."""


class ReactionLog:
    """Pairs each big rise of the load that overloads the connection with the wave of lowered limits that answers it."""

    def __init__(self) -> None:
        self._rises_s: deque[float] = deque(maxlen=KEPT)
        self._lowered_s: deque[float] = deque(maxlen=KEPT)
        self._last_a: Phases | None = None

    def load(self, now_s: float, current_a: Phases, headroom_a: float) -> None:
        """The building's load at this moment, and what the fullest phase of the grid connection has left [A].

        A rise that leaves room asks for no answer, and is not waited for.
        """
        if self._last_a is not None and headroom_a < 0.0:
            rise_a = max(b - a for a, b in zip(self._last_a, current_a, strict=True))
            if rise_a >= RISE_A:
                self._rises_s.append(now_s)
        self._last_a = current_a

    def lowered(self, now_s: float) -> None:
        """A charger has accepted a lower limit."""
        self._lowered_s.append(now_s)

    def seconds(self) -> list[float]:
        """For each rise that was answered: until the last limit of the largest wave within the window [s]."""
        lowered_s = list(self._lowered_s)
        rises_s = list(self._rises_s)
        found = []
        for index, rise_s in enumerate(rises_s):
            next_s = rises_s[index + 1] if index + 1 < len(rises_s) else rise_s + WINDOW_S
            end_s = min(rise_s + WINDOW_S, next_s)
            answers = lowered_s[bisect_left(lowered_s, rise_s) : bisect_left(lowered_s, end_s)]
            if answers:
                found.append(max(_waves(answers), key=len)[-1] - rise_s)
        return found


def _waves(moments_s: list[float]) -> list[list[float]]:
    waves: list[list[float]] = []
    for moment_s in moments_s:
        if waves and moment_s - waves[-1][-1] <= WAVE_GAP_S:
            waves[-1].append(moment_s)
        else:
            waves.append([moment_s])
    return waves


def percentile(values: list[float], share: float) -> float | None:
    """The smallest value that is not exceeded by ``share`` of all; None without values.

    >>> percentile([3.0, 1.0, 2.0], 0.5), percentile([], 0.5)
    (2.0, None)
    """
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
