"""The parties of charging, whose tariff a session has, and how long a price holds.

A billing rule says: in this scope, on this leg, this tariff, from this day on. Nothing of it is ever changed or
deleted: what is decided about it (that it is approved, that it ends) is added beside it, and a new rule takes the
place of an older one for as long as it holds (``controller.tariffs.rules``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from controller.tariffs.rated import UNKNOWN_TAX, Tax
from controller.tariffs.tariff import PriceCurve


class Leg(StrEnum):
    """Who pays whom. All legs price the same quantities, each by itself."""

    RETAIL = "retail"
    """The driver, or who pays for the driver, pays the operator."""
    WHOLESALE = "wholesale"
    """A roaming partner, or another operator, pays."""
    REIMBURSEMENT = "reimbursement"
    """An employee, a host of guests or a home's owner is paid."""


class Scope(StrEnum):
    """For what a rule holds, the most particular first: that is the order in which a tariff is looked for."""

    TOKEN = "token"  # noqa: S105 - an id token
    CONTRACT = "contract"
    GUEST = "guest"
    """Whoever is nobody's token and charges as a guest."""
    CONNECTOR = "connector"
    STATION = "station"
    SITE = "site"
    OPERATOR = "operator"


class TokenKind(StrEnum):
    """What a token is (fees for the charge cards of others go by it)."""

    OWN = "own"
    """Given out here."""
    EXTERNAL = "external"
    """A charge card of somebody else."""
    GUEST = "guest"
    EMPLOYEE = "employee"
    AUTOCHARGE = "autocharge"
    """The car's own identity (a MAC address or EVCCID)."""


class PartyKind(StrEnum):
    """What a party is to the operator."""

    EMPLOYEE = "employee"
    EMPLOYER = "employer"
    TENANT = "tenant"
    GUEST_HOST = "guest_host"
    HOME_OWNER = "home_owner"
    PARTNER = "partner"
    """Of roaming: a service provider or another operator."""
    OPERATOR = "operator"


class PriceBasis(StrEnum):
    """By what a reimbursement is reckoned."""

    CONTRACT = "contract"
    """What the electricity costs by its contract."""
    LUMP_SUM = "lump_sum"
    """What a tax office allows per kWh."""
    REGULATED = "regulated"
    """What a regulator publishes, such as the tariff of the CREG in Belgium."""


class Language(StrEnum):
    """In which statements are drawn up (ISO 639-1)."""

    ENGLISH = "en"
    DUTCH = "nl"
    GERMAN = "de"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who owes or is owed."""

    id: str
    kind: PartyKind
    name: str
    address: tuple[str, ...] = ()
    """Lines, as on an envelope."""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    vat_number: str = ""
    iban: str = ""
    """Never part of what roaming partners are sent."""
    bic: str = ""
    email: str = ""
    language: Language | None = None
    """Of what it is sent; None: that of the operator, and English where that has none."""


@dataclass(frozen=True, slots=True)
class Contract:
    """On whose account tokens charge, and how they are taxed."""

    id: str
    party: str
    """Who owes what these tokens charge; on the leg of reimbursement, who is owed."""
    employer: str | None = None
    """Who bears it for an employee."""
    tax: Tax | None = None
    """Counts where the tariff says nothing; an exemption counts in any case."""
    home_charging: bool = False
    """At an employee's home: the record says so (OCPI home_charging_compensation)."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    price_bases: tuple[tuple[int, PriceBasis], ...] = ()
    """By what reimbursements are reckoned, by calendar year: it is chosen for a whole one."""

    def price_basis(self, year: int) -> PriceBasis:
        """By what the reimbursements of a calendar year are reckoned; the contract's price where nobody has said."""
        return dict(self.price_bases).get(year, PriceBasis.CONTRACT)

    def holds(self, at: datetime) -> bool:
        """Whether it holds at a moment."""
        begun = self.valid_from is None or self.valid_from <= at
        return begun and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """What one token may use; None: no limit."""

    energy_wh_per_month: int | None = None
    amount_per_month: Decimal | None = None
    session_s: int | None = None
    """How long one session may last [s]."""


NO_TOKEN_LIMITS: Final = TokenLimits()


@dataclass(frozen=True, slots=True)
class Approval:
    """That somebody entitled has agreed."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BillingRule:
    """A tariff in a scope, for a time. It has no effect before it is approved."""

    id: str
    scope: Scope
    key: str
    """Of the scope: a token's uid, a contract's id, a point's or station's id; empty for guest, site and operator."""
    leg: Leg
    tariff: str
    """Id; the version that holds when a session begins is the one that counts."""
    valid_from: datetime
    """As it was approved, which may be later than it was proposed."""
    valid_until: datetime | None
    """Before this moment it ends; None: it has no end."""
    proposed: Approval
    approved: Approval | None = None
    ended_at: datetime | None = None
    """Before this moment it was ended by somebody, whatever ``valid_until`` says."""


@dataclass(frozen=True, slots=True)
class RuleEnd:
    """That somebody ends a rule."""

    rule: str
    by: Approval
    ends_at: datetime | None = None
    """None: at once."""


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """A tariff as it is from some day on. Like a rule, it has no effect before it is approved."""

    tariff: str
    """Id."""
    number: int
    """Counted from 1; newer ones take the place of older ones."""
    document: str
    """An OCPI Tariff object as JSON text."""
    curves: tuple[str, ...]
    """The price curves that it follows."""
    valid_from: datetime
    valid_until: datetime | None
    proposed: Approval
    approved: Approval | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardFee:
    """What charging with some kind of token costs on top."""

    id: str
    token_kind: TokenKind
    leg: Leg
    per_kwh: Decimal
    per_session: Decimal
    valid_from: datetime
    valid_until: datetime | None
    proposed: Approval
    approved: Approval | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One line of the log of prices: who has proposed, approved or ended what."""

    at: datetime
    by: str
    decision: str
    """``proposed``, ``approved`` or ``ended``."""
    kind: str
    """``tariff``, ``rule`` or ``card_fee``."""
    subject: str
    """Its id."""
    version: int | None
    """Of a tariff."""
    effective_at: datetime
    """From when on it is to hold or holds, or before when it ends."""


@dataclass(frozen=True, slots=True)
class OperatorTerms:
    """What the operator has settled for all sessions."""

    lead_time: timedelta = timedelta(0)
    """Between the approval of a price and its beginning, at least."""
    tax: Tax | None = None
    """Counts where neither the tariff nor the contract says anything."""
    guests: bool = False
    """Whether those may charge, at public points, whose token nobody knows."""
    time_zone: str = "UTC"
    """IANA; months begin there."""


NO_OPERATOR_TERMS: Final = OperatorTerms()


@dataclass(frozen=True, slots=True)
class Occasion:
    """A session about to begin, as far as its tariff depends on it."""

    at: datetime
    token: str
    token_kind: TokenKind
    contract: str | None
    zero_rate: bool
    """The token charges for nothing; its sessions have records all the same."""
    point: str | None
    station: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tariff a session has, and why."""

    leg: Leg
    tariff: str | None
    """None where it costs nothing; else nothing says what it costs, and it is kept for review."""
    rule: str | None
    scope: Scope | None
    """None where the token charges for nothing, or where no rule was found."""
    zero_rate: bool = False


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """On what terms a session is charged on one leg: frozen when it starts, whatever changes later."""

    session: str
    choice: Choice
    version: TariffVersion | None
    """None where there is no tariff."""
    curves: tuple[PriceCurve, ...] = ()
    """Those that the tariff follows: what was published at the start, and behind its end what was first published."""
    card_fee: CardFee | None = None
    token_kind: TokenKind = TokenKind.OWN
    contract: Contract | None = None
    """As it was."""
    tax: Tax = UNKNOWN_TAX
    """Of the contract, else of the operator: what counts where the tariff says nothing. An exemption of the contract
    counts in any case."""
