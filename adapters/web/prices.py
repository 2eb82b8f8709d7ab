"""What a kWh costs, through the REST API."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter
from pydantic import Field

from adapters.live import Live
from adapters.web.answer import Answer, Money
from controller.peakshave.price_lever import PriceLevel
from controller.ports import PriceNow
from controller.site import Site


class Price(Answer):
    """What a kWh costs now, for drivers and programs that can wait."""

    per_kwh: Money | None = Field(description="with the surcharge; null where the site has no tariff")
    level: PriceLevel = Field(description="`normal`, or `high` while the site nears its peak")
    surcharge_per_kwh: Money = Field(description="what it costs more than usual")
    since: datetime | None = Field(description="null where the price never changes")
    until: datetime | None = Field(description="until when a high price stays; null while it is normal")


class Prices(Answer):
    """What charging costs, in the site's currency."""

    currency: str
    now: Price | None = Field(description="null before the first turn of the control loop, and without any price")


def add_prices(router: APIRouter, site: Site, live: Live) -> None:
    """Add the route of prices."""

    @router.get("/prices")
    def get_prices() -> Prices:
        """What a kWh costs now. What sessions are billed does not follow the surcharge."""
        tick = live.latest()
        return Prices(currency=site.currency, now=None if tick is None else price_view(tick.price))


def price_view(price: PriceNow | None) -> Price | None:
    """The price as the API shows it; None where there is none."""
    if price is None:
        return None
    signal = price.signal
    return Price(
        per_kwh=price.per_kwh,
        level=PriceLevel.NORMAL if signal is None else signal.level,
        surcharge_per_kwh=Decimal(0) if signal is None else signal.surcharge_per_kwh,
        since=None if signal is None else signal.since,
        until=None if signal is None else signal.until,
    )
