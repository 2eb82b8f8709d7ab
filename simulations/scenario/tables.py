"""The tables of a scenario file, as they are written. What they mean together is checked in ``checks``."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal

from pydantic import Field

from adapters.configuration.tables import CircuitTable, PointTable, SiteTable, StationTable
from adapters.configuration.values import Id, NotNegative, PerPhase, Positive, Tenths
from adapters.strict import StrictModel
from simulations.scenario.supply_tables import (
    BuildingTable,
    Days,
    DemandTable,
    PeriodTable,
    PlanTable,
    PricesTable,
    Share,
    SolarTable,
)

Step = Annotated[float, Field(gt=0, le=3600)]


class ScenarioTable(StrictModel):
    """The run as a whole."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """Name of the scenario, for people."""
    description: str = ""
    """What it shows."""
    site: str | None = None
    """Path of a site file whose circuits and points are used; without it they stand in this file."""
    start: date | datetime
    """Beginning, on the clock of the site: 2026-03-02, or 2026-03-02T08:00:00."""
    days: Annotated[float, Field(gt=0, le=3660)] | None = None
    """Length in days; either this or hours. It is cut to whole rows of the results."""
    hours: Annotated[float, Field(gt=0, le=87_840)] | None = None
    """Length in hours."""
    step_s: Step = 300.0
    """Step [s]: up to 5 s cars and chargers answer as slowly as they do; from 30 s everybody settles within a step."""
    record_s: Positive | None = None
    """Distance of the rows in the results [s], a multiple of step_s; default: the step, and at least 10 s."""
    seed: Annotated[int, Field(ge=0)] = 1
    """The same seed brings the same people, cars and weather."""
    controller: Literal["decide", "rules"] | None = None
    """decide: the site's loop with its memory. rules: the division of each instant, which also runs in batches.
    Default: decide up to steps of 5 s, rules above."""
    plan: bool = False
    """Whether the coming hours are planned: prices, the month's peak and departures."""


class ShortTable(StrictModel):
    """What replaces the same keys of [scenario] in the short form, which the tests run."""

    start: date | datetime | None = None
    """Beginning."""
    hours: Annotated[float, Field(gt=0, le=87_840)]
    """Length in hours."""
    step_s: Step | None = None
    """Step [s]."""


class GroupTable(StrictModel):
    """Many charging points of one kind, each on a station of its own."""

    id: Id
    """What their names begin with: P becomes P01, P02, and so on."""
    count: Annotated[int, Field(ge=1, le=1000)]
    """How many."""
    circuit: Id
    """The circuit that feeds them."""
    phases: str = "rotated"
    """A wiring as of a point, or rotated: three-phase points whose phases turn from one to the next,
    or single: single-phase points on L1, L2, L3 in turn."""
    min_a: Tenths = 6.0
    """Least current that a car accepts here [A]."""
    max_a: Positive = 16.0
    """Highest current of the points [A]."""
    fallback_a: NotNegative | None = None
    """As of a point."""
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """Higher comes first."""
    weight: Positive = 1.0
    """Share among points of the same priority."""


class CarTable(StrictModel):
    """A kind of car; who comes drives one of them by share. Default: as they come to a workplace."""

    share: Positive = 1.0
    """How common it is beside the others."""
    phases: Literal[1, 3] = 3
    """Phases of its on-board charger."""
    max_a: Positive = 16.0
    """Most that it draws per phase [A]."""
    min_a: NotNegative = 6.0
    """Offered less than this, it stops [A]."""
    capacity_kwh: Positive = 60.0
    """Size of its battery [kWh]."""
    taper_from: Share = 0.85
    """State of charge where constant current ends; 1: it never tapers."""
    full_share: Share = 0.5
    """Share of visits that charge to the full; the others stop by themselves before the current falls."""
    sleep_after_s: Positive | None = None
    """It falls asleep after so long without an offer [s]; default: never."""
    precondition_a: NotNegative = 0.0
    """What heating or cooling draws before it leaves [A]."""
    precondition_s: NotNegative = 0.0
    """How long before [s]."""


class PeopleTable(StrictModel):
    """One kind of drivers: drawn from figures, from a fitted model, or from recorded sessions."""

    name: Id
    """Name of the kind."""
    file: str | None = None
    """Recorded sessions (docs/reference/data-formats.md)."""
    kind: str | None = None
    """Format of the file; default: recognised from its content."""
    mode: Literal["replay", "resample"] = "replay"
    """replay: the sessions as they were, moved to the start of the scenario. resample: whole days drawn anew."""
    model: str | None = None
    """A fitted model of people (loadstar sessions FILE --fit)."""
    cars_per_day: NotNegative | None = None
    """How many come on a day that counts, on average."""
    days: Days = "every"
    """On which days they come."""
    arrives: time = time(8, 30)
    """When they come, on average."""
    arrives_spread_h: NotNegative = 0.75
    """Standard deviation of that [h]."""
    stays_h: Positive = 8.0
    """How long they stay, on average [h]."""
    stays_spread_h: NotNegative = 1.5
    """Standard deviation of that [h]."""
    energy_kwh: Positive = 15.0
    """What they need, on average [kWh]."""
    energy_spread_kwh: NotNegative = 7.0
    """Standard deviation of that [kWh]."""
    stated: Share = 1.0
    """Share of those who say when they leave and what they need."""
    stated_spread_h: NotNegative = 0.0
    """By how much they are wrong about their departure: standard deviation [h]."""
    price_limit: float | None = None
    """Above this price per kWh they rather wait, as long as their need can still be met."""
    points: list[str] = Field(default_factory=lambda: ["*"])
    """Where they may stand: names of points, with * for any characters."""
    tokens: Annotated[int, Field(ge=1)] = 50
    """How many different people they are."""
    guest_share: Share = 0.0
    """Share of those with a token that the site does not know."""
    cars: list[CarTable] = Field(default_factory=list)
    """What they drive; default: the cars of the scenario."""


class LimitTable(StrictModel):
    """A bound on a circuit's power that somebody sets for a while, such as the grid operator."""

    circuit: Id
    """The circuit."""
    limit_w: NotNegative
    """The three phases together, what is not charging included [W]."""
    source: Id = "grid_operator"
    """Who sets it."""
    begins: datetime
    """From, on the clock of the site."""
    lasts_s: Positive
    """For how long [s]."""
    charging_only: bool = False
    """true: it holds for what charges, and leaves the building out, as dimming after §14a EnWG does."""


class FaultTable(StrictModel):
    """Something that goes wrong."""

    kind: str
    """What (docs/reference/scenarios.md lists the kinds)."""
    begins: datetime
    """When, on the clock of the site."""
    lasts_s: Positive
    """For how long [s]."""
    point: Id | None = None
    """Where, for faults of a charger."""
    current_a: PerPhase = (0.0, 0.0, 0.0)
    """How much, for a step of the building [A]."""


class ChargersTable(StrictModel):
    """Chargers that do not behave as they should."""

    points: list[str]
    """Whose: names of points, with * for any characters."""
    temperament: str
    """How (docs/reference/scenarios.md lists them)."""


class MeterTable(StrictModel):
    """How the grid meters behave."""

    noise_a: NotNegative = 0.1
    """Standard deviation of a reading [A]."""
    latency_s: NotNegative = 0.3
    """From the truth to the reading [s]."""
    poll_s: Positive = 1.0
    """How often it is read [s]."""


class JudgingTable(StrictModel):
    """What the run is compared with."""

    bound: bool = True
    """Whether the perfect-information bound is computed."""
    policies: list[str] = Field(
        default_factory=lambda: ["uncontrolled", "equal_split", "first_come", "earliest_deadline", "least_laxity"]
    )
    """What to run beside it."""
    seeds: Annotated[int, Field(ge=1, le=100)] = 1
    """With how many seeds each is run, for confidence intervals."""
    unmet_per_kwh: NotNegative = 1.0
    """What a kWh costs that a driver needed and did not get."""


class ScenarioFile(StrictModel):
    """A scenario of Loadstar's simulator."""

    scenario: ScenarioTable
    """The run as a whole."""
    short: ShortTable | None = None
    """The short form."""
    site: SiteTable | None = None
    """The site as a whole, as in a site file."""
    circuits: list[CircuitTable] = Field(default_factory=list)
    """The circuit tree, as in a site file."""
    points: list[PointTable] = Field(default_factory=list)
    """Charging points, as in a site file."""
    stations: list[StationTable] = Field(default_factory=list)
    """What stations need beyond their points, as in a site file."""
    groups: list[GroupTable] = Field(default_factory=list)
    """Many charging points of one kind."""
    people: list[PeopleTable] = Field(default_factory=list)
    """Who comes."""
    cars: list[CarTable] = Field(default_factory=list)
    """What they drive."""
    building: BuildingTable = BuildingTable()
    """What else draws current."""
    solar: SolarTable | None = None
    """A photovoltaic plant."""
    prices: PricesTable = PricesTable()
    """What a kWh costs the site."""
    periods: list[PeriodTable] = Field(default_factory=list)
    """The times of day of time_of_use prices."""
    demand: DemandTable | None = None
    """What the month's peak costs."""
    plan: PlanTable = PlanTable()
    """How the coming hours are planned."""
    limits: list[LimitTable] = Field(default_factory=list)
    """Bounds set by others."""
    faults: list[FaultTable] = Field(default_factory=list)
    """What goes wrong."""
    chargers: list[ChargersTable] = Field(default_factory=list)
    """Chargers that do not behave."""
    meter: MeterTable = MeterTable()
    """How the meters behave."""
    judging: JudgingTable = JudgingTable()
    """What the run is compared with."""
