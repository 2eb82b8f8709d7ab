"""The manager's pages of prices and tokens: plain forms, clients of what the REST API does."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response

from adapters.csv_table import TableRefused
from adapters.prices.pricing import Books
from adapters.web.entitled import Approver, Proposer
from adapters.web.office_forms import (
    Form,
    card_fee_said,
    form_of_rule,
    form_of_token,
    moment_of,
    new_token_said,
    read_form,
    rule_said,
    tariff_said,
    token_said,
)
from adapters.web.office_pages import Office, back_to, reasons
from adapters.web.rules import propose_card_fee, propose_rule
from adapters.web.tariff_codes import import_table
from adapters.web.tariffs import keep_tariff
from adapters.web.token_import import import_table as import_tokens
from adapters.web.token_import import token_file
from adapters.web.tokens import add_new_token, change_token, token_state
from controller.site import Site
from controller.tariffs.book import Approval
from controller.tariffs.rules import NoSuchEntry, RuleRefused

Fields = Annotated[Form, Depends(read_form)]


def add_office(app: FastAPI, site: Site, books: Books, facts: dict[str, Any]) -> None:
    """Add the pages of prices and tokens.

    Args:
        app: what they are added to.
        site: whose prices they are.
        books: prices and tokens.
        facts: what every page shows: ``site``, ``version``, ``lab``.
    """
    office = Office(site, books, facts)

    @app.get("/prices", include_in_schema=False)
    def show_prices(request: Request, all: bool = False, copy: str | None = None) -> Response:  # noqa: A002 - as in the API
        said = None if copy is None else form_of_rule(books.prices.rule(copy))
        return office.prices(request, everything=all, said=said)

    @app.get("/tokens", include_in_schema=False)
    def show_tokens(request: Request, all: bool = False, edit: str | None = None) -> Response:  # noqa: A002 - as in the API
        if edit is None:
            return office.tokens(request, everything=all)
        token = token_state(edit, books.tokens, books.prices, office.now)
        return office.tokens(request, everything=all, said=form_of_token(token, office.zone), editing=token.uid)

    _add_tariff_forms(app, office)
    _add_rule_forms(app, office)
    _add_token_table(app, office)
    _add_token_forms(app, office)


def _add_tariff_forms(app: FastAPI, office: Office) -> None:
    book = office.books.prices

    @app.post("/prices/tariffs", include_in_schema=False)
    def submit_tariff(request: Request, form: Fields, actor: Proposer) -> Response:
        def keep() -> None:
            content = tariff_said(form, office.site.currency)
            begins = moment_of(form.get("valid_from"), office.zone)
            name = form.get("id", "").strip()
            known = name if book.tariff_versions(name) else None
            keep_tariff(content, known, actor, office.site, book, office.now, (begins, None), approve="approve" in form)

        return office.after_prices(request, keep, form)

    @app.post("/prices/tariffs/{tariff:id}/{version}/approve", include_in_schema=False)
    def approve_tariff(request: Request, tariff: str, version: int, actor: Approver) -> Response:
        by = Approval(actor.user, office.now)
        return office.after_prices(request, lambda: book.approve_tariff(tariff, by, version))

    @app.post("/prices/fees", include_in_schema=False)
    def submit_fee(request: Request, form: Fields, actor: Proposer) -> Response:
        approve = "approve" in form
        return office.after_prices(
            request,
            lambda: propose_card_fee(card_fee_said(form, office.zone), actor, book, office.now, approve=approve),
            form,
        )

    @app.post("/prices/fees/{fee:id}/approve", include_in_schema=False)
    def approve_fee(request: Request, fee: str, actor: Approver) -> Response:
        return office.after_prices(request, lambda: book.approve_card_fee(fee, Approval(actor.user, office.now)))

    @app.post("/prices/fees/{fee:id}/end", include_in_schema=False)
    def end_fee(request: Request, fee: str, actor: Approver) -> Response:
        return office.after_prices(request, lambda: book.end_card_fee(fee, Approval(actor.user, office.now)))


def _add_rule_forms(app: FastAPI, office: Office) -> None:
    book = office.books.prices

    @app.post("/prices/rules", include_in_schema=False)
    def submit_rule(request: Request, form: Fields, actor: Proposer) -> Response:
        def propose() -> None:
            said = rule_said(form, office.zone)
            propose_rule(said, actor, office.site, book, office.now, approve="approve" in form)

        return office.after_prices(request, propose, form)

    @app.post("/prices/rules/{rule:id}/approve", include_in_schema=False)
    def approve_rule(request: Request, rule: str, actor: Approver) -> Response:
        return office.after_prices(request, lambda: book.approve_rule(rule, Approval(actor.user, office.now)))

    @app.post("/prices/rules/{rule:id}/end", include_in_schema=False)
    def end_rule(request: Request, rule: str, actor: Proposer) -> Response:
        def end() -> None:
            actor.approving(asked=book.rule(rule).approved is not None)
            book.end_rule(rule, Approval(actor.user, office.now))

        return office.after_prices(request, end)

    @app.post("/prices/codes", include_in_schema=False)
    def submit_codes(request: Request, form: Fields, actor: Proposer) -> Response:
        table = form.get("file") or form.get("table", "")
        content, by, sure = table.encode("utf-8", "replace"), Approval(actor.user, office.now), "confirm" in form
        try:
            found = import_table(content, by, office.site, book, approve=actor.may_approve, dry_run=not sure)
        except (TableRefused, RuleRefused) as refused:
            return office.prices(request, problems=reasons(refused), said={"table": table})
        return back_to("/prices") if sure else office.prices(request, said={"table": table}, preview=found)


def _add_token_table(app: FastAPI, office: Office) -> None:
    @app.get("/tokens/table", include_in_schema=False)
    def show_table() -> Response:
        return token_file(office.books, office.zone, everything=True, mark="\ufeff")

    @app.post("/tokens/table", include_in_schema=False)
    def submit_table(request: Request, form: Fields, actor: Proposer) -> Response:
        table = form.get("file") or form.get("table", "")
        content, by, sure = table.encode("utf-8", "replace"), Approval(actor.user, office.now), "confirm" in form
        try:
            found = import_tokens(content, by, office.books, office.zone, approve=actor.may_approve, dry_run=not sure)
        except (TableRefused, RuleRefused) as refused:
            return office.tokens(request, problems=reasons(refused), said={"table": table})
        return back_to("/tokens") if sure else office.tokens(request, said={"table": table}, preview=found)


def _add_token_forms(app: FastAPI, office: Office) -> None:
    tokens = office.books.tokens

    @app.post("/tokens", include_in_schema=False)
    def submit_token(request: Request, form: Fields, actor: Proposer) -> Response:
        def add() -> None:
            add_new_token(new_token_said(form, office.zone), actor, tokens, office.books.prices, office.now)

        return office.after_tokens(request, add, form)

    @app.post("/tokens/{uid:id}/change", include_in_schema=False)
    def submit_change(request: Request, uid: str, form: Fields, actor: Proposer) -> Response:
        def change() -> None:
            change_token(uid, token_said(form, office.zone), actor, tokens, office.books.prices, office.now)

        return office.after_tokens(request, change, {**form, "uid": uid}, editing=uid)

    @app.post("/tokens/guests/{point:id}", include_in_schema=False)
    def open_point(request: Request, point: str, form: Fields, actor: Proposer) -> Response:
        def say() -> None:
            if point not in office.site.point:
                raise NoSuchEntry(f"there is no point {point!r}")
            by = Approval(actor.user, office.now)
            office.books.prices.set_public(point, public="open" in form, by=by)

        return office.after_tokens(request, say)

    @app.post("/tokens/{uid:id}/block", include_in_schema=False)
    def block_token(request: Request, uid: str, form: Fields, actor: Proposer) -> Response:
        by, blocked = Approval(actor.user, office.now), "unblock" not in form
        return office.after_tokens(request, lambda: tokens.block_token(uid, by, blocked=blocked))

    @app.post("/tokens/{uid:id}/end", include_in_schema=False)
    def end_token(request: Request, uid: str, actor: Proposer) -> Response:
        return office.after_tokens(request, lambda: tokens.end_token(uid, Approval(actor.user, office.now)))
