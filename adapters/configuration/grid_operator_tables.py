"""The tables of a site file for limits that others set."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adapters.configuration.values import Host, Id, NotNegative, Port, Positive
from adapters.strict import StrictModel

_Way = Literal["rest", "mqtt"]


def _all_ways() -> list[_Way]:
    return ["rest", "mqtt"]


class SourceTable(StrictModel):
    """One who may set limits."""

    id: Id
    """Its name, as it stands in the reasons of limits."""
    by: list[_Way] = Field(default_factory=_all_ways)
    """By which ways it may speak, besides the inputs that name it."""
    paragraph_14a: bool = False
    """true: it dims after §14a EnWG. Its limits hold for what charges, and never go below what the law leaves."""
    silent_s: Positive | None = None
    """Not heard for so long, its fail-safe holds [s]; without it, it need not repeat itself."""
    fail_safe_w: NotNegative = 0.0
    """What holds while it is silent [W]."""
    fail_safe_circuit: Id | None = None
    """Where; default: the grid connection."""


class Paragraph14aTable(StrictModel):
    """What §14a EnWG leaves to the controllable devices, together or each."""

    per_device: bool = False
    """true: it dims each charging point by itself, to no less than 4.2 kW. The other keys then mean nothing."""
    surplus_on_top: bool = False
    """true: together they may draw as much more as the grid connection would have exported for a minute."""
    devices: int | None = Field(default=None, ge=1, le=1000)
    """How many there are, heat pumps and the like included; default: the charging points."""
    heat_pumps_kw: NotNegative = 0.0
    """Connected power of the heat pumps above 11 kW, together [kW]."""
    air_conditioners_kw: NotNegative = 0.0
    """The same of air conditioners [kW]."""
    others_kw: NotNegative = 0.0
    """What of it is kept for devices that are no charging points [kW]."""


class InputTable(StrictModel):
    """A contact that Modbus TCP reads: while it is closed, a limit holds."""

    source: Id
    """Who closes it; one of `sources`, or a name of its own."""
    circuit: Id | None = None
    """Where the limit holds; default: the grid connection."""
    limit_w: NotNegative = 0.0
    """The limit while it is closed [W]."""
    host: Host
    """Address of the device or of its gateway."""
    port: Port = 502
    """TCP port."""
    unit: int = Field(1, ge=0, le=255)
    """Modbus unit identifier."""
    kind: Literal["coil", "discrete", "holding", "input"] = "coil"
    """What is read: a coil, a discrete input, a holding or an input register (which is closed when it is not 0)."""
    address: int = Field(0, ge=0, le=65535)
    """Its address, counted from 0."""
    closed: bool = True
    """false: the limit holds while the contact is open, so that a broken wire limits as well."""
    poll_s: float = Field(1.0, ge=0.1, le=60)
    """Time between two readings [s]."""


class GridOperatorTable(StrictModel):
    """Limits from outside; without this table, `grid_operator` may set them, and they end at once."""

    sources: list[SourceTable] = Field(default_factory=list)
    """Who may set limits, at most one by MQTT, whose topics name nobody; default: `grid_operator`, by both ways."""
    release_min: float = Field(default=5.0, ge=0, le=120)
    """After the end of a limit the power comes back over this time [min]."""
    start_delay_s: int = Field(default=0, ge=0, le=1800)
    """Starts that only a plan was waiting for are put off by a random time up to this; British law asks for 600 [s]."""
    paragraph_14a: Paragraph14aTable | None = None
    """What §14a EnWG leaves; without it, what it leaves to as many devices as there are charging points."""
    inputs: list[InputTable] = Field(default_factory=list)
    """Contacts that set limits."""
    schedule_file: str | None = Field(default=None, min_length=1)
    """CSV file with the columns `circuit`, `from`, `until`, `limit_w`, read again whenever it changes."""
