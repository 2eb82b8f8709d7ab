"""Prices that change with time, published through the REST API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from adapters.json_text import DocumentError
from adapters.web.answer import Answer
from adapters.web.entitled import REFUSALS, Approver
from controller.tariffs.rules import RuleRefused
from controller.tariffs.tariff import PriceCurve

Publish = Callable[[bytes], PriceCurve]
"""Puts the publication in a message on record: ``DocumentError`` or ``RuleRefused`` where it cannot be."""


class Published(Answer):
    """A publication of prices that is on record."""

    curve: str
    version: str
    published_at: datetime
    prices: int = Field(description="how many")


def add_publishing(router: APIRouter, publish: Publish) -> None:
    """Add the route by which prices are published."""

    @router.post("/prices", status_code=201, responses=REFUSALS)
    async def post_prices(request: Request, _actor: Approver) -> Published:
        """Publish a price curve (`docs/schemas/price-curve.schema.json`): all of it, or nothing."""
        try:
            curve = await run_in_threadpool(publish, await request.body())
        except DocumentError as error:
            raise HTTPException(422, "; ".join(error.problems)) from None
        except RuleRefused as error:
            raise HTTPException(409, str(error)) from None
        return Published(
            curve=curve.id, version=curve.version, published_at=curve.published_at, prices=len(curve.periods)
        )
