"""What is doubtful in a session that has been cut: registers missing, falling or estimated, prices unknown."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.local_time import SECOND_US
from controller.tariffs.rated import Flag
from controller.tariffs.registers import TOLERANCE_US, Registers
from controller.tariffs.session_facts import SessionFacts
from controller.tariffs.spans import Span, Split

QUARTER_US: Final = 900 * SECOND_US
"""Readings come every quarter of an hour: an estimate between two of those stands [us]."""
_NOTHING: Final = Decimal(0)


class _Price(NamedTuple):
    """What a kilowatt-hour costs."""

    per_kwh: Decimal
    vat_percent: Decimal | None


def settled(split: Split, facts: SessionFacts, compiled: CompiledTariff) -> tuple[Split, list[Flag]]:
    """Find what is doubtful, and take the doubts out of what only a meter may vouch for.

    Returns:
        The session as it may be billed, and why a person should look at it.
    """
    spans = split.spans
    flags = [Flag.POWER_UNKNOWN] if split.unknown_draw else []
    if compiled.energies.rows or any(span.choice.energy and span.per_kwh != 0 for span in spans):
        flags += _of_registers(split, running=facts.running)
    if any(span.choice.energy and span.per_kwh is None and span.energy_kwh for span in spans):
        flags.append(Flag.UNRATED_CURVE)
    if facts.legal_metrology:
        certain = _at_lowest_prices(spans, split.registers)
        return split._replace(spans=certain), flags + ([Flag.LOWEST_RATE] if certain != spans else [])
    if any(b.begins.until_us - b.begins.since_us > QUARTER_US for a, b in pairwise(spans) if _estimated(a, b)):
        flags.append(Flag.ESTIMATED_IN_GAP)
    return split, flags


def _of_registers(split: Split, *, running: bool) -> list[Flag]:
    """What is wrong with the registers of a session whose price depends on them."""
    times, flags = split.registers.times, []
    if not times or times[0] > split.session_us + TOLERANCE_US:
        flags.append(Flag.UNRATED_START)
    if not running and (not times or times[-1] < split.spans[-1].ends_us - TOLERANCE_US):
        flags.append(Flag.UNRATED_END)
    if split.registers.total_kwh < 0:
        flags.append(Flag.UNRATED_NEGATIVE)
    if not split.registers.rising:
        flags.append(Flag.DECREASING_REGISTER)
    return flags


def _price(span: Span) -> _Price:
    rate = span.choice.energy
    return _Price(span.per_kwh or _NOTHING, rate.component.vat_percent if rate else None)


def _estimated(earlier: Span, later: Span) -> bool:
    """Whether energy is divided between two prices by an estimate, or time at the moment of an amount of energy."""
    if later.begins.estimated:
        return _price(earlier) != _price(later)
    return earlier.activity is later.activity and earlier.choice[2:] != later.choice[2:]


def _at_lowest_prices(spans: list[Span], registers: Registers) -> list[Span]:
    """All energy between two readings given to the cheapest span around, where prices change between them."""
    spans = list(spans)
    at = 1
    while at < len(spans):
        gap, last = spans[at].begins, at
        while last + 1 < len(spans) and gap.until_us and spans[last + 1].begins.since_us == gap.since_us:
            last += 1
        around = range(at - 1, last + 1)
        if any(spans[n + 1].begins.estimated and _price(spans[n]) != _price(spans[n + 1]) for n in around[:-1]):
            cheapest = min(around, key=lambda n: _price(spans[n]).per_kwh)
            low, high = registers.at(gap.since_us), registers.at(gap.until_us)
            for n in around[1:]:
                register = low if n <= cheapest else high
                spans[n - 1] = spans[n - 1]._replace(ends=register)
                spans[n] = spans[n]._replace(begins=register)
        at = last + 1
    return spans
