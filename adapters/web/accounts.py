"""Contracts, parties, public points, and the terms of sessions through the REST API."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from fastapi import APIRouter, HTTPException

from adapters.prices.pricing import PriceBook
from adapters.web.entitled import REFUSALS, Actor, Proposer
from adapters.web.token_models import (
    ContractList,
    ContractSaid,
    ContractState,
    NewContract,
    NewParty,
    PartyList,
    PartySaid,
    PartyState,
    PublicList,
    PublicSaid,
    PublicState,
    TaxSaid,
    TaxShown,
    TermsList,
    TermsState,
)
from controller.ports.common import Clock
from controller.site import Site
from controller.tariffs.book import Approval, Contract, Party, PriceBasis, SessionTerms
from controller.tariffs.rated import Tax, TaxSource, TaxState
from controller.tariffs.rules import NoSuchEntry

PriceBases = tuple[tuple[int, PriceBasis], ...]


def add_accounts(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    """Add the routes of contracts, parties, public points, and terms."""
    _add_contracts(router, book, clock)
    _add_parties(router, book, clock)
    _add_points(router, site, book, clock)

    @router.get("/sessions/{session_id:id}/terms")
    def get_terms(session_id: str) -> TermsList:
        """On what terms a session is charged: frozen when it began."""
        return TermsList(items=tuple(map(_terms_view, book.terms_of(session_id))))


def _add_contracts(router: APIRouter, book: PriceBook, clock: Clock) -> None:
    @router.get("/contracts")
    def get_contracts() -> ContractList:
        """On whose accounts tokens charge."""
        return ContractList(items=contract_views(book, clock.now()))

    @router.post("/contracts", status_code=201, responses=REFUSALS)
    def post_contract(said: NewContract, actor: Proposer) -> ContractState:
        """Add a contract."""
        return add_contract(said, actor, book, clock.now())

    @router.put("/contracts/{contract_id:id}", responses=REFUSALS)
    def put_contract(contract_id: str, said: ContractSaid, actor: Proposer) -> ContractState:
        """Say anew what a contract is; sessions that run keep what it was when they began."""
        return change_contract(contract_id, said, actor, book, clock.now())

    @router.delete("/contracts/{contract_id:id}", status_code=204, responses=REFUSALS)
    def delete_contract(contract_id: str, actor: Proposer) -> None:
        """End a contract: its tokens may not charge any more. It stays on record."""
        book.remove_contract(contract_id, Approval(actor.user, clock.now()))


def _add_parties(router: APIRouter, book: PriceBook, clock: Clock) -> None:
    @router.get("/parties", responses=REFUSALS)
    def get_parties(_actor: Proposer) -> PartyList:
        """Who owes and who is owed, bank accounts included: not for those who may only read."""
        return PartyList(items=party_views(book))

    @router.post("/parties", status_code=201, responses=REFUSALS)
    def post_party(said: NewParty, actor: Proposer) -> PartyState:
        """Add a party."""
        return add_party(said, actor, book, clock.now())

    @router.put("/parties/{party_id:id}", responses=REFUSALS)
    def put_party(party_id: str, said: PartySaid, actor: Proposer) -> PartyState:
        """Say anew what a party is."""
        return change_party(party_id, said, actor, book, clock.now())

    @router.delete("/parties/{party_id:id}", status_code=204, responses=REFUSALS)
    def delete_party(party_id: str, actor: Proposer) -> None:
        """Take a party off the list; refused while contracts name it. It stays on record."""
        book.remove_party(party_id, Approval(actor.user, clock.now()))


def contract_views(book: PriceBook, now: datetime) -> tuple[ContractState, ...]:
    """All contracts, by id."""
    return tuple(_contract_view(one, holds=one.holds(now)) for one in book.contracts())


def party_views(book: PriceBook) -> tuple[PartyState, ...]:
    """All parties, by id."""
    return tuple(map(_party_view, book.parties()))


def add_contract(said: NewContract, actor: Actor, book: PriceBook, now: datetime) -> ContractState:
    """Add a contract.

    Raises:
        HTTPException, RuleRefused: it cannot be.
    """
    if any(contract.id == said.id for contract in book.contracts()):
        raise HTTPException(422, f"id: there is a contract {said.id!r} already; PUT changes it")
    return _keep_contract(said.id, said, (), actor, book, now)


def change_contract(
    contract_id: str, said: ContractSaid, actor: Actor, book: PriceBook, now: datetime
) -> ContractState:
    """Say anew what a contract is.

    Raises:
        HTTPException, RuleRefused, NoSuchEntry: it cannot be.
    """
    known = next((contract for contract in book.contracts() if contract.id == contract_id), None)
    if known is None:
        raise NoSuchEntry(f"there is no contract {contract_id!r}")
    return _keep_contract(contract_id, said, known.price_bases, actor, book, now)


def add_party(said: NewParty, actor: Actor, book: PriceBook, now: datetime) -> PartyState:
    """Add a party.

    Raises:
        HTTPException: there is one of that id.
    """
    if any(party.id == said.id for party in book.parties()):
        raise HTTPException(422, f"id: there is a party {said.id!r} already; PUT changes it")
    return _keep_party(Party(**said.model_dump()), actor, book, now)


def change_party(party_id: str, said: PartySaid, actor: Actor, book: PriceBook, now: datetime) -> PartyState:
    """Say anew what a party is.

    Raises:
        NoSuchEntry: there is none of that id.
    """
    if all(party.id != party_id for party in book.parties()):
        raise NoSuchEntry(f"there is no party {party_id!r}")
    return _keep_party(Party(id=party_id, **said.model_dump()), actor, book, now)


def _keep_contract(
    contract_id: str, said: ContractSaid, bases: PriceBases, actor: Actor, book: PriceBook, now: datetime
) -> ContractState:
    if said.price_bases is not None:
        bases = tuple(sorted(said.price_bases.items()))
    contract = replace(_contract(contract_id, said, book), price_bases=bases)
    book.keep_contract(contract, Approval(actor.user, now))
    return _contract_view(contract, holds=contract.holds(now))


def _keep_party(party: Party, actor: Actor, book: PriceBook, now: datetime) -> PartyState:
    book.keep_party(party, Approval(actor.user, now))
    return _party_view(party)


def _add_points(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    @router.get("/public-points")
    def get_public_points() -> PublicList:
        """Which points are open to guests; each is that nobody has closed to them."""
        said = book.public_points()
        items = tuple(PublicState(point=point.id, public=said.get(point.id, True)) for point in site.points)
        return PublicList(items=items, guests=book.operator.guests)

    @router.put("/public-points/{point_id:id}", responses=REFUSALS)
    def put_public_point(point_id: str, said: PublicSaid, actor: Proposer) -> PublicState:
        """Open a point to guests, or close it to them."""
        if point_id not in site.point:
            raise NoSuchEntry(f"there is no point {point_id!r}")
        book.set_public(point_id, public=said.public, by=Approval(actor.user, clock.now()))
        return PublicState(point=point_id, public=said.public)


def _contract(contract_id: str, said: ContractSaid, book: PriceBook) -> Contract:
    known = {party.id for party in book.parties()}
    problems = [
        f"{name}: there is no party {value!r}"
        for name, value in (("party", said.party), ("employer", said.employer))
        if value is not None and value not in known
    ]
    if problems:
        raise HTTPException(422, "; ".join(problems))
    if said.valid_from and said.valid_until and said.valid_until <= said.valid_from:
        raise HTTPException(422, "valid_until: expected a time after valid_from")
    return Contract(
        contract_id,
        said.party,
        said.employer,
        None if said.tax is None else _tax(said.tax),
        said.home_charging,
        said.valid_from,
        said.valid_until,
    )


def _tax(said: TaxSaid) -> Tax:
    if said.state is TaxState.UNKNOWN:
        raise HTTPException(422, "tax.state: expected rate, zero or exempt; leave tax out where it is unknown")
    if (said.state is TaxState.RATE) != (said.percent is not None):
        raise HTTPException(422, "tax.percent: expected a percentage where the state is rate, and nowhere else")
    percent = Decimal(0) if said.percent is None else said.percent
    return Tax(said.state, percent, TaxSource.CONTRACT, said.reason)


def _contract_view(contract: Contract, *, holds: bool) -> ContractState:
    return ContractState(
        id=contract.id,
        party=contract.party,
        employer=contract.employer,
        tax=None if contract.tax is None else _tax_view(contract.tax),
        home_charging=contract.home_charging,
        valid_from=contract.valid_from,
        valid_until=contract.valid_until,
        price_bases=dict(contract.price_bases),
        holds=holds,
    )


def _tax_view(tax: Tax) -> TaxShown:
    return TaxShown(state=tax.state, percent=tax.percent, source=tax.source.value, reason=tax.reason)


def _party_view(party: Party) -> PartyState:
    return PartyState(
        id=party.id,
        kind=party.kind,
        name=party.name,
        address=party.address,
        country=party.country,
        vat_number=party.vat_number,
        iban=party.iban,
        bic=party.bic,
        email=party.email,
        language=party.language,
    )


def _terms_view(terms: SessionTerms) -> TermsState:
    choice = terms.choice
    return TermsState(
        leg=choice.leg.value,
        tariff=choice.tariff,
        version=None if terms.version is None else terms.version.number,
        rule=choice.rule,
        scope=None if choice.scope is None else choice.scope.value,
        zero_rate=choice.zero_rate,
        curves=tuple(curve.id for curve in terms.curves),
        card_fee=None if terms.card_fee is None else terms.card_fee.id,
        token_kind=terms.token_kind,
        contract=None if terms.contract is None else terms.contract.id,
        tax=_tax_view(terms.tax),
    )
