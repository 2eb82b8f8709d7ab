"""What a charger says that it holds: answers to GetCompositeSchedule, read with tolerance.

Chargers answer with a limit of -1 for none, with the unit that they like better, with limits of eight decimals and
with schedules that are empty or last for millennia. Only the limit that holds now matters here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from controller.loadbalance.observer import DISOBEYS_FACTOR, DISOBEYS_FROM_A

DURATION_S: Final = 60
"""How far ahead a charger is asked."""

_PHASES: Final = 3
"""Of a schedule in watt that does not say how many (OCPP 1.6 §7.14)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a charger says next to what it was told."""

    kind: str
    """``agrees``, ``differs`` or ``unknown``."""
    message: str


def compare(status: Any, schedule: Any, told_a: float, voltage_v: float) -> Comparison:
    """Compare an answer with a limit.

    Args:
        status: of the answer.
        schedule: its ChargingSchedule, keys in snake case; anything else is no answer.
        told_a: the limit that the charger accepted last [A].
        voltage_v: phase to neutral, for schedules in watt [V].
    """
    if status != "Accepted":
        return Comparison("unknown", f"its charger does not say what it holds: {str(status)[:40]}")
    holds_a = _holds_a(schedule, voltage_v)
    if holds_a is None:
        return Comparison("unknown", "its charger does not say what it holds: there is no limit in its answer")
    if holds_a < 0 or math.isinf(holds_a):
        return Comparison("differs", f"holds no limit, was told {told_a:.1f} A")
    words = f"holds {holds_a:.1f} A, was told {told_a:.1f} A"
    more = holds_a > (told_a + DISOBEYS_FROM_A) * DISOBEYS_FACTOR
    return Comparison("differs" if more else "agrees", words)


def _holds_a(schedule: Any, voltage_v: float) -> float | None:
    """The limit that holds now [A per phase]; negative: none; None: it cannot be read."""
    periods = schedule.get("charging_schedule_period") if isinstance(schedule, Mapping) else None
    readable = [period for period in periods if isinstance(period, Mapping)] if isinstance(periods, list) else []
    begun = [(start_s, period) for period in readable if (start_s := _number(period.get("start_period"))) is not None]
    if not begun:
        return None
    _, first = min(begun, key=lambda one: one[0])
    limit = _number(first.get("limit"))
    if limit is None or schedule.get("charging_rate_unit") != "W":
        return limit
    return limit / (voltage_v * (_number(first.get("number_phases")) or _PHASES))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number
