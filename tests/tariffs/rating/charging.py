"""Short ways to write tariffs and sessions down."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from controller.tariffs.rated import LineKind, RatedSession
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import Dimension, Element, PriceComponent, Restrictions, Tariff

AMSTERDAM = "Europe/Amsterdam"


def moment(text: str, zone: str = AMSTERDAM) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def price(dimension: str, amount: str, vat: str | None = "21", **more: Any) -> PriceComponent:
    return PriceComponent(Dimension(dimension), Decimal(amount), None if vat is None else Decimal(vat), **more)


def element(*components: PriceComponent, label: str = "", **restrictions: Any) -> Element:
    return Element(components, Restrictions(**restrictions), label)


def tariff(*elements: Element, **more: Any) -> Tariff:
    return Tariff("T1", "EUR", elements, **more)


def part(activity: str, minutes: float, kwh: str = "0", **draws: str) -> tuple[str, float, str, dict[str, str]]:
    """One thing that happened, with what was delivered in it."""
    return activity, minutes, kwh, draws


def session(
    *parts: tuple[str, float, str, dict[str, str]], at: str, zone: str = AMSTERDAM, **more: Any
) -> SessionFacts:
    """Parts that follow one another from a local time on, with a register wherever one ends."""
    now = moment(at, zone)
    stretches, energy_kwh = [], Decimal(0)
    meter = [MeterPoint(now, energy_kwh)]
    for activity, minutes, kwh, draws in parts:
        then = now + timedelta(minutes=minutes)
        known = {name: Decimal(value) for name, value in draws.items()}
        stretches.append(Stretch(Activity(activity), now, then, **known))
        now, energy_kwh = then, energy_kwh + Decimal(kwh)
        meter.append(MeterPoint(now, energy_kwh))
    return SessionFacts("S1", zone, tuple(stretches), tuple(meter), **more)


def registers(points: Iterable[tuple[str, str]], zone: str = AMSTERDAM) -> tuple[MeterPoint, ...]:
    """Registers at local times."""
    return tuple(MeterPoint(moment(at, zone), Decimal(kwh)) for at, kwh in points)


def billed(rated: RatedSession, kind: LineKind) -> dict[Decimal, Decimal]:
    """What is billed of something, by its price; times to the millionth of an hour."""
    return {line.unit_price: round(line.billed_quantity, 6).normalize() for line in rated.lines if line.kind is kind}


def clock(rated: RatedSession, zone: str = AMSTERDAM) -> list[str]:
    """When its periods begin, at the place."""
    return [f"{period.starts_at.astimezone(ZoneInfo(zone)):%H:%M:%S}" for period in rated.periods]
