"""Recorded sessions at another time: as they were, or their days drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from simulations.data.days import DAY_S, day_number, day_of, local_seconds, matched_days, unix_seconds
from simulations.data.recorded import RecordedSession


def replay(
    sessions: Sequence[RecordedSession], first_day: date, days: int, time_zone: ZoneInfo
) -> list[RecordedSession]:
    """The sessions as they were, for other days.

    Which recorded day stands in for which is told in ``simulations.data.days.matched_days``.

    Args:
        sessions: As recorded. Every day from the first to the last arrival counts as recorded.
        first_day: The first day on which somebody may arrive.
        days: How many days.
        time_zone: Of the site, by whose clock the time of day stays as it was.

    Returns:
        By arrival, each as long as it was. A name that is needed twice gets the day behind it.

    Raises:
        ValueError: there are no sessions.
    """
    recorded = _Recorded(sessions, time_zone)
    return recorded.moved(matched_days(recorded.first, recorded.last, first_day, days), first_day)


def resample(
    sessions: Sequence[RecordedSession], rng: np.random.Generator, first_day: date, days: int, time_zone: ZoneInfo
) -> list[RecordedSession]:
    """Whole recorded days, drawn for each day from those of the same day of the week (a bootstrap of days).

    A day of the week that was not recorded draws from all days. Stays that go into the next day may meet others at the
    same point.

    Args:
        sessions: As recorded. Every day from the first to the last arrival counts as recorded, and may be drawn.
        rng: The dice. The same dice and days give the same sessions; more days add to them and change none.
        first_day: The first day on which somebody may arrive.
        days: How many days.
        time_zone: Of the site, by whose clock the time of day stays as it was.

    Returns:
        By arrival, each as long as it was. A name that is needed twice gets the day behind it.

    Raises:
        ValueError: there are no sessions.
    """
    recorded = _Recorded(sessions, time_zone)
    every = [recorded.first + timedelta(days=number) for number in range((recorded.last - recorded.first).days + 1)]
    drawn = []
    for number in range(days):
        weekday = (first_day + timedelta(days=number)).weekday()
        alike = [day for day in every if day.weekday() == weekday] or every
        drawn.append(alike[int(rng.integers(len(alike)))])
    return recorded.moved(drawn, first_day)


class _Recorded:
    """Sessions by the day on which they began, on the clock of a site."""

    def __init__(self, sessions: Sequence[RecordedSession], zone: ZoneInfo) -> None:
        if not sessions:
            raise ValueError("there are no sessions")
        self._zone = zone
        self._of_day: dict[int, list[tuple[float, RecordedSession]]] = {}
        ordered = sorted(sessions, key=lambda session: (session.arrives, session.id))
        arrives_s = local_seconds(np.array([session.arrives.timestamp() for session in ordered]), zone)
        for at_s, session in zip(arrives_s.tolist(), ordered, strict=True):
            self._of_day.setdefault(int(at_s // DAY_S), []).append((at_s % DAY_S, session))
        self.first, self.last = day_of(min(self._of_day)), day_of(max(self._of_day))

    def moved(self, sources: Sequence[date], first_day: date) -> list[RecordedSession]:
        """The sessions of these days, for the days from ``first_day`` on."""
        used: set[str] = set()
        moved: list[RecordedSession] = []
        for number, source in enumerate(sources):
            day = first_day + timedelta(days=number)
            for at_s, session in self._of_day.get(day_number(source), ()):
                name = session.id if session.id not in used else f"{session.id}@{day}"
                used.add(name)
                local_s = np.array([day_number(day) * DAY_S + at_s])
                arrives = datetime.fromtimestamp(float(unix_seconds(local_s, self._zone)[0]), UTC)
                moved.append(_begun(session, name, arrives))
        return sorted(moved, key=lambda session: (session.arrives, session.id))


def _begun(session: RecordedSession, name: str, arrives: datetime) -> RecordedSession:
    """The session, begun at another time."""
    later = arrives - session.arrives
    return replace(
        session,
        id=name,
        arrives=arrives,
        leaves=session.leaves + later,
        stated_leaves=None if session.stated_leaves is None else session.stated_leaves + later,
        done_at=None if session.done_at is None else session.done_at + later,
    )
