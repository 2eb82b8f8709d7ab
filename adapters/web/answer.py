"""What all that the REST API takes and answers is made of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

PhaseValues = tuple[float | None, float | None, float | None]
"""L1, L2, L3 of the grid; null where a phase is not known."""
Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:f}", return_type=str)]
"""An amount as text, so that no reader turns it into a binary fraction, and never in exponent form."""

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2999
"""Far from both ends of what a datetime holds, so that arithmetic with it cannot overflow."""


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a time with a zone, such as 2026-11-20T09:00:00Z")  # noqa: TRY004 - pydantic's
    return value


def _within_reach(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"expected a time between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_within_reach)]
"""With an offset from UTC; what is text in JSON is taken as text only."""


class Answer(BaseModel):
    """What all answers share: they are built from facts and never change."""

    model_config = ConfigDict(frozen=True)
