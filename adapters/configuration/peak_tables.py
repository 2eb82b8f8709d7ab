"""The `[peak]` of a site file: what limits power over time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from adapters.configuration.grid_operator_tables import GridOperatorTable
from adapters.configuration.values import Id, NotNegative, Positive, Price
from adapters.strict import StrictModel


class PriceLeverTable(StrictModel):
    """Raises the published price of a kWh while the site nears its peak."""

    surcharge_per_kwh: Price
    """By how much, in the site's currency."""
    near: float = Field(default=0.9, ge=0.5, le=1.0)
    """While a demand window is on course for this part of its target, or more."""
    least_min: float = Field(default=15.0, gt=0, le=1440)
    """A price that was raised stays for at least so long, in whole demand windows [min]."""
    start_fee: Annotated[Price, Field(ge=0)] = Decimal(0)
    """What beginning a session costs more then, once."""
    notice_min: float = Field(default=5.0, ge=0, le=1440)
    """So long before sessions that begin pay more it is announced [min]; a session that runs keeps its price."""


class ResourceTable(StrictModel):
    """A photovoltaic plant or a battery of the site, measured and shown. Nothing that protects relies on it."""

    id: Id
    """Its name."""
    kind: Literal["pv", "battery"]
    """What it is."""
    meter: Id
    """A meter of its own, which is no circuit's."""
    reversed: bool = False
    """true: that meter counts as positive what it gives to the site, as inverters do."""


class PeakTable(StrictModel):
    """What limits power over time."""

    tariff: (
        Literal[
            "month_peak",
            "flanders",
            "germany_rlm",
            "netherlands_kw_max",
            "sweden_hourly",
            "sweden_daytime",
            "contract",
            "california",
        ]
        | None
    ) = None
    """By which rules demand is billed (`reference/demand-tariffs.md`); default: demand costs nothing."""
    prices: dict[str, Price] = Field(default_factory=dict)
    """The prices and powers of that tariff, from the grid operator's price sheet, such as `per_kw_year = "53.39"`."""
    target_kw: Positive | None = None
    """No demand window is to exceed it, whatever the plan says, unless the building alone does [kW]."""
    expected_kw: NotNegative | None = None
    """A peak that every month reaches anyway [kW]; default: learned from the months before."""
    caution: float = Field(default=0.9, ge=0.5, le=0.99)
    """Which part of all that the building may yet draw in a demand window is reckoned with."""
    holidays: list[date] = Field(default_factory=list)
    """Days that are billed, and used, like Sundays."""
    price_lever: PriceLeverTable | None = None
    """Raises the published price near the peak; without it, the price stays."""
    use_surplus: bool = False
    """true: cars that the plan has put off for the price charge with what the site would otherwise export."""
    resources: list[ResourceTable] = Field(default_factory=list)
    """Plants and batteries of the site with meters of their own."""
    grid_operator: GridOperatorTable | None = None
    """Limits that others set."""
