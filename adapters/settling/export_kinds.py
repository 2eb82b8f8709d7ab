"""What can be exported for a month, and in which forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MONTH: Final = r"(20|21)\d\d-(0[1-9]|1[0-2])"
"""How a month is written, such as ``2026-10``."""


class Kind(StrEnum):
    """What can be exported for a month."""

    CDRS = "cdrs"
    SESSIONS = "sessions"
    STATEMENT = "statement"
    ERE = "ere"
    PERIODS = "periods"
    """The prices behind each session, one after the other."""


class Format(StrEnum):
    """In which form."""

    CSV = "csv"
    JSON = "json"
    OCPI_221 = "ocpi-2.2.1"
    OCPI_230 = "ocpi-2.3.0"
    PDF = "pdf"
    SEPA = "sepa"


FORMATS: Final[Mapping[Kind, tuple[Format, ...]]] = {
    Kind.CDRS: (Format.JSON, Format.CSV, Format.OCPI_221, Format.OCPI_230),
    Kind.SESSIONS: (Format.CSV, Format.JSON),
    Kind.STATEMENT: (Format.JSON, Format.CSV, Format.PDF, Format.SEPA),
    Kind.ERE: (Format.CSV, Format.JSON),
    Kind.PERIODS: (Format.CSV, Format.JSON),
}
"""The first of them is the one that is meant where none is named."""

MEDIA_TYPES: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.OCPI_221: "application/json",
    Format.OCPI_230: "application/json",
    Format.PDF: "application/pdf",
    Format.SEPA: "application/xml",
}
ENDINGS: Final = {Format.CSV: "csv", Format.PDF: "pdf", Format.SEPA: "xml"}
"""Of file names; for the others ``json``."""


class ExportRefused(ValueError):  # noqa: N818 - named as the ports name theirs
    """It cannot be exported; ``problems`` is the complete list."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be exported."""

    kind: Kind
    month: str
    format: Format | None = None
    """None: the usual one of the kind."""
    party: str | None = None
    """Statements of one party only."""
    number: str | None = None
    """One statement only."""

    @property
    def form(self) -> Format:
        """The format, whether or not it was named."""
        return self.format or FORMATS[self.kind][0]

    @property
    def file_name(self) -> str:
        """What the file is called."""
        detail = "".join(f"-{part}" for part in (self.number, self.party, self.form.value) if part)
        return f"loadstar-{self.kind.value}-{self.month}{detail}.{ENDINGS.get(self.form, 'json')}"
