"""Limits from outside: who may set them, what is refused and why, which of them counts, and how they end.

A ``LimitBook`` is a value: whatever happens to it gives a new one, so it can be read from any thread and replayed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controller.peakshave.limit_times import time_problems
from controller.snapshot import ExternalLimit

Reach = tuple[str, bool, bool]
"""A circuit, whether only for what charges on it, and whether for each charging point by itself."""
RELEASE_STEP_S: Final = 30.0
"""After the end of a limit the power comes back in steps of this length: small ones, for a whole street of sites is
released at the same moment."""
LIMITS_MOST: Final = 1_000
"""Limits that a book holds: a year of schedules; more of them are a sender that has gone wrong."""


@dataclass(frozen=True, slots=True)
class Source:
    """One who may set limits."""

    id: str
    floor_w: float = 0.0
    """Its limits never go below this, whatever it says, as a law may have it (see ``paragraph_14a``) [W]."""
    charging_only: bool = False
    """Whether its limits hold for what charges, not for everything on the circuit."""
    per_point: bool = False
    """Whether they hold for each charging point by itself; then also ``charging_only``."""
    surplus_on_top: bool = False
    """Whether what the site would export comes on top, at the grid connection (``surplus_on_top``)."""
    silent_s: float | None = None
    """Not heard for so long it counts as lost, and its fail-safe holds [s]; None: it need not repeat itself."""
    fail_safe_w: float = 0.0
    """What holds on ``fail_safe_circuit`` while it is lost [W]."""
    fail_safe_circuit: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it was set."""

    circuit: str
    limit_w: float
    """As it was said, before any floor [W]."""
    source: str
    received_at: datetime
    valid_from: datetime | None = None
    """None: at once."""
    valid_until: datetime | None = None
    """None: until it is withdrawn."""
    priority: int = 0
    """Of limits that allow the same, the one with the higher priority is named as the reason."""
    id: str = ""
    """The sender's name for it. Without one it replaces what its source said of the circuit before."""

    @property
    def name(self) -> str:
        """What the book knows it by."""
        return self.id or f"{self.source}:{self.circuit}"


class LimitRefused(Exception):  # noqa: N818 - what a sender did wrong, not we
    """A limit cannot be taken; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Standing(StrEnum):
    """Where a limit stands."""

    COUNTS = "counts"
    LOOSER = "looser"
    """It is valid, and another one on the same circuit allows less."""
    NOT_YET = "not_yet"
    SILENT = "silent"
    """It has no end of its own, and its source is not heard any more: the source's fail-safe holds in its place."""


class Phase(StrEnum):
    """Which part of its life a limit is in."""

    VALID = "valid"
    RELEASING = "releasing"
    """It has ended, and the power comes back in steps."""
    FAIL_SAFE = "fail_safe"
    """It stands for a source that has not been heard."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A limit, and what has become of it at a moment."""

    limit: Limit
    allowed_w: float
    """What it allows now [W]."""
    charging_only: bool
    per_point: bool
    standing: Standing
    phase: Phase
    why: str
    """Why it counts or does not, for people."""

    @property
    def reach(self) -> Reach:
        """What it holds for; only limits of the same reach take one another's place."""
        return (self.limit.circuit, self.charging_only, self.per_point)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds at a site."""

    sources: Mapping[str, Source]
    full_w: Mapping[str, float]
    """What each circuit of the site can carry: where a release ends [W]."""
    release_s: float = 0.0
    """How long the power takes to come back after the end of a limit [s]."""


@dataclass(frozen=True, slots=True)
class LimitBook:
    """All limits of a site that are valid, will be, or are being released; and when each source was heard last.

    A limit that was withdrawn stays, with that moment as its end, until it is released.
    """

    rules: Rules
    limits: Mapping[str, Limit] = field(default_factory=dict)
    heard_s: Mapping[str, float] = field(default_factory=dict)
    """By source [s, monotonic]."""

    def put(self, limit: Limit, now_s: float, may: Collection[str] | None = None) -> LimitBook:
        """The book with one more limit. What is said once more is a sign of life, and keeps the time of its arrival.

        Args:
            limit: what was said; ``received_at`` is now.
            now_s: monotonic [s].
            may: the sources that may speak by the way it came; None: all.

        Raises:
            LimitRefused: with everything that is wrong with it.
        """
        if problems := list(self._problems(limit, self.rules.sources if may is None else may)):
            raise LimitRefused(problems)
        kept = self.expired(limit.received_at).limits
        if limit.name in kept and _same(kept[limit.name], limit):
            return self.heard(limit.source, now_s)
        if limit.name not in kept and len(kept) >= LIMITS_MOST:
            raise LimitRefused([f"there are {LIMITS_MOST} limits already, which is all that is kept"])
        return replace(self, limits={**kept, limit.name: limit}).heard(limit.source, now_s)

    def withdraw(self, name: str, at: datetime) -> LimitBook:
        """The book with a limit that ends now; one that has not begun is forgotten.

        Raises:
            LimitRefused: there is no such limit, or it has ended already.
        """
        limit = self.limits.get(name)
        if limit is None or _ended(limit, at):
            raise LimitRefused([f"there is no limit {name!r} to withdraw"])
        rest = {key: one for key, one in self.limits.items() if key != name}
        if _not_yet(limit, at):
            return replace(self, limits=rest)
        return replace(self, limits=rest | {name: replace(limit, valid_until=at)})

    def heard(self, source: str, now_s: float) -> LimitBook:
        """The book after a sign of life of a source."""
        return replace(self, heard_s={**self.heard_s, source: now_s})

    def expired(self, at: datetime) -> LimitBook:
        """The book without what is over and released."""
        gone = [name for name, one in self.limits.items() if self._released(one, at)]
        if not gone:
            return self
        return replace(self, limits={name: one for name, one in self.limits.items() if name not in gone})

    def entries(self, at: datetime, now_s: float) -> tuple[Entry, ...]:
        """Everything that the book knows of, those that count first."""
        lost = self.lost(now_s)
        found = [self._entry(one, at, lost) for one in self.limits.values() if not self._released(one, at)]
        found += [self._fail_safe(self.rules.sources[source], at) for source in lost]
        ranked = sorted(
            found, key=lambda one: (one.standing is not Standing.COUNTS, one.allowed_w, -one.limit.priority)
        )
        strictest: dict[Reach, Entry] = {}
        for one in ranked:
            if one.standing is Standing.COUNTS:
                strictest.setdefault(one.reach, one)
        return tuple(_ranked(one, strictest.get(one.reach)) for one in ranked)

    def in_force(self, at: datetime, now_s: float) -> tuple[ExternalLimit, ...]:
        """The strictest limit of each circuit: of those on everything, and of those on charging alone."""
        return tuple(
            ExternalLimit(one.limit.circuit, one.allowed_w, one.limit.source, one.charging_only, one.per_point)
            for one in self.entries(at, now_s)
            if one.standing is Standing.COUNTS
        )

    def lost(self, now_s: float) -> tuple[str, ...]:
        """The sources that should have been heard, and were not."""
        return tuple(source.id for source in self.rules.sources.values() if self._lost(source, now_s))

    def silenced(self, limit: Limit, lost: Collection[str]) -> bool:
        """Whether the fail-safe of its lost source holds in place of a limit."""
        circuit = self.rules.sources[limit.source].fail_safe_circuit
        return limit.valid_until is None and limit.source in lost and limit.circuit == circuit

    def given_back(self, passed_s: float) -> float:
        """Which share of the power is back so long after an end: one step at once, the last one with the release."""
        steps = max(1, round(self.rules.release_s / RELEASE_STEP_S))
        return (1 + math.floor(passed_s * steps / self.rules.release_s)) / (steps + 1)

    def _problems(self, limit: Limit, may: Collection[str]) -> Iterator[str]:
        if limit.source not in may:
            known = ", ".join(sorted(may)) or "nobody"
            yield f"source: {limit.source!r} may not set limits; who may: {known}"
        if limit.circuit not in self.rules.full_w:
            yield f"circuit: the site has no circuit {limit.circuit!r}"
        if not math.isfinite(limit.limit_w):
            yield f"limit_w: expected a finite number, got {limit.limit_w!r}"
        elif limit.limit_w < 0:
            yield f"limit_w: expected at least 0 W, got {limit.limit_w:g}"
        yield from time_problems(limit.received_at, limit.valid_from, limit.valid_until)
        earlier = self.limits.get(limit.name)
        if limit.id and earlier is not None and not _ended(earlier, limit.received_at) and not _same(earlier, limit):
            yield f"id: {limit.id!r} is taken by a limit that says something else; withdraw that one first"

    def _released(self, limit: Limit, at: datetime) -> bool:
        return limit.valid_until is not None and at >= limit.valid_until + timedelta(seconds=self.rules.release_s)

    def _entry(self, limit: Limit, at: datetime, lost: Collection[str]) -> Entry:
        source = self.rules.sources[limit.source]
        allowed_w = max(limit.limit_w, source.floor_w)
        phase, standing = Phase.VALID, Standing.COUNTS
        if _not_yet(limit, at):
            standing = Standing.NOT_YET
        elif self.silenced(limit, lost):
            standing = Standing.SILENT
        elif limit.valid_until is not None and at >= limit.valid_until:
            phase = Phase.RELEASING
            passed_s = (at - limit.valid_until).total_seconds()
            allowed_w += self.given_back(passed_s) * max(0.0, self.rules.full_w[limit.circuit] - allowed_w)
        return Entry(limit, allowed_w, source.charging_only, source.per_point, standing, phase, "")

    def _fail_safe(self, source: Source, at: datetime) -> Entry:
        limit = Limit(source.fail_safe_circuit, source.fail_safe_w, source.id, at, id=f"fail_safe:{source.id}")
        allowed_w = max(limit.limit_w, source.floor_w)
        kind = (source.charging_only, source.per_point)
        return Entry(limit, allowed_w, *kind, Standing.COUNTS, Phase.FAIL_SAFE, "")

    def _lost(self, source: Source, now_s: float) -> bool:
        if source.silent_s is None:
            return False
        return now_s - self.heard_s.get(source.id, -math.inf) > source.silent_s


def _not_yet(limit: Limit, at: datetime) -> bool:
    return limit.valid_from is not None and at < limit.valid_from


def _ended(limit: Limit, at: datetime) -> bool:
    return limit.valid_until is not None and at >= limit.valid_until


def _same(one: Limit, other: Limit) -> bool:
    """Whether both say the same; when they arrived does not matter."""
    return replace(one, received_at=other.received_at) == other


def _ranked(entry: Entry, strictest: Entry | None) -> Entry:
    limit = entry.limit
    if entry.standing is Standing.NOT_YET:
        since = "" if limit.valid_from is None else f" {limit.valid_from.isoformat(timespec='seconds')}"
        return replace(entry, why=f"it begins at{since}")
    if entry.standing is Standing.SILENT:
        return replace(entry, why=f"{limit.source} is silent, so its fail-safe holds instead")
    if strictest is not None and entry is not strictest:
        other = f"{strictest.limit.source} allows {strictest.allowed_w:.0f} W"
        return replace(entry, standing=Standing.LOOSER, why=f"{other} on circuit {limit.circuit}, which is no more")
    what = {
        Phase.VALID: "the strictest",
        Phase.RELEASING: "it has ended, and the power comes back in steps; still the strictest",
        Phase.FAIL_SAFE: f"{limit.source} is silent, so its fail-safe holds: the strictest",
    }[entry.phase]
    return replace(entry, why=f"{what} on circuit {limit.circuit}")
