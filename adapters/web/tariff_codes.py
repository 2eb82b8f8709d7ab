"""Tariff codes of stations and connectors through the REST API: a table, shown first, taken whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from adapters.csv_table import TableProblem, TableRefused
from adapters.prices.pricing import PriceBook
from adapters.prices.tariff_codes import CodeChange, as_rules, read_codes
from adapters.web.answer import Answer
from adapters.web.entitled import REFUSALS, Proposer
from adapters.web.table_answers import TABLE_BODY, TABLE_REFUSED, DryRun, refusal_of
from adapters.web.tariffs import Content
from controller.ports.common import Clock
from controller.site import Site
from controller.tariffs.book import Approval, Leg


class CodeRow(Answer):
    """What one row of the table changes."""

    row: int
    station: str
    connector: int | None = Field(description="null: the whole station")
    leg: Leg
    before: str | None = Field(description="the place's own code at that moment; null: it has none")
    after: str | None
    changed: bool
    valid_from: datetime


class CodeImport(Answer):
    """What a table changes, or has changed."""

    dry_run: bool
    approved: bool = Field(description="false: the changes wait for approval as billing rules")
    changed: int
    items: tuple[CodeRow, ...]
    next: None = None


def add_tariff_codes(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    """Add the route of tariff codes."""

    @router.post(
        "/tariff-codes/import", responses=REFUSALS | TABLE_REFUSED, openapi_extra=TABLE_BODY, response_model=CodeImport
    )
    def import_codes(
        content: Content,
        actor: Proposer,
        dry_run: DryRun = False,
    ) -> Any:
        """Give stations and connectors their tariffs, by CSV: `station,connector,tariff_code[,leg][,valid_from]`.

        Only sessions that begin later are concerned. Who may approve changes it at once, or as soon as the lead time
        allows; for others the changes wait for approval.
        """
        try:
            by = Approval(actor.user, clock.now())
            return import_table(content, by, site, book, approve=actor.may_approve, dry_run=dry_run)
        except TableRefused as refused:
            return refusal_of(refused)


def import_table(
    content: bytes, by: Approval, site: Site, book: PriceBook, *, approve: bool, dry_run: bool
) -> CodeImport:
    """Change the codes as a table says, or only show it.

    Raises:
        TableRefused: nothing of it was taken.
    """
    earliest = by.at + book.operator.lead_time
    changes = read_codes(content, site, book.rules(), book.tariff_versions(), earliest)
    if not approve:
        _refuse_ends(changes)
    if not dry_run:
        rules, ends = as_rules(changes, by)
        book.add_rules(rules, ends, approve=approve)
    return CodeImport(
        dry_run=dry_run,
        approved=approve,
        changed=sum(change.changed for change in changes),
        items=tuple(map(_row, changes)),
    )


def _refuse_ends(changes: Iterable[CodeChange]) -> None:
    """What was approved is ended by those who may approve."""
    reason = "only an approver or installer may take a code away"
    problems = [
        TableProblem(one.row, "tariff_code", "", reason) for one in changes if one.changed and one.after is None
    ]
    if problems:
        raise TableRefused(problems)


def _row(change: CodeChange) -> CodeRow:
    return CodeRow(
        row=change.row,
        station=change.station,
        connector=change.connector,
        leg=change.leg,
        before=change.before,
        after=change.after,
        changed=change.changed,
        valid_from=change.valid_from,
    )
