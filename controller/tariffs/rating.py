"""What a session costs: a pure function of frozen facts and a frozen tariff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controller.tariffs import taxing
from controller.tariffs.compiled import COUNTED, NO_CURVES, CompiledTariff
from controller.tariffs.doubts import settled
from controller.tariffs.local_time import moment_at
from controller.tariffs.pricing import price_lines
from controller.tariffs.rated import TOTAL_STEP, Flag, Line, LineKind, Period, RatedSession, Tax
from controller.tariffs.session_facts import SessionFacts
from controller.tariffs.spans import Span
from controller.tariffs.splitting import split
from controller.tariffs.tariff import PriceCurve, Tariff


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
    parts, doubts = settled(split(facts, compiled), facts, compiled)
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
        periods=tuple(_periods(parts.spans)),
        review_flags=_flags(facts, tariff, doubts, idle_alone=not parts.delivered and _idle_billed(lines)),
        energy_kwh=parts.registers.total_kwh,
    )


def _periods(spans: list[Span]) -> Iterator[Period]:
    """The spans as people read them."""
    base, starts_at = spans[0].begins.kwh, moment_at(spans[0].begins_us)
    for span in spans:
        ends_at = moment_at(span.ends_us)
        yield Period(
            starts_at=starts_at,
            ends_at=ends_at,
            activity=span.activity,
            energy_kwh=span.energy_kwh,
            start_kwh=span.begins.kwh - base,
            energy_estimated=span.begins.estimated or span.ends.estimated,
            elements=tuple([(d, r.element) for d, r in zip(COUNTED, span.choice, strict=True) if r is not None]),
            per_kwh=span.per_kwh,
        )
        starts_at = ends_at


def _idle_billed(lines: list[Line]) -> bool:
    return any(line.kind is LineKind.PARKING_TIME and line.unit_price for line in lines)


def _flags(facts: SessionFacts, tariff: Tariff, doubts: list[Flag], *, idle_alone: bool) -> tuple[str, ...]:
    """Why a person should look at it; each once, in the order in which they were found."""
    flags: list[str] = [*facts.flags, *doubts]
    starts, ends = tariff.starts_at, tariff.ends_at
    if (starts is not None and facts.starts_at < starts) or (ends is not None and facts.starts_at >= ends):
        flags.append(Flag.TARIFF_NOT_VALID)
    if idle_alone:
        flags.append(Flag.IDLE_WITHOUT_ENERGY)
    return tuple(dict.fromkeys(str(flag) for flag in flags))
