"""Which of a station's back offices a token belongs to, and with it every transaction that it begins.

One back office answers for whatever nobody else is named for; others answer for the tokens that the site file names.
A transaction stays with whom it was told to first, whatever the site file says later: that is on record in the outbox.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from adapters.ocpp.upstream.back_office import BackOffice
from adapters.ocpp.upstream.words import transaction_of, uid_of
from controller.hub_satellite.outbox import UNDECIDED, Outbox
from controller.ports.common import Clock
from controller.tariffs.choice import token_key

ASKED_FOR_S: Final = 300.0
"""So long a token counts as that of the back office which has asked for a start with it."""

KNOWN_MOST: Final = 200
"""Transactions, and tokens asked for, that are remembered; the outbox knows more."""

BEGINS_WITH: Final = "*"
"""Ends what is only the beginning of a token."""


class Choice:
    """Decides for one station."""

    def __init__(
        self,
        station: str,
        offices: Iterable[BackOffice],
        outbox: Outbox,
        clock: Clock,
        group_of: Callable[[str], Awaitable[str | None]],
    ) -> None:
        """Begin with what the site file says.

        Args:
            station: its identity.
            offices: those whose answers count; the one without tokens answers for the rest.
            outbox: knows whose a transaction is.
            clock: time.
            group_of: the group of a token that the site knows.
        """
        self._station, self._outbox, self._clock, self._group_of = station, outbox, clock, group_of
        self._uids: dict[str, str] = {}
        self._beginnings: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._offices: set[str] = set()
        self._rest = ""
        for office in offices:
            self._offices.add(office.id)
            if not office.by_token:
                self._rest = office.id
            self._groups |= dict.fromkeys(office.groups, office.id)
            for name in office.tokens:
                beginning = name.endswith(BEGINS_WITH)
                (self._beginnings if beginning else self._uids)[token_key(name.removesuffix(BEGINS_WITH))] = office.id
        self.open = bool(self._uids or self._beginnings or self._groups)
        """Whether there is anything to choose."""
        self._asked_for: dict[str, tuple[str, float]] = {}
        self._transactions: dict[str, str] = {}

    async def restore(self) -> None:
        """Take up whose the transactions on record are.

        Raises:
            LedgerUnavailable: it cannot be read.
        """
        if self.open:
            await self._recall()
        else:
            await self._outbox.assign(self._station, None, self._rest)  # there was a choice, and is none any more

    async def of_token(self, uid: str) -> str:
        """The back office of a token: of its uid, else of its longest beginning, else of its group, else the rest's."""
        key = token_key(uid)
        office, until_s = self._asked_for.get(key, ("", 0.0))
        if office and self._clock.monotonic_s() < until_s:
            return office
        if key in self._uids:
            return self._uids[key]
        beginning = max((one for one in self._beginnings if key.startswith(one)), key=len, default=None)
        if beginning is not None:
            return self._beginnings[beginning]
        group = await self._group_of(uid) if self._groups else None
        return self._groups.get(group or "", self._rest)

    async def of_call(self, payload: Mapping[str, Any]) -> str:
        """The back office of a call, by its payload: that of its transaction, else of the token that it names.

        ``UNDECIDED`` where a transaction has begun and nobody has shown a token yet.

        Raises:
            LedgerUnavailable: it is not known whose its transaction is.
        """
        transaction, uid = transaction_of(payload), uid_of(payload)
        known = None if transaction is None else await self._of_transaction(transaction)
        if transaction is None or (known is not None and known != UNDECIDED):
            return known or (self._rest if uid is None else await self.of_token(uid))
        event = payload.get("eventType")
        if uid is not None:
            office = await self.of_token(uid)
        else:
            begins = event == "Started" or known == UNDECIDED
            office = UNDECIDED if begins and event != "Ended" else self._rest
        if known == UNDECIDED and office != UNDECIDED:
            await self._outbox.assign(self._station, transaction, office)
        self.has(transaction, office)
        return office

    def asks_for(self, office: str, uid: str) -> None:
        """A back office asks for a start with this token."""
        self._asked_for[token_key(uid)] = office, self._clock.monotonic_s() + ASKED_FOR_S
        _bound(self._asked_for)

    def asks_no_more(self, uid: str) -> None:
        """The start will not come."""
        self._asked_for.pop(token_key(uid), None)

    def has(self, transaction: str, office: str) -> None:
        """A transaction is a back office's from now on."""
        self._transactions.pop(transaction, None)
        self._transactions[transaction] = office
        _bound(self._transactions)

    def is_of(self, transaction: str, office: str) -> bool:
        """Whether a transaction is known to be a back office's."""
        return not self.open or self._transactions.get(transaction, self._rest) == office

    async def _of_transaction(self, transaction: str) -> str | None:
        if transaction not in self._transactions:
            await self._recall()
        return self._transactions.get(transaction)

    async def _recall(self) -> None:
        self._transactions |= await self._outbox.owners(self._station, self._offices)


def _bound(remembered: dict[str, Any]) -> None:
    while len(remembered) > KNOWN_MOST:
        del remembered[next(iter(remembered))]
