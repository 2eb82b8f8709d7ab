"""What is asked of a peak, what flows, and how it stands: what goes into the keeping of peaks, and what comes out."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from controller.peakshave.demand_tariff import DemandTariff
from controller.peakshave.windows import Window
from controller.snapshot import MeterOwn


@dataclass(frozen=True, slots=True)
class PeakTerms:
    """What peaks cost, and what is aimed at."""

    tariff: DemandTariff
    target_kw: float | None = None
    """Never above this, unless it is paid for already or the building alone exceeds it."""
    expected_kw: float | None = None
    """A peak that every month reaches anyway; None: learned from the months before."""
    caution: float = 0.9
    """Which part of all that the building may yet draw in a window is reckoned with."""
    holidays: Container[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Flow:
    """What flows at the grid connection at one moment."""

    power_w: float | None
    """Signed sum of the phases by its meter [W]; None where it is not believed."""
    charging_w: float
    """The part of it that charges [W]."""
    assumed_w: float
    """What is to be assumed where the meter says nothing [W]."""
    own: MeterOwn | None = None
    """What the meter itself says of demand."""


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A demand window that has ended, with what was wanted of it."""

    window: Window
    target_w: float | None
    """The newest target that it had [W]; None where it had none."""
    uncontrolled_wh: float
    """What would have flowed, had every car charged as fast as it can [Wh]."""

    @property
    def without_control(self) -> Window:
        """The window as it would have been."""
        own = self.window
        return Window(own.begins_at, own.length_s, self.uncontrolled_wh, own.covered_s, own.marks, own.assumed_wh)


@dataclass(frozen=True, slots=True)
class PeakStatus:
    """The running window and the running month, for those who watch."""

    window: Window
    """As far as it has come."""
    passed_s: float
    projected_w: float
    """Mean power of the window if all goes on as it does now [W]."""
    target_w: float | None
    """None: nothing is gained by holding back."""
    allowed_w: float | None
    """What charging may draw now [W]; None: as much as fuses allow."""
    billed: bool
    month_peak_w: float
    """The highest window of the month that has ended [W]."""
    month_peak_at: datetime | None
    floor_w: float
    """Paid for already [W]."""
    per_kw: float
    """What each kW above costs [currency/kW]."""
    saved: Decimal
    """By how much the bill of the accounting year is lower than without control, rather too little than too much."""
