"""The site of the demonstration, as a site file: an office with a garage and a street, behind one 125 A fuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from simulations.demo_books import CARDS, FAST, FLEXIBLE
from simulations.demo_credentials import Credentials
from simulations.site_tables import Table, Value

_THREE_PHASE: Final = ("L1L2L3", "L2L3L1", "L3L1L2")
_SINGLE_PHASE: Final = ("L1", "L2", "L3")
_GARAGE_SHARE: Final = 0.6
_LAB_TOKENS: Final = ("04A2B3C4", "04D5E6F7", "0411223344")
PRICE_FILE: Final = "example_prices.csv"
EXAMPLE_PRICES: Final = (
    *("0.36", "0.38", "0.37", "0.33", "0.28", "0.25", "0.23", "0.22", "0.22", "0.23", "0.25", "0.29"),
    *("0.34", "0.35", "0.31", "0.27", "0.24", "0.22", "0.21", "0.22", "0.24", "0.28", "0.33", "0.35"),
)
"""Made up, in the shape of a market's day: what a kWh costs by the hour, from the hour before the demonstration on.

Whenever that is, it begins as if in a dear evening: who has time can be seen to wait.
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens on the loopback interface."""

    web: int
    ocpp: int
    meter: int


def demo_site_file(points: int, ports: Ports, credentials: Credentials | None, *, recorded: bool = False) -> str:
    """The site file of a demonstration with so many charging points, one per station.

    Two thirds or so stand in a garage behind 80 A, the others on a street behind 63 A. Every fifth is
    single-phase; the three-phase ones are wired with rotated phases, as good installers do. Twenty minimum
    shares do not fit beside the building's worst case, so the fallbacks resolve to 0 A. Turns are short, so
    that one sees them taken; so are the slots of the plan, since most cars stay for minutes. Guests may charge
    where nobody has to log in either.
    """
    tls: dict[str, str] = {}
    if credentials is not None:
        tls = {"tls_certificate": credentials.certificate.name, "tls_key": credentials.key.name}
    names = _names(points)
    tables = [
        Table("site", {"id": "demo", "name": "Demonstration", "time_zone": "Europe/Amsterdam"}),
        _circuit("main", fuse_a=125, margin_a=2, meter="grid", base_load_a=25),
        _circuit("garage", parent="main", fuse_a=80, fuse_curve="gG"),
        _circuit("street", parent="main", fuse_a=63, fuse_curve="C"),
        Table("meters", _meter(ports.meter), many=True),
        *(_point(index, name, in_garage=index < round(_GARAGE_SHARE * points)) for index, name in enumerate(names)),
        *_credential_tables(names, credentials),
        Table("ocpp", {"host": "127.0.0.1", "port": ports.ocpp, **tls}),
        Table("web", {"host": "127.0.0.1", "port": ports.web, **tls}),
        Table("store", {"url": "sqlite:///loadstar.db"}),
        Table("tariffs", _tariffs(credentials)),
        Table("loadbalance", {"turn_min": 1.0}),
        Table("plan", {"slot_min": 5, "every_min": 1.0, "price_file": PRICE_FILE}),
        Table("peak", {"tariff": "month_peak", "expected_kw": 70}),
        Table("peak.prices", {"per_kw_month": "9.50"}),
        *([Table("recording", {"directory": "recordings"})] if recorded else []),
    ]
    return "\n".join(str(table) for table in tables)


def demo_tokens(credentials: Credentials | None) -> tuple[str, ...]:
    """The uids of ``CARDS``."""
    return _LAB_TOKENS if credentials is None else credentials.tokens


def _names(points: int) -> list[str]:
    digits = max(2, len(str(points)))
    return [f"{number:0{digits}}" for number in range(1, points + 1)]


def _circuit(name: str, **values: Value) -> Table:
    return Table("circuits", {"id": name, **values}, many=True)


def _meter(port: int) -> dict[str, Value]:
    return {
        "id": "grid",
        "kind": "modbus_tcp",
        "host": "127.0.0.1",
        "port": port,
        "unit": 1,
        "model": "eastron_sdm630",
        "poll_s": 1.0,
    }


def _point(index: int, name: str, in_garage: bool) -> Table:
    single = index % 5 == 4
    wirings = _SINGLE_PHASE if single else _THREE_PHASE
    values: dict[str, Value] = {
        "id": f"P{name}",
        "circuit": "garage" if in_garage else "street",
        "station": f"CP{name}",
        "connector": 1,
        "phases": wirings[(index // 5 if single else index) % 3],
        "max_a": 32 if index % 3 == 0 else 16,
    }
    return Table("points", values, many=True)


def _tariffs(credentials: Credentials | None) -> dict[str, Value]:
    """A price for where no rule holds, and the offers; the rules are in ``demo_books``."""
    return {"price_per_kwh": "0.35", "flexible": FLEXIBLE, "fast": FAST, "guests": credentials is None}


def _credential_tables(names: list[str], credentials: Credentials | None) -> list[Table]:
    tokens = [
        Table("tokens", {"uid": uid, "description": card.description}, many=True)
        for uid, card in zip(demo_tokens(credentials), CARDS, strict=True)
    ]
    if credentials is None:
        return tokens
    return [
        *(
            Table("stations", {"id": f"CP{name}", "password": credentials.station_password(f"CP{name}")}, many=True)
            for name in names
        ),
        *tokens,
        Table(
            "users", {"name": credentials.user, "password": credentials.user_password, "role": "operator"}, many=True
        ),
    ]


def write_demo_site(
    directory: Path, points: int, ports: Ports, credentials: Credentials | None, *, recorded: bool = False
) -> Path:
    """Write ``site.toml`` into a directory, readable by its owner only: it may hold passwords. Prices go beside it."""
    (directory / PRICE_FILE).write_text(_example_prices(datetime.now(UTC)), encoding="utf-8")
    path = directory / "site.toml"
    path.touch(mode=0o600)
    path.write_text(demo_site_file(points, ports, credentials, recorded=recorded), encoding="utf-8")
    return path


def _example_prices(now: datetime) -> str:
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    rows = (f"{first + timedelta(hours=hour):%Y-%m-%dT%H:%MZ},{price}" for hour, price in enumerate(EXAMPLE_PRICES))
    return "\n".join(["at,price_per_kwh", *rows]) + "\n"
