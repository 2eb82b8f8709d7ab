"""A session with its price: periods, lines, totals, all of which can be explained.

Quantities and amounts are exact (``Decimal``, no intermediate rounding) but for the fields that are called rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from controller.tariffs.session_facts import Activity
from controller.tariffs.tariff import Dimension

TOTAL_STEP: Final = Decimal("0.0001")
"""Totals are rounded to this, once, at the end (OCPI types: numbers have 4 decimals)."""

ROUNDING_POLICY: Final = "half-up-4/line-minor-unit/1"
"""Kept with every record, so that it can be told by which rules it was made."""

_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_NO_DECIMALS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)


def minor_unit(currency: str) -> Decimal:
    """The smallest amount that is booked in a currency (ISO 4217).

    >>> minor_unit("EUR"), minor_unit("JPY"), minor_unit("KWD")
    (Decimal('0.01'), Decimal('1'), Decimal('0.001'))
    """
    decimals = 3 if currency in _THREE_DECIMALS else 0 if currency in _NO_DECIMALS else 2
    return Decimal(1).scaleb(-decimals)


def rounded(amount: Decimal, step: Decimal) -> Decimal:
    """Half-up, which for a negative amount is away from zero: a credit is the mirror image of what it credits.

    >>> rounded(Decimal("5.125"), Decimal("0.01")), rounded(Decimal("-5.125"), Decimal("0.01"))
    (Decimal('5.13'), Decimal('-5.13'))
    """
    return amount.quantize(step, ROUND_HALF_UP)


class TaxState(StrEnum):
    """What is known of the tax on a line; the four are different things."""

    RATE = "rate"
    ZERO = "zero"
    """Taxed, at 0 %."""
    EXEMPT = "exempt"
    """Not taxed."""
    UNKNOWN = "unknown"
    """Nobody has said: there is no amount with tax."""


class TaxSource(StrEnum):
    """Who said so; the first of them that says something counts."""

    TARIFF = "tariff"
    CONTRACT = "contract"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax on a line."""

    state: TaxState
    percent: Decimal | None
    """0 where exempt, None where unknown."""
    source: TaxSource
    reason: str = ""
    """Of an exemption, such as ``home charging of a private person``."""


UNKNOWN_TAX: Final = Tax(TaxState.UNKNOWN, None, TaxSource.NOBODY)


@dataclass(frozen=True, slots=True)
class Amounts:
    """One sum, before and after tax."""

    before_tax: Decimal | None
    """None where the price holds a tax that is unknown."""
    after_tax: Decimal | None
    """None where the price is before a tax that is unknown."""


class Flag(StrEnum):
    """Why a person should look at a session; the source of its facts may have flags of its own."""

    UNRATED_CURVE = "unrated:price_missing_in_curve"
    """There is energy at times for which the price curve has no price."""
    UNRATED_START = "unrated:start_register_missing"
    UNRATED_END = "unrated:end_register_missing"
    UNRATED_NEGATIVE = "unrated:negative_energy"
    """The register at the end is below the one at the beginning."""
    DECREASING_REGISTER = "decreasing_register"
    ESTIMATED_IN_GAP = "estimated_register_in_long_gap"
    """Energy is divided between two prices at a moment with no reading for more than a quarter of an hour around."""
    LOWEST_RATE = "legal_metrology_lowest_rate"
    """No register stands at a change of price, and none may be estimated: that energy is billed at the lower price."""
    POWER_UNKNOWN = "power_or_current_unknown"
    """A price depends on a power or current that nobody has measured: it was taken to hold."""
    TARIFF_NOT_VALID = "tariff_not_valid_at_start"
    """The tariff had not begun or had ended when the session began."""
    IDLE_WITHOUT_ENERGY = "idle_without_energy"
    """Idling is billed in a session that delivered nothing."""


UNRATED: Final = "unrated:"
"""What the flags begin with that say why a session has no price."""


class LineKind(StrEnum):
    """What a line is for."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    RESERVATION = "RESERVATION"
    MIN_PRICE = "MIN_PRICE"
    """What is missing to the least that a session costs."""
    MAX_PRICE = "MAX_PRICE"
    """What is above the most, negative."""
    IDLE_MOST = "IDLE_MOST"
    """What idling costs above its most, negative."""
    CARD_FEE = "CARD_FEE"
    """For a charge card of somebody else."""
    SURCHARGE = "SURCHARGE"
    """For beginning while the site neared its peak."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: all of a session at one rate of one dimension."""

    kind: LineKind
    label: str
    """What people call the rate, such as *night*; empty where nobody has given it a name."""
    quantity: Decimal
    """As measured [kWh, h or times]."""
    billed_quantity: Decimal
    """As billed, rounded up to the step size."""
    unit: str
    """``kWh``, ``h`` or ``session``."""
    unit_price: Decimal
    """As the tariff has it; of a price that follows a curve, the mean over the energy."""
    tax_included: bool
    """Whether ``unit_price`` holds the tax."""
    tax: Tax
    amounts: Amounts
    """Exact."""
    booked: Amounts
    """Rounded to the currency's minor unit: what statements add up."""
    element: int | None = None
    """Which element of the tariff, counted from 0; None where it is no element's."""


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the session in which every price stayed the same, from its start to before its end."""

    starts_at: datetime
    ends_at: datetime
    activity: Activity
    energy_kwh: Decimal
    start_kwh: Decimal
    """Of the session, at its beginning."""
    energy_estimated: bool
    """Whether the register at one of its ends was interpolated."""
    elements: tuple[tuple[Dimension, int], ...]
    """Which element gave the price of which dimension; a dimension that is not here costs nothing."""
    per_kwh: Decimal | None = None
    """Price of energy as the tariff has it; None where energy costs nothing or its price is unknown."""


@dataclass(frozen=True, slots=True)
class RatedSession:
    """A session with its price."""

    session: str
    currency: str
    tariff_id: str
    tariff_version: str
    total: Amounts
    """Rounded half-up to 4 decimals, once."""
    invoice: Amounts
    """The sums of the lines as they are booked."""
    lines: tuple[Line, ...]
    periods: tuple[Period, ...]
    review_flags: tuple[str, ...]
    energy_kwh: Decimal
    """Of the whole session, by its registers."""
    rounding: str = ROUNDING_POLICY

    @property
    def complete(self) -> bool:
        """Whether this is the whole price; if not, it is what is known of it, and must not be billed."""
        return not any(flag.startswith(UNRATED) for flag in self.review_flags)

    @property
    def seconds(self) -> dict[Activity, int]:
        """How long the session was what [s]."""
        totals = dict.fromkeys(Activity, 0.0)
        for period in self.periods:
            totals[period.activity] += (period.ends_at - period.starts_at).total_seconds()
        return {activity: round(value) for activity, value in totals.items()}
