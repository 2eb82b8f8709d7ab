"""A session in spans in which every price stays the same.

A session is cut at every moment at which a price may change: where the car or the site does something else, at times of
day, midnights and dates of the site, after a duration, when an amount of energy is reached, where a price curve has
another price, and where idling begins or ceases to cost something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from controller.tariffs.compiled import Choice, CompiledTariff, Hours
from controller.tariffs.local_time import SECOND_US, microseconds
from controller.tariffs.rated import Flag
from controller.tariffs.registers import TOLERANCE_US, Register, Registers
from controller.tariffs.session_facts import Activity, SessionFacts, Stretch

QUARTER_US: Final = 900 * SECOND_US
RESERVED: Final = frozenset({Activity.RESERVATION, Activity.RESERVATION_EXPIRED})
_NOTHING: Final = Decimal(0)


class Run(NamedTuple):
    """A part of a session in which one thing happened."""

    begins_us: int
    ends_us: int
    activity: Activity
    excluded: int
    """Elements that its power and current exclude."""
    unknown: int
    """Elements that depend on a power or current which is not known."""


class Span(NamedTuple):
    """A part of a session in which every price stays the same, from its beginning to before its end."""

    begins_us: int
    ends_us: int
    activity: Activity
    begins: Register
    ends: Register
    choice: Choice
    """What costs something; of time only what is counted in this activity."""
    per_kwh: Decimal | None
    """None: energy costs nothing, or its price is unknown."""

    @property
    def duration_us(self) -> int:
        """How long it lasts [us]."""
        return self.ends_us - self.begins_us

    @property
    def energy_kwh(self) -> Decimal:
        """What was delivered in it."""
        return self.ends.kwh - self.begins.kwh

    @property
    def reserved(self) -> bool:
        """Whether a reservation held."""
        return self.activity in RESERVED


class Split(NamedTuple):
    """A session, split."""

    spans: list[Span]
    registers: Registers
    delivered: bool
    """Whether there was energy; where no register is known, whether the car was charging."""
    flags: list[Flag]


class _Parts(NamedTuple):
    """What a session consists of before it is cut."""

    runs: list[Run]
    hours: list[tuple[int, Hours]]
    registers: Registers
    begins_us: int
    session_us: int
    """After a reservation."""
    ends_us: int


def split(facts: SessionFacts, compiled: CompiledTariff) -> Split:
    """Cut a session where a price may change, and find what each part costs by which element."""
    runs = _runs(facts, compiled)
    begins, ends = runs[0].begins_us, runs[-1].ends_us
    session = next((run.begins_us for run in runs if run.activity not in RESERVED), ends)
    hours = compiled.hours.between(begins, ends)
    parts = _Parts(runs, hours, Registers(facts.meter, begins, ends), begins, session, ends)
    moments = set(_moments(parts, compiled))
    parts.registers.snap(sorted(moments))
    registers = parts.registers
    delivered = registers.total_kwh > 0 if registers.kwh else any(r.activity is Activity.CHARGING for r in runs)
    idle = _idle(parts, compiled, delivered=delivered)
    spans, unknown_power = _spans(parts, compiled, idle, _cuts(parts, compiled, moments | idle.edges))
    spans = _merged(spans)
    flags = [Flag.POWER_UNKNOWN] if unknown_power else []
    flags += _register_flags(parts, compiled, spans, running=facts.running)
    if any(s.choice.energy and s.per_kwh is None and s.energy_kwh for s in spans):
        flags.append(Flag.UNRATED_CURVE)
    if facts.legal_metrology:
        spans, doubtful = _at_lowest_rates(spans, registers)
        flags += [Flag.LOWEST_RATE] if doubtful else []
    elif any(b.begins.until_us - b.begins.since_us > QUARTER_US for a, b in pairwise(spans) if _estimated(a, b)):
        flags.append(Flag.ESTIMATED_IN_GAP)
    return Split(spans, registers, delivered, flags)


def _runs(facts: SessionFacts, compiled: CompiledTariff) -> list[Run]:
    """The stretches, those joined between which nothing changes that matters."""
    runs: list[Run] = []
    key, begins = None, facts.starts_at
    for stretch in facts.stretches:
        its_key = (stretch.activity, *_draw(stretch, compiled))
        if its_key != key:
            if key is not None:
                runs.append(Run(microseconds(begins), microseconds(stretch.starts_at), *key))
            key, begins = its_key, stretch.starts_at
    assert key is not None
    return [*runs, Run(microseconds(begins), microseconds(facts.ends_at), *key)]


def _draw(stretch: Stretch, compiled: CompiledTariff) -> tuple[int, int]:
    """The elements that a stretch's power and current exclude, and those of which that is unknown."""
    powers, currents = compiled.powers, compiled.currents
    if not powers.rows and not currents.rows:
        return 0, 0
    nothing = _NOTHING if stretch.activity is Activity.IDLE else None  # a car that asks for nothing draws nothing
    power = nothing if stretch.power_kw is None else stretch.power_kw
    current = nothing if stretch.current_a is None else stretch.current_a
    unknown = (powers.bits if power is None else 0) | (currents.bits if current is None else 0)
    return powers.excluded(power) | currents.excluded(current), unknown


def _moments(parts: _Parts, compiled: CompiledTariff) -> Iterable[int]:
    """When a price may change that depends on time alone."""
    yield from (begins for begins, _ in parts.hours[1:])
    for edge in compiled.durations.edges:
        yield parts.begins_us + int(edge)
        yield parts.session_us + int(edge)
    for prices in compiled.prices.values():
        yield from prices.edges(parts.session_us, parts.ends_us)


class _Idle(NamedTuple):
    """When idling costs something."""

    billed_from: Mapping[int, int]
    """For each idle run, by its beginning, from when on [us]."""

    @property
    def edges(self) -> set[int]:
        return set(self.billed_from.values())


def _idle(parts: _Parts, compiled: CompiledTariff, *, delivered: bool) -> _Idle:
    """Idling is billed after the grace that follows charging, and in no case before the first energy.

    In a session without energy it is billed from its beginning.
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
    return _Idle(billed_from)


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
    parts: _Parts, compiled: CompiledTariff, idle: _Idle, cuts: Sequence[tuple[int, Register]]
) -> tuple[list[Span], bool]:
    """The parts between the cuts, and whether any price depends on a power or current that is unknown."""
    spans: list[Span] = []
    unknown_power = False
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
        unknown_power |= bool(run.unknown) and compiled.choose(active & ~run.unknown, run.activity) != choice
        if run.activity is Activity.IDLE and (hours.idle_free or begins < idle.billed_from[run.begins_us]):
            choice = choice._replace(parking=None)
        per_kwh = None if choice.energy is None else compiled.per_kwh(choice.energy, begins)
        spans.append(Span(begins, ends, run.activity, register, next_register, choice, per_kwh))
    return spans, unknown_power


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans joined where no price changes between them."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and (last.activity, last.choice, last.per_kwh) == (span.activity, span.choice, span.per_kwh):
            merged[-1] = last._replace(ends_us=span.ends_us, ends=span.ends)
        else:
            merged.append(span)
    return merged


def _register_flags(parts: _Parts, compiled: CompiledTariff, spans: Sequence[Span], *, running: bool) -> list[Flag]:
    """What is wrong with the registers of a session whose price depends on them."""
    if not compiled.energies.rows and not any(span.choice.energy for span in spans):
        return []
    times, flags = parts.registers.times, []
    if not times or times[0] > parts.session_us + TOLERANCE_US:
        flags.append(Flag.UNRATED_START)
    if not running and (not times or times[-1] < parts.ends_us - TOLERANCE_US):
        flags.append(Flag.UNRATED_END)
    if parts.registers.total_kwh < 0:
        flags.append(Flag.UNRATED_NEGATIVE)
    if not parts.registers.rising:
        flags.append(Flag.DECREASING_REGISTER)
    return flags


def _rate_key(span: Span) -> tuple[Decimal, Decimal | None]:
    """What a kilowatt-hour costs, and its tax."""
    rate = span.choice.energy
    return span.per_kwh or _NOTHING, rate.component.vat_percent if rate else None


def _estimated(earlier: Span, later: Span) -> bool:
    """Whether energy is divided between two prices by an estimate."""
    return later.begins.estimated and _rate_key(earlier) != _rate_key(later)


def _at_lowest_rates(spans: list[Span], registers: Registers) -> tuple[list[Span], bool]:
    """All energy between two readings given to the cheapest span around, where prices change between them.

    What no register tells apart may not be billed at the higher price. Returns the spans, and whether there was any.
    """
    spans, doubtful = list(spans), False
    at = 1
    while at < len(spans):
        gap = spans[at].begins.since_us
        last = at
        while last + 1 < len(spans) and gap and spans[last + 1].begins.since_us == gap:
            last += 1
        if any(_estimated(a, b) for a, b in pairwise(spans[at - 1 : last + 1])):
            doubtful = True
            cheapest = min(range(at - 1, last + 1), key=lambda n: _rate_key(spans[n])[0])
            low, high = registers.at(gap), registers.at(spans[at].begins.until_us)
            for n in range(at, last + 1):
                register = low if n <= cheapest else high
                spans[n - 1] = spans[n - 1]._replace(ends=register)
                spans[n] = spans[n]._replace(begins=register)
        at = last + 1
    return spans, doubtful
