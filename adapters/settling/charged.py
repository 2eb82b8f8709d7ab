"""What was charged, as those see it who review, settle and export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.settling.export_kinds import Asked
from controller.tariffs.overview import Overview
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import Correction, ReviewDecision, Reviewed, Verdict
from controller.tariffs.statement import Closing, IssuedStatement


@dataclass(frozen=True, slots=True)
class MonthStatements:
    """The statements of a month."""

    month: str
    closing: Closing | None
    """None while the month is open: the statements are drafts then."""
    statements: Sequence[IssuedStatement]
    overviews: Sequence[Overview]
    waiting: int
    """Records of the month and of earlier ones that wait for review."""


class Charged(Protocol):
    """Review, settlement and exports. Safe to call from any thread; takes from milliseconds to some seconds.

    Every method raises ``LedgerUnavailable`` when the ledger cannot be read or written.
    """

    def queue(self, month: str | None = None) -> Sequence[Reviewed]:
        """The records that wait for somebody to look at them, oldest first; at most 500."""
        ...

    def record(self, record: str) -> Reviewed | None:
        """The record of that id, and what was decided of it."""
        ...

    def of_session(self, session: str) -> Sequence[ChargeRecord]:
        """All records of a session: its first, and what came of corrections."""
        ...

    def decide(
        self, record: str, verdict: Verdict, *, by: str, note: str, correction: Correction | None
    ) -> ReviewDecision:
        """Decide of a record.

        Raises:
            NoSuchRecord: there is none of that id.
            NotDecidable: it cannot get that verdict.
        """
        ...

    def closings(self) -> Sequence[Closing]:
        """The months that are closed, in order."""
        ...

    def month(self, month: str) -> MonthStatements:
        """The statements of a month: those it was closed with, or drafts.

        Raises:
            ExportRefused: it is no month, or drafts cannot be drawn up.
        """
        ...

    def close(self, month: str, by: str) -> MonthStatements:
        """Close a month for good; one that is closed stays as it is.

        Raises:
            ExportRefused: it is no month.
            NotClosable: it cannot be closed now.
        """
        ...

    def export(self, asked: Asked) -> bytes:
        """A file.

        Raises:
            ExportRefused: it cannot be made.
        """
        ...
