"""Prices that change with time, on record: each publication is a version, and none is ever changed.

Functions of a connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from adapters.store.schema import storable_text, utc
from adapters.store.schema_tariffs import price_curves
from controller.tariffs.rules import RuleRefused
from controller.tariffs.tariff import PriceCurve, PricePeriod


def add_curve(connection: Connection, curve: PriceCurve) -> None:
    """Put a publication on record.

    Raises:
        RuleRefused: there is one of that version already.
    """
    of_version = select(price_curves.c.id).where(
        price_curves.c.curve == storable_text(curve.id), price_curves.c.version == storable_text(curve.version)
    )
    if connection.execute(of_version).first() is not None:
        raise RuleRefused(f"version: {curve.version!r} of the price curve {curve.id!r} is published already")
    connection.execute(
        price_curves.insert().values(
            curve=curve.id,
            version=curve.version,
            published_at=curve.published_at,
            periods=[
                [utc(period.begins_at).isoformat(), utc(period.ends_at).isoformat(), f"{period.per_kwh:f}"]
                for period in curve.periods
            ],
        )
    )


def newest_curve(connection: Connection, curve: str, at: datetime) -> PriceCurve | None:
    """What was published last, up to a moment; None where nothing was."""
    query = _of(curve).where(price_curves.c.published_at <= at)
    row = connection.execute(query.order_by(price_curves.c.published_at.desc(), price_curves.c.id.desc())).first()
    return None if row is None else _curve(row)


def frozen_curve(connection: Connection, curve: str, version: str | None, since: datetime) -> PriceCurve | None:
    """A curve as it counts for a session that began with it.

    Where that version has a price, it counts whatever was published since; behind its end and in its gaps that counts
    which was published first after it.

    Args:
        connection: of the caller.
        curve: its id.
        version: the one at the start of the session; None: there was none.
        since: the start of the session.
    """
    rows = connection.execute(_of(curve).order_by(price_curves.c.published_at, price_curves.c.id)).all()
    published = [_curve(row) for row in rows]
    first = next((one for one in published if one.version == version), None)
    later = [one for one in published if one.published_at > since and one is not first]
    counting = [one for one in (first, *later) if one is not None]
    if not counting:
        return None
    return PriceCurve(curve, counting[0].version, counting[0].published_at, _merged(counting))


def _merged(curves: Sequence[PriceCurve]) -> tuple[PricePeriod, ...]:
    """The periods of the first, and of the others what it leaves open, in order."""
    kept: list[PricePeriod] = []
    for curve in curves:
        kept += [part for period in curve.periods for part in _left_open(period, kept)]
    return tuple(sorted(kept, key=lambda period: period.begins_at))


def _left_open(period: PricePeriod, kept: Iterable[PricePeriod]) -> list[PricePeriod]:
    """The parts of a period that none of the others covers."""
    parts, begins_at = [], period.begins_at
    for other in sorted(kept, key=lambda each: each.begins_at):
        if other.ends_at <= begins_at or other.begins_at >= period.ends_at:
            continue
        if other.begins_at > begins_at:
            parts.append(PricePeriod(begins_at, other.begins_at, period.per_kwh))
        begins_at = max(begins_at, other.ends_at)
    if begins_at < period.ends_at:
        parts.append(PricePeriod(begins_at, period.ends_at, period.per_kwh))
    return parts


def _of(curve: str) -> Any:
    return select(price_curves).where(price_curves.c.curve == storable_text(curve))


def _curve(row: Row[Any]) -> PriceCurve:
    periods = tuple(
        PricePeriod(datetime.fromisoformat(begins), datetime.fromisoformat(ends), Decimal(price))
        for begins, ends, price in row.periods
    )
    return PriceCurve(row.curve, row.version, row.published_at, periods)
