"""The kinds of value in tariffs, sessions and charge detail records: exact, bounded, and in words."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

DECIMALS_MAX: Final = 12
"""More of them are no price and no energy."""
DIGITS_MAX: Final = 9
"""Before the decimal point; a hostile exponent is caught here."""

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.]\d{1,9})?)?(Z|[+-]\d\d:\d\d)?")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_NUMBER: Final = re.compile(r"-?\d{1,30}([.]\d{1,30})?")


class OcpiModel(BaseModel):
    """An object of OCPI: what it does not know is kept, so that it can be told. Docstrings describe the fields."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        allow_inf_nan=False,
        frozen=True,
        use_attribute_docstrings=True,
        defer_build=True,  # CDRs are large models, and most commands need none
    )


def _number(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return _bounded(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _whole(value)
    raise ValueError("expected a number")


def _whole(value: int) -> Decimal:
    if abs(value) >= 10**DIGITS_MAX:
        raise ValueError(f"expected a number of at most {DIGITS_MAX} digits before the decimal point")
    return Decimal(value)


def _bounded(value: Decimal) -> Decimal:
    if value and value.adjusted() >= DIGITS_MAX:
        raise ValueError(f"expected a number of at most {DIGITS_MAX} digits before the decimal point")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DECIMALS_MAX:
        raise ValueError(f"expected a number of at most {DECIMALS_MAX} decimals")
    return value if exponent <= 0 else value.quantize(Decimal(1))


def _number_or_text(value: Any) -> Decimal:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError('expected a number, or one as text, such as "20.000"')
        return _bounded(Decimal(value))
    return _number(value)


def _integer(value: Any) -> int:
    """JSON knows no whole numbers: 1.0 is one."""
    number = _number(value)
    if number != int(number):
        raise ValueError("expected a whole number")
    return int(number)


def _utc(value: Any) -> datetime:
    """OCPI types, DateTime: in UTC, and meant so where no offset is written."""
    example = "expected a time in UTC, such as 2026-11-20T09:00:00Z"
    if isinstance(value, str):
        return utc(written_time(value, example), example)
    raise ValueError(example)


def _written(value: Any) -> datetime:
    example = "expected a time such as 2026-11-20T09:00:00, with an offset or without"
    if isinstance(value, str):
        return written_time(value, example)
    raise ValueError(example)


def written_time(text: str, otherwise: str) -> datetime:
    """The time in a text, aware or not.

    Raises:
        ValueError: with ``otherwise`` as its text.
    """
    if not _MOMENT.fullmatch(text):
        raise ValueError(otherwise)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(otherwise) from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError(f"expected a time between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return found


def utc(moment: datetime, otherwise: str) -> datetime:
    """The same moment in UTC; without an offset it is in UTC already."""
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(otherwise) from None


def _time_of_day(value: Any) -> time:
    if value == "24:00":
        raise ValueError('expected "00:00" for the end of the day')
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError('expected a time of day, such as "17:00"')
    return time.fromisoformat(value)


def _day(value: Any) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError('expected a day, such as "2026-12-24"')


def _currency(value: str) -> str:
    if not re.fullmatch("[A-Z]{3}", value):
        raise ValueError('expected a currency code of three capital letters (ISO 4217), such as "EUR"')
    return value


_TEXT_NUMBER_SCHEMA: Final = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$"}]}
_TEXT_NOT_NEGATIVE_SCHEMA: Final = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+([.][0-9]+)?$"}]
}

Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
"""OCPI's number, exactly as it stands."""
NumberNotNegative = Annotated[
    Decimal, Field(ge=0), BeforeValidator(_number), WithJsonSchema({"type": "number", "minimum": 0})
]
Percent = Annotated[
    Decimal,
    Field(ge=0, le=100),
    BeforeValidator(_number),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
NumberOrText = Annotated[Decimal, BeforeValidator(_number_or_text), WithJsonSchema(_TEXT_NUMBER_SCHEMA)]
"""A number with its decimals; as text, programs in between leave them alone."""
NumberOrTextNotNegative = Annotated[
    Decimal, Field(ge=0), BeforeValidator(_number_or_text), WithJsonSchema(_TEXT_NOT_NEGATIVE_SCHEMA)
]
Grace = Annotated[int, Field(ge=0, le=86_400), BeforeValidator(_integer)]
IntegerNotNegative = Annotated[int, Field(ge=0), BeforeValidator(_integer)]
UtcMoment = Annotated[datetime, BeforeValidator(_utc), WithJsonSchema({"type": "string", "format": "date-time"})]
WrittenMoment = Annotated[
    datetime, BeforeValidator(_written), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""Aware or not, as it is written."""
ClockTime = Annotated[
    time,
    BeforeValidator(_time_of_day),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
CurrencyCode = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
Text2 = Annotated[str, Field(min_length=2, max_length=2)]
Text3 = Annotated[str, Field(min_length=3, max_length=3)]
Text36 = Annotated[str, Field(min_length=1, max_length=36)]
Text64 = Annotated[str, Field(min_length=1, max_length=64)]
Text255 = Annotated[str, Field(max_length=255)]
Text512 = Annotated[str, Field(max_length=512)]
