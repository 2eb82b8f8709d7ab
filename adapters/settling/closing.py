"""Closing a month: its statements are drawn up, numbered, and written down in one go, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from adapters.store import charge_records, statements
from adapters.store.record_book import RecordBook
from adapters.store.standing import Kept, everything, party_of
from controller.tariffs.book import Party, PartyKind
from controller.tariffs.statement import Closing, IssuedStatement, NotClosable, Statement
from controller.tariffs.statement import statements as drawn_up

ATTEMPTS: Final = 3
"""How often statements are drawn up anew where something is put on record meanwhile."""

OWN_SERIES: Final = "LS"
"""Of the numbers of statements."""

DRAFT_SERIES: Final = "DRAFT"

NOBODY_YET: Final = Party("operator", PartyKind.OPERATOR, "(No operator is entered yet)")
"""The sender of drafts until there is one."""

PAYMENT_DAYS: Final = 14
"""In which an invoice is to be paid."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A closed month."""

    closing: Closing
    statements: Sequence[IssuedStatement]
    waiting: int
    """Records of the month and of earlier ones that still wait for review."""
    new: bool
    """Whether it was closed just now."""


def settle(
    book: RecordBook, month: str, *, now: datetime, by: str, time_zone: str, series: str = OWN_SERIES
) -> Settled:
    """Close a month, or show what it was closed with.

    Args:
        book: of the site.
        month: such as ``2026-10``.
        now: the time.
        by: who closes it.
        time_zone: of the site; months begin there.
        series: of the statements' numbers.

    Raises:
        NotClosable: it is not over, an earlier month is open, or nobody has said who the operator is.
        LedgerUnavailable: the ledger cannot be read or written.
    """
    for _ in range(ATTEMPTS):
        closing = book.read(lambda connection: statements.closing_of(connection, month))
        if closing is not None:
            return _closed(book, closing, new=False)
        today = now.astimezone(ZoneInfo(time_zone)).date()
        if f"{today:%Y-%m}" <= month:
            raise NotClosable(f"{month} is not over: it can be closed from {_first_of_next(month)} on")
        closing = Closing(month, now, by)
        with suppress(statements.Overtaken):
            _close(book, closing, today, series)
            return _closed(book, closing, new=True)
    raise NotClosable(f"{month} cannot be closed while so much is put on record; try again")


def _close(book: RecordBook, closing: Closing, today: date, series: str) -> None:
    # Drawn up without the lock of a writer: a charger may be waiting for its answer.
    billable = book.read(lambda connection: statements.billable_until(connection, closing.month))
    issued = book.read(lambda connection: _issued(connection, closing.month, billable, today, series))
    book.write(lambda connection: statements.close_month(connection, closing, series, issued, billable)).result()


def drafted(book: RecordBook, month: str, *, now: datetime, time_zone: str) -> Sequence[IssuedStatement]:
    """What the statements of a month would be if it were closed now; their numbers are not given out.

    Where nobody has said who the operator is, they say so in the place of the sender.

    Raises:
        NotClosable: an earlier month is open.
    """
    today = now.astimezone(ZoneInfo(time_zone)).date()

    def draw(connection: Connection) -> Sequence[IssuedStatement]:
        billable = statements.billable_until(connection, month)
        return _issued(connection, month, billable, today, DRAFT_SERIES)

    return book.read(draw)


def _closed(book: RecordBook, closing: Closing, *, new: bool) -> Settled:
    issued = book.read(lambda connection: statements.statements_of(connection, closing.month))
    waiting = book.read(lambda connection: charge_records.waiting(connection, closing.month))
    return Settled(closing, issued, waiting, new)


def _issued(
    connection: Connection, month: str, billable: Sequence[statements.Billable], today: date, series: str
) -> Sequence[IssuedStatement]:
    parties = {name: party_of(found) for name, found in everything(connection, Kept.PARTY).items()}
    operator = NOBODY_YET if series == DRAFT_SERIES and not _operators(parties) else operator_of(parties)
    first = statements.next_sequence(connection, series, today.year)
    drafts = drawn_up(month, [(each.record, each.leg) for each in billable])
    return [
        IssuedStatement(
            number=statements.number_of(series, today.year, first + index),
            issued_on=today,
            due_on=today + timedelta(days=PAYMENT_DAYS) if draft.party and draft.totals.payable > 0 else None,
            operator=operator,
            party=_party(parties, draft, operator),
            names=_names(parties, draft),
            statement=draft,
            draft=series == DRAFT_SERIES,
        )
        for index, draft in enumerate(drafts)
    ]


def operator_of(parties: Mapping[str, Party]) -> Party:
    """The one that is the operator.

    Raises:
        NotClosable: there is none, or more than one.
    """
    found = _operators(parties)
    if len(found) != 1:
        names = ", ".join(sorted(party.id for party in found)) or "none"
        raise NotClosable(f"statements need exactly one party of the kind 'operator' as their sender; there is {names}")
    return found[0]


def _operators(parties: Mapping[str, Party]) -> list[Party]:
    return [party for party in parties.values() if party.kind is PartyKind.OPERATOR]


def _party(parties: Mapping[str, Party], draft: Statement, operator: Party) -> Party:
    if not draft.party:
        return operator
    # One that was removed since is still owed, or owes.
    return parties.get(draft.party, Party(draft.party, PartyKind.TENANT, draft.party))


def _names(parties: Mapping[str, Party], draft: Statement) -> Mapping[str, str]:
    drivers = sorted({line.driver for line in draft.lines if line.driver})
    return {driver: parties[driver].name for driver in drivers if driver in parties}


def _first_of_next(month: str) -> date:
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    return (first + timedelta(days=32)).replace(day=1)
