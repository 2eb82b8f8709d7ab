"""What sessions cannot be: every kind of impossible data has one rule, and is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from simulations.data.recorded import RecordedSession
from simulations.scenario.model import DataNote

CHARGER_W: Final = 400_000.0
"""What the strongest chargers in common use give; whoever knows the site's own names its chargers' maximum [W]."""

POWER_TOLERANCE: Final = 1.1
"""Voltages are up to 10 % above nominal (EN 50160), and meters are not exact."""

TIME_TOLERANCE_S: Final = 300.0
"""Times are often kept to the minute, and those of simulations to 5 minutes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of impossible data, and what is done about it."""

    problem: str
    rule: str


SAME_ID: Final = Rule("id that is there before", "the first session of that id counts")
NO_STAY: Final = Rule("departure not after arrival", "left out")
NO_ENERGY: Final = Rule("energy missing, zero or negative", "left out")
OVERLAP: Final = Rule("two cars at one point at once", "the earlier one has left when the later one arrives")
AT_ONCE: Final = Rule("two cars at one point from the same moment", "the one that leaves later counts")
NO_POWER: Final = Rule("highest power not above zero", "counts as not known")
TOO_MUCH: Final = Rule("energy above what the charger can give in the stay", "cut to what it can give")
STATED_LEAVES: Final = Rule("stated departure not after arrival", "counts as not stated")
STATED_ENERGY: Final = Rule("stated energy not above zero", "counts as not stated")
DONE: Final = Rule("end of charging outside the stay", "moved to the nearer end of the stay")

RULES: Final = (
    SAME_ID,
    NO_STAY,
    NO_ENERGY,
    OVERLAP,
    AT_ONCE,
    NO_POWER,
    TOO_MUCH,
    STATED_LEAVES,
    STATED_ENERGY,
    DONE,
)
"""All of them, in the order in which they are applied."""


class _Tally:
    """How often each rule was applied, and to which session first."""

    def __init__(self) -> None:
        self._counts: dict[Rule, int] = {}
        self._first: dict[Rule, str] = {}

    def count(self, rule: Rule, session: RecordedSession) -> None:
        self._counts[rule] = self._counts.get(rule, 0) + 1
        self._first.setdefault(rule, session.id)

    def notes(self, source: str) -> tuple[DataNote, ...]:
        return tuple(
            DataNote(source, f"{rule.problem} (first: session {self._first[rule]})", self._counts[rule], rule.rule)
            for rule in RULES
            if rule in self._counts
        )


def plausible(
    sessions: Iterable[RecordedSession], source: str, charger_w: float = CHARGER_W
) -> tuple[tuple[RecordedSession, ...], tuple[DataNote, ...]]:
    """Apply every rule.

    Args:
        sessions: As they were read, in the order of the file.
        source: Where from, for the notes.
        charger_w: Most that a charger of the site gives [W]; a session's own highest power goes before it.

    Returns:
        What is left of them, by arrival, and the notes.
    """
    tally = _Tally()
    ordered = sorted(_whole(sessions, tally), key=lambda one: (one.arrives, one.leaves, one.id))
    kept = tuple(_sound(session, charger_w, tally) for session in _alone(ordered, tally))
    return kept, tally.notes(source)


def _whole(sessions: Iterable[RecordedSession], tally: _Tally) -> Iterator[RecordedSession]:
    """Leave out what is no session at all."""
    ids: set[str] = set()
    for session in sessions:
        if session.id in ids:
            tally.count(SAME_ID, session)
            continue
        ids.add(session.id)
        if session.leaves <= session.arrives:
            tally.count(NO_STAY, session)
        elif not session.energy_wh > 0.0:  # NaN is not either
            tally.count(NO_ENERGY, session)
        else:
            yield session


def _alone(sessions: Sequence[RecordedSession], tally: _Tally) -> Iterator[RecordedSession]:
    """Nobody stands where another one arrives.

    Args:
        sessions: By arrival, and by departure where that is the same.
        tally: Counts.
    """
    following = _following(sessions)
    for session in sessions:
        arrives = following.get(session.id)
        if arrives is None or arrives >= session.leaves:
            yield session
        elif arrives > session.arrives:
            tally.count(OVERLAP, session)
            yield replace(session, leaves=arrives)
        else:
            tally.count(AT_ONCE, session)


def _following(sessions: Sequence[RecordedSession]) -> dict[str, datetime]:
    """When the next car arrives at the same point, by session id."""
    next_at: dict[str, datetime] = {}
    following: dict[str, datetime] = {}
    for session in reversed(sessions):
        if session.point is not None:
            if session.point in next_at:
                following[session.id] = next_at[session.point]
            next_at[session.point] = session.arrives
    return following


def _sound(session: RecordedSession, charger_w: float, tally: _Tally) -> RecordedSession:
    """The session with what can be put right put right."""
    for rule, correct in _CORRECTIONS:
        corrected = correct(session, charger_w)
        if corrected is not None:
            tally.count(rule, session)
            session = corrected
    return session


def _without_power(session: RecordedSession, _charger_w: float) -> RecordedSession | None:
    impossible = session.max_power_w is not None and not session.max_power_w > 0.0
    return replace(session, max_power_w=None) if impossible else None


def _cut(session: RecordedSession, charger_w: float) -> RecordedSession | None:
    power_w = charger_w if session.max_power_w is None else session.max_power_w
    bearable_wh = POWER_TOLERANCE * power_w * (session.stay_s + TIME_TOLERANCE_S) / 3600.0
    return replace(session, energy_wh=power_w * session.stay_s / 3600.0) if session.energy_wh > bearable_wh else None


def _without_departure(session: RecordedSession, _charger_w: float) -> RecordedSession | None:
    impossible = session.stated_leaves is not None and session.stated_leaves <= session.arrives
    return replace(session, stated_leaves=None) if impossible else None


def _without_request(session: RecordedSession, _charger_w: float) -> RecordedSession | None:
    impossible = session.requested_wh is not None and not session.requested_wh > 0.0
    return replace(session, requested_wh=None) if impossible else None


def _done_within(session: RecordedSession, _charger_w: float) -> RecordedSession | None:
    if session.done_at is None or session.arrives <= session.done_at <= session.leaves:
        return None
    return replace(session, done_at=min(max(session.done_at, session.arrives), session.leaves))


_CORRECTIONS: Final[Sequence[tuple[Rule, Callable[[RecordedSession, float], RecordedSession | None]]]] = (
    (NO_POWER, _without_power),
    (TOO_MUCH, _cut),
    (STATED_LEAVES, _without_departure),
    (STATED_ENERGY, _without_request),
    (DONE, _done_within),
)
"""Each gives the corrected session, or None where there is nothing to correct."""
