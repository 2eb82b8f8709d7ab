"""Where sessions are and what measures them: what is known of a site before anybody charges there.

Every record of a session repeats it as it was then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was, as it was at the start."""

    location: str
    time_zone: str
    """IANA; OCPI has no place for it."""
    station: str
    connector: int
    point: str | None = None
    name: str = ""
    address: str = ""
    """Street and number."""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    country_alpha3: str = ""
    latitude: str = ""
    """Degrees, as OCPI writes them."""
    longitude: str = ""
    evse_uid: str = ""
    evse_id: str = ""
    """eMI3, such as ``NL*ABC*E1001``."""
    connector_standard: str = "IEC_62196_T2"
    connector_format: str = "SOCKET"
    connector_power_type: str = "AC_3_PHASE"
    tariff_code: str = ""
    """What chose the tariff, where a code at the point did."""


@dataclass(frozen=True, slots=True)
class GridConnection:
    """The connection to the grid, as the booking of renewable energy units needs it (Regeling energie vervoer)."""

    ean: str
    """18 digits."""
    name: str = ""
    grid_operator: str = ""
    holder: str = ""
    """Whose connection it is."""
    holder_registration: str = ""
    """Of a company, with the chamber of commerce."""
    address: str = ""
    construct: str = ""
    """``main_connection``, ``allocation_point`` or ``mid_meter``."""
    allocation_ean: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    """The first day on which it no longer holds."""
    mandate: str = ""
    mandate_issued_on: date | None = None
    mandate_until: date | None = None
    """The first day on which it no longer holds."""
    public: bool | None = None
    """Whether everybody may charge there; None: nobody has said."""


@dataclass(frozen=True, slots=True)
class MeterIdentity:
    """What measured it."""

    station_serial: str = ""
    meter_id: str = ""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    mid_certificate: str = ""
    """Of its conformity with the Measuring Instruments Directive; empty: none is known."""
    mid_valid_until: date | None = None
    """The first day on which it no longer holds."""
    integrated: bool = True
    """Whether it is part of the charging station."""
    current: str = "AC"
    """``AC`` or ``DC``."""
    public_key: str = ""
    """With which its signatures are checked, as it is registered here."""
