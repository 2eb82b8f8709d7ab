"""Quantities, their names and the sign convention.

Units stand in names: ``_a`` ampere, ``_w`` watt, ``_wh`` watt-hour (int), ``_v`` volt, ``_s`` second.
Import from the grid is positive, export negative. Phases are always ordered L1, L2, L3 *of the
grid*; a charging point's wiring maps its own phases onto them.
"""

from __future__ import annotations

import math
from typing import Final

Phases = tuple[float, float, float]
"""One value for each of L1, L2, L3 of the grid."""

PHASE_NAMES: Final = ("L1", "L2", "L3")
NO_CURRENT: Final[Phases] = (0.0, 0.0, 0.0)

RESOLUTION_A: Final = 0.1
"""Limits are multiples of this: OCPP 1.6 §7.13 allows a charging rate one decimal."""

TOLERANCE_A: Final = 1e-6
"""Below this two currents are the same: rounding error, not physics."""


def finite(value: float, name: str) -> float:
    """Return ``value`` as a float.

    Raises:
        ValueError: it is not a number, or not a finite one.

    >>> finite(16, "limit_a")
    16.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {value!r}")
    return float(value)


def floored(current_a: float) -> float:
    """Round a limit [A] down to the resolution that chargers accept; rounding up could overload.

    >>> floored(10.49), floored(10.4), floored(6.0)
    (10.4, 10.4, 6.0)
    """
    return math.floor((current_a + TOLERANCE_A) / RESOLUTION_A) / 10.0


def phase_vector(phases: tuple[int, ...], current_a: float) -> Phases:
    """Spread a point's current [A] over the grid phases that it is wired to.

    >>> phase_vector((1,), 16.0)
    (0.0, 16.0, 0.0)
    """
    return (
        current_a if 0 in phases else 0.0,
        current_a if 1 in phases else 0.0,
        current_a if 2 in phases else 0.0,
    )
