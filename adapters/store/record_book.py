"""The book of what was charged: records of sessions, the review of them, statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection

from adapters.store import charge_records, statements
from adapters.store.reading import asked
from adapters.store.tariff_book import Reads, Writes
from controller.ports.ledger import LedgerUnavailable
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import ReviewDecision, Reviewed, Verdict
from controller.tariffs.statement import Closing, IssuedStatement

T = TypeVar("T")


class RecordBook:
    """What was charged, on record. Every method blocks for milliseconds and may be called from any thread.

    What is written is on disk on return; nothing is ever changed or deleted. Every method raises ``LedgerUnavailable``
    when the database cannot be read or written.
    """

    def __init__(self, read: Reads, write: Writes) -> None:
        self.read = read
        self.write = write

    def keep(self, record: ChargeRecord) -> bool:
        """Put a record on record; one whose id is on record already changes nothing. Tells whether it was new."""
        return self.write(lambda connection: charge_records.keep_record(connection, record, datetime.now(UTC))).result()

    def record(self, record: str) -> Reviewed | None:
        """The record of that id, and what was decided of it."""
        return self.read(lambda connection: charge_records.find_record(connection, record))

    def of_session(self, session: str) -> Sequence[ChargeRecord]:
        """All records of a session: its first, and what came of corrections."""
        return self.read(lambda connection: charge_records.records_of_session(connection, session))

    def of_month(self, month: str) -> Sequence[ChargeRecord]:
        """The records of the sessions that ended in a month, credits included."""
        return self.read(lambda connection: list(charge_records.records_of_month(connection, month)))

    def reviewed(self, month: str) -> Sequence[Reviewed]:
        """The same, and where each stands."""
        return self.read(lambda connection: charge_records.reviewed_of_month(connection, month))

    def queue(self, month: str | None = None) -> Sequence[Reviewed]:
        """The records that wait for somebody to look at them, oldest first; at most 500."""
        return self.read(lambda connection: charge_records.review_queue(connection, month=month))

    def decide(
        self, record: str, verdict: Verdict, *, by: str, note: str = "", correction: ChargeRecord | None = None
    ) -> ReviewDecision:
        """Accept a record, void it by a credit, or correct it by a credit and another record.

        Raises:
            NoSuchRecord: there is none of that id.
            NotDecidable: see ``charge_records.decide``.
        """
        now = datetime.now(UTC)
        return self.write(
            lambda connection: charge_records.decide(
                connection, record, verdict, by=by, at=now, note=note, correction=correction
            )
        ).result()

    def closings(self) -> Sequence[Closing]:
        """The months that are closed, in order."""
        return self.read(statements.closings)

    def statements(self, month: str, party: str | None = None) -> Sequence[IssuedStatement]:
        """The statements of a closed month, by number."""
        return self.read(lambda connection: statements.statements_of(connection, month, party))

    def statement(self, number: str) -> IssuedStatement | None:
        """The statement of that number."""
        return self.read(lambda connection: statements.find_statement(connection, number))


def book_for_reading(url: str) -> RecordBook:
    """The book of a ledger that somebody else may be writing; it cannot be written through it.

    Args:
        url: as for ``open_ledger``.
    """

    def read(query: Callable[[Connection], T]) -> T:
        return asked(url, query)

    def write(action: Callable[[Connection], T]) -> Future[T]:  # noqa: ARG001 - the other writer's
        raise LedgerUnavailable("this book is open for reading only")

    return RecordBook(read, write)
