"""What the REST API answers, field by field (docs/reference/rest-api.md)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from adapters.web.answer import Answer, Money, PhaseValues
from adapters.web.peak_view import Demand
from adapters.web.prices import Price
from controller.plan import Severity
from controller.snapshot import State


class SessionState(StrEnum):
    """Whether a session goes on."""

    RUNNING = "running"
    ENDED = "ended"


class Session(Answer):
    """One charging session."""

    id: str
    station: str
    point: str | None = Field(description="null where the site does not know the connector")
    connector: int
    transaction_id: str = Field(description="as the charger knows it")
    token: str
    state: SessionState
    started_at: datetime
    ended_at: datetime | None
    start_wh: int | None = Field(description="null where the charger has told none")
    end_wh: int | None
    energy_wh: int | None = Field(description="so far, while it runs; null where the registers cannot tell")
    cost: Money | None
    currency: str
    stop_reason: str | None
    review_flags: tuple[str, ...]


class SessionList(Answer):
    """A page of sessions, newest first."""

    items: tuple[Session, ...]
    next: str | None = Field(description="the `after` of the next page; null on the last one")


class Need(Answer):
    """What the driver still needs, and whether it will be had."""

    energy_wh: int | None = Field(description="still needed [Wh]; null where nobody has said")
    least_wh: int | None = Field(description="the part of it that comes before all other needs [Wh]")
    departs_at: datetime | None
    shortfall_wh: int = Field(description="what will be missing at the departure, as far as is known [Wh]")


class Advice(Answer):
    """What the plan of the coming hours says of a point until a slot's end."""

    target_a: float = Field(description="mean current that keeps it on course: served before anybody's comfort [A]")
    cap_a: float | None = Field(description="more would cost more than it is worth [A]; null: as much as is free")
    because: str = Field(description="what the cap is for: `price`, `peak` or `surplus`")
    until: datetime
    made_at: datetime


class Learned(Answer):
    """What the car has shown; null where that is nothing out of the ordinary."""

    takes_a: float | None = Field(description="the most that it takes, where that is less than the point gives [A]")
    phases: tuple[str, ...] | None = Field(description="the grid phases that it draws on, where these are fewer")
    needs_a: float | None = Field(description="the least limit at which it draws, where that is more than `min_a` [A]")


class Wiring(Answer):
    """A suspicion about how a point is wired. Nothing is changed because of it."""

    configured: str
    suggested: str
    or_else: str | None = Field(description="another wiring that the cars so far cannot tell from the suggested one")
    confidence: float = Field(description="from 0 to 1: that it is one of the two")


class Point(Answer):
    """One charging point, as of the newest turn of the control loop."""

    id: str
    station: str
    connector: int
    circuit: str
    phases: tuple[str, ...] = Field(description="the grid phases that its own L1, L2, L3 meet")
    max_a: float
    min_a: float
    fallback_a: float
    online: bool
    state: State
    measured_a: PhaseValues | None = Field(description="per grid phase [A]")
    measured_at: datetime | None
    limit_a: float | None = Field(description="what it may draw per phase [A]; null while it is offline")
    because: str | None = Field(description="the constraint that stopped it from getting more")
    why: str | None = Field(description="the same for people, in one sentence with its numbers")
    valid_until: datetime | None
    commanded_a: float | None = Field(description="the highest limit that its charger may be acting on [A]")
    session: Session | None = Field(description="the running one")
    need: Need | None = Field(description="what its driver asked for; null where that is nothing")
    advice: Advice | None = Field(description="null where no plan has anything to say")
    learned: Learned | None = Field(description="null where the car has shown nothing out of the ordinary")
    waiting_s: float | None = Field(description="how long its car has been waiting to be admitted [s]")
    compliance: str | None = Field(
        description="`obeys`, or what the charger is treated with: `resend`, `compare`, `shut`, `stop`, `disable`"
    )
    wiring: Wiring | None = Field(description="that it seems to be wired otherwise than the site file says")


class Reason(Answer):
    """One link of the chain of reasons."""

    topic: str = Field(description="what it is about, e.g. `room`")
    text: str
    numbers: dict[str, object] = Field(description="the same for programs; units stand in the names")


class Explanation(Answer):
    """Why a point had its limit at the newest turn of the control loop (docs/explanation/why.md)."""

    point: str
    at: datetime
    sentence: str
    limit_a: float | None
    because: str
    reasons: tuple[Reason, ...]


class PointList(Answer):
    """All charging points of the site."""

    items: tuple[Point, ...]
    next: None = None


class PowerLimit(Answer):
    """A limit on a circuit's power that counts; `GET /limits` holds all that there are."""

    limit_w: float
    source: str
    charging_only: bool
    per_point: bool


class Circuit(Answer):
    """One circuit with its load, as of the newest turn of the control loop; currents per grid phase [A]."""

    id: str
    parent: str | None
    fuse_a: tuple[float, float, float]
    margin_a: float
    contract_w: float | None
    current_a: PhaseValues | None = Field(description="measured, or estimated from what is below it")
    background_a: PhaseValues | None = Field(description="what is not charging")
    charging_a: PhaseValues | None = Field(description="what the points below it draw")
    headroom_a: PhaseValues | None = Field(description="fuse less margin less current")
    warmth: PhaseValues | None = Field(description="how near its devices are to opening: 0 is cold, 1 is open")
    limits: tuple[PowerLimit, ...] = Field(description="what others allow at this turn, the strictest of each kind")
    meter: str | None
    fresh: bool = Field(description="false while its meter is not believed")
    reading_age_s: float | None = Field(description="null without a meter, or before its first reading")


class Resource(Answer):
    """A photovoltaic plant or a battery of the site."""

    id: str
    kind: str = Field(description="`pv` or `battery`")
    meter: str
    power_w: float | None = Field(description="taken from the site, negative while it gives [W]; null: not known")


class Upstream(Answer):
    """One station of a back office: the connection, and what waits to be told."""

    upstream: str
    station: str = Field(description="as the back office knows it: a station of the site, or a hub")
    points: tuple[str, ...]
    mode: str = Field(description="`forward` or `hub`")
    role: str = Field(description="`primary`, `secondary`, or `by_token`: it answers for some tokens")
    connected: bool
    ready: bool = Field(description="whether messages pass; false: chargers are answered here")
    trouble: str | None = Field(description="why there is no connection")
    waiting: int = Field(description="messages that it is still to be told")
    oldest_at: datetime | None = Field(description="when the first of them happened")
    oldest_s: float | None = Field(description="how long ago that was [s]")
    set_aside: int = Field(description="messages that it has refused too often; somebody has to look at them")


class Fairness(Answer):
    """How fairly the last 24 hours were shared out."""

    jain_index: float | None = Field(description="from 1/n to 1; null while no car has wanted to charge")
    longest_wait_s: float
    longest_wait_point: str | None


class SiteState(Answer):
    """The whole site, live. `GET /api/v1/stream` sends the same document with every turn of the loop."""

    id: str
    name: str
    time_zone: str
    currency: str
    nominal_voltage_v: float
    version: str
    at: datetime | None = Field(description="of the newest turn of the control loop; null before the first")
    decide_s: float | None
    last_event: int = Field(description="the number of the newest event")
    circuits: tuple[Circuit, ...]
    points: tuple[Point, ...]
    fairness: Fairness
    peak: Demand | None = Field(description="the running demand window; null where demand has no price")
    resources: tuple[Resource, ...] = Field(description="plants and batteries with meters of their own")
    price: Price | None = Field(description="what a kWh costs now; null where charging has no price")
    upstreams: tuple[Upstream, ...] = Field(description="back offices, each with each of its stations")


class SiteEvent(Answer):
    """Something worth knowing. While it goes on, it stays one entry that is updated."""

    number: int
    kind: str
    subject: str
    message: str
    severity: Severity
    first_at: datetime
    at: datetime
    count: int


class EventList(Answer):
    """The recent events, newest first."""

    items: tuple[SiteEvent, ...]
    next: str | None = Field(description="the `after` of the next page; null on the last one")


class HistoryAnswer(Answer):
    """The recent past in columns, oldest first; per phase one list, as long as `at`."""

    circuit: str
    at: list[int] = Field(description="unix time [s]")
    current_a: tuple[list[float | None], list[float | None], list[float | None]]
    charging_a: tuple[list[float | None], list[float | None], list[float | None]] = Field(
        description="of all points of the site together"
    )


class Credentials(BaseModel):
    """Who wants in."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(max_length=256)
    password: str = Field(max_length=1024)


class LoginAnswer(Answer):
    """A login: the token goes into `Authorization: Bearer`; browsers get it as a cookie too."""

    token: str
    token_type: str = "bearer"  # noqa: S105 - the name of the scheme
    role: str
    expires_in_s: int


class Health(Answer):
    """Whether the control loop turns."""

    status: str = Field(description="`ok`, `starting` before the first turn, `stale` when the loop stands still")
    tick_age_s: float | None


class Problem(BaseModel):
    """Every error."""

    detail: str


class Problems(Problem):
    """An error with everything that is wrong."""

    problems: tuple[str, ...] = ()
    """Each with its place."""
