"""The book of prices and accounts: tariffs, rules, card fees, price curves, parties, contracts, public points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from adapters.store import curves, dated, decisions, price_log, standing, terms
from adapters.store.charge_records import reimbursed_in
from adapters.store.default_tariff import default_tariff_changed, seed_default_tariff
from adapters.store.rule_writing import approve_rule, write_rules
from adapters.store.standing import Kept
from controller.tariffs.book import (
    Approval,
    BillingRule,
    CardFee,
    Contract,
    OperatorTerms,
    Party,
    PriceChange,
    RuleEnd,
    SessionTerms,
    TariffVersion,
)
from controller.tariffs.rules import NoSuchEntry, RuleRefused, end_of
from controller.tariffs.tariff import PriceCurve

T = TypeVar("T")


class Reads(Protocol):
    """Runs a query; raises ``LedgerUnavailable``."""

    def __call__(self, query: Callable[[Connection], T]) -> T: ...  # noqa: D102


class Writes(Protocol):
    """Runs an action in a transaction; the future is done when it is on disk."""

    def __call__(self, action: Callable[[Connection], T]) -> Future[T]: ...  # noqa: D102


class TariffBook:
    """Prices and accounts, on record. Every method blocks for milliseconds and may be called from any thread.

    What is written is on disk on return. Nothing is ever changed or deleted but by adding to it; every addition says
    who made it and when. Methods raise ``NoSuchEntry`` for what the book does not have, ``RuleRefused`` for what
    cannot be, and ``LedgerUnavailable``.
    """

    def __init__(self, read: Reads, write: Writes, operator: OperatorTerms) -> None:
        self._read = read
        self._write = write
        self.operator = operator

    def seed(self, currency: str, price_per_kwh: Decimal | None) -> None:
        """Make the site file's price the operator's own tariff, where the file says something new."""
        if self._read(lambda connection: default_tariff_changed(connection, currency, price_per_kwh)):
            now = datetime.now(UTC)
            self._write(lambda connection: seed_default_tariff(connection, currency, price_per_kwh, now)).result()

    # -- tariffs -----------------------------------------------------------------------------------------------

    def tariff_versions(self, tariff: str | None = None) -> Sequence[TariffVersion]:
        """All versions of a tariff (None: of all), in the order of their approval, then those without."""
        wanted = None if tariff is None else [tariff]
        return self._read(lambda connection: dated.tariff_versions_of(connection, wanted))

    def add_tariff(self, version: TariffVersion, *, approve: bool = False) -> TariffVersion:
        """Add a version, approved by who proposes it or not; it is told its number."""

        def write(connection: Connection) -> TariffVersion:
            added = dated.add_version(connection, version)
            return decisions.approve(connection, added, added.proposed, self.operator.lead_time) if approve else added

        return self._write(write).result()

    def approve_tariff(
        self, tariff: str, by: Approval, number: int | None = None, valid_from: datetime | None = None
    ) -> TariffVersion:
        """Approve a version; None: the newest that waits for it."""

        def write(connection: Connection) -> TariffVersion:
            waiting = [
                version
                for version in _versions(connection, tariff)
                if (version.approved is None if number is None else version.number == number)
                and (number is not None or end_of(version) is None)
            ]
            if not waiting:
                raise NoSuchEntry(f"tariff {tariff!r} has no version {number or 'that waits for approval'}")
            newest = max(waiting, key=lambda version: version.number)
            return decisions.approve(connection, newest, by, self.operator.lead_time, valid_from)

        return self._write(write).result()

    def end_tariff(self, tariff: str, by: Approval, ends_at: datetime | None = None) -> Sequence[TariffVersion]:
        """End a tariff with all its versions; refused while rules name it beyond that moment."""

        def write(connection: Connection) -> Sequence[TariffVersion]:
            last = by.at if ends_at is None else ends_at
            versions = _versions(connection, tariff)
            _refuse_if_used(connection, tariff, last)
            open_ones = [one for one in versions if (end := end_of(one)) is None or end > last]
            if not open_ones:
                raise RuleRefused(f"tariff {tariff!r} has ended already")
            return [decisions.end(connection, one, by, ends_at) for one in open_ones]

        return self._write(write).result()

    # -- rules and fees ----------------------------------------------------------------------------------------

    def rules(self) -> Sequence[BillingRule]:
        """Every rule, in the order of their approval, then those without."""
        return self._read(dated.all_rules)

    def rule(self, rule: str) -> BillingRule:
        """One rule."""
        return self._read(lambda connection: dated.rule_of_id(connection, rule))

    def add_rules(
        self, rules: Sequence[BillingRule], ends: Sequence[RuleEnd] = (), *, approve: bool = False
    ) -> Sequence[BillingRule]:
        """Add rules and end others, all of it or nothing; the new ones are told their ids.

        Args:
            rules: proposals.
            ends: rules that end.
            approve: whether the new ones are approved by who proposes them.
        """
        return self._write(
            lambda connection: write_rules(connection, rules, ends, self.operator if approve else None)
        ).result()

    def approve_rule(self, rule: str, by: Approval, valid_from: datetime | None = None) -> BillingRule:
        """Approve a rule; with it a tariff of which nothing was approved yet."""

        def write(connection: Connection) -> BillingRule:
            return approve_rule(connection, dated.rule_of_id(connection, rule), by, self.operator, valid_from)

        return self._write(write).result()

    def end_rule(self, rule: str, by: Approval, ends_at: datetime | None = None) -> BillingRule:
        """End a rule, or withdraw a proposal."""
        return self._write(
            lambda connection: decisions.end(connection, dated.rule_of_id(connection, rule), by, ends_at)
        ).result()

    def card_fees(self) -> Sequence[CardFee]:
        """Every fee, in the order of their approval, then those without."""
        return self._read(dated.all_card_fees)

    def add_card_fee(self, fee: CardFee, *, approve: bool = False) -> CardFee:
        """Add a fee, approved by who proposes it or not; it is told its id."""

        def write(connection: Connection) -> CardFee:
            added = dated.add_card_fee(connection, fee)
            return decisions.approve(connection, added, added.proposed, self.operator.lead_time) if approve else added

        return self._write(write).result()

    def approve_card_fee(self, fee: str, by: Approval, valid_from: datetime | None = None) -> CardFee:
        """Approve a fee."""
        lead_time = self.operator.lead_time
        return self._write(
            lambda connection: decisions.approve(
                connection, dated.card_fee_of_id(connection, fee), by, lead_time, valid_from
            )
        ).result()

    def end_card_fee(self, fee: str, by: Approval, ends_at: datetime | None = None) -> CardFee:
        """End a fee, or withdraw a proposal."""
        return self._write(
            lambda connection: decisions.end(connection, dated.card_fee_of_id(connection, fee), by, ends_at)
        ).result()

    def price_changes(self, since: datetime, until: datetime) -> Sequence[PriceChange]:
        """Who has proposed, approved or ended what, from ``since`` to before ``until``, oldest first."""
        return self._read(lambda connection: price_log.price_changes(connection, since, until))

    # -- price curves ------------------------------------------------------------------------------------------

    def publish_curve(self, curve: PriceCurve) -> None:
        """Add a publication of prices."""
        self._write(lambda connection: curves.add_curve(connection, curve)).result()

    def curve(self, curve: str, at: datetime) -> PriceCurve | None:
        """What was published last of a curve, up to a moment."""
        return self._read(lambda connection: curves.newest_curve(connection, curve, at))

    # -- parties, contracts, points ----------------------------------------------------------------------------

    def parties(self) -> Sequence[Party]:
        """All parties, by id."""
        kept = self._read(lambda connection: standing.everything(connection, Kept.PARTY))
        return [standing.party_of(document) for document in kept.values()]

    def keep_party(self, party: Party, by: Approval) -> None:
        """Add a party, or say anew what it is."""
        self._keep(Kept.PARTY, party.id, standing.party_document(party), by)

    def contracts(self) -> Sequence[Contract]:
        """All contracts, by id."""
        kept = self._read(lambda connection: standing.everything(connection, Kept.CONTRACT))
        return [standing.contract_of(document) for document in kept.values()]

    def keep_contract(self, contract: Contract, by: Approval) -> None:
        """Add a contract, or say anew what it is; running sessions keep what it was.

        Refused where it changes the price basis of a year of which reimbursements are on record.
        """

        def write(connection: Connection) -> None:
            document = standing.find(connection, Kept.CONTRACT, contract.id)
            if document is not None:
                _refuse_other_basis(connection, standing.contract_of(document), contract)
            standing.keep(connection, Kept.CONTRACT, contract.id, standing.contract_document(contract), by)

        self._write(write).result()

    def remove_party(self, party: str, by: Approval) -> None:
        """Let a party no longer be one; its history stays. Refused while contracts name it."""
        named = [one.id for one in self.contracts() if party in {one.party, one.employer}]
        if named:
            raise RuleRefused(f"contracts name it, change these first: {', '.join(named)}")
        self._remove(Kept.PARTY, party, by)

    def remove_contract(self, contract: str, by: Approval) -> None:
        """Let a contract no longer hold; its history stays."""
        self._remove(Kept.CONTRACT, contract, by)

    def _remove(self, kind: Kept, name: str, by: Approval) -> None:
        if self._read(lambda connection: standing.find(connection, kind, name)) is None:
            raise NoSuchEntry(f"there is no {kind.value} {name!r}")
        self._keep(kind, name, None, by)

    def public_points(self) -> Mapping[str, bool]:
        """Which points were said to be open to guests, or not."""
        kept = self._read(lambda connection: standing.everything(connection, Kept.POINT))
        return {point: bool(document["public"]) for point, document in kept.items()}

    def set_public(self, point: str, *, public: bool, by: Approval) -> None:
        """Open a charging point to guests, or close it to them."""
        self._keep(Kept.POINT, point, {"public": public}, by)

    def contract_history(self, contract: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]:
        """Who has changed a contract when to what (None: removed), oldest first."""
        return self._history(Kept.CONTRACT, contract)

    def party_history(self, party: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]:
        """The same of a party."""
        return self._history(Kept.PARTY, party)

    def _history(self, kind: Kept, name: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]:
        found = self._read(lambda connection: standing.history(connection, kind, name))
        if not found:
            raise NoSuchEntry(f"there never was a {kind.value} {name!r}")
        return found

    def _keep(self, kind: Kept, name: str, document: Mapping[str, Any] | None, by: Approval) -> None:
        self._write(lambda connection: standing.keep(connection, kind, name, document, by)).result()

    # -- sessions ----------------------------------------------------------------------------------------------

    def terms_of(self, session: str) -> Sequence[SessionTerms]:
        """The frozen terms of a session, one for each leg that has any: retail, wholesale, reimbursement."""
        return self._read(lambda connection: terms.terms_of(connection, session))


def _versions(connection: Connection, tariff: str) -> Sequence[TariffVersion]:
    versions = dated.tariff_versions_of(connection, [tariff])
    if not versions:
        raise NoSuchEntry(f"there is no tariff {tariff!r}")
    return versions


def _refuse_if_used(connection: Connection, tariff: str, beyond: datetime) -> None:
    used = [
        rule.id
        for rule in dated.rules_of_tariff(connection, tariff)
        if rule.approved is not None and ((end := end_of(rule)) is None or end > beyond)
    ]
    if used:
        raise RuleRefused(f"rules name it that hold longer, end these first: {', '.join(sorted(used))}")


def _refuse_other_basis(connection: Connection, known: Contract, said: Contract) -> None:
    for year, basis in known.price_bases:
        if said.price_basis(year) is not basis and reimbursed_in(connection, known.id, year):
            raise RuleRefused(
                f"price_bases: reimbursements of {year} are on record by the basis {basis.value}, "
                f"and one basis holds for a calendar year"
            )
