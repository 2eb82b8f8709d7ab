"""Records of sessions and statements as JSON text: exact, and the same text for the same thing.

The JSON is the statement; its PDF and CSV are drawn from it and from nothing else.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from controller.tariffs.overview import Overview
from controller.tariffs.record import ChargeRecord
from controller.tariffs.statement import IssuedStatement

_RECORD: Final = TypeAdapter(ChargeRecord)
_STATEMENT: Final = TypeAdapter(IssuedStatement)
_OVERVIEW: Final = TypeAdapter(Overview)


def record_text(record: ChargeRecord) -> str:
    """The record as JSON (``docs/schemas/charge-record.schema.json``); amounts are text with all their decimals."""
    return _RECORD.dump_json(record).decode()


def record_of(text: str) -> ChargeRecord:
    """The record that ``record_text`` has written.

    Raises:
        ValueError: it has not.
    """
    return _RECORD.validate_json(text)


def record_document(record: ChargeRecord) -> dict[str, Any]:
    """The record as JSON-ready values."""
    document: dict[str, Any] = _RECORD.dump_python(record, mode="json")
    return document


def statement_text(issued: IssuedStatement) -> str:
    """The statement as JSON (``docs/schemas/statement.schema.json``); amounts are text with all their decimals."""
    return _STATEMENT.dump_json(issued).decode()


def statement_of(text: str) -> IssuedStatement:
    """The statement that ``statement_text`` has written.

    Raises:
        ValueError: it has not.
    """
    return _STATEMENT.validate_json(text)


def statement_document(issued: IssuedStatement) -> dict[str, Any]:
    """The statement as JSON-ready values."""
    document: dict[str, Any] = _STATEMENT.dump_python(issued, mode="json")
    return document


def overview_document(overview: Overview) -> dict[str, Any]:
    """The overview as JSON-ready values."""
    document: dict[str, Any] = _OVERVIEW.dump_python(overview, mode="json")
    return document


def billing_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas of both, by file name."""
    return {
        "charge-record.schema.json": _RECORD.json_schema(mode="serialization"),
        "statement.schema.json": _STATEMENT.json_schema(mode="serialization"),
    }
