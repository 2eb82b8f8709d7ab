"""What the pages of prices and tokens show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from adapters.csv_table import TableRefused
from adapters.json_text import DocumentError
from adapters.prices.pricing import Books
from adapters.web.entitled import PROPOSING, actor_of
from adapters.web.office_forms import Form
from adapters.web.rules import card_fee_view, rule_list
from adapters.web.tariff_codes import CodeImport
from adapters.web.tariffs import tariff_view, tariff_views
from adapters.web.token_import import TokenImport
from adapters.web.token_table import COLUMNS, WORDS
from adapters.web.tokens import token_views
from controller.site import Site
from controller.tariffs.book import Leg, Scope, TokenKind
from controller.tariffs.price_words import money
from controller.tariffs.rated import rounded
from controller.tariffs.rules import NoSuchEntry, RuleRefused, Standing

_SEE_OTHER: Final = 303
_PRICE_STEP: Final = Decimal("0.000001")
"""Of what people are shown: a price without tax that was divided out of one with it may have no end."""
_SCOPES: Final = {
    Scope.TOKEN: "Token {}",
    Scope.CONTRACT: "Contract {}",
    Scope.GUEST: "Guests",
    Scope.CONNECTOR: "Point {}",
    Scope.STATION: "Station {}",
    Scope.SITE: "The whole site",
    Scope.OPERATOR: "Wherever nothing else holds",
}
_HELD: Final = (Standing.ACTIVE, Standing.SCHEDULED)
_CHOICES: Final = {scope: words.format("…") for scope, words in _SCOPES.items()}
_LEGS: Final = {Leg.RETAIL: "driver pays", Leg.WHOLESALE: "partner pays", Leg.REIMBURSEMENT: "is paid back"}


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
        templates.filters["price"] = lambda amount: money(rounded(amount, _PRICE_STEP))
        templates.filters["iban"] = lambda text: " ".join(text[at : at + 4] for at in range(0, len(text), 4))
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
        return self.page(
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
            fees=[fee for fee in fee_views if everything or fee.state in _HELD],
            scopes=[(scope.value, _CHOICES[scope]) for scope in reversed(Scope)],
            legs=[(leg.value, _LEGS[leg]) for leg in Leg],
            names=sorted({version.tariff for version in versions}),
            kinds=[kind.value for kind in TokenKind],
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
        preview: TokenImport | None = None,
    ) -> Response:
        """The page of tokens; ``editing``: of which the form speaks, instead of a new one."""
        book = self.books.prices
        public = book.public_points()
        return self.page(
            "tokens.html",
            request,
            everything=everything,
            problems=problems or [],
            said=said or {},
            editing=editing,
            preview=preview,
            columns=COLUMNS,
            words=WORDS,
            tokens=token_views(self.books.tokens, book, self.now, everything=everything),
            kinds=[kind.value for kind in TokenKind],
            contracts=[contract.id for contract in book.contracts()],
            names=sorted({version.tariff for version in book.tariff_versions()}),
            guests=book.operator.guests,
            points=[(point.id, public.get(point.id, True)) for point in self.site.points],
            now=self.now,
        )

    def after_prices(self, request: Request, action: Callable[[], object], form: Form | None = None) -> Response:
        """Do something, and show the page of prices; if it cannot be, with the reasons and the form as it was."""
        problems = problems_of(action)
        return self.prices(request, problems=problems, said=form) if problems else back_to("/prices")

    def after_tokens(
        self, request: Request, action: Callable[[], object], form: Form | None = None, editing: str | None = None
    ) -> Response:
        """The same, with the page of tokens."""
        problems = problems_of(action)
        if problems:
            return self.tokens(request, problems=problems, said=form, editing=editing)
        return back_to("/tokens")

    def page(self, template: str, request: Request, **facts: Any) -> Response:
        """A page for who asks; ``problems`` among its facts makes it the answer to what was refused."""
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


def problems_of(action: Callable[[], object]) -> list[str]:
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


def reasons(refused: TableRefused | RuleRefused) -> list[str]:
    """Why a table was not taken, row by row where it is the rows."""
    return list(map(str, refused.problems)) if isinstance(refused, TableRefused) else [str(refused)]


def back_to(path: str) -> Response:
    """Show a page anew after something was done."""
    return RedirectResponse(path, _SEE_OTHER)
