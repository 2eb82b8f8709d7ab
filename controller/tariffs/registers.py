"""The energy of a session at any moment, by the registers that are known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from controller.tariffs.local_time import SECOND_US, microseconds
from controller.tariffs.session_facts import MeterPoint

TOLERANCE_US: Final = 2 * SECOND_US
"""A reading so close to a moment [us] is the register of that moment: chargers send those of a quarter-hour late."""

_ESTIMATE_STEP: Final = Decimal("1E-9")
"""Interpolated registers have whole microwatthours: finer than any price, and sums stay exact."""

_NOTHING: Final = Decimal(0)


class Register(NamedTuple):
    """What a register shows at a moment."""

    kwh: Decimal
    since_us: int = 0
    until_us: int = 0
    """Readings around the moment [us]; both 0 where it was read."""
    estimated: bool = False


class Registers:
    """The registers of a session from its beginning to its end.

    Between two readings energy is interpolated, before the first and after the last there is none.
    """

    def __init__(self, points: Sequence[MeterPoint], begins_us: int, ends_us: int) -> None:
        """Take the readings; those from before the beginning or after the end count as of then: no energy is lost."""
        self.times = [microseconds(point.at) for point in points]
        if self.times and (self.times[0] < begins_us or self.times[-1] > ends_us):
            self.times = [min(max(at, begins_us), ends_us) for at in self.times]
        self.kwh = [point.energy_kwh for point in points]
        if self.kwh and self.kwh[0] and self.times[0] > begins_us:  # counted from a beginning that was known
            self.times.insert(0, begins_us)
            self.kwh.insert(0, _NOTHING)
        self.rising = all(a <= b for a, b in pairwise(self.kwh))

    @property
    def total_kwh(self) -> Decimal:
        """The last register less the first."""
        return self.kwh[-1] - self.kwh[0] if self.kwh else _NOTHING

    def snap(self, moments_us: Iterable[int]) -> None:
        """Let each reading that lies close to one of these moments be the register of that moment."""
        for moment in moments_us:
            at = bisect_left(self.times, moment)
            near = [
                (abs(self.times[n] - moment), n)
                for n in (at - 1, at)
                if 0 <= n < len(self.times) and abs(self.times[n] - moment) <= TOLERANCE_US
            ]
            if near and min(near)[0] > 0:
                self.times[min(near)[1]] = moment

    def at(self, moment_us: int) -> Register:
        """The register at a moment."""
        after = bisect_right(self.times, moment_us)
        if after == 0:
            return Register(self.kwh[0] if self.kwh else _NOTHING)
        begins, low = self.times[after - 1], self.kwh[after - 1]
        if begins == moment_us or after == len(self.times) or self.kwh[after] == low:
            return Register(low)
        ends, high = self.times[after], self.kwh[after]
        passed = (high - low) * (moment_us - begins) / (ends - begins)
        return Register((low + passed).quantize(_ESTIMATE_STEP, ROUND_HALF_UP), begins, ends, estimated=True)

    def begins_to_rise_us(self) -> int | None:
        """From when on there is energy [us]; None where there never is."""
        for (begins, low), high in zip(zip(self.times, self.kwh, strict=True), self.kwh[1:], strict=False):
            if high > low:
                return begins
        return None

    def crossings(self, threshold_kwh: Decimal) -> list[int]:
        """When so much energy has been delivered [us], to the microsecond; several where a register decreases."""
        level, found = threshold_kwh + (self.kwh[0] if self.kwh else _NOTHING), []
        for n, (low, high) in enumerate(pairwise(self.kwh)):
            if low < level <= high or high < level <= low:
                begins, ends = self.times[n], self.times[n + 1]
                passed = ((level - low) * (ends - begins) / (high - low)).to_integral_value(ROUND_HALF_UP)
                found.append(begins + int(passed))
        return found
