"""What the REST API takes and answers about tariffs, billing rules and card fees."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from adapters.web.answer import Answer, Moment, Money
from controller.tariffs.book import Leg, Scope, TokenKind
from controller.tariffs.rules import Standing


def _decimal(value: object) -> object:
    """A number as text keeps its decimals; one of JSON is taken as it is written shortest."""
    return Decimal(repr(value)) if isinstance(value, float) else value


Fee = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(ge=0, le=10_000, decimal_places=6, allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 10_000}, {"type": "string"}]}),
]
"""An amount of money in a request: a number, or text."""


class Said(BaseModel):
    """What all requests share: nothing in them is passed over."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Decided(Answer):
    """Who has said so, and when."""

    by: str
    at: datetime


class PriceNow(Answer):
    """What a kWh costs now, at the beginning of a session; null where it is not known."""

    before_tax: Money | None
    after_tax: Money | None
    label: str


class TariffState(Answer):
    """One version of a tariff."""

    id: str
    version: int
    state: Standing
    currency: str
    valid_from: datetime
    ends_at: datetime | None
    curves: tuple[str, ...] = Field(description="the price curves that it follows")
    proposed: Decided
    approved: Decided | None
    price_now: PriceNow | None = Field(description="of a kWh; null where the version does not hold now")
    tariff: dict[str, Any] = Field(description="an OCPI Tariff object")


class TariffAnswer(TariffState):
    """One version of a tariff, and what is suspicious about it."""

    warnings: tuple[str, ...] = ()


class TariffList(Answer):
    """Tariffs, by id."""

    items: tuple[TariffState, ...]
    next: None = None


class TariffApproval(Said):
    """What is approved of a tariff."""

    version: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        default=None, description="null: the newest that waits for it"
    )
    valid_from: Moment | None = Field(
        default=None, description="null: as proposed, or as soon as the lead time allows if that is later"
    )


class Approving(Said):
    """From when on something is approved."""

    valid_from: Moment | None = Field(
        default=None, description="null: as proposed, or as soon as the lead time allows if that is later"
    )


class RuleSaid(Said):
    """A billing rule as somebody proposes it."""

    scope: Scope
    key: str = Field("", max_length=255, description="uid, contract, point or station; empty for the other scopes")
    leg: Leg = Leg.RETAIL
    tariff: str = Field(max_length=36)
    valid_from: Moment | None = Field(default=None, description="null: as soon as it is approved")
    valid_until: Moment | None = None


class RuleCopy(Said):
    """In what a copy differs from its original; what is not said stays."""

    key: str | None = Field(default=None, max_length=255)
    leg: Leg | None = None
    tariff: str | None = Field(default=None, max_length=36)
    valid_from: Moment
    valid_until: Moment | None = None


class RuleState(Answer):
    """A billing rule."""

    id: str
    scope: Scope
    key: str
    leg: Leg
    tariff: str
    state: Standing
    valid_from: datetime
    ends_at: datetime | None
    proposed: Decided
    approved: Decided | None


class RuleList(Answer):
    """Billing rules, in the order of their approval."""

    items: tuple[RuleState, ...]
    waiting: int = Field(description="how many wait for approval")
    next: None = None


class CardFeeSaid(Said):
    """What charging with some kind of token is to cost on top."""

    token_kind: TokenKind
    leg: Leg = Leg.RETAIL
    per_kwh: Fee = Decimal(0)
    per_session: Fee = Decimal(0)
    valid_from: Moment | None = Field(default=None, description="null: as soon as it is approved")
    valid_until: Moment | None = None


class CardFeeState(Answer):
    """What charging with some kind of token costs on top."""

    id: str
    token_kind: TokenKind
    leg: Leg
    per_kwh: Money
    per_session: Money
    state: Standing
    valid_from: datetime
    ends_at: datetime | None
    proposed: Decided
    approved: Decided | None


class CardFeeList(Answer):
    """Fees, in the order of their approval."""

    items: tuple[CardFeeState, ...]
    next: None = None


class PriceChangeShown(Answer):
    """One line of the log of prices."""

    at: datetime
    by: str
    decision: str = Field(description="`proposed`, `approved` or `ended`")
    kind: str = Field(description="`tariff`, `rule` or `card_fee`")
    id: str
    version: int | None = Field(description="of a tariff")
    effective_at: datetime = Field(description="from when on it is to hold or holds, or before when it ends")


class PriceChangeList(Answer):
    """The log of prices, oldest first."""

    items: tuple[PriceChangeShown, ...]
    next: None = None
