"""The tables of a site file, as they are written. What they mean together is checked in ``checks``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from adapters.configuration.location_tables import LocationTable, StationMeterTable
from adapters.configuration.meter_tables import MeterTable
from adapters.configuration.peak_tables import PeakTable
from adapters.configuration.plan_tables import GroupTable, LoadbalanceTable, NeedsTable, PlanTable
from adapters.configuration.service_tables import (
    InfluxTable,
    MqttTable,
    OcppTable,
    RecordingTable,
    StoreTable,
    WebTable,
)
from adapters.configuration.upstream_tables import UpstreamTable
from adapters.configuration.values import (
    Currency,
    Id,
    Identity,
    NotNegative,
    Percent,
    PerPhase,
    Positive,
    Price,
    Printable,
    Rating,
    Tenths,
    UtcTime,
    Variable,
    Wiring,
    Zone,
)
from adapters.strict import StrictModel
from controller.units import TOLERANCE_A

LATER_TABLES: Final = ("notify", "security")
"""Tables that people may know of; ignoring them would be worse than refusing them."""


class SiteTable(StrictModel):
    """The site as a whole."""

    id: Id
    """Name of the site in topics and addresses."""
    name: str = Field("", max_length=200)
    """Name of the site for people."""
    time_zone: Zone = "UTC"
    """IANA time zone: what the clock on the wall shows."""
    currency: Currency = "EUR"
    """ISO 4217 code of all prices."""
    nominal_voltage_v: Positive = 230.0
    """Voltage between a phase and neutral [V], where no meter tells."""


class CircuitTable(StrictModel):
    """One protected conductor. Exactly one circuit has no parent: the grid connection."""

    id: Id
    """Name of the circuit."""
    parent: Id | None = None
    """The circuit that feeds it."""
    fuse_a: Rating
    """Rating of the protection device [A]: one number, or one for each of L1, L2, L3."""
    fuse_curve: Literal["gG", "B", "C", "D"] = "gG"
    """Characteristic: gG (IEC 60269 fuse) or B, C, D (IEC 60898-1 circuit breaker)."""
    margin_a: NotNegative = 0.0
    """Kept free below the rating [A]."""
    contract_w: Positive | None = None
    """Contracted power of the three phases together [W]."""
    meter: Id | None = None
    """The meter that measures this circuit."""
    base_load_a: PerPhase = (0.0, 0.0, 0.0)
    """Worst case of what is not charging [A]: for the static rule, and while the meter is lost."""
    max_imbalance_a: Positive | None = None
    """Largest difference between two phases [A]."""


class PointTable(StrictModel):
    """One connector that can charge one car."""

    id: Id
    """Name of the charging point."""
    circuit: Id
    """The circuit that feeds it."""
    station: Identity
    """OCPP identity of its charging station; several points may share one."""
    connector: int = Field(1, ge=1)
    """Number of the connector at the station."""
    phases: Wiring = "L1L2L3"
    """The grid phases that its own L1, L2, L3 meet; one phase for a single-phase point."""
    min_a: Tenths = 6.0
    """Least current that a car accepts here [A]."""
    max_a: Positive = Field(32.0, validate_default=True)
    """Highest current of the point [A]."""
    fallback_a: NotNegative | None = None
    """Current that the point may draw when nobody tells it anything [A]: 0, or between min_a and max_a.
    Default: min_a where the static rule allows it for every such point, else 0."""
    priority: int = Field(0, ge=-1000, le=1000)
    """Higher comes first."""
    weight: Positive = 1.0
    """Share among points of the same priority."""

    @field_validator("max_a")
    @classmethod
    def _not_below_minimum(cls, value: float, others: ValidationInfo) -> float:
        if value < others.data.get("min_a", value) - TOLERANCE_A:
            raise ValueError(f"expected at least min_a ({others.data['min_a']:g} A)")
        return value

    @field_validator("fallback_a")
    @classmethod
    def _zero_or_chargeable(cls, value: float | None, others: ValidationInfo) -> float | None:
        low, high = others.data.get("min_a"), others.data.get("max_a")
        if value is None or value <= 0 or low is None or high is None:
            return value
        if not low - TOLERANCE_A <= value <= high + TOLERANCE_A:
            raise ValueError(f"expected 0 or a current from min_a to max_a ({low:g} to {high:g} A)")
        return value


class StationTable(StrictModel):
    """What a charging station needs beyond its points."""

    id: Identity
    """OCPP identity."""
    password: Printable | None = None
    """Password of its Basic authentication; the ledger keeps only a hash of it."""
    password_env: Variable | None = None
    """Name of the environment variable that holds the password."""
    writes_per_day: int | None = Field(None, ge=1)
    """Charging-profile writes a day that its memory can stand; default: as many as needed."""
    meter: StationMeterTable | None = None
    """What measures there; default: what the station tells."""


class TokenTable(NeedsTable):
    """An id token that may charge."""

    uid: Annotated[Printable, Field(max_length=36)]
    """The token's identifier (upper and lower case are the same)."""
    description: str = Field("", max_length=200)
    """What or whose it is."""
    blocked: bool = False
    """Whether it is refused."""
    valid_until: UtcTime | None = None
    """End of its validity, with an offset from UTC."""
    group: Id | None = None
    """The group that it belongs to; what is said of the token itself comes before what is said of the group."""


class UserTable(StrictModel):
    """A person or program that may log in to the web interface."""

    name: Annotated[Printable, Field(max_length=64)]
    """Name to log in with."""
    password: str | None = Field(None, min_length=8, max_length=1024)
    """Password, 8 characters or more."""
    password_env: Variable | None = None
    """Name of the environment variable that holds the password."""
    role: Literal["viewer", "operator", "approver", "installer"] = "viewer"
    """viewer: reads. operator: also acts on points and sessions, and proposes prices. approver: reads, proposes and
    approves prices. installer: may do all of it, and change the site."""


TariffId = Annotated[str, Field(min_length=1, max_length=36)]


class CurveTable(StrictModel):
    """A price curve: prices that change with time, which tariffs follow."""

    id: Id
    """Its name; components of tariffs name it as `curve`."""
    file: str
    """CSV file with the columns `at` and `price_per_kwh` (and `until` where there are gaps), read again whenever it
    changes."""


class TariffsTable(StrictModel):
    """What charging costs."""

    price_per_kwh: Price | None = None
    """Price of one kWh in the site's currency, as a number or as text; its decimals are kept exactly. It becomes the
    operator's own tariff, which counts where no billing rule says more; default: none."""
    tax_percent: Percent | None = None
    """Tax on charging [%] where neither the tariff nor the contract says anything; default: unknown."""
    lead_time_h: Annotated[float, Field(ge=0, le=8784)] = 0.0
    """Time between the approval of a price and its beginning, at least [h]."""
    guests: bool = False
    """Whether those may charge, at points that are not closed to them, whose token nobody knows."""
    curves: list[CurveTable] = Field(default_factory=list)
    """Price curves that are kept in files."""
    mqtt: bool = True
    """Whether prices may be published on the MQTT topic `price/set`, by everybody whom the broker lets."""
    flexible: TariffId | None = None
    """Id of the tariff of a cheaper offer for drivers who can wait; default: there is none."""
    fast: TariffId | None = None
    """Id of the tariff of a dearer offer for drivers who want to be served first; default: there is none."""


class SiteFile(StrictModel):
    """A site file of Loadstar."""

    site: SiteTable
    """The site as a whole."""
    circuits: list[CircuitTable]
    """The circuit tree."""
    meters: list[MeterTable] = Field(default_factory=list)
    """The meters."""
    points: list[PointTable] = Field(default_factory=list)
    """The charging points."""
    stations: list[StationTable] = Field(default_factory=list)
    """What stations need beyond their points."""
    groups: list[GroupTable] = Field(default_factory=list)
    """Groups of tokens."""
    tokens: list[TokenTable] = Field(default_factory=list)
    """Tokens to begin with; the ledger is the place for them."""
    users: list[UserTable] = Field(default_factory=list)
    """Who may log in to the web interface."""
    ocpp: OcppTable = OcppTable()
    """Where charging stations connect."""
    web: WebTable = WebTable()
    """Where pages and the REST interface are served."""
    store: StoreTable = StoreTable()
    """Where sessions are kept."""
    mqtt: MqttTable | None = None
    """The MQTT broker to publish to; without it nothing is published."""
    influx: InfluxTable | None = None
    """The InfluxDB to send telemetry to; without it nothing is sent."""
    recording: RecordingTable | None = None
    """Where decisions are recorded; without it they are not."""
    location: LocationTable = LocationTable()
    """Where the site is; records, partners and registers ask for it."""
    tariffs: TariffsTable = TariffsTable()
    """What charging costs; without it only what billing rules say."""
    loadbalance: LoadbalanceTable = LoadbalanceTable()
    """How points take turns."""
    plan: PlanTable | None = None
    """The plan of the coming hours; without it there is none."""
    peak: PeakTable = PeakTable()
    """What limits power over time."""
    upstreams: list[UpstreamTable] = Field(default_factory=list)
    """Back offices; without them the site stands for itself."""
