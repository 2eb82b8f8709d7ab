"""The manager's pages of prices and tokens: plain forms, clients of what the REST API does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from adapters.json_text import DocumentError
from adapters.pricing import Books
from adapters.tariff_codes import CodesRefused
from adapters.web.entitled import PROPOSING, Approver, Proposer, actor_of
from adapters.web.office_forms import (
    Form,
    form_of_rule,
    form_of_token,
    moment_of,
    new_token_said,
    read_form,
    rule_said,
    tariff_said,
    token_said,
)
from adapters.web.rules import card_fee_view, propose_rule, rule_list
from adapters.web.tariff_codes import CodeImport, import_table
from adapters.web.tariffs import keep_tariff, tariff_view, tariff_views
from adapters.web.tokens import add_new_token, change_token, token_state, token_views
from controller.site import Site
from controller.tariffs.book import Approval, Leg, Scope, TokenKind
from controller.tariffs.rules import NoSuchEntry, RuleRefused, Standing

_SEE_OTHER: Final = 303
_SCOPES: Final = {
    Scope.TOKEN: "Token {}",
    Scope.CONTRACT: "Contract {}",
    Scope.GUEST: "Guests",
    Scope.CONNECTOR: "Point {}",
    Scope.STATION: "Station {}",
    Scope.SITE: "The whole site",
    Scope.OPERATOR: "Wherever nothing else holds",
}
_CHOICES: Final = {scope: words.format("…") for scope, words in _SCOPES.items()}
_LEGS: Final = {Leg.RETAIL: "driver pays", Leg.WHOLESALE: "partner pays", Leg.REIMBURSEMENT: "is paid back"}

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
    _add_token_forms(app, office)


class Office:
    """What the pages show."""

    def __init__(self, site: Site, books: Books, facts: dict[str, Any]) -> None:
        self.site, self.books = site, books
        self.zone = ZoneInfo(site.time_zone)
        self._facts = facts
        templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape()
        )
        templates.filters["local"] = self._local
        templates.filters["scope"] = lambda rule: _SCOPES[rule.scope].format(rule.key)
        templates.filters["leg"] = lambda leg: _LEGS[leg]
        templates.filters["path"] = lambda text: quote(text, safe="")
        self._templates = templates

    @property
    def now(self) -> datetime:
        """The time by which prices are kept."""
        return self.books.clock.now()

    def prices(
        self,
        request: Request,
        *,
        everything: bool = False,
        problems: list[str] | None = None,
        said: Form | None = None,
        preview: CodeImport | None = None,
    ) -> Response:
        """The page of prices."""
        book, now = self.books.prices, self.now
        rules, fees, versions = book.rules(), book.card_fees(), book.tariff_versions()
        shown = [
            tariff_view(one, [other for other in versions if other.tariff == one.tariff], book, self.site, now)
            for one in versions
            if one.approved is None
        ]
        fee_views = [card_fee_view(fee, fees, now) for fee in fees]
        return self._page(
            "prices.html",
            request,
            everything=everything,
            problems=problems or [],
            said=said or {},
            preview=preview,
            tariffs=list(tariff_views(book, self.site, now, everything=everything)),
            proposed_tariffs=[one for one in shown if one.state is Standing.PROPOSED],
            proposed_rules=rule_list(rules, now, everything=False, state=Standing.PROPOSED).items,
            proposed_fees=[fee for fee in fee_views if fee.state is Standing.PROPOSED],
            scheduled=rule_list(rules, now, everything=False, state=Standing.SCHEDULED).items,
            rules=rule_list(rules, now, everything=everything).items,
            fees=[fee for fee in fee_views if everything or fee.state is Standing.ACTIVE],
            scopes=[(scope.value, _CHOICES[scope]) for scope in reversed(Scope)],
            legs=[(leg.value, _LEGS[leg]) for leg in Leg],
            names=sorted({version.tariff for version in versions}),
            lead_h=book.operator.lead_time.total_seconds() / 3600,
        )

    def tokens(
        self,
        request: Request,
        *,
        everything: bool = False,
        problems: list[str] | None = None,
        said: Form | None = None,
        editing: str | None = None,
    ) -> Response:
        """The page of tokens; ``editing``: of which the form speaks, instead of a new one."""
        book = self.books.prices
        return self._page(
            "tokens.html",
            request,
            everything=everything,
            problems=problems or [],
            said=said or {},
            editing=editing,
            tokens=token_views(self.books.tokens, book, self.now, everything=everything),
            kinds=[kind.value for kind in TokenKind],
            contracts=[contract.id for contract in book.contracts()],
            names=sorted({version.tariff for version in book.tariff_versions()}),
            guests=book.operator.guests,
            now=self.now,
        )

    def after_prices(self, request: Request, action: Callable[[], object], form: Form | None = None) -> Response:
        """Do something, and show the page of prices; if it cannot be, with the reasons and the form as it was."""
        problems = _problems_of(action)
        return self.prices(request, problems=problems, said=form) if problems else _back("/prices")

    def after_tokens(
        self, request: Request, action: Callable[[], object], form: Form | None = None, editing: str | None = None
    ) -> Response:
        """The same, with the page of tokens."""
        problems = _problems_of(action)
        if problems:
            return self.tokens(request, problems=problems, said=form, editing=editing)
        return _back("/tokens")

    def _page(self, template: str, request: Request, **facts: Any) -> Response:
        login = request.scope["login"]
        actor = actor_of(login)
        may_propose = login is None or login.role in PROPOSING
        text = self._templates.get_template(template).render(
            self._facts,
            currency=self.site.currency,
            user=actor.user,
            may_propose=may_propose,
            may_approve=actor.may_approve,
            **facts,
        )
        return HTMLResponse(text, 422 if facts["problems"] else 200)

    def _local(self, moment: datetime) -> str:
        """A time on the clock of the site."""
        return moment.astimezone(self.zone).strftime("%d %b %Y, %H:%M")


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

    @app.post("/prices/tariffs/{tariff}/{version}/approve", include_in_schema=False)
    def approve_tariff(request: Request, tariff: str, version: int, actor: Approver) -> Response:
        by = Approval(actor.user, office.now)
        return office.after_prices(request, lambda: book.approve_tariff(tariff, by, version))

    @app.post("/prices/fees/{fee}/approve", include_in_schema=False)
    def approve_fee(request: Request, fee: str, actor: Approver) -> Response:
        return office.after_prices(request, lambda: book.approve_card_fee(fee, Approval(actor.user, office.now)))


def _add_rule_forms(app: FastAPI, office: Office) -> None:
    book = office.books.prices

    @app.post("/prices/rules", include_in_schema=False)
    def submit_rule(request: Request, form: Fields, actor: Proposer) -> Response:
        def propose() -> None:
            said = rule_said(form, office.zone)
            propose_rule(said, actor, office.site, book, office.now, approve="approve" in form)

        return office.after_prices(request, propose, form)

    @app.post("/prices/rules/{rule}/approve", include_in_schema=False)
    def approve_rule(request: Request, rule: str, actor: Approver) -> Response:
        return office.after_prices(request, lambda: book.approve_rule(rule, Approval(actor.user, office.now)))

    @app.post("/prices/rules/{rule}/end", include_in_schema=False)
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
        except CodesRefused as refused:
            return office.prices(request, problems=list(map(str, refused.problems)), said={"table": table})
        return _back("/prices") if sure else office.prices(request, said={"table": table}, preview=found)


def _add_token_forms(app: FastAPI, office: Office) -> None:
    tokens = office.books.tokens

    @app.post("/tokens", include_in_schema=False)
    def submit_token(request: Request, form: Fields, actor: Proposer) -> Response:
        def add() -> None:
            add_new_token(new_token_said(form, office.zone), actor, tokens, office.books.prices, office.now)

        return office.after_tokens(request, add, form)

    @app.post("/tokens/{uid}/change", include_in_schema=False)
    def submit_change(request: Request, uid: str, form: Fields, actor: Proposer) -> Response:
        def change() -> None:
            change_token(uid, token_said(form, office.zone), actor, tokens, office.books.prices, office.now)

        return office.after_tokens(request, change, {**form, "uid": uid}, editing=uid)

    @app.post("/tokens/{uid}/block", include_in_schema=False)
    def block_token(request: Request, uid: str, form: Fields, actor: Proposer) -> Response:
        by, blocked = Approval(actor.user, office.now), "unblock" not in form
        return office.after_tokens(request, lambda: tokens.block_token(uid, by, blocked=blocked))

    @app.post("/tokens/{uid}/end", include_in_schema=False)
    def end_token(request: Request, uid: str, actor: Proposer) -> Response:
        return office.after_tokens(request, lambda: tokens.end_token(uid, Approval(actor.user, office.now)))


def _problems_of(action: Callable[[], object]) -> list[str]:
    """Do it; what is wrong where it cannot be done."""
    try:
        action()
    except DocumentError as error:
        return error.problems
    except (RuleRefused, NoSuchEntry) as error:
        return [str(error)]
    except HTTPException as error:
        return [str(error.detail)]
    return []


def _back(path: str) -> Response:
    return RedirectResponse(path, _SEE_OTHER)
