"""All tokens as a table through the REST API: written out, and taken back whole or not at all, shown first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field

from adapters.csv_table import TableRefused
from adapters.prices.pricing import Books
from adapters.web.answer import Answer
from adapters.web.entitled import REFUSALS, Proposer
from adapters.web.table_answers import TABLE_BODY, TABLE_REFUSED, DryRun, refusal_of
from adapters.web.tariffs import Content
from adapters.web.token_table import TokenChange, read_tokens, take_changes, tokens_csv
from adapters.web.tokens import token_views
from controller.tariffs.book import Approval


class CellChange(Answer):
    """What changes of a token, as the table writes it; empty: there is nothing."""

    column: str
    before: str
    after: str


class TokenRow(Answer):
    """What one row of the table changes."""

    row: int = Field(description="the header is row 1")
    uid: str
    new: bool
    changes: tuple[CellChange, ...]


class TokenImport(Answer):
    """What a table changes, or has changed."""

    dry_run: bool
    approved: bool = Field(description="false: tariffs that tokens are given wait for approval as billing rules")
    tariffs_from: datetime | None = Field(description="when those begin to hold; null while they wait for approval")
    added: int
    changed: int = Field(description="of those that were known")
    items: tuple[TokenRow, ...]
    next: None = None


def add_token_table(router: APIRouter, books: Books, zone: ZoneInfo) -> None:
    """Add the routes of the table of tokens; that of exports for a month must stand behind."""

    @router.get("/exports/tokens", response_class=PlainTextResponse)
    def export_tokens(
        everything: Annotated[bool, Query(alias="all", description="with those that have expired")] = False,
    ) -> Response:
        """The tokens as CSV, in the columns that `POST /tokens/import` takes. Times on the clock of the site."""
        return token_file(books, zone, everything=everything)

    @router.post(
        "/tokens/import", responses=REFUSALS | TABLE_REFUSED, openapi_extra=TABLE_BODY, response_model=TokenImport
    )
    def import_tokens(content: Content, actor: Proposer, dry_run: DryRun = False) -> Any:
        """Add tokens, and change known ones, by CSV with the column `uid` and any others of the export.

        Of a known token, a column that is left out says nothing, and an empty value takes away what it has. Tokens that
        are not in the table stay as they are.
        """
        try:
            by = Approval(actor.user, books.clock.now())
            return import_table(content, by, books, zone, approve=actor.may_approve, dry_run=dry_run)
        except TableRefused as refused:
            return refusal_of(refused)


def token_file(books: Books, zone: ZoneInfo, *, everything: bool, mark: str = "") -> Response:
    """The table of tokens as a file; ``mark`` stands in front of it."""
    now = books.clock.now()
    text = mark + tokens_csv(token_views(books.tokens, books.prices, now, everything=everything), zone)
    headers = {"Content-Disposition": f'attachment; filename="tokens-{now.astimezone(zone):%Y%m%d}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


def import_table(
    content: bytes, by: Approval, books: Books, zone: ZoneInfo, *, approve: bool, dry_run: bool
) -> TokenImport:
    """Take a table of tokens, or only show what it changes.

    Raises:
        TableRefused, RuleRefused: nothing of it was taken.
    """
    changes = read_tokens(content, by, books.tokens, books.prices, zone, approve=approve)
    if not dry_run:
        take_changes(changes, by, books.tokens, approve=approve)
    changing = [change for change in changes if change.changes]
    added = sum(change.before is None for change in changing)
    return TokenImport(
        dry_run=dry_run,
        approved=approve,
        tariffs_from=by.at + books.prices.operator.lead_time if approve else None,
        added=added,
        changed=len(changing) - added,
        items=tuple(map(_row, changes)),
    )


def _row(change: TokenChange) -> TokenRow:
    before = change.before or {}
    changes = (
        CellChange(column=column, before=before.get(column, ""), after=change.after[column])
        for column in change.changes
    )
    return TokenRow(row=change.row, uid=change.token.uid, new=change.before is None, changes=tuple(changes))
