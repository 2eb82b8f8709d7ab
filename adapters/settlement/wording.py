"""How numbers, dates and names of statements read on paper, in the language of who gets it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from adapters.settlement.texts import ENGLISH, TEXTS, Texts
from controller.tariffs.book import Language
from controller.tariffs.rated import LineKind, TaxState, minor_unit, rounded
from controller.tariffs.statement import FREE_LABEL, IssuedStatement, StatementKind, StatementLine

SPACE: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
WITH_TAX: Final = "*"
MEAN: Final = "\N{DAGGER}"
DASH: Final = "\N{EN DASH}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"

_PRICE_DECIMALS: Final = 5
_ENERGY_DECIMALS: Final = 3
_MORE_DECIMALS: Final = 4
"""So many more are enough for 10 MWh at 1 a kWh in a currency with two decimals."""


class Wording:
    """One language.

    Args:
        texts: of the language.
    """

    def __init__(self, texts: Texts = ENGLISH) -> None:
        self.texts = texts
        self._marks = str.maketrans({",": texts.thousands, ".": texts.decimal})

    def period(self, month: str) -> str:
        """A month as people say it.

        >>> Wording().period("2026-10")
        'October 2026'
        """
        year, number = month.split("-")
        return f"{self.texts.months.split()[int(number) - 1]} {year}"

    def money(self, amount: Decimal | None, currency: str) -> str:
        """An amount with the decimals of its currency; what is not known is a dash.

        >>> Wording().money(Decimal("1234.5"), "EUR"), Wording(TEXTS[Language.DUTCH]).money(Decimal("1234.5"), "EUR")
        ('1,234.50', '1.234,50')
        """
        return DASH if amount is None else self.grouped(amount.quantize(minor_unit(currency)))

    def grouped(self, number: Decimal) -> str:
        """A number with its decimals, thousands set apart."""
        shown = f"{abs(number):,f}".translate(self._marks)
        return shown if number >= 0 else f"{MINUS}{shown}"

    def unit_price(self, line: StatementLine, currency: str) -> str:
        """A price as its tariff has it: at least the decimals of the currency, at most five; marked where it holds tax.

        A mean of several prices may have any number of them: it has more, and a mark, if the amount needs them.
        """
        price = _factors(line, currency)[1]
        taxed = WITH_TAX if line.tax_included and price else ""
        return self.grouped(price) + taxed + (MEAN if line.mean_of else "")

    def quantity(self, line: StatementLine, currency: str) -> str:
        """How much of what: energy to the Wh, times to the second, so that it can be multiplied by its price.

        Energy that was divided between two prices by estimate has more decimals if the amount needs them.
        """
        if line.unit == "kWh":
            return f"{self.grouped(_factors(line, currency)[0])} kWh"
        if line.unit == "h":
            minutes, seconds = divmod(round(abs(line.quantity) * 3600), 60)
            sign = MINUS if line.quantity < 0 else ""
            return f"{sign}{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        return f"{self.grouped(line.quantity.normalize())} {TIMES}"

    def described(self, line: StatementLine) -> str:
        """What a line is for."""
        texts = self.texts
        prices = texts.prices.format(count=line.mean_of) if line.mean_of else ""
        free = line.kind is LineKind.ENERGY and line.label == FREE_LABEL and not line.unit_price
        text = ", ".join(filter(None, (texts.kinds[line.kind], prices, texts.free if free else line.label)))
        return texts.credit.format(text=text) if line.credit else text

    def when(self, line: StatementLine) -> str:
        """When the session was, by the clock at the site."""
        zone = ZoneInfo(line.time_zone)
        begins, ends = line.starts_at.astimezone(zone), line.ends_at.astimezone(zone)
        days = (ends.date() - begins.date()).days
        return f"{begins.strftime(self.texts.date)} {begins:%H:%M}{DASH}{ends:%H:%M}" + (f" +{days}" if days else "")

    def rate(self, state: TaxState, percent: Decimal | None) -> str:
        """A rate of tax."""
        if state is TaxState.EXEMPT:
            return self.texts.exempt
        return "?" if percent is None else f"{f'{percent.normalize():f}'.translate(self._marks)}{SPACE}%"

    def day(self, moment: date) -> str:
        """A date.

        >>> Wording().day(date(2026, 11, 2)), Wording(TEXTS[Language.GERMAN]).day(date(2026, 11, 2))
        ('2026-11-02', '02.11.2026')
        """
        return moment.strftime(self.texts.date)

    def settlement_of(self, issued: IssuedStatement) -> str:
        """What happens with the sum, in a sentence."""
        statement, currency, texts = issued.statement, issued.statement.currency, self.texts
        total = statement.totals.payable
        told = {"sum": f"{currency} {self.money(abs(total), currency)}", "number": issued.number}
        if statement.kind is StatementKind.OWN_ACCOUNT:
            return texts.own_account
        if total == 0:
            return texts.nothing
        if statement.kind is StatementKind.REIMBURSEMENT and total > 0:
            return texts.paid_out.format(account=self._account(issued.party.iban), **told)
        if total < 0 and statement.kind is not StatementKind.REIMBURSEMENT:
            return texts.in_favour.format(**told)
        day = texts.by_day.format(day=self.day(issued.due_on)) if issued.due_on else ""
        return texts.please_pay.format(account=self._account(issued.operator.iban), day=day, **told)

    def _account(self, number: str) -> str:
        return self.texts.to_account.format(iban=iban(number)) if number else ""


def wording_in(*languages: Language | None) -> Wording:
    """The first of these languages that is one, else English."""
    return Wording(next((TEXTS[language] for language in languages if language is not None), ENGLISH))


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
