"""What the REST API takes and answers about tokens, contracts, parties and public points."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, WithJsonSchema

from adapters.web.answer import Answer, Moment, Money
from adapters.web.tariff_models import Said
from controller.tariffs.book import Language, PartyKind, PriceBasis, TokenKind
from controller.tariffs.rated import TaxState

_IBAN_LEAST: Final = 15
"""Characters, of the shortest country's."""
_IBAN_CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""A counts as 10, and so on to Z as 35 (ISO 13616)."""


def _iban(text: str) -> str:
    """An IBAN without spaces whose check digits are right (ISO 7064, mod 97-10).

    >>> _iban("NL91 ABNA 0417 1643 00")
    'NL91ABNA0417164300'
    """
    packed = text.replace(" ", "").upper()
    if not packed:
        return ""
    fits = len(packed) >= _IBAN_LEAST and set(packed) <= set(_IBAN_CHARACTERS)
    if not fits or int("".join(str(_IBAN_CHARACTERS.index(each)) for each in packed[4:] + packed[:4])) % 97 != 1:
        raise ValueError("expected an IBAN, such as NL91 ABNA 0417 1643 00: the check digits do not fit")
    return packed


Name = Annotated[str, Field(min_length=1, max_length=64)]
Energy = Annotated[float, Field(strict=True, gt=0, le=1_000_000)]
Hours = Annotated[float, Field(strict=True, gt=0, le=8784)]
Amount = Annotated[
    Decimal,
    Field(gt=0, le=1_000_000, decimal_places=4),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]
Percentage = Annotated[
    Decimal,
    Field(ge=0, le=100, decimal_places=4),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"type": "string"}]}),
]


class LimitsSaid(Said):
    """What a token may use; null: no limit."""

    energy_kwh_per_month: Energy | None = None
    amount_per_month: Amount | None = None
    session_h: Hours | None = Field(default=None, description="how long one session may last")


class TokenSaid(Said):
    """What is said of a token."""

    description: str = Field("", max_length=200)
    kind: TokenKind = TokenKind.OWN
    group: str | None = Field(default=None, max_length=64)
    contract: str | None = Field(default=None, max_length=64)
    blocked: bool = False
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    zero_rate: bool = Field(default=False, description="it charges for nothing; its sessions have records all the same")
    limits: LimitsSaid = LimitsSaid()
    tariff: str | None = Field(
        None,
        max_length=36,
        description="its own: a billing rule of the scope `token` is proposed, and approved where the login may; "
        "null ends it; left out, it stays",
    )


class ChangedToken(TokenSaid):
    """What is said of a token that is known."""

    uid: str | None = Field(None, max_length=36, description="as in the path, if it is said again")


class NewToken(TokenSaid):
    """A token that is to be known."""

    uid: str = Field(min_length=1, max_length=36, description="of an RFID card of any brand, or a car's Autocharge id")


class LimitsState(Answer):
    """What a token may use."""

    energy_kwh_per_month: float | None
    amount_per_month: Money | None
    session_h: float | None


class TokenState(Answer):
    """A token."""

    uid: str
    description: str
    kind: TokenKind
    group: str | None
    contract: str | None
    blocked: bool
    valid_from: datetime | None
    valid_until: datetime | None
    zero_rate: bool
    limits: LimitsState
    tariff: str | None = Field(description="its own, by a billing rule of the scope `token`")


class TokenList(Answer):
    """Tokens, by uid."""

    items: tuple[TokenState, ...]
    next: None = None


class Change(Answer):
    """Who has changed something when to what; null: removed."""

    by: str
    at: datetime
    to: dict[str, Any] | None


class ChangeList(Answer):
    """Changes, oldest first."""

    items: tuple[Change, ...]
    next: None = None


class TaxSaid(Said):
    """How what is charged on a contract is taxed."""

    state: TaxState = Field(description="`rate`, `zero` (taxed at 0 %) or `exempt`")
    percent: Percentage | None = Field(default=None, description="of the state `rate`")
    reason: str = Field("", max_length=200, description="of an exemption")


class ContractSaid(Said):
    """What is said of a contract."""

    party: Name = Field(description="who owes, or on the leg of reimbursement is owed, what its tokens charge")
    employer: Name | None = Field(default=None, description="the party that bears it for an employee")
    tax: TaxSaid | None = Field(
        default=None, description="counts where the tariff says nothing; an exemption in any case"
    )
    home_charging: bool = False
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    price_bases: dict[Annotated[int, Field(ge=2000, le=2999)], PriceBasis] | None = Field(
        None,
        max_length=100,
        description="by what reimbursements are reckoned, by calendar year, `contract` where nothing is said; "
        "left out, they stay. A year of which reimbursements are on record keeps its basis",
    )


class NewContract(ContractSaid):
    """A contract that is to be known."""

    id: Name


class TaxShown(Answer):
    """How something is taxed, and who says so."""

    state: TaxState
    percent: Money | None
    source: str
    reason: str


class ContractState(Answer):
    """A contract."""

    id: str
    party: str
    employer: str | None
    tax: TaxShown | None
    home_charging: bool
    valid_from: datetime | None
    valid_until: datetime | None
    price_bases: dict[int, PriceBasis]
    holds: bool


class ContractList(Answer):
    """Contracts, by id."""

    items: tuple[ContractState, ...]
    next: None = None


class PartySaid(Said):
    """What is said of a party."""

    kind: PartyKind
    name: str = Field(min_length=1, max_length=200)
    address: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=6)] = ()
    country: str = Field("", pattern=r"^([A-Z]{2})?$", description="ISO 3166-1 alpha-2")
    vat_number: str = Field("", max_length=20)
    iban: Annotated[str, Field(max_length=42), AfterValidator(_iban)] = ""
    bic: str = Field("", pattern=r"^([A-Z0-9]{8}([A-Z0-9]{3})?)?$")
    email: str = Field("", max_length=200)
    language: Language | None = Field(None, description="of its statements; null: that of the operator, else English")


class NewParty(PartySaid):
    """A party that is to be known."""

    id: Name


class PartyState(Answer):
    """Somebody who owes or is owed."""

    id: str
    kind: PartyKind
    name: str
    address: tuple[str, ...]
    country: str
    vat_number: str
    iban: str
    bic: str
    email: str
    language: Language | None


class PartyList(Answer):
    """Parties, by id."""

    items: tuple[PartyState, ...]
    next: None = None


class PublicSaid(Said):
    """Whether a point is open to guests."""

    public: bool


class PublicState(Answer):
    """Whether a point is open to guests."""

    point: str
    public: bool


class PublicList(Answer):
    """Points, in the order of the site file."""

    items: tuple[PublicState, ...]
    guests: bool = Field(description="whether guests may charge at the site at all")
    next: None = None


class TermsState(Answer):
    """On what terms a session is charged on one leg, as it was when the session began."""

    leg: str
    tariff: str | None
    version: int | None
    rule: str | None
    scope: str | None
    zero_rate: bool
    curves: tuple[str, ...]
    card_fee: str | None
    token_kind: TokenKind
    contract: str | None
    tax: TaxShown


class TermsList(Answer):
    """Terms, a leg each."""

    items: tuple[TermsState, ...]
    next: None = None
