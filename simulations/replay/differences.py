"""Where a decision that was made again is not the recorded one, gathered into stretches of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.json_text import utc_text
from controller.plan import Plan, Setpoint
from simulations.replay.rerun import Step

FAILED: Final = "failed"
NONE: Final = "no limit"
STRETCHES_MAX: Final = 10_000
"""More of them say that the recording and this controller have nothing in common; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one decision says otherwise about one subject."""

    at: datetime
    subject: str
    """A point's id, or what an event is about."""
    recorded: str
    """The recorded reason, or event."""
    replayed: str
    recorded_a: float | None = None
    """The recorded limit [A]."""
    replayed_a: float | None = None


@dataclass(slots=True)
class Stretch:
    """The same difference in one decision after the other."""

    begins: datetime
    ends: datetime
    recorded: str
    replayed: str
    decisions: int = 1
    subjects: list[str] = field(default_factory=list)
    recorded_a: tuple[float, float] | None = None
    """Lowest and highest limit [A]."""
    replayed_a: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "from": utc_text(self.begins),
            "to": utc_text(self.ends),
            "decisions": self.decisions,
            "subjects": self.subjects,
            "recorded": {"because": self.recorded, "limit_a": self.recorded_a},
            "replayed": {"because": self.replayed, "limit_a": self.replayed_a},
        }


def differences(step: Step) -> list[Difference]:
    """Everything that the decision says otherwise than the recorded one; limits must be the same to the last digit."""
    was, now = step.recorded.plan, step.turn.decision.plan if step.turn else None
    if was is None or now is None:
        if (was is None) == (now is None):
            return []
        told = [FAILED if plan is None else "decided" for plan in (was, now)]
        error = f": {step.error}" if step.error else ""
        return [Difference(step.at, "decision", told[0], told[1] + error)]
    return [*_setpoints(step.at, was, now), *_events(step.at, was, now)]


def _setpoints(at: datetime, was: Plan, now: Plan) -> Iterator[Difference]:
    for point in dict.fromkeys([*was.setpoints, *now.setpoints]):
        old, new = was.setpoints.get(point), now.setpoints.get(point)
        if old != new:
            yield Difference(at, point, _because(old), _because(new), _limit(old), _limit(new))


def _because(setpoint: Setpoint | None) -> str:
    return NONE if setpoint is None else setpoint.because


def _limit(setpoint: Setpoint | None) -> float | None:
    return None if setpoint is None else setpoint.limit_a


def _events(at: datetime, was: Plan, now: Plan) -> Iterator[Difference]:
    for event in was.events:
        if event not in now.events:
            yield Difference(at, event.subject, f"{event.kind}: {event.message}", "no such event")
    for event in now.events:
        if event not in was.events:
            yield Difference(at, event.subject, "no such event", f"{event.kind}: {event.message}")


class Comparison:
    """Counts decisions, and gathers differences that go on from one to the next."""

    def __init__(self) -> None:
        self.decisions = 0
        self.differing = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.hidden = 0
        """Stretches beyond ``STRETCHES_MAX``."""
        self._open: dict[tuple[str, str, str], Stretch] = {}
        self._closed: list[Stretch] = []

    def add(self, step: Step) -> None:
        """Take the next decision."""
        found = differences(step)
        self.decisions += 1
        self.differing += bool(found)
        self.first = self.first or step.at
        self.last = step.at
        still = {}
        for difference in found:
            key = (difference.subject, difference.recorded, difference.replayed)
            still[key] = _longer(self._open.pop(key, None), difference)
        self._close(self._open)
        self._open = still

    def stretches(self) -> list[Stretch]:
        """All differences, in order of time; subjects that differ alike at the same time stand together."""
        self._close(self._open)
        self._open = {}
        together: dict[Any, Stretch] = {}
        for one in sorted(self._closed, key=lambda s: (s.begins, s.ends, s.subjects)):
            key = (one.begins, one.ends, one.decisions, one.recorded, one.replayed)
            if (first := together.setdefault(key, one)) is not one:
                first.subjects += one.subjects
                first.recorded_a = _both(first.recorded_a, one.recorded_a)
                first.replayed_a = _both(first.replayed_a, one.replayed_a)
        self._closed = list(together.values())
        return self._closed

    def _close(self, ended: dict[tuple[str, str, str], Stretch]) -> None:
        room = max(0, STRETCHES_MAX - len(self._closed))
        self._closed += list(ended.values())[:room]
        self.hidden += max(0, len(ended) - room)


def _longer(before: Stretch | None, difference: Difference) -> Stretch:
    recorded_a, replayed_a = _alone(difference.recorded_a), _alone(difference.replayed_a)
    if before is None:
        at, subjects = difference.at, [difference.subject]
        return Stretch(at, at, difference.recorded, difference.replayed, 1, subjects, recorded_a, replayed_a)
    before.ends = difference.at
    before.decisions += 1
    before.recorded_a = _both(before.recorded_a, recorded_a)
    before.replayed_a = _both(before.replayed_a, replayed_a)
    return before


def _alone(limit_a: float | None) -> tuple[float, float] | None:
    return None if limit_a is None else (limit_a, limit_a)


def _both(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])
