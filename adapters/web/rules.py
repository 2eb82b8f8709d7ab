"""Billing rules and card fees through the REST API: proposed, approved, copied, ended; their history only grows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Query

from adapters.prices.pricing import PriceBook
from adapters.web.answer import Moment
from adapters.web.entitled import REFUSALS, Actor, Approver, Proposer
from adapters.web.tariff_models import (
    Approving,
    CardFeeList,
    CardFeeSaid,
    CardFeeState,
    PriceChangeList,
    PriceChangeShown,
    RuleCopy,
    RuleList,
    RuleSaid,
    RuleState,
)
from adapters.web.tariffs import All, Approve, decided
from controller.ports.common import Clock
from controller.site import Site
from controller.tariffs.book import Approval, BillingRule, CardFee, Scope
from controller.tariffs.choice import key_of
from controller.tariffs.rules import Standing, end_of, standing, standings

State = Annotated[Standing | None, Query(description="only those")]
Ends = Annotated[Moment | None, Query(description="default: now")]


def add_rules(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    """Add the routes of billing rules."""

    @router.get("/rules")
    def get_rules(everything: All = False, state: State = None) -> RuleList:
        """The rules that hold now; with `state` those that wait for approval, begin later, or have ended."""
        return rule_list(book.rules(), clock.now(), everything=everything, state=state)

    @router.post("/rules", status_code=201, responses=REFUSALS)
    def post_rule(said: RuleSaid, actor: Proposer, approve: Approve = False) -> RuleState:
        """Propose a rule: in this scope, on this leg, this tariff. It takes effect when it is approved."""
        now = clock.now()
        added = propose_rule(said, actor, site, book, now, approve=approve)
        return rule_view(added, book.rules(), now)

    @router.get("/rules/{rule_id:id}", responses=REFUSALS)
    def get_rule(rule_id: str) -> RuleState:
        """One rule."""
        return rule_view(book.rule(rule_id), book.rules(), clock.now())

    @router.put("/rules/{rule_id:id}", responses=REFUSALS)
    def put_rule(rule_id: str, said: RuleSaid, actor: Proposer, approve: Approve = False) -> RuleState:
        """Propose a rule in the place of another of the same scope, key and leg; the answer is the new one.

        A proposal that was never approved is withdrawn; one that was approved holds until the new one does.
        """
        actor.approving(asked=approve)
        now = clock.now()
        old, by = book.rule(rule_id), Approval(actor.user, now)
        rule = _rule(said, by)
        if _kind(old) != _kind(rule):
            raise HTTPException(422, "scope, key, leg: expected those of the rule; propose another rule instead")
        (added,) = book.add_rules([rule], approve=approve)
        if old.approved is None and end_of(old) is None:
            book.end_rule(rule_id, by)
        return rule_view(added, book.rules(), now)

    @router.post("/rules/{rule_id:id}/approve", responses=REFUSALS)
    def approve_rule(rule_id: str, actor: Approver, what: Annotated[Approving | None, Body()] = None) -> RuleState:
        """Approve a rule; `valid_from` of the answer says when it takes effect. What it covers of older ones ends."""
        now = clock.now()
        approved = book.approve_rule(rule_id, Approval(actor.user, now), what.valid_from if what else None)
        return rule_view(approved, book.rules(), now)

    @router.post("/rules/{rule_id:id}/copy", status_code=201, responses=REFUSALS)
    def copy_rule(rule_id: str, copy: RuleCopy, actor: Proposer, approve: Approve = False) -> RuleState:
        """Propose a copy of a rule with another validity, and another key, leg or tariff if said."""
        actor.approving(asked=approve)
        now, old = clock.now(), book.rule(rule_id)
        copied = BillingRule(
            "",
            old.scope,
            old.key if copy.key is None else copy.key,
            copy.leg or old.leg,
            copy.tariff or old.tariff,
            copy.valid_from,
            copy.valid_until,
            Approval(actor.user, now),
        )
        check_key(copied.scope, copied.key, site, book)
        (added,) = book.add_rules([copied], approve=approve)
        return rule_view(added, book.rules(), now)

    @router.delete("/rules/{rule_id:id}", responses=REFUSALS)
    def delete_rule(rule_id: str, actor: Proposer, until: Ends = None) -> RuleState:
        """End a rule, or withdraw a proposal; it stays on record. To end what was approved, one must be an approver."""
        now, rule = clock.now(), book.rule(rule_id)
        actor.approving(asked=rule.approved is not None)
        ended = book.end_rule(rule_id, Approval(actor.user, now), until)
        return rule_view(ended, book.rules(), now)


def add_card_fees(router: APIRouter, book: PriceBook, clock: Clock) -> None:
    """Add the routes of fees for charge cards."""

    @router.get("/card-fees")
    def get_card_fees(everything: All = False, state: State = None) -> CardFeeList:
        """What charging with some kinds of tokens costs on top."""
        fees, now = book.card_fees(), clock.now()
        shown = (card_fee_view(fee, fees, now) for fee in fees)
        return CardFeeList(items=tuple(fee for fee in shown if _asked_for(fee.state, state, everything)))

    @router.post("/card-fees", status_code=201, responses=REFUSALS)
    def post_card_fee(said: CardFeeSaid, actor: Proposer, approve: Approve = False) -> CardFeeState:
        """Propose a fee per kWh, per session, or both, for a kind of token."""
        now = clock.now()
        added = propose_card_fee(said, actor, book, now, approve=approve)
        return card_fee_view(added, book.card_fees(), now)

    @router.post("/card-fees/{fee_id:id}/approve", responses=REFUSALS)
    def approve_card_fee(
        fee_id: str, actor: Approver, what: Annotated[Approving | None, Body()] = None
    ) -> CardFeeState:
        """Approve a fee."""
        now = clock.now()
        approved = book.approve_card_fee(fee_id, Approval(actor.user, now), what.valid_from if what else None)
        return card_fee_view(approved, book.card_fees(), now)

    @router.delete("/card-fees/{fee_id:id}", responses=REFUSALS)
    def delete_card_fee(fee_id: str, actor: Approver, until: Ends = None) -> CardFeeState:
        """End a fee; it stays on record."""
        now = clock.now()
        ended = book.end_card_fee(fee_id, Approval(actor.user, now), until)
        return card_fee_view(ended, book.card_fees(), now)


def add_price_log(router: APIRouter, book: PriceBook) -> None:
    """Add the route of the log of prices."""

    @router.get("/price-changes")
    def get_price_changes(
        since: Annotated[Moment, Query(description="from this time on")],
        until: Annotated[Moment, Query(description="to before this one")],
    ) -> PriceChangeList:
        """Who has proposed, approved or ended which tariff, rule or fee, and when."""
        changes = book.price_changes(since, until)
        return PriceChangeList(
            items=tuple(
                PriceChangeShown(
                    at=change.at,
                    by=change.by,
                    decision=change.decision,
                    kind=change.kind,
                    id=change.subject,
                    version=change.version,
                    effective_at=change.effective_at,
                )
                for change in changes
            )
        )


def propose_rule(
    said: RuleSaid, actor: Actor, site: Site, book: PriceBook, now: datetime, *, approve: bool = False
) -> BillingRule:
    """Propose a rule.

    Raises:
        HTTPException, RuleRefused: it cannot be.
    """
    actor.approving(asked=approve)
    rule = _rule(said, Approval(actor.user, now))
    check_key(rule.scope, rule.key, site, book)
    (added,) = book.add_rules([rule], approve=approve)
    return added


def propose_card_fee(
    said: CardFeeSaid, actor: Actor, book: PriceBook, now: datetime, *, approve: bool = False
) -> CardFee:
    """Propose a fee.

    Raises:
        HTTPException, RuleRefused: it cannot be.
    """
    begins, by = said.valid_from or now, Approval(actor.user, now)
    fee = CardFee("", said.token_kind, said.leg, said.per_kwh, said.per_session, begins, said.valid_until, by)
    return book.add_card_fee(fee, approve=actor.approving(asked=approve))


def rule_list(
    rules: Sequence[BillingRule], now: datetime, *, everything: bool, state: Standing | None = None
) -> RuleList:
    """Rules as the API lists them."""
    kinds: dict[tuple[str, str, str], list[BillingRule]] = {}
    for rule in rules:
        kinds.setdefault(_kind(rule), []).append(rule)
    states = {
        rule.id: found for alike in kinds.values() for rule, found in zip(alike, standings(alike, now), strict=True)
    }
    views = [_shown(rule, states[rule.id]) for rule in rules]
    waiting = sum(view.state is Standing.PROPOSED for view in views)
    return RuleList(items=tuple(v for v in views if _asked_for(v.state, state, everything)), waiting=waiting)


def rule_view(rule: BillingRule, rules: Iterable[BillingRule], now: datetime) -> RuleState:
    """One rule as the API shows it."""
    return _shown(rule, standing(rule, (other for other in rules if _kind(other) == _kind(rule)), now))


def _shown(rule: BillingRule, state: Standing) -> RuleState:
    return RuleState(
        id=rule.id,
        scope=rule.scope,
        key=rule.key,
        leg=rule.leg,
        tariff=rule.tariff,
        state=state,
        valid_from=rule.valid_from,
        ends_at=end_of(rule),
        proposed=decided(rule.proposed),
        approved=None if rule.approved is None else decided(rule.approved),
    )


def card_fee_view(fee: CardFee, fees: Iterable[CardFee], now: datetime) -> CardFeeState:
    """One fee as the API shows it."""
    alike = (other for other in fees if (other.token_kind, other.leg) == (fee.token_kind, fee.leg))
    return CardFeeState(
        id=fee.id,
        token_kind=fee.token_kind,
        leg=fee.leg,
        per_kwh=fee.per_kwh,
        per_session=fee.per_session,
        state=standing(fee, alike, now),
        valid_from=fee.valid_from,
        ends_at=end_of(fee),
        proposed=decided(fee.proposed),
        approved=None if fee.approved is None else decided(fee.approved),
    )


def check_key(scope: Scope, key: str, site: Site, book: PriceBook) -> None:
    """Whether a rule's key is one of its scope.

    Raises:
        HTTPException: it is not.
    """
    known: dict[Scope, tuple[str, frozenset[str]]] = {
        Scope.CONNECTOR: ("a charging point of the site", frozenset(site.point)),
        Scope.STATION: ("a charging station of the site", frozenset(point.station for point in site.points)),
    }
    if scope is Scope.CONTRACT:
        known[scope] = ("a contract", frozenset(contract.id for contract in book.contracts()))
    if scope in known:
        what, keys = known[scope]
        if key not in keys:
            raise HTTPException(422, f"key: expected {what}, found {key!r}")
    elif (scope is Scope.TOKEN) != bool(key):
        wanted = "a token's uid" if scope is Scope.TOKEN else f"nothing for the scope {scope.value}"
        raise HTTPException(422, f"key: expected {wanted}, found {key!r}")


def _rule(said: RuleSaid, by: Approval) -> BillingRule:
    begins = by.at if said.valid_from is None else said.valid_from
    return BillingRule("", said.scope, said.key, said.leg, said.tariff, begins, said.valid_until, by)


def _kind(rule: BillingRule) -> tuple[str, str, str]:
    return rule.scope, key_of(rule.scope, rule.key), rule.leg


def _asked_for(found: Standing, state: Standing | None, everything: bool) -> bool:
    if state is not None:
        return found is state
    return everything or found is Standing.ACTIVE
