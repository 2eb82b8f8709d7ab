"""What a meter said at one moment, before it has been judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from controller.snapshot import MeterOwn, Reading
from controller.units import Phases

PerPhase = tuple[float | None, float | None, float | None]
"""A value for each of L1, L2, L3 of the grid; None where the meter has none."""

UNKNOWN: Final[PerPhase] = (None, None, None)

PHASE_CURRENTS: Final = ("l1_a", "l2_a", "l3_a")
PHASE_VOLTAGES: Final = ("l1_v", "l2_v", "l3_v")
PHASE_POWERS: Final = ("l1_w", "l2_w", "l3_w")
PHASE_POWER_FACTORS: Final = ("l1_pf", "l2_pf", "l3_pf")
QUANTITIES: Final = frozenset(
    (*PHASE_CURRENTS, *PHASE_VOLTAGES, *PHASE_POWERS, *PHASE_POWER_FACTORS, "total_w", "frequency_hz")
) | {"demand_w", "month_peak_w"}
"""The names that register maps and ``[meters.quantities]`` give to what they measure."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Values as the meter gave them, in SI units; None where it gave none. Every number is finite."""

    current_a: PerPhase
    voltage_v: PerPhase = UNKNOWN
    power_w: PerPhase = UNKNOWN
    """Signed active power per phase [W]; import is positive."""
    power_factor: PerPhase = UNKNOWN
    total_w: float | None = None
    frequency_hz: float | None = None
    own: MeterOwn | None = field(default=None, compare=False)
    """What it says of demand; it tells nothing of whether the values are alive."""

    @classmethod
    def of(cls, values: Mapping[str, float | None]) -> Sample:
        """Arrange named values (see ``QUANTITIES``); what is absent, NaN or infinite is unknown."""
        known = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}

        def triple(names: tuple[str, str, str]) -> PerPhase:
            return (known.get(names[0]), known.get(names[1]), known.get(names[2]))

        return cls(
            current_a=triple(PHASE_CURRENTS),
            voltage_v=triple(PHASE_VOLTAGES),
            power_w=triple(PHASE_POWERS),
            power_factor=triple(PHASE_POWER_FACTORS),
            total_w=known.get("total_w"),
            frequency_hz=known.get("frequency_hz"),
            own=MeterOwn(known["demand_w"], known.get("month_peak_w")) if "demand_w" in known else None,
        )

    def reading(self, measured_at: datetime) -> Reading:
        """The sample as the controller knows it.

        Most meters give a current without a sign and let the active power tell the direction, so where a phase
        has a power, its current takes that sign. Voltages and powers count only when all three are known.
        """
        first, second, third = map(_signed, self.current_a, self.power_w)
        return Reading(
            current_a=(first, second, third),
            measured_at=measured_at,
            voltage_v=_complete(self.voltage_v),
            power_w=_complete(self.power_w),
            own=self.own,
        )


def _signed(current_a: float | None, power_w: float | None) -> float | None:
    if current_a is None or power_w is None:
        return current_a
    return -abs(current_a) if power_w < 0 else abs(current_a)


def _complete(values: PerPhase) -> Phases | None:
    first, second, third = values
    return None if first is None or second is None or third is None else (first, second, third)
