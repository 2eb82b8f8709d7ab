"""Whether a charger takes 0 A, as it shows by what it accepts and refuses."""

from __future__ import annotations

from typing import Final

from controller.units import TOLERANCE_A

_REFUSALS: Final = 2
"""So often a schedule with 0 A must be refused before its minimum is tried instead: reasons pass."""


class Pausing:
    """What one connector may be told in place of 0 A.

    Some chargers refuse every schedule with a limit below their minimum (evcc-io/evcc#16768). Such a charger would be
    left without any limit of ours, so it is told its minimum instead, if it takes that.
    """

    def __init__(self, min_a: float) -> None:
        self.pausable = True
        self._min_a = min_a
        self._refusals = 0
        self._settled = False
        """Whether it has shown what it takes: 0 A, or its minimum in its place, or neither."""
        self._reported = False

    def told_a(self, limit_a: float) -> float:
        """Return what to tell it when it should have this limit [A]."""
        return limit_a if self.pausable else max(limit_a, self._min_a)

    def accepted(self, least_a: float) -> None:
        """It took a schedule whose lowest limit is this [A]."""
        self._settled = self._settled or not self.pausable or self._pauses(least_a)

    def refused(self, least_a: float) -> bool:
        """It refused a schedule whose lowest limit is this [A]; whether it is told something else from now on."""
        if self._settled or self._pauses(least_a) != self.pausable:
            return False
        if not self.pausable:  # its minimum as well: 0 A was not the reason
            self.pausable = self._settled = True
            return True
        self._refusals += 1
        self.pausable = self._refusals < _REFUSALS
        return not self.pausable

    def news(self) -> bool:
        """Whether it has now, for the first time, taken its minimum where it refused 0 A."""
        first = self._settled and not self.pausable and not self._reported
        self._reported = self._reported or first
        return first

    def _pauses(self, least_a: float) -> bool:
        return least_a < self._min_a - TOLERANCE_A
