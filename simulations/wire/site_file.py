"""The site of a scenario as a site file for the real service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from controller.site import WIRINGS, Site
from simulations.site_tables import Table, Value

HOST: Final = "127.0.0.1"
_WIRING: Final = {phases: name for name, phases in WIRINGS.items()}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything listens on the loopback interface."""

    web: int
    ocpp: int
    meters: Mapping[str, int]
    """By meter id."""
    mqtt_url: str | None = None
    """A broker that the site has."""


def meter_ids(site: Site) -> tuple[str, ...]:
    """The meters that the site's circuits name."""
    return tuple(dict.fromkeys(circuit.meter for circuit in site.circuits if circuit.meter is not None))


def site_file(site: Site, addresses: Addresses, poll_s: float) -> str:
    """Write a site down as TOML; its ``control`` is no part of a site file.

    Args:
        site: circuits, points and stations.
        addresses: of the service and of everything around it.
        poll_s: how often the meters are read [s].
    """
    general = ("id", "name", "time_zone", "currency", "nominal_voltage_v")
    tables = [
        Table("site", {key: getattr(site, key) for key in general}),
        *(Table("circuits", asdict(circuit), many=True) for circuit in site.circuits),
        *(_meter(name, port, poll_s) for name, port in addresses.meters.items()),
        *(Table("points", asdict(p) | {"phases": _WIRING[p.phases]}, many=True) for p in site.points),
        *(Table("stations", asdict(station), many=True) for station in site.stations),
        Table("ocpp", {"host": HOST, "port": addresses.ocpp}),
        Table("web", {"host": HOST, "port": addresses.web}),
        Table("store", {"url": "sqlite:///loadstar.db"}),
    ]
    if addresses.mqtt_url is not None:
        tables.append(Table("mqtt", {"url": addresses.mqtt_url}))
    return "\n".join(str(table) for table in tables)


def _meter(name: str, port: int, poll_s: float) -> Table:
    values: dict[str, Value] = {
        "id": name,
        "kind": "modbus_tcp",
        "host": HOST,
        "port": port,
        "model": "eastron_sdm630",
        "poll_s": poll_s,
    }
    return Table("meters", values, many=True)
