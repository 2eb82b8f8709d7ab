"""How long an overload is put down to cars that are yet to come down, before it is the building that has gone up."""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.loadbalance.layout import Bools, Floats, Layout, anything
from controller.loadbalance.pulse import prompt

TRUST_S: Final = 5.0
"""So long after a reduction its cars may still be on their way."""

YOUNG_S: Final = 2.0
"""So long it may be cars whatever has gone before: one that was plugged in a moment ago and one that is yet to come
down look like a building that has gone up."""

PATIENCE_S: Final = 6.0
"""So long at most, with one small reduction after the other: a large car that is lowered bit by bit would hide a
building that goes up as fast."""

OVER_BY_A: Final = 0.5
"""A phase that is this much beyond its margin is not merely noisy."""


def patience(
    layout: Layout,
    meter_a: Floats,
    waited_s: Floats,
    over_s: Floats,
    passed_s: float,
    rested_s: Floats,
    answers_s: Floats,
) -> tuple[Bools, Floats, Floats]:
    """Which phases of the circuits are given time, how long each has been given it, and how long it has been beyond.

    Shapes (B, C, 3).

    Args:
        layout: the site.
        meter_a: what flows now, NaN where nobody knows [A].
        waited_s: what the last call returned; 0 at first.
        over_s: likewise.
        passed_s: time since then [s].
        rested_s: (B, C) time since limits on the circuit were last lowered [s].
        answers_s: (B, P) how long each charger takes to accept a limit [s].
    """
    over = meter_a > layout.usable_a + OVER_BY_A
    if not anything(over):
        none = np.zeros(over.shape)
        return ~over, none, none
    waited = waited_s + passed_s
    patient = ((over_s < YOUNG_S) & prompt(layout, answers_s)[:, :, None]) | (
        (rested_s < TRUST_S)[:, :, None] & (waited < PATIENCE_S)
    )
    return patient | ~over, np.where(patient & over, waited, 0.0), np.where(over, over_s + passed_s, 0.0)
