"""The running demand window and the month's peak, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from adapters.web.answer import Answer, Money
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.windows import HOUR_S


class Aim(StrEnum):
    """What a target is."""

    PAID = "paid"
    """A peak that is paid for already."""
    CHOSEN = "chosen"
    """The peak that is worth having, by the plan and the settings."""


class DemandWindow(Answer):
    """The running window, as far as it has come."""

    begins_at: datetime
    length_s: int
    passed_s: float
    energy_wh: int = Field(description="import minus export so far, with what was assumed [Wh]")
    mean_w: float | None = Field(description="mean power so far [W]; null in the first second")
    projected_w: float = Field(description="its mean power if all goes on as it does now [W]")
    marks: tuple[str, ...] = Field(description="what went wrong in it, e.g. `meter_gap`")


class Demand(Answer):
    """The running demand window, what it is held at, and what that is worth."""

    window: DemandWindow
    billed: bool = Field(description="whether this window can cost anything")
    target_w: float | None = Field(description="what it is held at [W]; null: nothing is gained by holding back")
    target_is: Aim | None = Field(description="`paid`: paid for already; `chosen`: the peak that is worth having")
    allowed_w: float | None = Field(description="what charging may draw now [W]; null: as much as fuses allow")
    month_peak_w: float = Field(description="the highest window of the month that has ended [W]")
    month_peak_at: datetime | None
    floor_w: float = Field(description="paid for already [W]")
    per_kw: float = Field(description="what each kW above costs, in the site's currency")
    saved: Money = Field(description="by how much the accounting year's bill is lower than without control")


def demand_view(status: PeakStatus | None) -> Demand | None:
    """The demand window as the API shows it; None where demand has no price."""
    if status is None:
        return None
    return Demand(
        window=_window_view(status),
        billed=status.billed,
        target_w=_watts(status.target_w),
        target_is=aim(status),
        allowed_w=_watts(status.allowed_w),
        month_peak_w=round(status.month_peak_w, 1),
        month_peak_at=status.month_peak_at,
        floor_w=round(status.floor_w, 1),
        per_kw=round(status.per_kw, 4),
        saved=status.saved,
    )


def aim(status: PeakStatus) -> Aim | None:
    """What the running window's target is; None where it has none."""
    if status.target_w is None:
        return None
    return Aim.PAID if status.target_w <= status.floor_w else Aim.CHOSEN


def _window_view(status: PeakStatus) -> DemandWindow:
    window, passed_s = status.window, status.passed_s
    return DemandWindow(
        begins_at=window.begins_at,
        length_s=window.length_s,
        passed_s=round(passed_s, 1),
        energy_wh=round(window.energy_wh),
        mean_w=round(window.energy_wh * HOUR_S / passed_s, 1) if passed_s >= 1.0 else None,
        projected_w=round(status.projected_w, 1),
        marks=window.marks,
    )


def _watts(power_w: float | None) -> float | None:
    return None if power_w is None else round(power_w, 1)
