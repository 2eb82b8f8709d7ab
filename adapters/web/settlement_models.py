"""What the REST API takes and answers about records of sessions, their review, and statements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.web.answer import Answer, Moment, Money


class ClosedMonth(Answer):
    """A month that is closed."""

    month: str
    closed_at: datetime
    closed_by: str


class ClosedMonths(Answer):
    """The months that are closed, in order."""

    items: tuple[ClosedMonth, ...]
    next: None = None


class TaxGroupState(Answer):
    """All lines of a statement at one rate of tax."""

    state: Literal["rate", "zero", "exempt", "unknown"]
    percent: Money | None
    before_tax: Money | None
    tax: Money | None
    after_tax: Money | None


class StatementState(Answer):
    """A statement in brief; `GET /exports/statement` has its lines."""

    number: str
    draft: bool = Field(description="whether this is what it would be, and its number is not given out")
    kind: Literal["invoice", "credit_note", "reimbursement", "own_account"]
    party: str
    name: str
    issued_on: date
    due_on: date | None
    currency: str
    before_tax: Money | None = Field(description="null where a tax is unknown that the price holds")
    tax: Money | None
    after_tax: Money | None = Field(description="null where a tax is unknown")
    payable: Money
    taxes: tuple[TaxGroupState, ...]
    energy_wh: int
    sessions: int
    lines: int


class MonthState(Answer):
    """The statements of a month."""

    month: str
    closed_at: datetime | None = Field(description="null while the month is open: the statements are drafts")
    closed_by: str | None
    waiting: int = Field(description="records of the month and of earlier ones that wait for review")
    items: tuple[StatementState, ...]
    overviews: tuple[str, ...] = Field(description="of employers and of the site, as `GET /exports/statement` has them")
    next: None = None


class DecisionState(Answer):
    """What was decided of a record."""

    verdict: Literal["accept", "correct", "void"]
    by: str
    at: datetime
    note: str
    credit: str | None = Field(description="the record that takes it back")
    replaced_by: str | None = Field(description="the record that stands in its place")


class LegState(Answer):
    """What a record comes to on one leg."""

    leg: Literal["retail", "wholesale", "reimbursement"]
    party: str | None
    tariff: str
    before_tax: Money | None
    after_tax: Money | None


class RecordBrief(Answer):
    """A record in brief."""

    id: str
    session: str
    version: int
    kind: Literal["final", "credit"]
    credit_of: str | None
    state: Literal["clear", "open", "accepted", "corrected", "voided"]
    flags: tuple[str, ...]
    month: str
    point: str | None
    token: str
    driver: str | None
    started_at: datetime
    ended_at: datetime
    start_wh: int | None
    end_wh: int | None
    energy_wh: int
    currency: str
    legs: tuple[LegState, ...]
    decisions: tuple[DecisionState, ...]


class RecordList(Answer):
    """Records."""

    items: tuple[RecordBrief, ...]
    next: None = None


class RecordState(RecordBrief):
    """A record, whole."""

    document: dict[str, Any] = Field(description="all of it (`docs/schemas/charge-record.schema.json`)")


class CorrectionSaid(BaseModel):
    """What was wrong with a session; what is left out was right. The price follows, by the terms of its start."""

    model_config = ConfigDict(extra="forbid")

    start_wh: Annotated[int, Field(strict=True, ge=0, lt=2**53)] | None = None
    end_wh: Annotated[int, Field(strict=True, ge=0, lt=2**53)] | None = None
    ended_at: Moment | None = None


class VerdictSaid(BaseModel):
    """What is decided of a record."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["accept", "correct", "void"]
    note: str = Field("", max_length=500)
    correction: CorrectionSaid | None = Field(None, description="goes with `correct`, and only with it")
