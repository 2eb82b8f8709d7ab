"""Prices and tokens as people keep them: where they are on record, and what is refused before it gets there."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from adapters.json_text import DocumentError, parsed
from adapters.rating_documents.tariff_reading import read_tariffs
from controller.ports.common import Clock
from controller.ports.tokens import Token
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
from controller.tariffs.lint import Severity, lint
from controller.tariffs.tariff import PriceCurve, Tariff

_EXACT: Final = re.compile(r'"\\u0000([-+.0-9Ee]+)"')


class PriceBook(Protocol):
    """Prices and accounts, on record (``adapters.store.tariff_book``, which says what each method promises)."""

    operator: OperatorTerms

    def tariff_versions(self, tariff: str | None = None) -> Sequence[TariffVersion]: ...  # noqa: D102
    def add_tariff(self, version: TariffVersion, *, approve: bool = False) -> TariffVersion: ...  # noqa: D102
    def approve_tariff(  # noqa: D102
        self, tariff: str, by: Approval, number: int | None = None, valid_from: datetime | None = None
    ) -> TariffVersion: ...
    def end_tariff(  # noqa: D102
        self, tariff: str, by: Approval, ends_at: datetime | None = None
    ) -> Sequence[TariffVersion]: ...
    def rules(self) -> Sequence[BillingRule]: ...  # noqa: D102
    def rule(self, rule: str) -> BillingRule: ...  # noqa: D102
    def add_rules(  # noqa: D102
        self, rules: Sequence[BillingRule], ends: Sequence[RuleEnd] = (), *, approve: bool = False
    ) -> Sequence[BillingRule]: ...
    def approve_rule(  # noqa: D102
        self, rule: str, by: Approval, valid_from: datetime | None = None
    ) -> BillingRule: ...
    def end_rule(self, rule: str, by: Approval, ends_at: datetime | None = None) -> BillingRule: ...  # noqa: D102
    def card_fees(self) -> Sequence[CardFee]: ...  # noqa: D102
    def add_card_fee(self, fee: CardFee, *, approve: bool = False) -> CardFee: ...  # noqa: D102
    def approve_card_fee(  # noqa: D102
        self, fee: str, by: Approval, valid_from: datetime | None = None
    ) -> CardFee: ...
    def end_card_fee(self, fee: str, by: Approval, ends_at: datetime | None = None) -> CardFee: ...  # noqa: D102
    def price_changes(self, since: datetime, until: datetime) -> Sequence[PriceChange]: ...  # noqa: D102
    def curve(self, curve: str, at: datetime) -> PriceCurve | None: ...  # noqa: D102
    def parties(self) -> Sequence[Party]: ...  # noqa: D102
    def keep_party(self, party: Party, by: Approval) -> None: ...  # noqa: D102
    def remove_party(self, party: str, by: Approval) -> None: ...  # noqa: D102
    def contracts(self) -> Sequence[Contract]: ...  # noqa: D102
    def keep_contract(self, contract: Contract, by: Approval) -> None: ...  # noqa: D102
    def remove_contract(self, contract: str, by: Approval) -> None: ...  # noqa: D102
    def contract_history(self, contract: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]: ...  # noqa: D102
    def party_history(self, party: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]: ...  # noqa: D102
    def public_points(self) -> Mapping[str, bool]: ...  # noqa: D102
    def set_public(self, point: str, *, public: bool, by: Approval) -> None: ...  # noqa: D102
    def terms_of(self, session: str) -> Sequence[SessionTerms]: ...  # noqa: D102


class TokenBook(Protocol):
    """Tokens, on record (``adapters.store.token_book``, which says what each method promises)."""

    def tokens(self) -> Sequence[Token]: ...  # noqa: D102
    def token(self, uid: str) -> Token: ...  # noqa: D102
    def add_token(self, token: Token, by: Approval) -> None: ...  # noqa: D102
    def change_token(self, token: Token, by: Approval) -> None: ...  # noqa: D102
    def take_tokens(  # noqa: D102
        self,
        taken: Sequence[Token],
        rules: Sequence[BillingRule],
        ends: Sequence[RuleEnd],
        by: Approval,
        *,
        approve: bool,
    ) -> None: ...
    def block_token(self, uid: str, by: Approval, *, blocked: bool) -> None: ...  # noqa: D102
    def end_token(self, uid: str, by: Approval) -> None: ...  # noqa: D102
    def token_history(self, uid: str) -> Sequence[tuple[Approval, dict[str, Any] | None]]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Books:
    """Prices, tokens, and the time by which they are kept."""

    prices: PriceBook
    tokens: TokenBook
    clock: Clock


@dataclass(frozen=True, slots=True)
class CheckedTariff:
    """A tariff that may be kept."""

    tariff: Tariff
    document: str
    """An OCPI Tariff object as JSON text, every decimal as it came."""
    warnings: tuple[str, ...]


def checked_tariff(text: bytes, currency: str) -> CheckedTariff:
    """Read one tariff and refuse what is ambiguous in it.

    Args:
        text: an OCPI Tariff object, 2.2.1 or 2.3.0, as JSON in UTF-8.
        currency: of the site (ISO 4217).

    Raises:
        DocumentError: with everything that is wrong.
    """
    read = read_tariffs(text)
    if len(read.tariffs) != 1:
        raise DocumentError([f"expected one tariff, found {len(read.tariffs)}"])
    (tariff,) = read.tariffs
    found = lint(tariff)
    problems = [str(one) for one in found if one.severity is Severity.REFUSE]
    if tariff.currency != currency:
        problems.insert(0, f"currency: expected that of the site, {currency}, found {tariff.currency}")
    if problems:
        raise DocumentError(problems)
    warnings = (*read.warnings, *(str(one) for one in found if one.severity is Severity.WARN))
    return CheckedTariff(tariff, _one_object(text), warnings)


def tariff_of_version(version: TariffVersion) -> Tariff:
    """The tariff that a version is; it was checked before it was kept."""
    (tariff,) = read_tariffs(version.document.encode()).tariffs
    return tariff


def _one_object(text: bytes) -> str:
    """The tariff object itself, without what it may have been wrapped in; numbers keep their decimals."""
    data = parsed(text.removeprefix(BOM_UTF8), exact=True)
    while not isinstance(data, dict) or "elements" not in data:
        data = data["data"] if isinstance(data, dict) else data[0]
    return _EXACT.sub(r"\1", json.dumps(data, default=_marked))


def _marked(value: object) -> str:
    assert isinstance(value, Decimal)
    return f"\0{value}"
