"""The tables of a site file that say who needs what, and what the hours ahead cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from adapters.configuration.values import Energy, Id, Positive, Price, TimeOfDay, Weekday
from adapters.strict import StrictModel


class NeedsTable(StrictModel):
    """What holds for the sessions of a token or of a group."""

    priority: int | None = Field(None, ge=-1000, le=1000)
    """Higher comes first; default: the charging point's."""
    weight: Positive | None = None
    """Share among sessions of the same priority; default: the charging point's."""
    departs: TimeOfDay | None = None
    """Time of day at which the car leaves, on the clock of the site, such as "17:00"."""
    weekdays: list[Weekday] = Field(default_factory=list)
    """On which days it leaves then; default: on every day."""
    energy_kwh: Energy | None = None
    """Energy wanted until then, from the beginning of the session on [kWh]."""
    least_kwh: Energy | None = Field(None, validate_default=True)
    """The part of it that comes before all other needs [kWh]."""

    @field_validator("least_kwh")
    @classmethod
    def _not_above_all(cls, value: float | None, others: ValidationInfo) -> float | None:
        most = others.data.get("energy_kwh")
        if value is not None and most is not None and value > most:
            raise ValueError(f"expected at most energy_kwh ({most:g} kWh)")
        return value


class GroupTable(NeedsTable):
    """Tokens that are treated alike: a pool of cars, the people of a tenant."""

    id: Id
    """Name of the group; tokens name it in their `group`."""
    description: str = Field("", max_length=200)
    """Who or what that is."""


class LoadbalanceTable(StrictModel):
    """How points take turns."""

    turn_min: float = Field(default=15.0, gt=0, le=1440)
    """A car that was let charge goes on for at least so long before it makes room for one that waits [min]."""


class TimeOfUseTable(StrictModel):
    """A time of day with a price of its own; the first row that fits counts."""

    begins: TimeOfDay
    """From this time of day, on the clock of the site."""
    ends: TimeOfDay
    """Until this one; "00:00" is the end of the day, and a time before `begins` is of the next day."""
    weekdays: list[Weekday] = Field(default_factory=list)
    """On which days it begins; default: on every day."""
    price_per_kwh: Price
    """What a kWh costs the site then."""


class PlanTable(StrictModel):
    """The plan of the coming hours; without this table there is none. Prices are those that the site pays."""

    enabled: bool = True
    """false: as if the table were not there."""
    slot_min: Literal[5, 15] = 15
    """Length of a slot [min]."""
    horizon_h: float = Field(24.0, ge=1, le=48)
    """How far it looks ahead [h]."""
    every_min: float = Field(5.0, ge=1, le=60)
    """It is made anew so often, and whenever something happens [min]."""
    price_per_kwh: Price | None = None
    """What a kWh costs where nothing else says so; default: that of `[tariffs]`, else 0."""
    time_of_use: list[TimeOfUseTable] = Field(default_factory=list)
    """Prices by time of day."""
    price_file: str | None = None
    """CSV file of prices with the columns `at` and `price_per_kwh`, read again whenever it changes."""
    unmet_per_kwh: Positive = 1.0
    """What a kWh is worth that a driver needs and does not get."""

    @field_validator("price_file")
    @classmethod
    def _one_source(cls, value: str | None, others: ValidationInfo) -> str | None:
        if value is not None and others.data.get("time_of_use"):
            raise ValueError("expected either price_file or time_of_use, not both")
        return value
