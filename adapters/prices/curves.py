"""Prices that change with time, as they are published: a CSV file, or a message. Read whole, or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError

from adapters.configuration.values import Id
from adapters.json_text import DocumentError, described, parsed
from adapters.rating_documents.values import NumberOrText, UtcMoment
from adapters.strict import StrictModel
from controller.tariffs.tariff import PriceCurve, PricePeriod

PRICE_MOST: Final = Decimal(1000)
"""Beyond what markets allow per kWh, either way, in most currencies: a price per MWh is caught here."""
PERIODS_MOST: Final = 200_000
"""More than five years of quarters of an hour; something else was named by mistake."""
PROBLEMS_MOST: Final = 20
"""More of them say that the file is something else."""

_COLUMNS: Final = ("at", "until", "price_per_kwh")
_HOUR: Final = timedelta(hours=1)
_VERSION_DIGITS: Final = 16

_Row = tuple[datetime, datetime | None, Decimal]


def _plausible(price: Decimal) -> Decimal:
    if abs(price) > PRICE_MOST:
        raise ValueError(f"expected a number from -{PRICE_MOST} to {PRICE_MOST}")
    return price


class CurvePeriodDocument(StrictModel):
    """One price."""

    at: UtcMoment
    """From when."""
    until: UtcMoment | None = None
    """To before when; missing: to the next one, and the last as long as the one before it."""
    price_per_kwh: Annotated[NumberOrText, AfterValidator(_plausible)]
    """May be negative."""


class CurveDocument(StrictModel):
    """A publication of prices (``price/set`` by MQTT, ``POST /prices`` by REST)."""

    curve: Id
    """Id of the curve; tariffs name it."""
    version: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Default: drawn from the prices themselves, so that the same prices are the same version."""
    published_at: UtcMoment | None = None
    """Default: when it arrived."""
    prices: Annotated[list[CurvePeriodDocument], Field(min_length=1, max_length=PERIODS_MOST)]
    """In order of time."""


def read_curve_message(text: bytes, received_at: datetime) -> PriceCurve:
    """The curve in a JSON message, or in the body of a request.

    Raises:
        DocumentError: with everything that is wrong; nothing of it is taken then.
    """
    data = parsed(text.removeprefix(BOM_UTF8), exact=True)
    try:
        document = CurveDocument.model_validate(data)
    except ValidationError as refused:
        raise DocumentError([described(e, CurveDocument) for e in refused.errors(include_url=False)]) from None
    rows = [(one.at, one.until, one.price_per_kwh) for one in document.prices]
    problems = [f"prices[{number}].{problem}" for number, problem in _misfits(rows)]
    if problems:
        raise DocumentError(problems)
    return _curve(document.curve, rows, document.version, document.published_at or received_at)


def read_curve_file(path: Path, curve: str, published_at: datetime, version: str | None = None) -> PriceCurve:
    """The curve in a CSV file: columns ``at`` and ``price_per_kwh``, and ``until`` if there are gaps.

    Times are ISO 8601, in UTC unless they have an offset. Without ``until`` each price holds until the next one, and
    the last one as long as the one before it.

    Raises:
        DocumentError: with everything that is wrong, each with its line; nothing of it is taken then.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        lines = list(_lines(csv.reader(io.StringIO(text, newline=""), strict=True)))
    except OSError as error:
        raise DocumentError([f"{path.name}:1: cannot be read: {error.strerror or error}"]) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DocumentError([f"{path.name}:1: is not a CSV file in UTF-8: {error}"]) from None
    problems = [(number, problem) for number, row in lines if isinstance(row, list) for problem in row]
    rows = [(number, row) for number, row in lines if not isinstance(row, list)]
    problems += [(rows[place][0], problem) for place, problem in _misfits([row for _, row in rows])]
    if not problems and not rows:
        problems = [(1, "holds no prices")]
    if problems:
        told = [f"{path.name}:{number}: {problem}" for number, problem in sorted(problems)]
        hidden = len(told) - PROBLEMS_MOST
        raise DocumentError(told[:PROBLEMS_MOST] + ([f"{path.name}: and {hidden} more"] if hidden > 0 else []))
    return _curve(curve, [row for _, row in rows], version, published_at)


def _curve(name: str, rows: Sequence[_Row], version: str | None, published_at: datetime) -> PriceCurve:
    starts = [at for at, _, _ in rows]
    steps = [later - sooner for sooner, later in pairwise(starts)] or [_HOUR]
    ends = [*starts[1:], starts[-1] + steps[-1]]
    periods = tuple(
        PricePeriod(at, end if until is None else until, price)
        for (at, until, price), end in zip(rows, ends, strict=True)
    )
    return PriceCurve(name, version or _drawn(periods), published_at.astimezone(UTC), periods)


def _drawn(periods: Iterable[PricePeriod]) -> str:
    """A version that the same prices have again."""
    text = "\n".join(
        f"{one.begins_at.isoformat()} {one.ends_at.isoformat()} {one.per_kwh.normalize()}" for one in periods
    )
    return hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]


def _misfits(rows: Sequence[_Row]) -> Iterator[tuple[int, str]]:
    """What is wrong with the order of the prices, by the number of the row."""
    free_from: datetime | None = None
    for number, (at, until, _) in enumerate(rows):
        if free_from is not None and at < free_from:
            yield number, f"at: expected a time not before the end of the price above, {free_from:%FT%TZ}"
        if until is not None and until <= at:
            yield number, f"until: expected a time after at, found {until:%FT%TZ}"
        free_from = max(until or at + timedelta(microseconds=1), free_from or at)


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, _Row | list[str]]]:
    """A price for each line, or what is wrong with it."""
    header = [name.strip() for name in next(reader, [])]
    if not {"at", "price_per_kwh"} <= set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
        yield 1, [f"expected the columns at, price_per_kwh and, if need be, until; found {', '.join(header) or 'none'}"]
        return
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        if number > PERIODS_MOST:
            yield number, [f"expected at most {PERIODS_MOST} rows"]
            return
        if len(row) != len(header):
            yield number, [f"expected {len(header)} values, found {len(row)}"]
            continue
        yield number, _row({name: value.strip() for name, value in zip(header, row, strict=True)})


def _row(row: dict[str, str]) -> _Row | list[str]:
    problems: list[str] = []
    at, until = _time(row, "at", problems), _time(row, "until", problems) if row.get("until") else None
    price = _price(row["price_per_kwh"])
    if price is None:
        found = row["price_per_kwh"][:40]
        problems.append(f"price_per_kwh: expected a number from -{PRICE_MOST} to {PRICE_MOST}, found {found!r}")
    return problems if problems or at is None or price is None else (at, until, price)


def _time(row: dict[str, str], column: str, problems: list[str]) -> datetime | None:
    try:
        found = datetime.fromisoformat(row[column])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(f"{column}: expected a time such as 2026-11-20T09:00:00Z, found {row[column][:40]!r}")
        return None


def _price(text: str) -> Decimal | None:
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if price.is_finite() and abs(price) <= PRICE_MOST else None
