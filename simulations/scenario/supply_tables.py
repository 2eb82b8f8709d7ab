"""The tables of a scenario file on what feeds a site and what that costs: loads, the sun, prices, and plans."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import Field

from adapters.configuration.values import NotNegative, PerPhase, Positive
from adapters.strict import StrictModel

Share = Annotated[float, Field(ge=0, le=1)]
Days = Literal["every", "workdays", "weekends"]


class BuildingTable(StrictModel):
    """What else draws current at the grid connection."""

    kind: Literal["none", "constant", "office", "homes", "shop", "hotel", "depot", "lively", "file"] = "none"
    """A typical daily course; lively: swings within a minute, for incidents; file: a measured one."""
    base_kw: NotNegative = 0.0
    """What always draws [kW]."""
    peak_kw: NotNegative = 0.0
    """The highest of a typical day [kW]; of lively, the worst case."""
    noise: Share = 0.05
    """How much it scatters from one quarter of an hour to the next, as a share of itself."""
    phase_share: PerPhase = (0.3334, 0.3333, 0.3333)
    """How it divides over L1, L2, L3."""
    file: str | None = None
    """A measured load (docs/reference/data-formats.md)."""
    scale: Positive = 1.0
    """Factor on the measured load."""


class SolarTable(StrictModel):
    """A photovoltaic plant at the grid connection."""

    peak_kw: NotNegative
    """Highest output [kW]."""
    latitude: Annotated[float, Field(ge=-66, le=66)] = 52.0
    """Degrees north."""
    longitude: Annotated[float, Field(ge=-180, le=180)] = 5.0
    """Degrees east."""
    clouds: Share = 0.5
    """How much of it clouds take on average."""


class PricesTable(StrictModel):
    """What a kWh costs the site."""

    kind: Literal["flat", "time_of_use", "day_ahead", "file", "tariff"] = "flat"
    """day_ahead: hourly prices with the shape of a market with much solar power, drawn from the seed.
    file: measured prices. tariff: a tariff as JSON, whose demand charge counts as well."""
    per_kwh: float = 0.25
    """The price; the mean of day_ahead, and what time_of_use costs outside its periods."""
    spread: NotNegative = 0.1
    """Half of what lies between the cheap and the dear hours of day_ahead, on average."""
    file: str | None = None
    """Measured prices, or a tariff (docs/reference/data-formats.md)."""
    add_per_kwh: float = 0.0
    """What is added to measured prices: taxes and grid fees."""


class PeriodTable(StrictModel):
    """A time of day with a price of its own."""

    days: Days = "every"
    """On which days."""
    begins: time
    """From this time of day."""
    ends: time
    """Until this one; 00:00 is the end of the day."""
    per_kwh: float
    """The price."""


class DemandTable(StrictModel):
    """What the highest mean power of a month costs."""

    per_kw: NotNegative
    """Per kW and month."""
    window_min: Positive = 15.0
    """Length of the windows over which power is averaged, which divides the hour [min]."""


class PlanTable(StrictModel):
    """How the coming hours are planned, where ``scenario.plan`` wants it."""

    slot_min: Annotated[float, Field(ge=5, le=60)] = 15.0
    """Length of a slot [min]; slots lie on the clock."""
    horizon_h: Annotated[float, Field(ge=1, le=48)] = 24.0
    """How far it looks ahead [h]."""
    minimum: Literal["rounded", "exact"] = "rounded"
    """How it comes about that the next slot has 0 or at least the minimum for everybody: by rounding, or exactly, which
    takes ten times as long."""
    peak: Literal["by_days_left", "full", "hint", "ignored"] = "by_days_left"
    """What a new peak counts: a part of the month's charge that grows as its days go by, the whole charge, the whole
    charge above peak_hint_kw, or nothing, so that no window is held either."""
    peak_hint_kw: NotNegative = 0.0
    """For hint: a peak that will be reached anyway, such as those of earlier months [kW]."""
    early_min: NotNegative = 30.0
    """Needs are to be met so long before the departure, or by 15 % of the time that is left if that is less [min]:
    batteries take less as they fill."""
