"""What stands as evidence towards a grid operator: when its word came, when it was met, and what was drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from controller.peakshave.grid_operator import Entry, Limit, Phase, Reach, Standing

DRAWN_EVERY_S: Final = 60.0
"""One record a minute of what is drawn under a limit: dimming is for minutes or hours."""
LASTING_S: Final = 4 * 3600.0
LASTING_EVERY_S: Final = 900.0
"""A limit that holds for longer is put on record by the quarter of an hour, so that years of it fit a small disk."""
EXCEEDED_S: Final = 15.0
"""More than allowed for so long is on record: a step of the building takes our 3 s, the charger's 5 and the car's 5."""
TOLERANCE: Final = 0.02
"""Meters of class 1 and currents that are measured without their phase angle differ by as much."""


class Happening(StrEnum):
    """What has happened to a limit."""

    RECEIVED = "received"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    BEGAN = "began"
    IN_CHARGERS = "in_chargers"
    """Every charger below the circuit has accepted what the limit leaves it."""
    MET = "met"
    """And what is measured keeps to it."""
    EXCEEDED = "exceeded"
    """For a while more was measured than it allows."""
    DRAWN = "drawn"
    """Mean power since the last record."""
    ENDED = "ended"
    RELEASED = "released"
    """The power has come back entirely."""
    FAIL_SAFE = "fail_safe"
    """Its source is silent, and what was agreed for that case began to hold."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of the log."""

    at: datetime
    happening: Happening
    limit: Limit
    """As it was said."""
    allowed_w: float | None = None
    """What it allows, after any floor [W]."""
    drawn_w: float | None = None
    """Measured: of everything on the circuit, or of what charges where the limit is for that [W]."""
    by: str = ""
    """By which way it came, and who sent it."""
    note: str = ""
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class Power:
    """What is known of the power that one limit is about."""

    accepted: bool
    """Whether every charger holds what it was told, or less."""
    drawn_w: float | None
    """None: nobody measures it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A limit in force, and what is on record of it so far."""

    entry: Entry
    began_s: float
    """[s, monotonic]"""
    accepted: bool = False
    met: bool = False
    over_since_s: float | None = None
    """Since when more is measured than it allows [s, monotonic]."""
    told_s: float = 0.0
    """When the power was put on record last [s, monotonic]."""
    sum_w: float = 0.0
    readings: int = 0
    """Of the power since then, and their sum."""


def watch(
    before: Mapping[str, Watched],
    entries: Iterable[Entry],
    powers: Mapping[Reach, Power],
    at: datetime,
    now_s: float,
) -> tuple[dict[str, Watched], list[Evidence]]:
    """What is on record after another second.

    Args:
        before: what this gave last, by the limits' names.
        entries: what the book of limits says now.
        powers: by what the limits hold for.
        at: now.
        now_s: the same moment, monotonic [s].
    """
    found = {e.limit.name: e for e in entries if e.standing in (Standing.COUNTS, Standing.LOOSER)}
    after: dict[str, Watched] = {}
    log = [line for name, one in before.items() if name not in found for line in _gone(one, at)]
    for name, entry in found.items():
        earlier = before.get(name)
        if earlier is None or not _continues(earlier.entry, entry):
            log += [] if earlier is None or entry.phase is not Phase.RELEASING else _gone(earlier, at, replaced=True)
            log += _begun(entry, at)
            earlier = Watched(entry, now_s, told_s=now_s)
        after[name] = replace(earlier, entry=entry)
        if entry.phase is not Phase.RELEASING:
            power = powers.get(entry.reach, Power(accepted=False, drawn_w=None))
            after[name], lines = _seen(after[name], power, at, now_s)
            log += lines
    return after, log


def _continues(earlier: Entry, entry: Entry) -> bool:
    if earlier.phase is not entry.phase:
        return False
    return entry.phase is not Phase.VALID or earlier.allowed_w == entry.allowed_w


def _begun(entry: Entry, at: datetime) -> Iterator[Evidence]:
    if entry.phase is not Phase.RELEASING:
        happening = Happening.BEGAN if entry.phase is Phase.VALID else Happening.FAIL_SAFE
        yield Evidence(at, happening, entry.limit, entry.allowed_w)


def _gone(one: Watched, at: datetime, *, replaced: bool = False) -> Iterator[Evidence]:
    """The end of a limit, and of its release; ``replaced``: the release goes on under the same name."""
    limit = one.entry.limit
    if one.entry.phase is not Phase.RELEASING:
        ended_at = at if limit.valid_until is None else min(at, limit.valid_until)
        yield Evidence(ended_at, Happening.ENDED, limit, one.entry.allowed_w, _mean_w(one))
    if not replaced:
        yield Evidence(at, Happening.RELEASED, limit)


def _seen(one: Watched, power: Power, at: datetime, now_s: float) -> tuple[Watched, list[Evidence]]:
    """One more second of a limit that is in force."""
    limit, allowed_w, drawn_w = one.entry.limit, one.entry.allowed_w, power.drawn_w
    log: list[Evidence] = []

    def note(happening: Happening, watts: float | None = drawn_w) -> None:
        log.append(Evidence(at, happening, limit, allowed_w, watts))

    if power.accepted and not one.accepted:
        one = replace(one, accepted=True)
        note(Happening.IN_CHARGERS)
    if drawn_w is not None:
        one = replace(one, sum_w=one.sum_w + drawn_w, readings=one.readings + 1)
        over = drawn_w > allowed_w * (1.0 + TOLERANCE)
        since_s = (now_s if one.over_since_s is None else one.over_since_s) if over else None
        one = replace(one, over_since_s=since_s)
        if one.accepted and not over and not one.met:
            one = replace(one, met=True)
            note(Happening.MET)
        elif one.met and since_s is not None and now_s - since_s >= EXCEEDED_S:
            one = replace(one, met=False)
            note(Happening.EXCEEDED)
    every_s = DRAWN_EVERY_S if now_s - one.began_s <= LASTING_S else LASTING_EVERY_S
    if now_s - one.told_s >= every_s:
        note(Happening.DRAWN, _mean_w(one))
        one = replace(one, told_s=now_s, sum_w=0.0, readings=0)
    return one, log


def _mean_w(one: Watched) -> float | None:
    return one.sum_w / one.readings if one.readings else None
