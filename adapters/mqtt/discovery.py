"""How Home Assistant finds a site: one retained message per device, the site itself and each charging point.

Source: Home Assistant's MQTT integration, device-based discovery (2024.11 and later).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from adapters.mqtt.commands import SET
from adapters.mqtt.topics import CIRCUIT, METER, OFFLINE, ONLINE, POINT, PRICE, STATUS, Topic, topic
from controller.site import ChargingPoint, Site
from controller.snapshot import State

PREFIX: Final = "homeassistant"
"""Where Home Assistant listens unless it is told otherwise."""

_CLASSES: Final[Mapping[str, tuple[str, str]]] = {
    "A": ("current", "measurement"),
    "V": ("voltage", "measurement"),
    "W": ("power", "measurement"),
    "Wh": ("energy", "total_increasing"),
}
"""By unit, Home Assistant's classes of the device and of the state."""

_OF_CIRCUIT: Final = ("headroom_l1_a", "headroom_l2_a", "headroom_l3_a", "fresh")
_OF_POINT: Final = ("state", "current_l1_a", "current_l2_a", "current_l3_a", "limit_a", "because", "session/energy_wh")

Components = Iterator[tuple[str, dict[str, Any]]]
"""Id within the device, and what it is."""


def discovery(site: Site) -> dict[str, str]:
    """The messages of a site, by topic."""
    found = {_config(site.id): _device(site, site.id, site.name or site.id, dict(_of_site(site)))}
    for point in site.points:
        name = f"{site.id}_{point.id}"
        found[_config(name)] = _device(site, name, point.id, dict(_of_point(site, point)), via=_unique(site.id))
    return {where: json.dumps(message) for where, message in found.items()}


def _unique(*names: str) -> str:
    """An id among all that Home Assistant knows; it never changes while the names do not."""
    return _plain("loadstar", *names)


def _plain(*names: str) -> str:
    """Names as one that may stand in a topic of Home Assistant."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in "_".join(names))


def _config(device: str) -> str:
    return f"{PREFIX}/device/{_unique(device)}/config"


def _device(site: Site, device: str, name: str, components: dict[str, Any], via: str | None = None) -> dict[str, Any]:
    described = {"identifiers": [_unique(device)], "name": name, "manufacturer": "Loadstar"}
    status = {"topic": topic(site.id, STATUS), "payload_available": ONLINE, "payload_not_available": OFFLINE}
    return {
        "device": described if via is None else described | {"via_device": via},
        "origin": {"name": "Loadstar"},
        "availability": [status],
        "components": {part: {"unique_id": _unique(device, part), **one} for part, one in components.items()},
    }


def _of_site(site: Site) -> Components:
    for meter in dict.fromkeys(circuit.meter for circuit in site.circuits if circuit.meter is not None):
        for measured in METER:
            if measured.unit:
                yield _sensor(site, ("meter", meter), measured)
    for circuit in site.circuits:
        for known in CIRCUIT:
            if known.name in _OF_CIRCUIT:
                yield _sensor(site, ("circuit", circuit.id), known)
        most_w = round(sum(circuit.fuse_a) * site.nominal_voltage_v)
        yield _number(site, ("circuit", circuit.id, "limit_w"), "W", most_w, 1)
    part, price = _sensor(site, ("price",), next(one for one in PRICE if one.name == "now"))
    yield part, price | {"unit_of_measurement": f"{site.currency}/kWh"}


def _of_point(site: Site, point: ChargingPoint) -> Components:
    for one in POINT:
        if one.name in _OF_POINT:
            yield _sensor(site, ("point", point.id), one)
    yield _number(site, ("point", point.id, "limit_a"), "A", point.max_a, 0.1)


def _sensor(site: Site, place: tuple[str, ...], one: Topic[Any]) -> tuple[str, dict[str, Any]]:
    """What a topic shows."""
    levels = (*place, *one.name.split("/"))
    name = " ".join(_named(levels)).removesuffix(f"_{one.unit.lower()}").replace("_", " ")
    component: dict[str, Any] = {"platform": "sensor", "name": name, "state_topic": topic(site.id, *levels)}
    if one.unit in _CLASSES:
        device_class, state_class = _CLASSES[one.unit]
        component["name"] = name if device_class in name else f"{name} {device_class}"
        component |= {"device_class": device_class, "state_class": state_class, "unit_of_measurement": one.unit}
    elif one.name == "fresh":
        component |= {"platform": "binary_sensor", "payload_on": "true", "payload_off": "false"}
    elif one.name == "state":
        component |= {"device_class": "enum", "options": [state.value for state in State]}
    return _plain(*_part(levels)), component


def _number(site: Site, levels: tuple[str, ...], unit: str, most: float, step: float) -> tuple[str, dict[str, Any]]:
    """What may be set."""
    component = {
        "platform": "number",
        "name": " ".join((*_named(levels)[:-1], "highest", _CLASSES[unit][0])),
        "command_topic": topic(site.id, *levels, SET),
        "device_class": _CLASSES[unit][0],
        "unit_of_measurement": unit,
        "min": 0,
        "max": most,
        "step": step,
    }
    return _plain(*_part(levels), SET), component


def _part(levels: tuple[str, ...]) -> tuple[str, ...]:
    """Of a point, whose device has its name already, what comes after that."""
    return levels[2:] if levels[0] == "point" else levels


def _named(levels: tuple[str, ...]) -> tuple[str, ...]:
    """What people read: without the kind of a thing that has a name."""
    return levels[2:] if levels[0] == "point" else levels[1:] if len(levels) > 2 else levels
