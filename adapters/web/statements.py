"""Statements and the closing of months through the REST API."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path

from adapters.settling.charged import Charged, MonthStatements
from adapters.settling.export_kinds import MONTH, ExportRefused
from adapters.web import models
from adapters.web.entitled import REFUSALS, Approver
from adapters.web.settlement_models import (
    ClosedMonth,
    ClosedMonths,
    MonthState,
    StatementState,
    TaxGroupState,
)
from controller.tariffs.statement import IssuedStatement, NotClosable

_CONFLICT: Final[dict[int | str, dict[str, object]]] = {
    409: {"model": models.Problem, "description": "The month cannot be closed, or its statements not be drawn up, now"}
}
Month = Annotated[str, Path(pattern=f"^{MONTH}$", description="such as `2026-10`")]


def add_statements(router: APIRouter, charged: Charged) -> None:
    """Add the routes of statements."""

    @router.get("/statements")
    def get_closed_months() -> ClosedMonths:
        """The months that are closed, in order."""
        closings = charged.closings()
        return ClosedMonths(
            items=tuple(ClosedMonth(month=each.month, closed_at=each.at, closed_by=each.by) for each in closings)
        )

    @router.get("/statements/{month}", responses=_CONFLICT)
    def get_statements(month: Month) -> MonthState:
        """The statements of a month: those it was closed with, or drafts while it is open."""
        try:
            return _month(charged.month(month))
        except ExportRefused as error:
            raise HTTPException(409, str(error)) from None

    @router.post("/statements/{month}", responses=REFUSALS | _CONFLICT)
    def close_month(month: Month, actor: Approver) -> MonthState:
        """Close a month for good: its statements are numbered and put on record. Closing it again changes nothing."""
        try:
            return _month(charged.close(month, actor.user))
        except (ExportRefused, NotClosable) as error:
            raise HTTPException(409, str(error)) from None


def _month(found: MonthStatements) -> MonthState:
    closing = found.closing
    return MonthState(
        month=found.month,
        closed_at=None if closing is None else closing.at,
        closed_by=None if closing is None else closing.by,
        waiting=found.waiting,
        items=tuple(map(_statement, found.statements)),
        overviews=tuple(each.id for each in found.overviews),
    )


def _statement(issued: IssuedStatement) -> StatementState:
    statement, totals = issued.statement, issued.statement.totals
    return StatementState(
        number=issued.number,
        draft=issued.draft,
        kind=statement.kind.value,
        party=statement.party,
        name=issued.party.name,
        issued_on=issued.issued_on,
        due_on=issued.due_on,
        currency=statement.currency,
        before_tax=totals.before_tax,
        tax=totals.tax,
        after_tax=totals.after_tax,
        payable=totals.payable,
        taxes=tuple(
            TaxGroupState(
                state=group.state.value,
                percent=group.percent,
                before_tax=group.before_tax,
                tax=group.tax,
                after_tax=group.after_tax,
            )
            for group in totals.groups
        ),
        energy_wh=statement.energy_wh,
        sessions=statement.sessions,
        lines=len(statement.lines),
    )
