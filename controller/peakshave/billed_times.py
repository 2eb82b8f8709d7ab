"""When a demand window is billed, on the local calendar."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

WHOLE_YEAR: Final = frozenset(range(1, 13))
WHOLE_WEEK: Final = frozenset(range(7))
WORKING_DAYS: Final = frozenset(range(5))
NOT_BILLED: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class BilledTimes:
    """Months, days and hours that are billed, and how much of a window's power counts in them.

    Raises:
        ValueError: no such month, weekday or hour, or a weight that is not positive.
    """

    months: frozenset[int] = WHOLE_YEAR
    weekdays: frozenset[int] = WHOLE_WEEK
    """Monday is 0."""
    from_hour: int = 0
    to_hour: int = 24
    """Not included; of the next day where it is below ``from_hour``."""
    on_holidays: bool = True
    """Whether holidays are billed like the weekday that they fall on."""
    weight: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not (self.months <= WHOLE_YEAR and self.weekdays <= WHOLE_WEEK):
            raise ValueError("expected months of 1 to 12 and weekdays of 0 (Monday) to 6")
        if not (0 <= self.from_hour < 24 and 0 < self.to_hour <= 24 and self.from_hour != self.to_hour):
            raise ValueError(f"expected hours of 0 to 24, got {self.from_hour} to {self.to_hour}")
        if not (self.weight.is_finite() and self.weight > 0):
            raise ValueError(f"weight: expected a positive number, got {self.weight}")

    def cover(self, local: datetime, holidays: Container[date]) -> bool:
        """Whether a window that begins at this local time is billed.

        >>> from zoneinfo import ZoneInfo
        >>> nights = BilledTimes(from_hour=22, to_hour=6)
        >>> [nights.cover(datetime(2026, 1, 1, hour, tzinfo=ZoneInfo("Europe/Stockholm")), ()) for hour in (5, 6, 22)]
        [True, False, True]
        """
        if local.month not in self.months or local.weekday() not in self.weekdays:
            return False
        if self.from_hour < self.to_hour:
            in_hours = self.from_hour <= local.hour < self.to_hour
        else:
            in_hours = local.hour >= self.from_hour or local.hour < self.to_hour
        return in_hours and (self.on_holidays or local.date() not in holidays)


ALWAYS: Final = BilledTimes()


def weight_at(times: Sequence[BilledTimes], local: datetime, holidays: Container[date]) -> Decimal:
    """How much of a window's power counts that begins at this local time: by the first of ``times`` that covers it."""
    return next((billed.weight for billed in times if billed.cover(local, holidays)), NOT_BILLED)
