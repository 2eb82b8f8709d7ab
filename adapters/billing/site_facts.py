"""What records say of a site, by its file."""

from __future__ import annotations

from dataclasses import replace

from adapters.billing.record_making import SiteFacts
from adapters.configuration import Configuration
from controller.tariffs.premises import MeterIdentity


def site_facts(configuration: Configuration) -> SiteFacts:
    """What records say of the site."""
    site, location = configuration.site, configuration.location
    return SiteFacts(
        site=site.id,
        time_zone=site.time_zone,
        currency=site.currency,
        place=location.place,
        country=location.place.country,
        operator=location.operator_id,
        connection=location.connection,
    )


def meter_of(configuration: Configuration, station: str, told: MeterIdentity) -> MeterIdentity:
    """What measures at a station: what its file says of it, and what it has told itself.

    Args:
        configuration: of the site.
        station: its identity.
        told: by itself.
    """
    known = configuration.location.meters.get(station)
    if known is None:
        return told
    return replace(
        known,
        station_serial=told.station_serial,
        vendor=told.vendor,
        model=told.model,
        firmware=told.firmware,
        serial=known.serial or told.serial,
    )
