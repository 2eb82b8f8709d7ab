"""The manager's page of statements: what a month comes to, what waits for review, and the files of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse

from adapters.settling.charged import Charged, MonthStatements
from adapters.settling.export_kinds import MONTH, ExportRefused
from adapters.web.entitled import Approver
from adapters.web.office_forms import Form, read_form
from adapters.web.office_pages import Office
from adapters.web.statements import Month
from controller.tariffs.book import Leg
from controller.tariffs.rated import UNRATED
from controller.tariffs.record import ChargeRecord
from controller.tariffs.review import Correction, NoSuchRecord, Verdict
from controller.tariffs.statement import IssuedStatement, StatementKind

MONTHS_SHOWN: Final = 12
NOTE_MOST: Final = 500

_KINDS: Final = {
    StatementKind.INVOICE: "owes",
    StatementKind.CREDIT_NOTE: "gets back",
    StatementKind.REIMBURSEMENT: "is paid",
    StatementKind.OWN_ACCOUNT: "own account",
}
_FLAGS: Final = {
    "no_tariff": "nothing says what it costs",
    "start_register_missing": "no register at its start",
    "end_register_missing": "no register at its end",
    "negative_energy": "its register ran backwards",
    "decreasing_register": "its register decreased on the way",
    "estimated_register_in_long_gap": "its energy is estimated where the price changed",
    "stop_without_start": "only its end was heard of",
    "clock_uncertain": "the charger's clock was wrong",
    "timestamp_invalid": "the charger told no time",
    "unknown_connector": "at a connector that the site does not know",
    "implausible_register": "its register cannot be right",
    "implausible_energy": "more energy than a charger delivers in that time",
    "price_missing_in_curve": "there is no price for a part of it",
}
"""Flags in words; others are shown as they are, without underscores."""

MonthAsked = Annotated[str | None, Query(pattern=f"^{MONTH}$")]
Fields = Annotated[Form, Depends(read_form)]


@dataclass(frozen=True, slots=True)
class Row:
    """One statement, as the page shows it."""

    number: str
    name: str
    kind: str
    sessions: int
    kwh: str
    net: str
    tax: str
    payable: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """One record that somebody has to look at."""

    id: str
    month: str
    point: str
    token: str
    ended_at: datetime
    kwh: str
    amount: str
    flags: tuple[str, ...]
    end_wh: int | None
    complete: bool


def add_billing_page(app: FastAPI, office: Office, charged: Charged) -> None:
    """Add ``/statements`` and its forms."""
    desk = _Desk(office, charged)

    @app.get("/statements", include_in_schema=False)
    def show(request: Request, month: MonthAsked = None) -> Response:
        return desk.page(request, month)

    @app.post("/statements/{month}/close", include_in_schema=False)
    def close(request: Request, month: Month, form: Fields, actor: Approver) -> Response:
        if "sure" not in form:
            return desk.page(request, month, ["a month is closed for good: tick the box if you are sure"])
        return desk.done(request, month, lambda: charged.close(month, actor.user))

    @app.post("/statements/review/{record:id}", include_in_schema=False)
    def decide(request: Request, record: str, form: Fields, actor: Approver) -> Response:
        def action() -> None:
            verdict = Verdict(form.get("verdict", ""))
            correction = _correction(form) if verdict is Verdict.CORRECT else None
            charged.decide(record, verdict, by=actor.user, note=form.get("note", "")[:NOTE_MOST], correction=correction)

        return desk.done(request, form.get("month"), action)


class _Desk:
    """What the page shows."""

    def __init__(self, office: Office, charged: Charged) -> None:
        self._office, self._charged = office, charged

    def page(self, request: Request, month: str | None, problems: Sequence[str] = ()) -> Response:
        """The page of a month; None: of the running one."""
        months = _months(self._office, self._charged)
        chosen = month or months[0]
        found: MonthStatements | None = None
        try:
            found = self._charged.month(chosen)
        except ExportRefused as error:
            problems = [*problems, *error.problems]
        return self._office.page(
            "statements.html",
            request,
            problems=list(problems),
            month=chosen,
            months=months if chosen in months else [chosen, *months],
            found=found,
            rows=[] if found is None else [_row(each) for each in found.statements],
            waiting=[_waiting(each.record) for each in self._charged.queue()],
        )

    def done(self, request: Request, month: str | None, action: Callable[[], object]) -> Response:
        """Do something, and show the page; if it cannot be, with the reasons."""
        try:
            action()
        except ExportRefused as error:
            return self.page(request, month, error.problems)
        except NoSuchRecord:
            return self.page(request, month, ["there is no such record"])
        except ValueError as error:  # it cannot be closed, or not be decided so
            return self.page(request, month, [str(error)])
        return RedirectResponse("/statements" if month is None else f"/statements?month={month}", 303)


def flag_words(flag: str) -> str:
    """A flag, for people.

    >>> flag_words("unrated:no_tariff"), flag_words("some_new_flag")
    ('nothing says what it costs', 'some new flag')
    """
    name = flag.removeprefix(UNRATED)
    return _FLAGS.get(name, name.replace("_", " "))


def _months(office: Office, charged: Charged) -> list[str]:
    """The running month and those before it, the newest first; closed ones from longer ago as well."""
    now = office.now.astimezone(office.zone)
    counted = [now.year * 12 + now.month - 1 - back for back in range(MONTHS_SHOWN)]
    recent = [f"{number // 12}-{number % 12 + 1:02}" for number in counted]
    older = sorted({closing.month for closing in charged.closings()} - set(recent), reverse=True)
    return [*recent, *older]


def _correction(form: Form) -> Correction:
    text = form.get("end_wh", "")
    if not text.strip().isdigit():
        raise ValueError(f"register at the end: expected whole Wh, found {text[:20]!r}")
    return Correction(end_wh=int(text))


def _row(issued: IssuedStatement) -> Row:
    statement, totals = issued.statement, issued.statement.totals
    return Row(
        number=issued.number,
        name=issued.party.name,
        kind=_KINDS[statement.kind],
        sessions=len({line.session for line in statement.lines}),
        kwh=f"{Decimal(statement.energy_wh) / 1000:.1f}",
        net=_amount(totals.before_tax),
        tax=_amount(totals.tax),
        payable=_amount(totals.payable),
        draft=issued.draft,
    )


def _waiting(record: ChargeRecord) -> Waiting:
    retail = record.leg(Leg.RETAIL)
    return Waiting(
        id=record.identity.id,
        month=record.month,
        point=record.place.point or record.place.station,
        token=record.token.uid,
        ended_at=record.times.ended_at,
        kwh=f"{Decimal(record.quantities.import_wh) / 1000:.1f}",
        amount="-" if retail is None or not record.complete else _amount(retail.rated.invoice.after_tax),
        flags=tuple(dict.fromkeys(map(flag_words, record.flags))),
        end_wh=record.quantities.end_register_wh,
        complete=record.complete,
    )


def _amount(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.2f}"
