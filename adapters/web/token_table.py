"""Tokens as a table: what there is, and what a table that somebody hands over would change of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from adapters.csv_table import TableProblem, TableRefused, read_table, table_text
from adapters.prices.pricing import PriceBook, TokenBook
from adapters.web.token_models import NewToken, TokenState
from adapters.web.tokens import (
    ENDS_TARIFFS,
    own_rules,
    own_tariff_rule,
    token_problems,
    token_said,
    token_view,
)
from controller.ports.tokens import Token
from controller.tariffs.book import Approval, BillingRule, RuleEnd, TariffVersion
from controller.tariffs.choice import token_key
from controller.tariffs.rules import end_of, in_force

LIMITS: Final = ("energy_kwh_per_month", "amount_per_month", "session_h")
WORDS: Final = {
    "uid": "token",
    "description": "whose or what it is",
    "kind": "kind",
    "group": "group",
    "contract": "contract",
    "blocked": "blocked",
    "valid_from": "valid from",
    "valid_until": "valid until",
    "zero_rate": "charges for nothing",
    "tariff": "tariff of its own",
    "energy_kwh_per_month": "kWh a month at most",
    "amount_per_month": "amount a month at most",
    "session_h": "hours a session at most",
}
"""What each column is, for people."""
COLUMNS: Final = tuple(WORDS)
_YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
_DAY: Final = timedelta(days=1)

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TokenChange:
    """What one row changes."""

    row: int
    token: Token
    before: Cells | None
    """None: it is a new token."""
    after: Cells
    own: BillingRule | None
    """The rule by which it has a tariff of its own."""

    @property
    def changes(self) -> tuple[str, ...]:
        """The columns that change, in their order; of a new token those that say something."""
        before = self.before or dict.fromkeys(COLUMNS, "")
        return tuple(column for column in COLUMNS if before[column] != self.after[column])


def tokens_csv(tokens: Iterable[TokenState], zone: ZoneInfo) -> str:
    """Tokens as ``read_tokens`` takes them; times on the clock of the site."""
    return table_text(COLUMNS, (_cells(token, zone) for token in tokens))


def read_tokens(
    content: bytes, by: Approval, tokens: TokenBook, book: PriceBook, zone: ZoneInfo, *, approve: bool
) -> list[TokenChange]:
    """What a table would change, row by row.

    Args:
        content: CSV (``read_table``) with the column ``uid`` and any others of ``COLUMNS``. Of a token that is known, a
            column that is not there says nothing, and a value that is empty takes away what the token has.
        by: who hands it over, and when.
        tokens: those that are known.
        book: contracts, tariffs and rules.
        zone: in which times without an offset from UTC are told.
        approve: whether tariffs that tokens are given are approved at once.

    Raises:
        TableRefused: with everything that is wrong; then nothing of it may be taken.
    """
    rows = read_table(content, COLUMNS, ["uid"])
    reading = _Reading(by.at, tokens, book, zone, approve=approve)
    changes = [change for number, row in rows if (change := reading.change(number, row)) is not None]
    keys = Counter(token_key(row.get("uid", "")) for _, row in rows)
    reading.problems += [
        TableProblem(number, "uid", row["uid"], "the token stands in another row as well")
        for number, row in rows
        if row.get("uid") and keys[token_key(row["uid"])] > 1
    ]
    if reading.problems:
        raise TableRefused(reading.problems)
    return changes


def take_changes(changes: Iterable[TokenChange], by: Approval, tokens: TokenBook, *, approve: bool) -> None:
    """Put on record what a table changes, all of it or nothing.

    Raises:
        RuleRefused: it cannot be.
    """
    changed = [change for change in changes if change.changes]
    given = [change for change in changed if "tariff" in change.changes]
    tokens.take_tokens(
        [change.token for change in changed if change.changes != ("tariff",)],
        [own_tariff_rule(one.token.uid, one.after["tariff"], by) for one in given if one.after["tariff"]],
        [RuleEnd(one.own.id, by) for one in given if one.own is not None and not one.after["tariff"]],
        by,
        approve=approve,
    )


class _Reading:
    """What is known while a table is read, and what is wrong with it so far."""

    def __init__(self, now: datetime, tokens: TokenBook, book: PriceBook, zone: ZoneInfo, *, approve: bool) -> None:
        self.problems: list[TableProblem] = []
        self._zone, self._approve = zone, approve
        self._begins_at = now + book.operator.lead_time
        self._contracts = {contract.id for contract in book.contracts()}
        self._versions: dict[str, list[TariffVersion]] = {}
        for version in book.tariff_versions():
            self._versions.setdefault(version.tariff, []).append(version)
        self._own = own_rules(book, now)
        tariffs = {key: rule.tariff for key, rule in self._own.items()}
        self._known = {token_key(token.uid): token_view(token, tariffs) for token in tokens.tokens()}

    def change(self, number: int, row: Cells) -> TokenChange | None:
        """What one row changes; None where it cannot, and then why is among the problems."""
        key = token_key(row.get("uid", ""))
        known = self._known.get(key)
        before = None if known is None else _cells(known, self._zone)
        meant = {**(before or {}), **row}
        problems = len(self.problems)
        told = self._told(number, meant)
        said = self._said(number, meant, told) if len(self.problems) == problems else None
        if said is None:
            return None
        after = _cells(said, self._zone)
        own = self._own.get(key)
        for column, reason in self._cannot_be(said, own).items():
            self.problems.append(TableProblem(number, column, row.get(column, ""), reason))
        uid = said.uid if known is None else known.uid
        return TokenChange(number, token_said(uid, said), before, {**after, "uid": uid}, own)

    def _told(self, number: int, row: Cells) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for column, value in row.items():
            try:
                told[column] = _READERS.get(column, _text)(value, self._zone)
            except (ValueError, OverflowError, KeyError, InvalidOperation):
                self.problems.append(TableProblem(number, column, value, _EXPECTED[column]))
        return told

    def _said(self, number: int, row: Cells, told: Mapping[str, Any]) -> NewToken | None:
        plain = {name: value for name, value in told.items() if value is not None and name not in LIMITS}
        limits = {name: told[name] for name in LIMITS if told.get(name) is not None}
        try:
            return NewToken.model_validate({"uid": "", **plain, "limits": limits})
        except ValidationError as refused:
            for each in refused.errors(include_url=False):
                column = str(each["loc"][-1])
                self.problems.append(TableProblem(number, column, row.get(column, ""), each["msg"]))
            return None

    def _cannot_be(self, said: NewToken, own: BillingRule | None) -> Mapping[str, str]:
        problems = token_problems(said, self._contracts, self._versions)
        given = said.tariff != (None if own is None else own.tariff)
        if said.tariff is None and given and not self._approve:
            problems["tariff"] = ENDS_TARIFFS
        elif said.tariff in self._versions and given and self._approve and not self._holds(said.tariff):
            problems["tariff"] = "no approved version of it holds then"
        return problems

    def _holds(self, tariff: str) -> bool:
        """Whether a tariff has a price when a token that is given it now charges by it."""
        versions = self._versions[tariff]
        if any(version.approved for version in versions):
            return in_force(versions, self._begins_at) is not None
        waiting = [version for version in versions if (end := end_of(version)) is None or end > self._begins_at]
        return bool(waiting) and max(waiting, key=lambda version: version.number).valid_from <= self._begins_at


def _cells(token: TokenState | NewToken, zone: ZoneInfo) -> dict[str, str]:
    """A row of the table."""
    limits = token.limits
    return {
        "uid": token.uid,
        "description": token.description,
        "kind": token.kind.value,
        "group": token.group or "",
        "contract": token.contract or "",
        "blocked": "yes" if token.blocked else "",
        "valid_from": _written(token.valid_from, zone),
        "valid_until": _written(token.valid_until, zone),
        "zero_rate": "yes" if token.zero_rate else "",
        "tariff": token.tariff or "",
        **{name: _shortest(getattr(limits, name)) for name in LIMITS},
    }


def _shortest(number: Decimal | float | None) -> str:
    return "" if number is None else f"{Decimal(str(number)).normalize():f}"


def _written(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else moment.astimezone(zone).isoformat()


def _text(value: str, _zone: ZoneInfo) -> str | None:
    return value or None


def _kind(value: str, _zone: ZoneInfo) -> str | None:
    return value.lower() or None


def _yes(value: str, _zone: ZoneInfo) -> bool:
    return _YES[value.lower()]


def _number(value: str, _zone: ZoneInfo) -> float | None:
    return float(Decimal(value.replace(",", "."))) if value else None


def _amount(value: str, _zone: ZoneInfo) -> Decimal | None:
    return Decimal(value.replace(",", ".")) if value else None


def _from(value: str, zone: ZoneInfo) -> str | None:
    return _moment(value, zone, timedelta(0))


def _until(value: str, zone: ZoneInfo) -> str | None:
    return _moment(value, zone, _DAY)


def _moment(value: str, zone: ZoneInfo, of_a_day: timedelta) -> str | None:
    """A time as the API takes it; of a day alone its beginning, and as much later."""
    if not value:
        return None
    try:
        moment = datetime.combine(date.fromisoformat(value) + of_a_day, time(0))
    except ValueError:
        moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


_READERS: Final[Mapping[str, Callable[[str, ZoneInfo], Any]]] = {
    "kind": _kind,
    "blocked": _yes,
    "zero_rate": _yes,
    "valid_from": _from,
    "valid_until": _until,
    "energy_kwh_per_month": _number,
    "amount_per_month": _amount,
    "session_h": _number,
}
_A_TIME: Final = "expected a day or a time, such as 2027-12-31 or 2027-12-31T18:00"
_EXPECTED: Final = {
    "blocked": "expected yes or no",
    "zero_rate": "expected yes or no",
    "valid_from": _A_TIME,
    "valid_until": _A_TIME,
    **dict.fromkeys(LIMITS, "expected a number"),
}
