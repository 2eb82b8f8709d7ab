"""Loadstar's own format of a session to be priced: what happened, in segments or in readings."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from adapters.configuration.values import Zone
from adapters.rating_documents.values import (
    NumberOrTextNotNegative,
    Text36,
    WrittenMoment,
)
from adapters.strict import StrictModel

Kind = Literal["charging", "idle", "withheld", "reservation", "reservation_expired"]
State = Literal[
    "charging",
    "idle",
    "withheld",
    "reservation",
    "reservation_expired",
    "available",
    "occupied",
    "plugged",
    "ev_idle",
    "finishing",
    "faulted",
    "offline",
]


class SegmentModel(StrictModel):
    """A part of a session in which one thing happened."""

    kind: Kind
    """``idle``: the car asks for nothing; ``withheld``: the site holds it back."""
    start: WrittenMoment
    """Without an offset: local to the session's time zone."""
    end: WrittenMoment
    kwh: NumberOrTextNotNegative | None = None
    """Energy of this part [kWh]; where nothing charges it may be left out."""
    power_kw: NumberOrTextNotNegative | None = None
    """Where it is known; restrictions of a tariff on power hold where it is not."""
    current_a: NumberOrTextNotNegative | None = None
    """Compared with a tariff's restrictions on current as it stands; OCPI means the sum over the phases."""


class ReadingModel(StrictModel):
    """What was known at one moment."""

    at: WrittenMoment
    register_wh: Annotated[int, Field(ge=0, le=10**15)] | None = None
    """Of the meter [Wh]."""
    state: State | None = None
    """From here on; missing: as before, and ``charging`` at the beginning."""
    power_kw: NumberOrTextNotNegative | None = None
    """From here on."""
    current_a: NumberOrTextNotNegative | None = None
    """From here on; sum over the phases."""


class SessionModel(StrictModel):
    """A session to be priced: exactly one of ``segments`` and ``readings``."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    time_zone: Zone
    """IANA, such as Europe/Amsterdam: of the place where it was."""
    token: str = ""
    point: str = ""
    tariff: Text36 | None = None
    """Id of the tariff, where a file of tariffs has several."""
    segments: Annotated[list[SegmentModel], Field(min_length=1)] | None = None
    readings: Annotated[list[ReadingModel], Field(min_length=2)] | None = None
    flags: list[str] = Field(default_factory=list)
    """What is known to be doubtful; it comes back with the price."""
    legal_metrology: bool = False
    """Whether only what the meter itself vouches for may be billed: no interpolated register."""
