"""What the REST API takes and answers where somebody hands over a table."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import Field

from adapters.csv_table import TableRefused
from adapters.web import models
from adapters.web.answer import Answer

DryRun = Annotated[bool, Query(description="show what it would change, and change nothing")]


class RowProblem(Answer):
    """Why a row is refused."""

    row: int = Field(description="the header is row 1")
    column: str
    value: str
    reason: str


class TableRefusal(models.Problems):
    """Everything that is wrong with a table. Nothing of it was taken."""

    rows: tuple[RowProblem, ...]


TABLE_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
}
TABLE_REFUSED: Final[dict[int | str, dict[str, object]]] = {
    422: {"model": TableRefusal, "description": "The table is refused as a whole; every row and reason is named"}
}


def refusal_of(refused: TableRefused) -> JSONResponse:
    """Why a table was refused, as the API answers it."""
    rows = tuple(
        RowProblem(row=one.row, column=one.column, value=one.value, reason=one.reason) for one in refused.problems
    )
    problems = tuple(map(str, refused.problems))
    refusal = TableRefusal(detail=str(refused), problems=problems, rows=rows)
    return JSONResponse(refusal.model_dump(mode="json"), 422)
