"""What the site file says of where the site is and what measures there, as records have it."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.configuration.location_tables import ALPHA3, LocationTable
from adapters.configuration.settings import Location
from adapters.configuration.tables import SiteTable, StationTable
from controller.tariffs.premises import GridConnection, MeterIdentity, Place


def location_of(site: SiteTable, table: LocationTable, stations: Iterable[StationTable]) -> Location:
    """The location of checked tables."""
    place = Place(
        location=site.id,
        time_zone=site.time_zone,
        station="",
        connector=0,
        name=site.name or site.id,
        address=table.address,
        postal_code=table.postal_code,
        city=table.city,
        state=table.state,
        country=table.country,
        country_alpha3=ALPHA3.get(table.country, ""),
        latitude=table.degrees("latitude"),
        longitude=table.degrees("longitude"),
    )
    meters = {
        station.id: MeterIdentity(
            serial=meter.serial,
            mid_certificate=meter.mid_certificate,
            mid_valid_until=meter.mid_valid_until,
            integrated=meter.integrated,
            current=meter.current,
            public_key=meter.public_key,
        )
        for station in stations
        if (meter := station.meter) is not None
    }
    return Location(place, table.operator_id, _connection(table), meters)


def _connection(table: LocationTable) -> GridConnection | None:
    if table.connection is None:
        return None
    fields = dict(table.connection)
    return GridConnection(construct=fields.pop("measured_by"), **fields)
