"""A desk with nothing on it."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.settling.charged import MonthStatements
from adapters.settling.export_kinds import FORMATS, Asked, ExportRefused
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import NoSuchRecord, ReviewDecision, Reviewed
from controller.tariffs.statement import Closing, NotClosable


class NothingCharged:
    """Fulfils ``adapters.settling.charged.Charged``: there is no record, and every month is open and empty."""

    def queue(self, *_: object) -> Sequence[Reviewed]:
        return ()

    def record(self, *_: object) -> Reviewed | None:
        return None

    def of_session(self, *_: object) -> Sequence[ChargeRecord]:
        return ()

    def decide(self, record: str, *_: object, **__: object) -> ReviewDecision:
        raise NoSuchRecord(record)

    def closings(self) -> Sequence[Closing]:
        return ()

    def month(self, month: str) -> MonthStatements:
        return MonthStatements(month, None, (), (), 0)

    def close(self, month: str, *_: object) -> MonthStatements:
        raise NotClosable(f"{month} is not over")

    def export(self, asked: Asked) -> bytes:
        if asked.form not in FORMATS[asked.kind]:
            raise ExportRefused([f"format: not {asked.form.value}"])
        return b"{}"
