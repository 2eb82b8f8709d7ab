"""Follows one point through a replay, so that its limit at one moment can be explained."""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from adapters.json_text import utc_text
from adapters.recording import Message
from controller.explain import Explanation, Reason, Turn, changes, explain, sentence
from controller.explain.model import seconds
from simulations.replay.differences import Difference, differences
from simulations.replay.rerun import Step
from simulations.replay.times import local

TALK: Final = timedelta(seconds=60)
TALK_MAX: Final = 12
"""Messages shown: those of this time before the decision, and no more than these."""
TEXT_MAX: Final = 110
_IS_RECEIPT: Final = re.compile(r'\[3,"[^"]*",\{\}\]')
"""An answer that says no more than that the message has come."""


class Follower:
    """Keeps what is needed to explain the latest decision for one point."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.latest: Step | None = None
        self._before: Step | None = None
        self._changed: tuple[Step, Step] | None = None
        """The decision before, and the one that last changed the limit."""
        self._messages: deque[Message] = deque(maxlen=TALK_MAX)

    def heard(self, message: Message) -> None:
        """Take a message of any station."""
        site = self.latest.site if self.latest else None
        of_others = site is not None and self.point in site.point and message.station != site.point[self.point].station
        if not of_others and not _IS_RECEIPT.fullmatch(message.text):
            self._messages.append(message)

    def add(self, step: Step) -> None:
        """Take the next decision."""
        if step.turn is None:
            return
        self._before, self.latest = self.latest, step
        if self._before is not None and _limit_a(self._before, self.point) != _limit_a(step, self.point):
            self._changed = (self._before, step)

    def story(self) -> Story | None:
        """The explanation of the latest decision; None where there has been none for it."""
        if self.latest is None or self.latest.turn is None:
            return None
        site, turn = self.latest.site, self.latest.turn
        if self.point not in site.point:
            return None
        station = site.point[self.point].station
        since = self.latest.at - TALK
        return Story(
            step=self.latest,
            sentence=sentence(site, turn, self.point),
            explanation=explain(site, turn, self.point),
            since=self._changed[1] if self._changed else None,
            changes=_changes(self._changed, self.point),
            messages=tuple(m for m in self._messages if m.station == station and m.at >= since),
            different=tuple(d for d in differences(self.latest) if d.subject == self.point),
        )


def _changes(changed: tuple[Step, Step] | None, point: str) -> tuple[Reason, ...]:
    if changed is None or changed[0].turn is None or changed[1].turn is None:
        return ()
    return changes(changed[1].site, changed[0].turn, changed[1].turn, point)


def _limit_a(step: Step, point: str) -> float | None:
    turn: Turn | None = step.turn
    setpoint = turn.decision.plan.setpoints.get(point) if turn else None
    return setpoint.limit_a if setpoint else None


@dataclass(frozen=True, slots=True)
class Story:
    """Why a point had its limit, since when, and what was said to its charger."""

    step: Step
    sentence: str
    """The whole of it in one sentence, as it would have been said then."""
    explanation: Explanation
    since: Step | None
    """The decision that gave it this limit; None: one before the recording, or its beginning."""
    changes: tuple[Reason, ...]
    """What was different then."""
    messages: tuple[Message, ...]
    different: tuple[Difference, ...]
    """What was recorded otherwise."""

    def lines(self) -> list[str]:
        """For people."""
        site, at = self.step.site, self.step.at
        told = [f"{self.explanation.point} at {local(at, site, date_too=True)} ({site.time_zone})", ""]
        told += [self.sentence, ""]
        told += [f"- {reason.text}" for reason in self.explanation.reasons]
        if self.since is not None:
            ago = seconds((at - self.since.at).total_seconds())
            told += ["", f"It had this limit since {local(self.since.at, site)}, for {ago}. What happened then:"]
            told += [f"- {reason.text}" for reason in self.changes]
        else:
            told += ["", "It had this limit from the beginning of what was replayed."]
        if self.messages:
            told += ["", "Messages of its charger in the minute before:"]
            told += [f"  {local(message.at, site)} {_told(message)}" for message in self.messages]
        for difference in self.different:
            recorded = _amount(difference.recorded_a, difference.recorded)
            told += ["", f"Recorded was another decision: {recorded}. What is explained is the one made again."]
        return told

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "at": utc_text(self.step.at),
            "point": self.explanation.point,
            "limit_a": self.explanation.limit_a,
            "because": self.explanation.because,
            "sentence": self.sentence,
            "reasons": [_reason(reason) for reason in self.explanation.reasons],
            "since": utc_text(self.since.at) if self.since else None,
            "changes": [_reason(reason) for reason in self.changes],
            "messages": [
                {"at": utc_text(m.at), "station": m.station, "direction": m.direction, "text": m.text}
                for m in self.messages
            ],
            "as_recorded": not self.different,
        }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"topic": reason.topic, "text": reason.text, "numbers": dict(reason.numbers)}


def _amount(limit_a: float | None, because: str) -> str:
    return because if limit_a is None else f"{limit_a:.1f} A ({because})"


def _plain(payload: Any) -> str:
    return json.dumps(payload, ensure_ascii=False)


def _told(message: Message) -> str:
    """A message in one line: who speaks, and what without the wrapping."""
    way = {"in": f"{message.station} says", "out": f"{message.station} is told"}[message.direction]
    try:
        frame = json.loads(message.text)
        what = f"{frame[2]} {_plain(frame[3])}" if frame[0] == 2 else _plain(frame[2])
    except (ValueError, IndexError, KeyError, TypeError):
        what = message.text
    return f"{way} {what if len(what) <= TEXT_MAX else what[: TEXT_MAX - 1] + '…'}"
