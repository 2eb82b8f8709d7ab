"""The kinds of value that a site file holds, each with what it must look like."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from adapters.broker import Broker
from adapters.json_path import parse_path
from controller.site import WIRINGS
from controller.units import RESOLUTION_A, TOLERANCE_A

_ID: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$"
_IDENTITY: Final = r"^[^\x00-\x20\x7F:/]([^\x00-\x1F\x7F:/]*[^\x00-\x20\x7F:/])?$"
_CURRENCY: Final = r"^[A-Z]{3}$"
_HOST: Final = r"^[A-Za-z0-9_.:%\-]+$"
_VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
_TOPIC: Final = r"^[^+#\x00]+$"
_UID_OR_BEGINNING: Final = r"^[\x20-\x29\x2B-\x7E]+\*?$"
_PRINTABLE: Final = r"^[\x20-\x7E]+$"

PATTERNS: Final[Mapping[str, str]] = {
    _ID: "letters, digits, '_', '-' and '.', beginning with a letter, a digit or '_'",
    _IDENTITY: "a name without ':' and '/'",
    _CURRENCY: 'a currency code of three capital letters (ISO 4217), such as "EUR"',
    _HOST: "a host name or an IP address",
    _VARIABLE: "the name of an environment variable",
    _TOPIC: "an MQTT topic without wildcards",
    _PRINTABLE: "printable ASCII characters",
    _UID_OR_BEGINNING: "the uid of a token, or the beginning of some followed by one *",
}
"""What each pattern asks for, in words."""

PRICE_MAX: Final = 1_000_000
"""Above the price of a kWh in any currency; a slip of the decimal point or a hostile exponent is caught here."""

ENERGY_MAX_KWH: Final = 1000.0
"""Above the battery of any lorry; Wh that were written for kWh are caught here."""

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError('expected the name of a time zone, such as "Europe/Amsterdam"')
    return name


@cache
def _zones() -> Collection[str]:
    return available_timezones()


def _wiring(name: str) -> str:
    if name not in WIRINGS:
        raise ValueError(f"expected one of {', '.join(WIRINGS)}")
    return name


def _each_phase(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 3:
        return tuple(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return (value, value, value)
    raise ValueError("expected a number for all phases or a list of three, [L1, L2, L3]")


def _some_phase(value: tuple[float, float, float]) -> tuple[float, float, float]:
    if max(value) <= 0:
        raise ValueError("expected a rating above 0 A on at least one phase")
    return value


def _tenths(value: float) -> float:
    if abs(value - round(value / RESOLUTION_A) * RESOLUTION_A) > TOLERANCE_A:
        raise ValueError("expected a multiple of 0.1 A (chargers accept no finer limits)")
    return value


def _price(value: Any) -> Decimal:
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    raise ValueError("expected an amount of money, such as 0.30")


def _to_utc(time: datetime) -> datetime:
    # Far from both ends of what a datetime holds, so that arithmetic with it cannot overflow.
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(f"expected a time between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return time.astimezone(UTC)


def _json_path(text: str) -> str:
    try:
        parse_path(text)
    except ValueError:
        raise ValueError("expected a path such as data.l1.current or phases[0].a") from None
    return text


def _url(example: str, *schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            sound = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise ValueError(f'expected a URL such as "{example}"')
        return value

    return check


def _mqtt_url(value: str) -> str:
    try:
        Broker.at(value)
    except ValueError:  # whose text may repeat a part of a password
        raise ValueError("expected mqtt://HOST:PORT or mqtts://HOST:PORT, with USER:PASSWORD@ where needed") from None
    return value


def _web_socket_url(value: str) -> str:
    _url("wss://backoffice.example/ocpp", "ws", "wss")(value)
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError("expected a URL that ends with its path; the password belongs to password_env")
    return value


def _store_url(value: str) -> str:
    if value.startswith("sqlite:///"):
        if value.removeprefix("sqlite:///").partition("?")[0] in {"", ":memory:"}:
            raise ValueError("expected the path of a file after sqlite:/// (sessions must survive a restart)")
        return value
    return _url("sqlite:///loadstar.db or postgresql+psycopg://HOST/DATABASE", "postgresql+psycopg")(value)


def _time_of_day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.strptime(value, "%H:%M").time()  # noqa: DTZ007 - of the site's clock
        except ValueError:
            value = None
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError('expected a time of day, such as "17:00"')
    return value


_PER_PHASE_SCHEMA: Final = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 3, "maxItems": 3},
    ]
}
_PRICE_SCHEMA: Final = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}
_PERCENT_SCHEMA: Final = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"type": "string"}]}

_TIME_SCHEMA: Final = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}

Id = Annotated[str, Field(pattern=_ID, max_length=64)]
"""Becomes a level of MQTT topics and a part of web addresses."""
Identity = Annotated[str, Field(pattern=_IDENTITY, max_length=48)]
"""An OCPP identity. Any name that a URL can carry percent-encoded (OCPP-J 1.6 §3.1.1 has one with a space), but for
the colon, which ends the user name in Basic authentication."""
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, Field(pattern=_CURRENCY)]
Host = Annotated[str, Field(pattern=_HOST)]
Port = Annotated[int, Field(ge=1, le=65535)]
ListeningPort = Annotated[int, Field(ge=0, le=65535)]
Variable = Annotated[str, Field(pattern=_VARIABLE)]
Topic = Annotated[str, Field(pattern=_TOPIC, max_length=1024)]
TokenName = Annotated[str, Field(pattern=_UID_OR_BEGINNING, max_length=37)]
Printable = Annotated[str, Field(pattern=_PRINTABLE)]
Wiring = Annotated[str, AfterValidator(_wiring), Field(json_schema_extra={"enum": list(WIRINGS)})]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Tenths = Annotated[float, Field(gt=0), AfterValidator(_tenths)]
PerPhase = Annotated[
    tuple[NotNegative, NotNegative, NotNegative], BeforeValidator(_each_phase), WithJsonSchema(_PER_PHASE_SCHEMA)
]
Rating = Annotated[PerPhase, AfterValidator(_some_phase)]
Price = Annotated[
    Decimal, BeforeValidator(_price), Field(ge=0, le=PRICE_MAX, decimal_places=6), WithJsonSchema(_PRICE_SCHEMA)
]
Percent = Annotated[
    Decimal, BeforeValidator(_price), Field(ge=0, le=100, decimal_places=4), WithJsonSchema(_PERCENT_SCHEMA)
]
MqttUrl = Annotated[str, AfterValidator(_mqtt_url)]
HttpUrl = Annotated[str, AfterValidator(_url("http://127.0.0.1:8086", "http", "https"))]
WebSocketUrl = Annotated[str, AfterValidator(_web_socket_url)]
UtcTime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A time with a zone, converted to UTC."""
JsonPath = Annotated[str, Field(max_length=200), AfterValidator(_json_path)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), WithJsonSchema(_TIME_SCHEMA)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Energy = Annotated[float, Field(ge=0, le=ENERGY_MAX_KWH)]
