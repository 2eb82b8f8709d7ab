"""Who comes to charge, as a statistical model: fitted from recorded sessions, kept as JSON, and drawn from.

For every kind of day it knows how many sessions the recorded days had, the distribution of each quantity of a session
by its quantiles, and how the quantities hang together, by the correlations of a Gaussian copula (Nelsen, An
Introduction to Copulas, 2nd ed. 2006): ranks are correlated as recorded, and no value is outside of what was recorded.

What it does not know: holidays apart from their weekday, weather, a day's likeness to the day before, and the habits of
a single driver other than how often one comes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from adapters.strict import StrictModel
from simulations.data.content import read_model
from simulations.data.days import DAY_S, day_number, unix_seconds
from simulations.data.people_tables import WEEKDAYS, Count, DayKind, Drivers, Quantity
from simulations.data.recorded import RecordedSession

Floats = NDArray[np.float64]


class PeopleModel(StrictModel):
    """Who comes to charge."""

    sessions: Count
    """How many it was fitted from."""
    first_day: date
    """The first day of these."""
    last_day: date
    """The last one."""
    highest_mean_power_w: Annotated[float, Field(gt=0)]
    """The most that a session took on average over its stay [W]; none that is drawn takes more."""
    days: Annotated[list[DayKind], Field(min_length=1)]
    """Kinds of days; every day of the week belongs to one of them."""
    drivers: Drivers | None = None
    """None where no drivers were recorded."""

    @model_validator(mode="after")
    def _whole_week(self) -> PeopleModel:
        if sorted(day for kind in self.days for day in kind.weekdays) != sorted(WEEKDAYS):
            raise ValueError("expected every day of the week in one kind of days")
        return self

    def sample(
        self, rng: np.random.Generator, first_day: date, days: int, time_zone: ZoneInfo
    ) -> list[RecordedSession]:
        """Draw sessions.

        Args:
            rng: The dice. The same dice and days give the same sessions; more days add to them and change none.
            first_day: The first day on which somebody may arrive.
            days: How many days.
            time_zone: Of the site, whose clock arrivals go by.

        Returns:
            By arrival. Nobody has a point, and no driver is there twice at once.
        """
        kinds = {name: kind for kind in self.days for name in kind.weekdays}
        guests = _Guests(self.drivers)
        sessions: list[RecordedSession] = []
        for number in range(days):
            day = first_day + timedelta(days=number)
            drawn = kinds[WEEKDAYS[day.weekday()]].draw(rng, self.highest_mean_power_w)
            sessions += guests.of_day(rng, list(_of_day(day, drawn, time_zone)))
        return sorted(sessions, key=lambda session: (session.arrives, session.id))


def _of_day(day: date, drawn: Mapping[Quantity, Floats], zone: ZoneInfo) -> Iterator[RecordedSession]:
    order = np.argsort(drawn["arrival_s"], kind="stable")
    columns = {quantity: values[order].tolist() for quantity, values in drawn.items()}
    begin_s = day_number(day) * DAY_S
    arrives_s = unix_seconds(begin_s + np.floor(drawn["arrival_s"][order]), zone).tolist()
    for place, at_s in enumerate(arrives_s):
        values = {quantity: column[place] for quantity, column in columns.items() if not math.isnan(column[place])}
        arrives = datetime.fromtimestamp(at_s, UTC)
        stated_s = values.get("stated_stay_s")
        yield RecordedSession(
            id=f"{day:%Y%m%d}-{place + 1}",
            arrives=arrives,
            leaves=arrives + _whole_seconds(values["stay_s"]),
            energy_wh=values["energy_wh"],
            requested_wh=values.get("requested_wh"),
            stated_leaves=None if stated_s is None else arrives + _whole_seconds(stated_s),
            max_power_w=values.get("max_power_w"),
        )


def _whole_seconds(length_s: float) -> timedelta:
    return timedelta(seconds=max(1, round(length_s)))


class _Guests:
    """Gives sessions to drivers, as often as each of them comes."""

    def __init__(self, drivers: Drivers | None) -> None:
        self._visits = np.array(drivers.visits if drivers else [], dtype=np.float64)
        self._share = drivers.share if drivers else 0.0
        self._leaves: dict[int, datetime] = {}
        self._strangers = 0

    def of_day(self, rng: np.random.Generator, sessions: Sequence[RecordedSession]) -> list[RecordedSession]:
        """The sessions of a day with those drivers that are known of them. A driver comes once a day at most."""
        known = np.flatnonzero(rng.random(len(sessions)) < self._share).tolist()
        drivers = rng.permutation(_chosen(rng, self._visits, len(known))).tolist()
        named = list(sessions)
        for place, driver in zip(known, [*drivers, *[None] * (len(known) - len(drivers))], strict=True):
            named[place] = replace(sessions[place], token=self._name(driver, sessions[place]))
        return named

    def _name(self, driver: int | None, session: RecordedSession) -> str:
        """The driver, or a stranger where that one has not left yet."""
        if driver is None or self._leaves.get(driver, session.arrives) > session.arrives:
            self._strangers += 1
            return f"S{self._strangers}"
        self._leaves[driver] = session.leaves
        return f"D{driver + 1}"


def _chosen(rng: np.random.Generator, visits: Floats, count: int) -> NDArray[np.int64]:
    """Different drivers, each of whom is among them as likely as ``visits`` says: systematic sampling (Madow 1949)."""
    if count >= len(visits):
        return np.arange(len(visits))
    chances, rest, free = np.zeros(len(visits)), float(count), np.ones(len(visits), dtype=bool)
    while True:
        chances[free] = rest * visits[free] / visits[free].sum()
        sure = free & (chances >= 1.0)
        if not sure.any():
            break
        chances[sure] = 1.0
        rest -= float(np.count_nonzero(sure))
        free &= ~sure
    order = rng.permutation(len(visits))
    places = np.searchsorted(np.cumsum(chances[order]), rng.random() + np.arange(count), side="right")
    chosen: NDArray[np.int64] = order[np.unique(np.minimum(places, len(visits) - 1))]
    return chosen


def read_people(path: Path) -> PeopleModel:
    """Read a model.

    Raises:
        DataError: the file cannot be used, with everything that is wrong with it.
    """
    return read_model(path, PeopleModel)


def write_people(path: Path, model: PeopleModel) -> None:
    """Write a model as JSON (``docs/schemas/people.schema.json``)."""
    path.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
