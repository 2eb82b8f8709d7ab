"""Which tariff stations and connectors have, changed by a table: shown before it is done, and done whole or not at all.

A tariff's id is its code. A code at a connector comes before that of its station.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from adapters.csv_table import TableProblem, TableRefused, read_table
from controller.site import Site
from controller.tariffs.book import Approval, BillingRule, Leg, RuleEnd, Scope, TariffVersion
from controller.tariffs.rules import end_of, in_force

COLUMNS: Final = ("station", "connector", "tariff_code", "leg", "valid_from")
_NEEDED: Final = ("station", "tariff_code")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CodeChange:
    """What one row changes."""

    row: int
    station: str
    connector: int | None
    """None: the whole station."""
    scope: Scope
    key: str
    leg: Leg
    before: str | None
    """The code that the place has at that moment; None: it has none of its own."""
    after: str | None
    valid_from: datetime
    replaces: BillingRule | None
    """The rule that gives it its code."""

    @property
    def changed(self) -> bool:
        """Whether it changes anything."""
        return self.before != self.after


def read_codes(
    text: bytes, site: Site, rules: Sequence[BillingRule], tariffs: Sequence[TariffVersion], at: datetime
) -> list[CodeChange]:
    """What a table would change, row by row.

    Args:
        text: CSV (``read_table``), with the columns ``station`` and ``tariff_code`` and, if
            need be, ``connector`` (empty: the whole station), ``leg`` (empty: retail) and ``valid_from`` (empty: now).
            An empty code takes the place's code away.
        site: whose stations they are.
        rules: all that there are.
        tariffs: all that there are.
        at: now, or when at the earliest a change can take effect.

    Raises:
        TableRefused: with everything that is wrong; then nothing of it may be taken.
    """
    rows = read_table(text, COLUMNS, _NEEDED)
    codes = {version.tariff.casefold(): version.tariff for version in tariffs if _lasts(version, at)}
    problems: list[TableProblem] = []
    changes = [change for number, row in rows if (change := _change(number, row, site, rules, codes, at, problems))]
    places = Counter((change.scope, change.key, change.leg) for change in changes)
    problems += [
        TableProblem(change.row, "", "", "the place stands in another row as well")
        for change in changes
        if places[change.scope, change.key, change.leg] > 1
    ]
    if problems:
        raise TableRefused(problems)
    return changes


def as_rules(changes: Iterable[CodeChange], by: Approval) -> tuple[list[BillingRule], list[RuleEnd]]:
    """The rules to propose, and those to end, for what a table changes."""
    changed = [change for change in changes if change.changed]
    rules = [
        BillingRule("", one.scope, one.key, one.leg, one.after, one.valid_from, None, by)
        for one in changed
        if one.after is not None
    ]
    ends = [
        RuleEnd(one.replaces.id, by, one.valid_from)
        for one in changed
        if one.after is None and one.replaces is not None
    ]
    return rules, ends


def _change(
    number: int,
    row: Mapping[str, str],
    site: Site,
    rules: Sequence[BillingRule],
    codes: Mapping[str, str],
    at: datetime,
    problems: list[TableProblem],
) -> CodeChange | None:
    """What one row changes; None where it cannot, and then why is among the problems."""

    def read(column: str, reading: Callable[[str], T], reason: str) -> T | None:
        value = row.get(column, "")
        try:
            return reading(value)
        except (LookupError, ValueError, OverflowError):
            problems.append(TableProblem(number, column, value, reason))
            return None

    before = len(problems)
    points = {(point.station, point.connector): point.id for point in site.points}
    station = row.get("station", "")
    if station not in {known for known, _ in points}:
        problems.append(TableProblem(number, "station", station, "expected a charging station of the site"))
    connector = read("connector", lambda value: _number(value) if value else None, "expected a connector's number")
    code = read("tariff_code", lambda value: codes[value.casefold()] if value else None, "expected a tariff's id")
    leg = read("leg", lambda value: Leg(value.lower() or Leg.RETAIL), f"expected one of {', '.join(Leg)}")
    begins = read("valid_from", lambda value: _moment(value, at), f"expected a time from {at.isoformat()} on")
    if len(problems) == before and connector is not None and (station, connector) not in points:
        problems.append(TableProblem(number, "connector", str(connector), f"expected a connector of {station}"))
    if len(problems) > before or leg is None or begins is None:
        return None
    scope = Scope.STATION if connector is None else Scope.CONNECTOR
    key = station if connector is None else points[station, connector]
    held = in_force((one for one in rules if (one.scope, one.key, one.leg) == (scope, key, leg)), begins)
    return CodeChange(
        number, station, connector, scope, key, leg, None if held is None else held.tariff, code, begins, held
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _moment(text: str, at: datetime) -> datetime:
    if not text:
        return at
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment < at:
        raise ValueError
    return moment.astimezone(UTC)


def _lasts(version: TariffVersion, at: datetime) -> bool:
    end = end_of(version)
    return end is None or end > at
