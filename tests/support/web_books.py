"""What stands behind pages and API, made up: books that remember, and desks with nothing on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters.limits.limiting import Admission, Limits, Way, full_power_w
from adapters.onboarding import Onboarding, View
from controller.peakshave.evidence import Evidence
from controller.peakshave.grid_operator import Limit, Rules, Source
from controller.plan import Event
from controller.ports.common import Clock
from controller.ports.ledger import LedgerUnavailable, SessionRecord
from controller.ports.tokens import Token
from controller.site import Site
from controller.tariffs.book import OperatorTerms
from controller.tariffs.offers import Offer
from controller.tariffs.posted import Posted
from controller.tariffs.tariff import PriceCurve
from controller.wishes import Asked, Asker, NoSuchSession, Wish


@dataclass
class FakeRecords:
    """The book of sessions as a list, newest first; pages are told apart by position."""

    kept: list[SessionRecord] = field(default_factory=list)

    def sessions(
        self, *, running: bool | None = None, point: str | None = None, limit: int = 100, after: str | None = None
    ) -> tuple[Sequence[SessionRecord], str | None]:
        if after is not None and not after.isdigit():
            raise ValueError(f"expected what an earlier answer gave as next, got {after!r}")
        found = [s for s in self.kept if running in (None, s.running) and point in (None, s.point)]
        begin = int(after or 0)
        end = begin + limit
        return found[begin:end], str(end) if end < len(found) else None

    def session(self, session_id: str) -> SessionRecord | None:
        return next((s for s in self.kept if s.id == session_id), None)


@dataclass
class FakeBook:
    """Remembers what is asked; fulfils ``adapters.wishes.WishBook``."""

    kept: dict[tuple[str, Asker], Asked] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    known: dict[str, Token] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Ids of sessions that no longer run, whatever anybody believes."""

    def wish(self, session: str, by: Asker, user: str, changes: Mapping[str, Any], at: datetime) -> Wish:  # noqa: ARG002
        if session in self.ended:
            raise NoSuchSession(session)
        self.kept[session, by] = replace(self.kept.get((session, by), Asked()), **changes)
        self.users.append(user)
        return Wish(session, by, self.kept[session, by])

    def wishes(self) -> Sequence[Wish]:
        return [Wish(session, by, asked) for (session, by), asked in self.kept.items()]

    def tokens(self, uids: Iterable[str]) -> Mapping[str, Token]:
        return {uid: self.known[uid] for uid in uids if uid in self.known}


@dataclass
class FakeEvidence:
    """Remembers what is put on record; fulfils ``adapters.limits.limiting.EvidenceBook``."""

    lines: list[Evidence] = field(default_factory=list)
    said: list[Limit] = field(default_factory=list)
    """What held before the restart."""
    unavailable: bool = False

    def limit_evidence(self, lines: Sequence[Evidence]) -> Future[None]:
        done: Future[None] = Future()
        if self.unavailable:
            done.set_exception(LedgerUnavailable("no disk"))
        else:
            self.lines += lines
            done.set_result(None)
        return done

    def limits_said(self, since: datetime) -> Sequence[Limit]:  # noqa: ARG002 - the book's
        return self.said

    def evidence(self, since: datetime, until: datetime) -> Sequence[Evidence]:
        return [line for line in self.lines if since <= line.at < until]

    def happenings(self) -> list[str]:
        return [line.happening.value for line in self.lines]


def open_limits(
    site: Site,
    clock: Clock,
    book: FakeEvidence | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
    on_change: Callable[[], None] = lambda: None,
) -> Limits:
    """Limits that the grid operator may set by every way, and a schedule by its own."""
    sources = {"grid_operator": Source("grid_operator"), "schedule": Source("schedule")}
    by = {way: frozenset({"grid_operator"}) for way in (Way.REST, Way.MQTT, Way.INPUT)}
    admission = Admission(Rules(sources, full_power_w(site)), by | {Way.SCHEDULE: frozenset({"schedule"})})
    return Limits(site, admission, book or FakeEvidence(), clock, on_event, on_change)


class EmptyBook:
    """Fulfils ``adapters.prices.pricing.PriceBook`` and ``TokenBook`` as far as reading goes: nothing is in it."""

    operator = OperatorTerms()

    def public_points(self) -> Mapping[str, bool]:
        return {}

    def __getattr__(self, name: str) -> Callable[..., Sequence[Any]]:
        return lambda *_arguments, **_settings: ()


class NothingPosted:
    """No prices, and no offers."""

    def posted(self, _point: str) -> tuple[Posted, ...]:
        return ()

    def begun_with(self, _session: str) -> Posted | None:
        return None

    def choose_offer(self, *_: object) -> None:
        raise AssertionError("there is nothing to choose")

    def chosen_offers(self) -> Mapping[str, Offer]:
        return {}


def nothing_published(_message: bytes) -> PriceCurve:
    raise AssertionError("nobody publishes prices here")


class FakeKeys:
    """Remembers which key was given to whom; fulfils ``adapters.onboarding.Keys``."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    def stations_with_key(self) -> frozenset[str]:
        return frozenset(self.given)

    def set_key(self, station: str, key: str) -> None:
        self.given[station] = key


def onboarding_of(site: Site, keys: FakeKeys | None = None, views: Sequence[View] = (), lab: bool = True) -> Onboarding:
    kept = keys or FakeKeys()
    return Onboarding(site, lambda: views, kept, scheme="ws", port=lambda: 9000, open_to_all=lab)
