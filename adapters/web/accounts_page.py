"""The manager's page of accounts: on whose account tokens charge, who owes and who is owed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request, Response

from adapters.web.access import Login
from adapters.web.account_forms import contract_said, form_of_contract, form_of_party, party_said
from adapters.web.accounts import add_contract, add_party, change_contract, change_party, contract_views, party_views
from adapters.web.entitled import PROPOSING, Proposer
from adapters.web.office_forms import Form, read_form
from adapters.web.office_pages import Office, back_to, problems_of
from adapters.web.token_models import ContractSaid, ContractState, NewContract, NewParty, PartySaid, PartyState
from controller.tariffs.book import Approval, Language, PartyKind, PriceBasis
from controller.tariffs.rated import TaxState
from controller.tariffs.rules import NoSuchEntry

PATH: Final = "/accounts"

_KINDS: Final = {
    PartyKind.EMPLOYEE: "Employee",
    PartyKind.EMPLOYER: "Employer",
    PartyKind.TENANT: "Tenant",
    PartyKind.GUEST_HOST: "Host of guests",
    PartyKind.HOME_OWNER: "Home owner",
    PartyKind.PARTNER: "Roaming partner",
    PartyKind.OPERATOR: "Operator",
}
_TAXES: Final = {TaxState.RATE: "at a rate of its own", TaxState.ZERO: "at 0 %", TaxState.EXEMPT: "exempt"}
_BASES: Final = {
    PriceBasis.CONTRACT: "the contract's price",
    PriceBasis.LUMP_SUM: "a lump sum",
    PriceBasis.REGULATED: "a regulated price (CREG)",
}
_LANGUAGES: Final = {Language.ENGLISH: "English", Language.DUTCH: "Nederlands", Language.GERMAN: "Deutsch"}

Fields = Annotated[Form, Depends(read_form)]


def add_accounts_page(app: FastAPI, office: Office) -> None:
    """Add ``/accounts`` and its forms."""
    desk = _Desk(office)

    @app.get(PATH, include_in_schema=False)
    def show(request: Request, contract: str | None = None, party: str | None = None) -> Response:
        said, payer = desk.contract(contract), desk.party(party, request)
        return desk.page(
            request,
            contract=None if said is None else form_of_contract(said, office.zone),
            party=None if payer is None else form_of_party(payer),
            editing=("contract" if said else "party" if payer else ""),
        )

    _add_contract_forms(app, office, desk)
    _add_party_forms(app, office, desk)


def _add_contract_forms(app: FastAPI, office: Office, desk: _Desk) -> None:
    book = office.books.prices

    @app.post(f"{PATH}/contracts", include_in_schema=False)
    def submit_contract(request: Request, form: Fields, actor: Proposer) -> Response:
        def add() -> None:
            add_contract(contract_said(NewContract, form, office.zone, {}), actor, book, office.now)

        return desk.after(request, add, contract=form)

    @app.post(f"{PATH}/contracts/{{contract:id}}/change", include_in_schema=False)
    def submit_change(request: Request, contract: str, form: Fields, actor: Proposer) -> Response:
        def change() -> None:
            known = desk.contract(contract)
            told = {name: value for name, value in form.items() if name != "id"}
            bases = {} if known is None else known.price_bases
            change_contract(contract, contract_said(ContractSaid, told, office.zone, bases), actor, book, office.now)

        return desk.after(request, change, contract={**form, "id": contract}, editing="contract")

    @app.post(f"{PATH}/contracts/{{contract:id}}/remove", include_in_schema=False)
    def remove_contract(request: Request, contract: str, actor: Proposer) -> Response:
        return desk.after(request, lambda: book.remove_contract(contract, Approval(actor.user, office.now)))


def _add_party_forms(app: FastAPI, office: Office, desk: _Desk) -> None:
    book = office.books.prices

    @app.post(f"{PATH}/parties", include_in_schema=False)
    def submit_party(request: Request, form: Fields, actor: Proposer) -> Response:
        return desk.after(request, lambda: add_party(party_said(NewParty, form), actor, book, office.now), party=form)

    @app.post(f"{PATH}/parties/{{party:id}}/change", include_in_schema=False)
    def submit_change(request: Request, party: str, form: Fields, actor: Proposer) -> Response:
        told = {name: value for name, value in form.items() if name != "id"}
        return desk.after(
            request,
            lambda: change_party(party, party_said(PartySaid, told), actor, book, office.now),
            party={**form, "id": party},
            editing="party",
        )

    @app.post(f"{PATH}/parties/{{party:id}}/remove", include_in_schema=False)
    def remove_party(request: Request, party: str, actor: Proposer) -> Response:
        return desk.after(request, lambda: book.remove_party(party, Approval(actor.user, office.now)))


class _Desk:
    """What the page shows."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def contract(self, contract: str | None) -> ContractState | None:
        """One contract.

        Raises:
            NoSuchEntry: there is none of that id.
        """
        if contract is None:
            return None
        for found in contract_views(self._office.books.prices, self._office.now):
            if found.id == contract:
                return found
        raise NoSuchEntry(f"there is no contract {contract!r}")

    def party(self, party: str | None, request: Request) -> PartyState | None:
        """One party, for those who may see bank accounts.

        Raises:
            NoSuchEntry: there is none of that id that the login may see.
        """
        if party is None:
            return None
        for found in self._parties(request):
            if found.id == party:
                return found
        raise NoSuchEntry(f"there is no party {party!r}")

    def page(
        self,
        request: Request,
        *,
        problems: list[str] | None = None,
        contract: Form | None = None,
        party: Form | None = None,
        editing: str = "",
    ) -> Response:
        """The page; ``contract`` and ``party`` are what stands in its forms, ``editing`` which of them is a change."""
        office, book = self._office, self._office.books.prices
        year = office.now.astimezone(office.zone).year
        parties = self._parties(request)
        return office.page(
            "accounts.html",
            request,
            problems=problems or [],
            contracts=contract_views(book, office.now),
            parties=parties,
            names={one.id: one.name for one in parties},
            tokens=Counter(token.contract for token in office.books.tokens.tokens()),
            said=contract or {},
            payer=party or {},
            editing=editing,
            kinds=_KINDS,
            taxes=_TAXES,
            bases=_BASES,
            languages=_LANGUAGES,
            years=(year, year + 1),
            now=office.now,
        )

    def after(
        self,
        request: Request,
        action: Callable[[], object],
        *,
        contract: Form | None = None,
        party: Form | None = None,
        editing: str = "",
    ) -> Response:
        """Do something, and show the page; if it cannot be, with the reasons and the form as it was."""
        problems = problems_of(action)
        if problems:
            return self.page(request, problems=problems, contract=contract, party=party, editing=editing)
        return back_to(PATH)

    def _parties(self, request: Request) -> tuple[PartyState, ...]:
        login: Login | None = request.scope["login"]
        may_see = login is None or login.role in PROPOSING
        return party_views(self._office.books.prices) if may_see else ()
