"""A ledger in memory, and what else the adapters need around them: honest, and small enough to be believed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from argon2 import PasswordHasher

from controller.access import authorise
from controller.plan import Event
from controller.ports.devices import Withdrawal
from controller.ports.ledger import LedgerUnavailable
from controller.ports.measurements import HeldLimit, MeterSample
from controller.ports.tokens import Authorisation, Token
from controller.ports.transactions import (
    Outcome,
    RunningSession,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)

_hashed = cache(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash)
"""Of the kind that is slow by intent, but quick: the tests open a thousand connections."""


@dataclass
class FakeLedger:
    """Fulfils ``controller.ports.ledger.Ledger``; ``available = False`` makes every method fail."""

    tokens: dict[str, Token] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    starts: list[TransactionStart] = field(default_factory=list)
    stops: list[TransactionStop] = field(default_factory=list)
    details: list[TransactionDetails] = field(default_factory=list)
    signed: list[tuple[str, str, str]] = field(default_factory=list)
    """Station, transaction, text."""
    sessions: dict[int, RunningSession] = field(default_factory=dict)
    available: bool = True
    guests: bool = False
    _known: dict[tuple[object, ...], int] = field(default_factory=dict)
    _owners: dict[int, str] = field(default_factory=dict)

    def add_token(self, uid: str, *, blocked: bool = False, valid_until: datetime | None = None) -> None:
        self.tokens[uid.upper()] = Token(uid, blocked=blocked, valid_until=valid_until)

    def add_password(self, station: str, password: str) -> None:
        self.hashes[station] = _hashed(password)

    async def start_transaction(self, start: TransactionStart) -> Started:
        await self._write()
        key: tuple[object, ...] = (start.station, start.transaction_id)
        if start.transaction_id is None:
            key = (start.station, start.connector, start.token.upper(), start.started_at, start.start_wh)
        if key in self._known:
            number = self._known[key]
            return Started(number, f"S{number}", Outcome.REPEATED, running=number in self.sessions)
        number = 1000 + len(self._known)
        self._known[key] = number
        self._owners[number] = start.station
        self.starts.append(start)
        self.sessions[number] = RunningSession(
            id=f"S{number}",
            station=start.station,
            connector=start.connector,
            point=start.point,
            transaction_id=start.transaction_id or str(number),
            token=start.token,
            started_at=start.started_at,
            start_wh=start.start_wh,
            last_wh=None,
        )
        return Started(number, f"S{number}", Outcome.RECORDED)

    async def complete_transaction(self, details: TransactionDetails) -> Outcome:
        await self._write()
        self.details.append(details)
        number = self._known.get((details.station, details.transaction_id))
        if number not in self.sessions:
            return Outcome.UNKNOWN
        running = self.sessions[number]
        news = {
            "token": details.token if details.token and not running.token else running.token,
            "connector": running.connector or details.connector or 0,
            "point": running.point or details.point,
            "start_wh": running.start_wh if running.start_wh >= 0 else details.start_wh or running.start_wh,
        }
        self.sessions[number] = replace(running, **news)  # type: ignore[arg-type]
        return Outcome.REPEATED if self.sessions[number] == running else Outcome.RECORDED

    async def stop_transaction(self, stop: TransactionStop) -> Outcome:
        await self._write()
        number = self._known.get((stop.station, stop.transaction_id), -1) if stop.chosen else int(stop.transaction_id)
        if number not in self._owners:
            self.stops.append(stop)
            return Outcome.UNKNOWN
        if self._owners[number] != stop.station:
            return Outcome.FOREIGN
        if self.sessions.pop(number, None) is None:
            return Outcome.REPEATED
        self.stops.append(stop)
        return Outcome.RECORDED

    async def keep_signed(self, station: str, transaction_id: str, texts: Sequence[str]) -> None:
        await self._write()
        self.signed += [(station, transaction_id, text) for text in texts]

    async def running(self) -> Sequence[RunningSession]:
        await self._write()
        return list(self.sessions.values())

    async def token(self, uid: str) -> Token | None:
        await self._write()
        return self.tokens.get(uid.upper())

    async def authorise(self, uid: str, points: Sequence[str], at: datetime) -> Authorisation:
        await self._write()
        return authorise(self.tokens.get(uid.upper()), at, open_to_guests=self.guests and bool(points))

    async def password_hash(self, station: str) -> str | None:
        await self._write()
        return self.hashes.get(station)

    async def _write(self) -> None:
        await asyncio.sleep(0)  # a real one always lets others run
        if not self.available:
            raise LedgerUnavailable("the disk is full")


@dataclass
class FakeMeasurements:
    """Fulfils ``controller.ports.measurements.Measurements``."""

    samples: list[MeterSample] = field(default_factory=list)
    holds: list[HeldLimit] = field(default_factory=list)

    def record(self, sample: MeterSample) -> None:
        self.samples.append(sample)

    def hold(self, held: HeldLimit) -> None:
        self.holds.append(held)

    @property
    def held(self) -> dict[str, HeldLimit]:
        return {held.point: held for held in self.holds}


@dataclass
class SteppedClock:
    """Fulfils ``controller.ports.common.Clock``: stands still until it is told to go on."""

    elapsed_s: float = 0.0
    began_at: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.began_at + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self) -> float:
        return 5_000.0 + self.elapsed_s

    def advance(self, seconds: float) -> None:
        self.elapsed_s += seconds


@dataclass
class EventLog:
    """An event sink that can be asked."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def kinds(self, subject: str | None = None) -> list[str]:
        return [event.kind for event in self.events if subject in {None, event.subject}]


@dataclass
class FakeServiceBook:
    """Fulfils ``controller.ports.devices.ServiceBook``."""

    withdrawn: dict[str, Withdrawal] = field(default_factory=dict)

    async def withdrawals(self) -> Mapping[str, Withdrawal]:
        return dict(self.withdrawn)

    async def keep(self, point: str, withdrawal: Withdrawal, at: datetime) -> None:
        assert at.tzinfo is not None
        self.withdrawn.pop(point, None)
        if withdrawal != Withdrawal():
            self.withdrawn[point] = withdrawal
