"""What a kWh costs, through the REST API."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter
from pydantic import Field

from adapters.live import Live
from adapters.web.answer import Answer, Money
from controller.peakshave.price_lever import PriceLevel
from controller.ports.tick import PriceNow
from controller.site import Site
from controller.tariffs.outlook import Prices as Outlook
from controller.tariffs.price_words import shown


class Price(Answer):
    """What a kWh costs now, for drivers and programs that can wait."""

    per_kwh: Money | None = Field(description="with what is added now; null where the site has no tariff")
    level: PriceLevel = Field(description="`normal`, or `high` while the site nears its peak")
    surcharge_per_kwh: Money = Field(description="what it costs more than usual")
    surcharge_holds: bool = Field(description="whether sessions that begin now pay that; before, it is announced")
    since: datetime | None = Field(description="null where the price never changes")
    until: datetime | None = Field(description="until when a high price stays; null while it is normal")


class PriceAhead(Answer):
    """What a session that begins in a span of time costs at its beginning; with tax where that is known."""

    begins_at: datetime
    ends_at: datetime
    per_kwh: Money | None = Field(description="null while it is not known")
    start: Money | None = Field(description="once")
    per_hour: Money | None = Field(description="of charging")
    per_idle_hour: Money | None = Field(description="once idling costs something")


class Prices(Answer):
    """What charging costs, in the site's currency."""

    currency: str
    now: Price | None = Field(description="null before the first turn of the control loop, and without any price")
    next: tuple[PriceAhead, ...] = Field(description="the usual prices of the next 24 hours")
    points: dict[str, Money | None] = Field(description="what a kWh usually costs, by point; null while not known")


def add_prices(router: APIRouter, site: Site, live: Live) -> None:
    """Add the route of prices."""

    @router.get("/prices")
    def get_prices() -> Prices:
        """What charging costs now and over the next 24 hours. A session keeps the price that it began with."""
        tick = live.latest()
        price = None if tick is None else tick.price
        return Prices(
            currency=site.currency,
            now=price_view(price),
            next=() if price is None else tuple(map(ahead_view, price.ahead)),
            points={} if price is None else dict(price.points),
        )


def ahead_view(prices: Outlook) -> PriceAhead:
    """One span of the outlook as the API shows it."""
    return PriceAhead(
        begins_at=prices.begins_at,
        ends_at=prices.ends_at,
        per_kwh=None if prices.per_kwh is None else shown(prices.per_kwh),
        start=shown(prices.flat),
        per_hour=shown(prices.per_hour),
        per_idle_hour=shown(prices.per_idle_hour),
    )


def price_view(price: PriceNow | None) -> Price | None:
    """The price as the API shows it; None where there is none."""
    if price is None:
        return None
    signal = price.signal
    return Price(
        per_kwh=price.per_kwh,
        level=PriceLevel.NORMAL if signal is None else signal.level,
        surcharge_per_kwh=Decimal(0) if signal is None else signal.surcharge_per_kwh,
        surcharge_holds=signal is not None and signal.level is PriceLevel.HIGH and price.holds,
        since=None if signal is None else signal.since,
        until=None if signal is None else signal.until,
    )
