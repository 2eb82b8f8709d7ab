"""What the plants and batteries of a site take and give, as their meters say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from adapters.configuration.settings import Resource
from controller.ports.tick import ResourceState, Tick
from controller.site import Site
from controller.snapshot import Reading


def resource_states(site: Site, resources: Iterable[Resource], tick: Tick) -> Mapping[str, ResourceState]:
    """Each by its id, as of this turn of the control loop."""
    return {one.id: ResourceState(one.kind, one.meter, _power_w(site, one, tick)) for one in resources}


def signed_w(site: Site, reading: Reading, at: datetime) -> float | None:
    """The three phases together, import positive [W]; None where one is not known, or the reading too old."""
    if (at - reading.measured_at).total_seconds() >= site.control.hold_s:
        return None
    return reading.total_w(site.nominal_voltage_v)


def _power_w(site: Site, resource: Resource, tick: Tick) -> float | None:
    reading = tick.meters.get(resource.meter)
    power_w = None if reading is None else signed_w(site, reading, tick.at)
    return -power_w if power_w is not None and resource.reversed else power_w
