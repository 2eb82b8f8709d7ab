"""What all answers of the REST API are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

PhaseValues = tuple[float | None, float | None, float | None]
"""L1, L2, L3 of the grid; null where a phase is not known."""
Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:f}", return_type=str)]
"""An amount as text, so that no reader turns it into a binary fraction, and never in exponent form."""


class Answer(BaseModel):
    """What all answers share: they are built from facts and never change."""

    model_config = ConfigDict(frozen=True)
