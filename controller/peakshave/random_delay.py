"""A random delay of starts that only money asks for, so that many sites do not start at the same second.

The Electric Vehicles (Smart Charge Points) Regulations 2021 of the United Kingdom (SI 2021/1467, regulation 11) ask
for it: up to 600 s unless it is set otherwise, never more than 1 800 s, to the nearest second. A reduction, and
whatever protects, is never delayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from controller.snapshot import Advice
from controller.units import TOLERANCE_A

V = TypeVar("V")

USUAL_S: Final = 600
MOST_S: Final = 1800


def start_delay_s(seed: str, point: str, moment: datetime, most_s: int = USUAL_S) -> int:
    """How long a point waits with a start that is due at ``moment``: whole seconds from 0 to ``most_s``.

    The same seed, point and moment give the same delay, whoever asks and whenever.

    Args:
        seed: of the site, kept for itself, so that no two sites wait alike.
        point: its id.
        moment: when the start is due, aware.
        most_s: the longest delay [s].

    Raises:
        ValueError: ``most_s`` is negative or above 1 800 s, or the moment has no zone.

    >>> from datetime import UTC
    >>> start_delay_s("hq", "P01", datetime(2026, 11, 20, 22, tzinfo=UTC))
    580
    """
    if not 0 <= most_s <= MOST_S:
        raise ValueError(f"most_s: expected 0 to {MOST_S} s, got {most_s!r}")
    if moment.tzinfo is None:
        raise ValueError("moment: expected a time with a zone")
    digest = hashlib.sha256(f"{seed}\0{point}\0{moment.timestamp():.0f}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (most_s + 1)


Waiting = Mapping[str, datetime | None]
"""The points that a plan keeps from charging, or kept until a moment: that one, once it is there."""


def delayed_starts(
    advice: Advice, waiting: Waiting, at: datetime, least_a: Mapping[str, float], seed: str, most_s: int
) -> tuple[Advice, Waiting]:
    """The advice, with the starts put off that it is time for and whose delay has not passed yet.

    Only what the plan kept from charging is put off, never a car that has just come, never a reduction.

    Args:
        advice: the plan.
        waiting: what this gave last; empty at the beginning.
        at: now.
        least_a: by point, the least current that it charges with [A].
        seed: of the site.
        most_s: the longest delay [s].
    """
    slot = advice.slot(at)
    if slot is None:
        return advice, {}
    still: dict[str, datetime | None] = {}
    held = {}
    for name, one in advice.points.items():
        cap_a = one.cap_a[slot]
        if cap_a is not None and cap_a < least_a[name] - TOLERANCE_A:
            still[name] = None
        elif name in waiting:
            due = waiting[name] or at
            if at < due + timedelta(seconds=start_delay_s(seed, name, due, most_s)):
                still[name] = due
                held[name] = replace(one, target_a=_without(one.target_a, slot), cap_a=_without(one.cap_a, slot))
    return (replace(advice, points={**advice.points, **held}) if held else advice), still


def _without(values: tuple[V, ...], slot: int) -> tuple[V | float, ...]:
    return (*values[:slot], 0.0, *values[slot + 1 :])
