"""How numbers, dates and names of statements read, on paper and in tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from controller.tariffs.book import Leg, PriceBasis
from controller.tariffs.rated import LineKind, TaxState, minor_unit, rounded
from controller.tariffs.statement import IssuedStatement, StatementKind, StatementLine

TITLES: Final = {
    StatementKind.INVOICE: "Invoice",
    StatementKind.CREDIT_NOTE: "Credit note",
    StatementKind.REIMBURSEMENT: "Reimbursement",
    StatementKind.OWN_ACCOUNT: "Own account",
}
LEGS: Final = {
    Leg.RETAIL: "Charging",
    Leg.WHOLESALE: "Charging of partners' customers",
    Leg.REIMBURSEMENT: "Reimbursement of charging",
}
BASES: Final = {
    PriceBasis.CONTRACT: "what the electricity costs by its contract",
    PriceBasis.LUMP_SUM: "the lump sum per kWh that the tax office allows",
    PriceBasis.REGULATED: "the price per kWh that the regulator publishes",
}
_KINDS: Final = {
    LineKind.ENERGY: "Energy",
    LineKind.FLAT: "Per session",
    LineKind.TIME: "Charging time",
    LineKind.PARKING_TIME: "Idle time",
    LineKind.RESERVATION: "Reservation",
    LineKind.MIN_PRICE: "To the minimum",
    LineKind.MAX_PRICE: "Above the maximum",
    LineKind.IDLE_MOST: "Idle, above its most",
    LineKind.CARD_FEE: "Charge card fee",
    LineKind.SURCHARGE: "Surcharge",
}
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
SPACE: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
WITH_TAX: Final = "*"
MEAN: Final = "\N{DAGGER}"
DASH: Final = "\N{EN DASH}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"


def period(month: str) -> str:
    """A month as people say it.

    >>> period("2026-10")
    'October 2026'
    """
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def money(amount: Decimal | None, currency: str) -> str:
    """An amount with the decimals of its currency; what is not known is a dash.

    >>> money(Decimal("1234.5"), "EUR")
    '1,234.50'
    """
    return DASH if amount is None else grouped(amount.quantize(minor_unit(currency)))


def grouped(number: Decimal) -> str:
    """A number with its decimals, thousands set apart."""
    return f"{abs(number):,f}" if number >= 0 else f"{MINUS}{abs(number):,f}"


def unit_price(line: StatementLine, currency: str) -> str:
    """A price as its tariff has it: at least the decimals of the currency, at most five; marked where it holds tax.

    A mean of several prices may have any number of them: it has more, and a mark, if the amount needs them.
    """
    price = _factors(line, currency)[1]
    return grouped(price) + (WITH_TAX if line.tax_included and price else "") + (MEAN if line.mean_of else "")


def quantity(line: StatementLine, currency: str) -> str:
    """How much of what: energy to the Wh, times to the second, so that it can be multiplied by its price.

    Energy that was divided between two prices by estimate has more decimals if the amount needs them.
    """
    if line.unit == "kWh":
        return f"{grouped(_factors(line, currency)[0])} kWh"
    if line.unit == "h":
        minutes, seconds = divmod(round(abs(line.quantity) * 3600), 60)
        sign = MINUS if line.quantity < 0 else ""
        return f"{sign}{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return f"{grouped(line.quantity.normalize())} {TIMES}"


def _factors(line: StatementLine, currency: str) -> tuple[Decimal, Decimal]:
    """Quantity and price with as few decimals as they take to come to the amount of the line to the cent."""
    minor = minor_unit(currency)
    decimals = -int(line.unit_price.normalize().as_tuple().exponent)
    places = min(max(decimals, -int(minor.as_tuple().exponent)), _PRICE_DECIMALS)
    amount = line.after_tax if line.tax_included else line.before_tax

    def with_more(more: int) -> tuple[Decimal, Decimal]:
        energy = line.quantity.quantize(Decimal(1).scaleb(-_ENERGY_DECIMALS - more))
        return energy, line.unit_price.quantize(Decimal(1).scaleb(-min(places + more, max(decimals, places))))

    tried = map(with_more, range(_MORE_DECIMALS + 1))
    fits = (pair for pair in tried if line.unit != "kWh" or rounded(pair[0] * pair[1], minor) == amount)
    energy, price = next(fits, None) or with_more(0)
    return _without_zeros(energy, _ENERGY_DECIMALS), price


def _without_zeros(number: Decimal, places: int) -> Decimal:
    """A number with no more decimals than it has, and at least so many."""
    needed = -int(number.normalize().as_tuple().exponent)
    return number.quantize(Decimal(1).scaleb(-max(needed, places)))


_PRICE_DECIMALS: Final = 5
_ENERGY_DECIMALS: Final = 3
_MORE_DECIMALS: Final = 4
"""So many more are enough for 10 MWh at 1 a kWh in a currency with two decimals."""


def described(line: StatementLine) -> str:
    """What a line is for."""
    prices = f"{line.mean_of} prices" if line.mean_of else ""
    text = ", ".join(filter(None, (_KINDS[line.kind], prices, line.label)))
    return f"Credit: {text}" if line.credit else text


def when(line: StatementLine) -> str:
    """When the session was, by the clock at the site."""
    zone = ZoneInfo(line.time_zone)
    begins, ends = line.starts_at.astimezone(zone), line.ends_at.astimezone(zone)
    days = (ends.date() - begins.date()).days
    return f"{begins:%Y-%m-%d %H:%M}{DASH}{ends:%H:%M}" + (f" +{days}" if days else "")


def rate(state: TaxState, percent: Decimal | None) -> str:
    """A rate of tax."""
    if state is TaxState.EXEMPT:
        return "exempt"
    return "?" if percent is None else f"{percent.normalize():f}{SPACE}%"


def day(moment: date) -> str:
    """A date that is read the same everywhere."""
    return moment.isoformat()


def who(line: StatementLine, names: Mapping[str, str]) -> str:
    """Who has charged: the driver's name, else the token."""
    return names.get(line.driver or "", "") or line.token


def iban(text: str) -> str:
    """An account number in groups of four.

    >>> iban("NL91ABNA0417164300")
    'NL91 ABNA 0417 1643 00'
    """
    plain = text.replace(" ", "")
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def settlement_of(issued: IssuedStatement) -> str:
    """What happens with the sum, in a sentence."""
    statement, currency = issued.statement, issued.statement.currency
    total = statement.totals.payable
    sum_ = f"{currency} {money(abs(total), currency)}"
    if statement.kind is StatementKind.OWN_ACCOUNT:
        return "For information: nobody else bears these costs."
    if total == 0:
        return "Nothing is to be paid."
    if statement.kind is StatementKind.REIMBURSEMENT and total > 0:
        account = f" to {iban(issued.party.iban)}" if issued.party.iban else ""
        return f"{sum_} will be paid{account}, with the reference {issued.number}."
    if total < 0 and statement.kind is not StatementKind.REIMBURSEMENT:
        return (
            f"{sum_} is in your favour: it is paid out or set against what you owe, with the reference {issued.number}."
        )
    account = f" to {iban(issued.operator.iban)}" if issued.operator.iban else ""
    due = f" by {day(issued.due_on)}" if issued.due_on else ""
    return f"Please pay {sum_}{due}{account}, with the reference {issued.number}."
