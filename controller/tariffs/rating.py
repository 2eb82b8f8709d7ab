"""What a session costs: a pure function of frozen facts and a frozen tariff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from controller.tariffs import taxing
from controller.tariffs.compiled import NO_CURVES, CompiledTariff
from controller.tariffs.local_time import moment_at
from controller.tariffs.pricing import price_lines
from controller.tariffs.rated import TOTAL_STEP, Flag, Line, LineKind, Period, RatedSession, Tax
from controller.tariffs.session_facts import SessionFacts
from controller.tariffs.splitting import Span, Split, split
from controller.tariffs.tariff import Dimension, PriceCurve, Tariff

_DIMENSIONS: Final = (Dimension.ENERGY, Dimension.FLAT, Dimension.PARKING_TIME, Dimension.TIME)


def rate(
    facts: SessionFacts,
    tariff: Tariff,
    *,
    curves: Mapping[str, PriceCurve] = NO_CURVES,
    contract_tax: Tax | None = None,
    operator_tax: Tax | None = None,
) -> RatedSession:
    """Rate one session; for many of one tariff at one place, see ``rate_with``.

    Args:
        facts: What is known of the session.
        tariff: The version that held when it began; it is not asked whether it still does.
        curves: The price curves that the tariff follows, by id.
        contract_tax: Counts where the tariff says nothing; an exemption counts in any case.
        operator_tax: Counts where neither of them says anything.

    Returns:
        Its price. Where that is not known in whole, ``complete`` is false and a flag ``unrated:...`` says why.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: If there is no such time zone.
    """
    compiled = CompiledTariff(tariff, facts.time_zone, curves)
    return rate_with(compiled, facts, contract_tax=contract_tax, operator_tax=operator_tax)


def rate_with(
    compiled: CompiledTariff, facts: SessionFacts, *, contract_tax: Tax | None = None, operator_tax: Tax | None = None
) -> RatedSession:
    """Rate a session with a tariff that was made ready for its place; else as ``rate``.

    Raises:
        ValueError: If the session took place in another time zone.
    """
    tariff = compiled.tariff
    if facts.time_zone != compiled.time_zone:
        raise ValueError(f"session {facts.id!r} is in {facts.time_zone}, the tariff is ready for {compiled.time_zone}")
    parts = split(facts, compiled)
    lines = price_lines(parts, compiled, contract_tax, operator_tax)
    exact = taxing.total([line.amounts for line in lines])
    return RatedSession(
        session=facts.id,
        currency=tariff.currency,
        tariff_id=tariff.id,
        tariff_version=tariff.version,
        total=taxing.booked(exact, TOTAL_STEP),
        invoice=taxing.total([line.booked for line in lines]),
        lines=tuple(lines),
        periods=tuple(_periods(parts, lines)),
        review_flags=_flags(facts, tariff, parts, lines),
        energy_kwh=parts.registers.total_kwh,
    )


def _periods(parts: Split, lines: list[Line]) -> Iterator[Period]:
    """The spans as people read them."""
    fees = {
        line.kind is LineKind.RESERVATION: line.element
        for line in lines
        if line.unit == "session" and line.element is not None
    }
    base = parts.spans[0].begins.kwh
    for span in parts.spans:
        fee = (
            span.choice.flat
            and fees.get(span.reserved) == span.choice.flat.element
            and fees.pop(span.reserved) is not None
        )
        yield Period(
            starts_at=moment_at(span.begins_us),
            ends_at=moment_at(span.ends_us),
            activity=span.activity,
            energy_kwh=span.energy_kwh,
            start_kwh=span.begins.kwh - base,
            energy_estimated=span.begins.estimated or span.ends.estimated,
            elements=tuple(_elements(span, fee=bool(fee))),
            per_kwh=span.per_kwh,
        )


def _elements(span: Span, *, fee: bool) -> Iterator[tuple[Dimension, int]]:
    for dimension, chosen in zip(_DIMENSIONS, span.choice, strict=True):
        if chosen and (fee or dimension is not Dimension.FLAT):
            yield dimension, chosen.element


def _flags(facts: SessionFacts, tariff: Tariff, parts: Split, lines: list[Line]) -> tuple[str, ...]:
    """Why a person should look at it; each once, in the order in which they were found."""
    flags: list[str] = [*facts.flags, *parts.flags]
    starts, ends = tariff.starts_at, tariff.ends_at
    if (starts is not None and facts.starts_at < starts) or (ends is not None and facts.starts_at >= ends):
        flags.append(Flag.TARIFF_NOT_VALID)
    if not parts.delivered and any(line.kind is LineKind.PARKING_TIME and line.unit_price for line in lines):
        flags.append(Flag.IDLE_WITHOUT_ENERGY)
    return tuple(dict.fromkeys(str(flag) for flag in flags))
