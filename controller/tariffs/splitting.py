"""A session in spans in which every price stays the same.

A session is cut at every moment at which a price may change: where the car or the site does something else, at times of
day, midnights and dates of the site, after a duration, when an amount of energy is reached, where a price curve has
another price, and where idling begins or ceases to cost something.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from controller.tariffs.compiled import Choice, CompiledTariff, Hours
from controller.tariffs.local_time import SECOND_US, microseconds
from controller.tariffs.registers import Register, Registers
from controller.tariffs.session_facts import Activity, SessionFacts, Stretch
from controller.tariffs.spans import RESERVED, Span, Split

_NOTHING: Final = Decimal(0)
_AT: Final = attrgetter("at")


class Run(NamedTuple):
    """A part of a session in which one thing happened."""

    begins_us: int
    ends_us: int
    activity: Activity
    excluded: int
    """Elements that its power and current exclude."""
    unknown: int
    """Elements that depend on a power or current which is not known."""


class _Parts(NamedTuple):
    """What a session consists of before it is cut."""

    runs: list[Run]
    hours: list[tuple[int, Hours]]
    registers: Registers
    begins_us: int
    session_us: int
    ends_us: int


def split(facts: SessionFacts, compiled: CompiledTariff) -> Split:
    """Cut a session where a price may change, and find what each part costs by which element."""
    runs = _runs(facts, compiled)
    begins, ends = runs[0].begins_us, runs[-1].ends_us
    session = next((run.begins_us for run in runs if run.activity not in RESERVED), ends)
    registers = Registers(facts.meter, session, ends)  # no energy flows while a reservation holds
    parts = _Parts(runs, compiled.hours.between(begins, ends), registers, begins, session, ends)
    moments = {moment for moment in _moments(parts, compiled) if begins < moment < ends}
    registers.snap(sorted(moments))
    delivered = registers.total_kwh > 0 if registers.kwh else any(r.activity is Activity.CHARGING for r in runs)
    billed_from = _idle_billed_from(parts, compiled, delivered=delivered)
    cuts = _cuts(parts, compiled, moments | set(billed_from.values()))
    spans, unknown_draw = _spans(parts, compiled, billed_from, cuts)
    served = delivered or any(s.choice.time and s.activity is Activity.CHARGING and s.duration_us for s in spans)
    due = served or compiled.tariff.start_fee_without_energy
    return Split(_merged(_fees_once(spans, due=due)), registers, session, delivered, served, unknown_draw)


def _runs(facts: SessionFacts, compiled: CompiledTariff) -> list[Run]:
    """The stretches, those joined between which nothing changes that matters."""
    runs: list[Run] = []
    key, begins = None, facts.starts_at
    for stretch in facts.stretches:
        its_key = (stretch.activity, *_draw(stretch, facts, compiled))
        if its_key != key:
            if key is not None:
                runs.append(Run(microseconds(begins), microseconds(stretch.starts_at), *key))
            key, begins = its_key, stretch.starts_at
    assert key is not None
    return [*runs, Run(microseconds(begins), microseconds(facts.ends_at), *key)]


def _draw(stretch: Stretch, facts: SessionFacts, compiled: CompiledTariff) -> tuple[int, int]:
    """The elements that a stretch's power and current exclude, and those of which that is unknown."""
    powers, currents = compiled.powers, compiled.currents
    if not powers.rows and not currents.rows:
        return 0, 0
    power, current = stretch.power_kw, stretch.current_a
    if (power is None or current is None) and _drew_nothing(stretch, facts):
        power, current = power or _NOTHING, current or _NOTHING
    unknown = (powers.bits if power is None else 0) | (currents.bits if current is None else 0)
    return powers.excluded(power) | currents.excluded(current), unknown


def _drew_nothing(stretch: Stretch, facts: SessionFacts) -> bool:
    """Whether its car asked for nothing, or was held back while the registers say that nothing flowed."""
    if stretch.activity is not Activity.WITHHELD:
        return stretch.activity is Activity.IDLE
    first = bisect_right(facts.meter, stretch.starts_at, key=_AT) - 1
    last = bisect_left(facts.meter, stretch.ends_at, key=_AT)
    return first >= 0 and last < len(facts.meter) and facts.meter[first].energy_kwh == facts.meter[last].energy_kwh


def _moments(parts: _Parts, compiled: CompiledTariff) -> Iterable[int]:
    """When a price may change that depends on time alone."""
    yield from (begins for begins, _ in parts.hours[1:])
    for edge in compiled.durations.edges:
        yield parts.session_us + int(edge)
        yield parts.begins_us + int(edge)
    for prices in compiled.prices.values():
        yield from prices.edges(parts.session_us, parts.ends_us)


def _idle_billed_from(parts: _Parts, compiled: CompiledTariff, *, delivered: bool) -> dict[int, int]:
    """For each run of idling, by its beginning, from when on it costs something [us].

    That is after the grace which follows charging, and in no case before the first energy. In a session without energy
    it is its beginning.
    """
    grace_us = compiled.tariff.idle.grace_s * SECOND_US
    first_us = parts.begins_us
    if delivered:
        charging = (run.begins_us for run in parts.runs if run.activity is Activity.CHARGING)
        first_us = max(parts.registers.begins_to_rise_us() or first_us, next(charging, first_us))
    billed_from: dict[int, int] = {}
    since: int | None = None
    for run in parts.runs:
        if run.activity is Activity.IDLE:
            since = run.begins_us if since is None else since
            billed_from[run.begins_us] = max(since + grace_us, first_us)
        elif run.activity is not Activity.WITHHELD:
            since = None
    return billed_from


def _cuts(parts: _Parts, compiled: CompiledTariff, moments: set[int]) -> list[tuple[int, Register]]:
    """Every moment at which a price may change, with the register of that moment; first the beginning, last the end."""
    registers = parts.registers
    base = registers.kwh[0] if registers.kwh else _NOTHING
    reached: dict[int, Decimal] = {}
    for edge in compiled.energies.edges:
        reached |= dict.fromkeys(registers.crossings(Decimal(edge)), base + edge)
    moments |= reached.keys()
    moments.update(run.begins_us for run in parts.runs)
    cuts = [(parts.begins_us, Register(base))]
    for moment in sorted(moments):
        if parts.begins_us < moment < parts.ends_us:
            register = registers.at(moment)
            if moment in reached:  # when it was reached is interpolated, how much it is is not
                register = register._replace(kwh=reached[moment], estimated=False)
            cuts.append((moment, register))
    return [*cuts, (parts.ends_us, Register(registers.kwh[-1] if registers.kwh else _NOTHING))]


def _spans(
    parts: _Parts, compiled: CompiledTariff, billed_from: Mapping[int, int], cuts: Sequence[tuple[int, Register]]
) -> tuple[list[Span], bool]:
    """The parts between the cuts, and whether any price depends on a power or current that is unknown."""
    spans: list[Span] = []
    unknown_draw = False
    run_at = hours_at = 0
    base = cuts[0][1].kwh
    for (begins, register), (ends, next_register) in pairwise(cuts):
        while parts.runs[run_at].ends_us <= begins and run_at + 1 < len(parts.runs):
            run_at += 1
        while hours_at + 1 < len(parts.hours) and parts.hours[hours_at + 1][0] <= begins:
            hours_at += 1
        run, hours = parts.runs[run_at], parts.hours[hours_at][1]
        since = parts.begins_us if run.activity in RESERVED else parts.session_us
        excluded = run.excluded | compiled.durations.excluded(begins - since)
        active = hours.elements & ~(excluded | compiled.energies.excluded(register.kwh - base))
        choice = compiled.choose(active, run.activity)
        unknown_draw |= bool(run.unknown) and compiled.choose(active & ~run.unknown, run.activity) != choice
        if run.activity is Activity.IDLE and (hours.idle_free or begins < billed_from[run.begins_us]):
            choice = choice._replace(parking=None)
        per_kwh = None if choice.energy is None else compiled.per_kwh(choice.energy, begins)
        spans.append(Span(begins, ends, run.activity, register, next_register, choice, per_kwh))
    return spans, unknown_draw


def _fees_once(spans: list[Span], *, due: bool) -> list[Span]:
    """Only the first span of a reservation, and of a session, that has a start fee keeps it."""
    pending = {True: True, False: due}  # by: does a reservation hold
    for n, span in enumerate(spans):
        if span.choice.flat:
            if not pending[span.reserved]:
                spans[n] = span._replace(choice=span.choice._replace(flat=None))
            pending[span.reserved] = False
    return spans


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans joined where nothing of their prices changes between them."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if (
            last
            and (last.activity, last.per_kwh) == (span.activity, span.per_kwh)
            and span.choice in _same(last.choice)
        ):
            merged[-1] = last._replace(ends_us=span.ends_us, ends=span.ends)
        else:
            merged.append(span)
    return merged


def _same(choice: Choice) -> tuple[Choice, Choice]:
    """What may follow without a change of price: a start fee is due once."""
    return choice, choice._replace(flat=None)
