"""A price as it is posted at a charging point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controller.tariffs.offers import Offer
from controller.tariffs.outlook import Prices


@dataclass(frozen=True, slots=True)
class Posted:
    """One offer at one place."""

    offer: Offer
    tariff: str
    version: int
    words: str
    ahead: tuple[Prices, ...]
    """Of the coming day."""
    idle_grace_s: int
    tax_included: bool


def prices_at(posted: Posted, at: datetime) -> Prices | None:
    """The prices of a moment; None beyond what was looked up."""
    return next((prices for prices in posted.ahead if prices.begins_at <= at < prices.ends_at), None)
