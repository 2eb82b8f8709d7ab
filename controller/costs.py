"""What a station can show its drivers of prices and costs, and who knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Cost:
    """What a session costs by now, or in the end, as its driver pays it."""

    amount: Decimal
    currency: str
    text: str | None = None
    """How it comes about, for the driver; None: the amount says it all."""


@dataclass(frozen=True, slots=True)
class ShownTariff:
    """A tariff that a station can keep and show by itself (OCPP 2.1 I07), before tax."""

    id: str
    currency: str
    text: str
    per_kwh: Decimal | None = None
    per_minute_charging: Decimal | None = None
    per_minute_idle: Decimal | None = None
    fixed: Decimal | None = None
    tax_pct: Decimal | None = None


class Costs(Protocol):
    """Who knows prices and costs. Called on the event loop: nothing here may block it."""

    async def cost(self, session: str) -> Cost | None:
        """What a session costs, by its id; None where it has no price, or none yet."""
        ...

    async def price_text(self, token: str, points: Sequence[str]) -> str | None:
        """What a token pays at any of these points, in words for its driver; None: there is nothing to say."""
        ...

    async def default_tariff(self, station: str) -> ShownTariff | None:
        """What everybody pays at a station who pays nothing else; None where that cannot be said so simply."""
        ...
