"""What still fits into rows: sums of currents, or magnitudes of sums of phasors, that must not exceed their bounds."""

from __future__ import annotations

import numpy as np

from controller.units import TOLERANCE_A
from simulations.judging.policy import Bools, Floats, Rows


def largest_rate(use: Rows, used: Rows, free_a: Floats) -> Floats:
    """(B,) the largest rate x >= 0 at which ``used + x * use`` stays within its bounds [A]; inf if nothing bounds it.

    Args:
        use: (B, K) use of each row per ampere; complex for phasors.
        used: (B, K) what is used already.
        free_a: (B, K) bounds.
    """
    if np.isrealobj(use):
        rates_a = np.divide(free_a - used.real, use.real, out=np.full(free_a.shape, np.inf), where=use.real > 0.0)
        least_a: Floats = rates_a.min(axis=1)
        return np.maximum(least_a, 0.0)
    # |used + x use|^2 <= free^2: the larger root of a x^2 + 2 b x + c = 0.
    a = (use.conj() * use).real
    b = (use.conj() * used).real
    c = (used.conj() * used).real - free_a**2
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    rate_a = np.divide(root - b, a, out=np.full(free_a.shape, np.inf), where=a > 0.0)
    return np.where(fitting(use, used, free_a), np.maximum(rate_a.min(axis=1), 0.0), 0.0)


def fitting(use: Rows, used: Rows, free_a: Floats) -> Bools:
    """(B,) whether every row that somebody would use holds at what is used; arguments as above."""
    load_a = used.real if np.isrealobj(used) else np.abs(used)
    return np.asarray(((load_a <= free_a + TOLERANCE_A) | (use == 0.0)).all(axis=1))
