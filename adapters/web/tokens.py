"""Tokens through the REST API: who may charge, until when, how much, and at what price."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from fastapi import APIRouter, HTTPException

from adapters.prices.pricing import PriceBook, TokenBook
from adapters.web import models
from adapters.web.account_log import change_list
from adapters.web.entitled import REFUSALS, Actor, Proposer
from adapters.web.tariffs import All
from adapters.web.token_models import (
    ChangedToken,
    ChangeList,
    LimitsSaid,
    LimitsState,
    NewToken,
    TokenList,
    TokenSaid,
    TokenState,
)
from controller.ports.common import Clock
from controller.ports.tokens import Token
from controller.tariffs.book import Approval, BillingRule, Leg, Scope, TokenLimits
from controller.tariffs.choice import token_key
from controller.tariffs.rules import in_force

ENDS_TARIFFS: Final = "only an approver or installer may end a token's own tariff"


def add_tokens(router: APIRouter, tokens: TokenBook, book: PriceBook, clock: Clock) -> None:
    """Add the routes of tokens."""

    @router.get("/tokens")
    def get_tokens(everything: All = False) -> TokenList:
        """The tokens that have not expired."""
        return TokenList(items=tuple(token_views(tokens, book, clock.now(), everything=everything)))

    @router.post(
        "/tokens", status_code=201, responses=REFUSALS | {409: {"model": models.Problem, "description": "It is known"}}
    )
    def post_token(said: NewToken, actor: Proposer) -> TokenState:
        """Add a token of any brand to those that may charge."""
        now = clock.now()
        add_new_token(said, actor, tokens, book, now)
        return token_state(said.uid, tokens, book, now)

    @router.get("/tokens/{uid:id}", responses=REFUSALS)
    def get_token(uid: str) -> TokenState:
        """One token, in upper or lower case alike."""
        return token_state(uid, tokens, book, clock.now())

    @router.put("/tokens/{uid:id}", responses=REFUSALS)
    def put_token(uid: str, said: ChangedToken, actor: Proposer) -> TokenState:
        """Say anew what a token is. What it needs stays; sessions that run go on as they began."""
        now = clock.now()
        if said.uid is not None and token_key(said.uid) != token_key(uid):
            raise HTTPException(422, f"uid: this is the token {uid!r}; another one is added, and this one ended")
        change_token(uid, said, actor, tokens, book, now)
        return token_state(uid, tokens, book, now)

    @router.delete("/tokens/{uid:id}", responses=REFUSALS)
    def delete_token(uid: str, actor: Proposer) -> TokenState:
        """End a token's validity now. It stays on record, and so do its sessions."""
        now = clock.now()
        tokens.end_token(uid, Approval(actor.user, now))
        return token_state(uid, tokens, book, now)

    @router.get("/tokens/{uid:id}/history", responses=REFUSALS)
    def get_token_history(uid: str) -> ChangeList:
        """Who has changed a token when to what, oldest first."""
        tokens.token(uid)
        return change_list(tokens.token_history(uid))


def add_new_token(said: NewToken, actor: Actor, tokens: TokenBook, book: PriceBook, now: datetime) -> None:
    """Add a token, and propose its own tariff if it is to have one.

    Raises:
        HTTPException, RuleRefused: it cannot be.
    """
    if any(token_key(token.uid) == token_key(said.uid) for token in tokens.tokens()):
        raise HTTPException(409, f"there is a token {said.uid!r} already; PUT changes it")
    token, by = _token(said.uid, said, book), Approval(actor.user, now)
    tokens.add_token(token, by)
    _give_tariff(said.uid, said, book, by, approve=actor.may_approve)


def change_token(uid: str, said: TokenSaid, actor: Actor, tokens: TokenBook, book: PriceBook, now: datetime) -> None:
    """Say anew what a token is.

    Raises:
        HTTPException, RuleRefused, NoSuchEntry: it cannot be.
    """
    known, by = tokens.token(uid), Approval(actor.user, now)
    tokens.change_token(_token(known.uid, said, book), by)
    _give_tariff(known.uid, said, book, by, approve=actor.may_approve)


def token_state(uid: str, tokens: TokenBook, book: PriceBook, now: datetime) -> TokenState:
    """One token as the API shows it.

    Raises:
        NoSuchEntry: nobody knows it.
    """
    return token_view(tokens.token(uid), _own_tariffs(book, now))


def token_views(tokens: TokenBook, book: PriceBook, now: datetime, *, everything: bool) -> list[TokenState]:
    """Tokens as the API lists them."""
    own = _own_tariffs(book, now)
    return [
        token_view(token, own)
        for token in tokens.tokens()
        if everything or token.valid_until is None or token.valid_until > now
    ]


def token_view(token: Token, own_tariffs: Mapping[str, str]) -> TokenState:
    """One token as the API shows it."""
    limits = token.limits
    return TokenState(
        uid=token.uid,
        description=token.description,
        kind=token.kind,
        group=token.group,
        contract=token.contract,
        blocked=token.blocked,
        valid_from=token.valid_from,
        valid_until=token.valid_until,
        zero_rate=token.zero_rate,
        limits=LimitsState(
            energy_kwh_per_month=None if limits.energy_wh_per_month is None else limits.energy_wh_per_month / 1000,
            amount_per_month=limits.amount_per_month,
            session_h=None if limits.session_s is None else limits.session_s / 3600,
        ),
        tariff=own_tariffs.get(token_key(token.uid)),
    )


def own_rules(book: PriceBook, now: datetime) -> dict[str, BillingRule]:
    """The rules by which tokens have a retail tariff of their own now, by the token's key."""
    of_tokens: dict[str, list[BillingRule]] = {}
    for rule in book.rules():
        if rule.scope is Scope.TOKEN and rule.leg is Leg.RETAIL:
            of_tokens.setdefault(token_key(rule.key), []).append(rule)
    held = {key: in_force(rules, now) for key, rules in of_tokens.items()}
    return {key: rule for key, rule in held.items() if rule is not None}


def own_tariff_rule(uid: str, tariff: str, by: Approval) -> BillingRule:
    """The rule that gives a token a tariff of its own."""
    return BillingRule("", Scope.TOKEN, uid, Leg.RETAIL, tariff, by.at, None, by)


def _own_tariffs(book: PriceBook, now: datetime) -> dict[str, str]:
    return {key: rule.tariff for key, rule in own_rules(book, now).items()}


def _give_tariff(uid: str, said: TokenSaid, book: PriceBook, by: Approval, *, approve: bool) -> None:
    """Propose the token's own tariff, or end it, where something is said of it."""
    own = own_rules(book, by.at).get(token_key(uid))
    if "tariff" not in said.model_fields_set or said.tariff == (None if own is None else own.tariff):
        return
    if said.tariff is not None:
        book.add_rules([own_tariff_rule(uid, said.tariff, by)], approve=approve)
    elif not approve:
        raise HTTPException(403, f"tariff: {ENDS_TARIFFS}")
    else:
        assert own is not None, "it is held"
        book.end_rule(own.id, by)


def token_problems(said: TokenSaid, contracts: Collection[str], tariffs: Collection[str]) -> dict[str, str]:
    """What cannot be in what is said of a token, by field."""
    problems = {}
    if said.contract is not None and said.contract not in contracts:
        problems["contract"] = f"there is no contract {said.contract!r}"
    if said.tariff is not None and said.tariff not in tariffs:
        problems["tariff"] = f"there is no tariff {said.tariff!r}"
    if said.valid_from and said.valid_until and said.valid_until <= said.valid_from:
        problems["valid_until"] = "expected a time after valid_from"
    return problems


def token_said(uid: str, said: TokenSaid) -> Token:
    """The token that is described."""
    return Token(
        uid,
        said.description,
        said.blocked,
        said.valid_until,
        said.group,
        kind=said.kind,
        contract=said.contract,
        zero_rate=said.zero_rate,
        limits=_limits(said.limits),
        valid_from=said.valid_from,
    )


def _token(uid: str, said: TokenSaid, book: PriceBook) -> Token:
    contracts = {contract.id for contract in book.contracts()}
    tariffs = {version.tariff for version in book.tariff_versions(said.tariff)} if said.tariff else ()
    if problems := token_problems(said, contracts, tariffs):
        raise HTTPException(422, "; ".join(f"{field}: {reason}" for field, reason in problems.items()))
    return token_said(uid, said)


def _limits(said: LimitsSaid) -> TokenLimits:
    energy_kwh, hours = said.energy_kwh_per_month, said.session_h
    return TokenLimits(
        energy_wh_per_month=None if energy_kwh is None else round(1000 * energy_kwh),
        amount_per_month=said.amount_per_month,
        session_s=None if hours is None else round(3600 * hours),
    )
