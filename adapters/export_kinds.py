"""What can be exported for a month, and in which forms."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What can be exported for a month."""

    CDRS = "cdrs"
    SESSIONS = "sessions"
    STATEMENT = "statement"
    ERE = "ere"


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
