"""What a baseline sees of a batch of sites at one moment, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

UNSHAVED: Final = "without_peak_shaving"
"""The policy that is a scenario's own controller, but for what demand costs: its plan does not see that, and no window
is held. It is no baseline of another's."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.float64] | NDArray[np.complex128]


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """B sites (or seeds) that share their wiring, at one moment: P points and K rows, each row a bound on a sum.

    A row is a phase of a circuit, or a power limit with its power per ampere as the use. Complex rows are phasors:
    there the magnitude of the sum is bound, as in a delta-wired network (Lee, Sharma, Johansson, Low: ACN-Sim, arXiv
    2012.02809).
    """

    now_s: float
    """Time since the beginning of the simulation [s]."""
    step_s: float
    """How long the answer holds [s]."""
    rows: Rows
    """(K, P) use of each row per ampere of each point."""
    free_a: Floats
    """(B, K) what the points may use of each row: rating less margin and what is not charging, in the row's unit."""
    active: Bools
    """(B, P) whether a car is there that wants current."""
    arrived_s: Floats
    """(B, P) when it came [s]."""
    leaves_s: Floats
    """(B, P) when it leaves, as stated if it was stated [s]."""
    left_wh: Floats
    """(B, P) what it still needs, as stated if it was stated [Wh]."""
    max_a: Floats
    """(B, P) the lower of the point's maximum and the car's [A]."""
    min_a: Floats
    """(P,) or (B, P) least current but zero [A]; 0 where any current will do."""
    w_per_a: Floats
    """(B, P) power per ampere of limit: voltage times phases in use [W/A]."""


class Policy(Protocol):
    """A way to divide current that remembers nothing: the same picture gets the same answer."""

    @property
    def name(self) -> str:
        """Its key in ``BASELINES``, and how it is called in results."""
        ...

    def limits(self, picture: Picture) -> Floats:
        """(B, P) limit of each point [A]: 0, or from its minimum to its maximum; 0 where nothing is active."""
        ...
