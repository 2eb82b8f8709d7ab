"""What is asked for the sessions that run, at hand for the control loop without ever asking the ledger on its time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from controller.ports.common import Clock
from controller.ports.ledger import SessionRecord
from controller.ports.tokens import Token
from controller.snapshot import PointState
from controller.wishes import Asked, Asker, Group, NoSuchSession, Wish, asked_by_needs, first_said, with_wishes


class WishBook(Protocol):
    """What is asked for sessions, on record. Safe to call from any thread; may take milliseconds."""

    def wish(self, session: str, by: Asker, user: str, changes: Mapping[str, Any], at: datetime) -> Wish:
        """Add to what one has asked for a running session; ``NoSuchSession`` when it does not run."""
        ...

    def wishes(self) -> Sequence[Wish]:
        """What has been asked for the sessions that run."""
        ...

    def tokens(self, uids: Iterable[str]) -> Mapping[str, Token]:
        """Those of these tokens that are known, by the uid as it was given."""
        ...


@dataclass(frozen=True, slots=True)
class _Running:
    session: SessionRecord
    asked: Asked


class Wishes:
    """Everything that is asked for the running sessions of a site. Thread-safe."""

    def __init__(
        self,
        book: WishBook,
        groups: Iterable[Group],
        time_zone: str,
        clock: Clock,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_change`` is called, from whatever thread, when something new has been asked."""
        self._book, self._clock, self._on_change = book, clock, on_change
        self._groups = {group.id: group for group in groups}
        self._zone = ZoneInfo(time_zone)
        self._running: Mapping[str, _Running] = {}
        self._refreshing = threading.Lock()

    def refresh(self, sessions: Iterable[SessionRecord]) -> None:
        """Look up what is asked for these sessions, and forget all others. Blocks: not for the control loop.

        Raises:
            LedgerUnavailable: what was known before stays.
        """
        at_points = {session.point: session for session in sessions if session.point is not None}
        with self._refreshing:
            tokens = self._book.tokens({session.token for session in at_points.values()})
            wishes = {(wish.session, wish.by): wish.asked for wish in self._book.wishes()}
            self._running = {
                point: _Running(session, first_said(self._said(session, tokens.get(session.token), wishes)))
                for point, session in at_points.items()
            }

    def ask(self, point: str, by: Asker, user: str, changes: Mapping[str, Any]) -> None:
        """Ask something for the session that runs at a point; ``changes`` by field of ``Asked``, None takes back.

        It is on disk, and counts from the loop's next turn on, when this returns. Blocks for milliseconds.

        Raises:
            NoSuchSession: none runs there.
            LedgerUnavailable: it could not be written.
        """
        running = self._running.get(point)
        if running is None:
            raise NoSuchSession(point)
        self._book.wish(running.session.id, by, user, changes, self._clock.now())
        self.refresh([each.session for each in self._running.values()])
        self._on_change()

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """What is known of the points, with what is asked for their sessions."""
        running = self._running
        if not running:
            return states
        return {
            point: with_wishes(state, running[point].asked) if point in running else state
            for point, state in states.items()
        }

    def _said(
        self, session: SessionRecord, token: Token | None, wishes: Mapping[tuple[str, Asker], Asked]
    ) -> Iterable[Asked]:
        """What each says for a session, the most particular first."""
        for by in (Asker.MANAGER, Asker.DRIVER):
            if (session.id, by) in wishes:
                yield wishes[session.id, by]
        if token is not None:
            yield asked_by_needs(token.needs, session.started_at, self._zone)
            if (group := self._groups.get(token.group or "")) is not None:
                yield asked_by_needs(group.needs, session.started_at, self._zone)
