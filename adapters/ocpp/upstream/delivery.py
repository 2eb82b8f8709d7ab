"""What one back office is still to be told of one station: taken from the outbox, told, and put on record as told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.link import UpstreamLink
from adapters.ocpp.upstream.turns import AwayError
from adapters.ocpp.upstream.words import called_anew, payload_of
from adapters.ocpp.wire import Kind, kind_of
from controller.hub_satellite.outbox import Answer, Entry, Letter, Next, Pace, Settled, Standing, after, renamed
from controller.plan import Severity
from controller.ports.ledger import LedgerUnavailable

RETRY_S: Final = 5.0
"""Before a message that was not answered is sent again on the same connection."""

PAGE: Final = 20
"""Entries read at once."""

COPIES_MOST: Final = 64
"""Messages that wait for a back office that only listens; there it is better to lose the oldest than to grow."""

IDS_MOST: Final = 100
"""Ids of transactions that are remembered besides those that entries bring along."""

NEVER_ACCEPTED: Final = ""
"""Stands for the id of a transaction whose beginning the back office has never taken."""


class Delivery:
    """Tells one back office of one station, in order, each message until it is answered."""

    def __init__(self, office: BackOffice, station: str, desk: Desk) -> None:
        self._office, self._station, self._desk = office, station, desk
        self._news = asyncio.Event()
        self._backlog = True
        """Whether something waits that nobody waits for; until the outbox was looked into, it may."""
        self._waiters: dict[str, asyncio.Future[str | None]] = {}
        self._theirs: dict[str, str] = {}
        self._copies: deque[str] = deque(maxlen=COPIES_MOST)
        self._pace = Pace()
        self._settling: asyncio.Task[float | None] | None = None
        """What is going on record."""

    def expect(self, letter: Letter) -> bool:
        """Somebody will wait for the answer to a letter that is about to be posted; False: others come first."""
        if self._backlog:
            return False
        self._waiters[letter.key] = asyncio.get_running_loop().create_future()
        return True

    def expects_no(self, letter: Letter) -> None:
        """Nobody waits for it after all."""
        self._waiters.pop(letter.key, None)

    def posted(self) -> None:
        """There is something new in the outbox."""
        self._news.set()

    def copy(self, text: str) -> None:
        """Tell this when there is time; nobody waits for the answer, and it may be lost."""
        self._copies.append(text)
        self._news.set()

    async def look(self) -> None:
        """See whether something waits, before anybody expects an answer."""
        with suppress(LedgerUnavailable):
            self._backlog = bool(await self._desk.outbox.head(self._office.id, self._station, 1))

    def give_up(self) -> None:
        """The connection has ended: nobody need wait any more."""
        self._copies.clear()
        for waiter in self._waiters.values():
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def told(self, letter: Letter, wait: Callable[[asyncio.Future[Any]], Awaitable[None]]) -> str | None:
        """The text of the result that an expected letter was given; None: not in time, or none.

        Args:
            letter: the letter.
            wait: waits for a future as long as one may.
        """
        waiter = self._waiters.get(letter.key)
        if waiter is None:
            return None
        self._news.set()
        await wait(waiter)
        if self._waiters.get(letter.key) is waiter:
            del self._waiters[letter.key]
            if not waiter.done():
                return None
        return await waiter  # being put on record, where it is not done

    async def run(self, link: UpstreamLink) -> None:
        """Tell what waits, and what comes, for as long as the connection lasts."""
        if self._settling is not None:
            await asyncio.wait({self._settling})
        while True:
            self._news.clear()
            while self._copies:
                with suppress(AwayError):
                    await link.call(*called_anew(self._copies.popleft()))
            try:
                entries = await self._desk.outbox.head(self._office.id, self._station, PAGE)
                if not entries:
                    self._backlog = False
                    await self._news.wait()
                    continue
                for entry in entries:
                    if not await self._send(link, entry):
                        break
            except LedgerUnavailable:
                await asyncio.sleep(RETRY_S)

    async def _send(self, link: UpstreamLink, entry: Entry) -> bool:
        """Send one entry; returns whether the next may follow."""
        live = entry.key in self._waiters
        theirs = self._theirs.get(entry.session or "", entry.theirs)
        if theirs == NEVER_ACCEPTED and entry.transaction_id is not None:
            waiter = self._waiters.pop(entry.key, None)
            try:
                never = Next(Standing.SET_ASIDE, entry.refusals)
                await self._set_aside(entry, never, "its transaction was never accepted")
            finally:
                _answer(waiter, None)  # there is nothing to wait for
            return True
        if not live:
            self._backlog = True
            await asyncio.sleep(self._pace.wait_s(self._desk.premises.clock.monotonic_s()))
        try:
            told = await link.call(entry.message_id, _as_told(entry, theirs))
        except AwayError:
            self._backlog = True
            await asyncio.sleep(RETRY_S)
            return False
        # The connection may end while its last answer goes on record; whoever waits for that must hear of it.
        self._settling = asyncio.create_task(self._settle(entry, told))
        pause_s = await asyncio.shield(self._settling)
        if pause_s is None:
            return True
        self._backlog = True
        await asyncio.sleep(pause_s)
        return False

    async def _settle(self, entry: Entry, told: str) -> float | None:
        """Put on record what has become of an entry; returns the pause before it is sent again, None: never."""
        waiter = self._waiters.pop(entry.key, None)
        try:
            started = _started(entry, told)
            taken = kind_of(told) == Kind.RESULT and started != NEVER_ACCEPTED
            coming = after(entry, Answer.TAKEN if taken else Answer.REFUSED)
            if coming.standing is Standing.SET_ASIDE:
                await self._set_aside(entry, coming, "it was refused again and again")
                return None
            if not taken:
                _answer(waiter, None)
                await self._desk.outbox.settle(Settled(entry, coming))
                return coming.again_in_s or RETRY_S
            if started is None:
                _answer(waiter, told)  # what is answered twice does no harm, other than an id
            adopted = self._office.leads and started is not None and waiter is not None and not waiter.done()
            await self._desk.outbox.settle(Settled(entry, coming, started, adopted))
            if started is not None:
                self._remember(entry, started)
            _answer(waiter, told)
            await self._taken(entry, told)
            return None
        finally:
            _answer(waiter, None)

    async def _taken(self, entry: Entry, told: str) -> None:
        """The back office has taken an entry, and it is on record as told; for who wants to know the result."""

    async def _set_aside(self, entry: Entry, coming: Next, why: str) -> None:
        begins = _BEGINS.get(entry.action) is not None
        theirs = NEVER_ACCEPTED if begins else None
        await self._desk.outbox.settle(Settled(entry, coming, theirs))
        if begins:
            self._remember(entry, NEVER_ACCEPTED)
        message = f"the back office {self._office.id} has not taken a {entry.action}, message {entry.number}: {why}"
        subject = f"station:{self._station}"
        self._desk.premises.report("upstream_message_set_aside", subject, message, Severity.ALARM)

    def _remember(self, entry: Entry, theirs: str) -> None:
        if entry.session is not None:
            self._theirs[entry.session] = theirs
            while len(self._theirs) > IDS_MOST:  # what is older comes with the entries themselves
                del self._theirs[next(iter(self._theirs))]


def _answer(waiter: asyncio.Future[str | None] | None, told: str | None) -> None:
    """Tell whoever still waits."""
    if waiter is not None and not waiter.done():
        waiter.set_result(told)


_BEGINS: Final = {"StartTransaction": "transactionId"}
"""Messages that ask for the id of a transaction, and where the answer has it."""


def _as_told(entry: Entry, theirs: str | None) -> str:
    """The frame as it is to be sent; the one that was kept, to the byte, where nothing has to be changed."""
    if theirs is None or entry.transaction_id is None or entry.transaction_id == theirs:
        return entry.frame
    kind, message_id, action, payload = json.loads(entry.frame)
    payload = renamed(payload, {entry.transaction_id: theirs})
    return json.dumps([kind, message_id, action, payload], separators=(",", ":"), ensure_ascii=False)


def _started(entry: Entry, told: str) -> str | None:
    """The id that an answer gives a transaction; None for other messages, empty where it should and does not."""
    name = _BEGINS.get(entry.action)
    if name is None:
        return None
    given = payload_of(told, at=2).get(name)
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else NEVER_ACCEPTED
