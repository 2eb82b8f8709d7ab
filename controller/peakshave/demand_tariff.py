"""What is charged for demand, as data: a tariff is a list of components, and no country has code of its own."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final

from controller.peakshave.billed_times import ALWAYS, BilledTimes
from controller.peakshave.windows import HOUR_S

MONTHS_OF_YEAR: Final = 12


class Reach(Enum):
    """Which windows set the power that a component bills."""

    MONTH = "month"
    """Those of the month, for the month."""
    MEAN_OF_MONTHS = "mean_of_months"
    """The mean of the peaks of the accounting year's months, as many as there are, for the year."""
    YEAR = "year"
    """Those of the accounting year, for all of it: a late peak bills earlier months again."""
    TWELVE_MONTHS = "twelve_months"
    """Those of the month and of the eleven before, for the month: a peak stays for a year."""


@dataclass(frozen=True, slots=True)
class DemandComponent:
    """One charge for demand.

    The billed power is the mean of the ``highest`` windows among the billed ``times``, at least ``least_kw``, and of
    that only what is above ``free_kw``. A contracted power that is paid in any case, and that a higher peak raises, is
    a ``least_kw``; a power beyond which a penalty is due is a ``free_kw``.

    Raises:
        ValueError: a number that makes no sense; the message names it.
    """

    name: str
    price_per_kw: Decimal
    price_months: int
    """What the price is for: 1 (per month) or 12 (per year)."""
    reach: Reach
    times: tuple[BilledTimes, ...] = (ALWAYS,)
    """The first that covers a window gives its weight; a window that none covers is not billed."""
    highest: int = 1
    distinct_days: bool = True
    """Whether each of the highest windows is of another local day."""
    least_kw: Decimal = Decimal(0)
    free_kw: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for name in ("price_per_kw", "least_kw", "free_kw"):
            value = getattr(self, name)
            if not (value.is_finite() and value >= 0):
                raise ValueError(f"{self.name}.{name}: expected a number of at least 0, got {value}")
        if self.price_months not in {1, MONTHS_OF_YEAR}:
            raise ValueError(f"{self.name}.price_months: expected 1 or 12, got {self.price_months}")
        if self.highest < 1:
            raise ValueError(f"{self.name}.highest: expected at least 1, got {self.highest}")

    def billed(self, peak_kw: Decimal) -> Decimal:
        """What of a peak is billed [kW]."""
        return max(max(peak_kw, self.least_kw) - self.free_kw, Decimal(0))


@dataclass(frozen=True, slots=True)
class DemandTariff:
    """All charges for demand of a connection.

    Raises:
        ValueError: no component, a window that does not divide the hour, or no such month.
    """

    name: str
    components: tuple[DemandComponent, ...]
    window_s: int = 900
    year_begins: int = 1
    """The first month of the accounting year."""

    def __post_init__(self) -> None:
        if not self.components:
            raise ValueError("components: expected at least one")
        if self.window_s <= 0 or HOUR_S % self.window_s:
            raise ValueError(f"window_s: expected a length that divides the hour, got {self.window_s}")
        if not 1 <= self.year_begins <= MONTHS_OF_YEAR:
            raise ValueError(f"year_begins: expected a month of 1 to 12, got {self.year_begins}")
