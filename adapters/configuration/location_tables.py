"""The tables of a site file that say where and by what is measured: what records, partners and registers ask for."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from adapters.strict import StrictModel
from controller.tariffs.ere import valid_ean

_CODES: Final = """
    AD:AND AL:ALB AT:AUT BA:BIH BE:BEL BG:BGR CH:CHE CY:CYP CZ:CZE DE:DEU DK:DNK EE:EST ES:ESP FI:FIN FR:FRA GB:GBR
    GI:GIB GR:GRC HR:HRV HU:HUN IE:IRL IS:ISL IT:ITA LI:LIE LT:LTU LU:LUX LV:LVA MC:MCO MD:MDA ME:MNE MK:MKD MT:MLT
    NL:NLD NO:NOR PL:POL PT:PRT RO:ROU RS:SRB SE:SWE SI:SVN SK:SVK SM:SMR TR:TUR UA:UKR
"""
ALPHA3: Final = dict(pair.split(":") for pair in _CODES.split())
"""ISO 3166-1, of the countries whose terms Loadstar knows."""

_Text = Annotated[str, Field(max_length=200)]


def _ean(value: str) -> str:
    if value and not valid_ean(value):
        raise ValueError("expected an EAN code of 18 digits, the last of which checks the others")
    return value


class ConnectionTable(StrictModel):
    """The connection to the grid, as bookings of renewable energy name it."""

    ean: str
    """EAN code of 18 digits."""
    name: _Text = ""
    """What the connection is called."""
    grid_operator: _Text = ""
    """Whose grid it is."""
    holder: _Text = ""
    """Whose connection it is."""
    holder_registration: _Text = ""
    """Their number with the chamber of commerce, where they are a company."""
    measured_by: Literal["main_connection", "allocation_point", "mid_meter"] = "mid_meter"
    """What measures the delivery: the connection's own meter (only vehicles are behind it), that of an allocation
    point, or the chargers' meters."""
    allocation_ean: str = ""
    """EAN code of the allocation point."""
    valid_from: date | None = None
    """First day on which this holds; default: it always has."""
    valid_until: date | None = None
    """First day on which it no longer holds; default: it has no end."""
    mandate: _Text = ""
    """Of the party that books for the holder."""
    mandate_issued_on: date | None = None
    """When the mandate was given."""
    mandate_until: date | None = None
    """First day on which the mandate no longer holds."""
    public: bool | None = None
    """Whether everybody may charge there; default: not said."""

    _checked_ean = field_validator("ean", "allocation_ean")(_ean)


class LocationTable(StrictModel):
    """Where the site is."""

    address: Annotated[str, Field(max_length=45)] = ""
    """Street and number."""
    postal_code: Annotated[str, Field(max_length=10)] = ""
    """Postal code."""
    city: Annotated[str, Field(max_length=45)] = ""
    """Town."""
    state: Annotated[str, Field(max_length=20)] = ""
    """State or province, where addresses have one."""
    country: str = ""
    """ISO 3166-1 code of two letters, such as ``NL``."""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    """Degrees, north is positive."""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    """Degrees, east is positive."""
    operator_id: str = ""
    """Three letters or digits by which roaming partners know the operator (OCPI party_id)."""
    connection: ConnectionTable | None = None
    """The connection to the grid."""

    @field_validator("country")
    @classmethod
    def _known_country(cls, value: str) -> str:
        if value and value not in ALPHA3:
            raise ValueError('expected a country of Europe by its two letters (ISO 3166-1), such as "NL"')
        return value

    @field_validator("operator_id")
    @classmethod
    def _party_id(cls, value: str) -> str:
        if value and not re.fullmatch("[A-Z0-9]{3}", value):
            raise ValueError('expected three capital letters or digits, such as "ABC"')
        return value

    def degrees(self, of: Literal["latitude", "longitude"]) -> str:
        """As OCPI writes them; empty where they are not said."""
        value = getattr(self, of)
        return "" if value is None else f"{Decimal(str(value)):.6f}"


class StationMeterTable(StrictModel):
    """What measures at a station, as far as its own messages do not tell."""

    serial: _Text = ""
    """Serial number of the meter."""
    mid_certificate: _Text = ""
    """Its certificate of conformity with the Measuring Instruments Directive."""
    mid_valid_until: date | None = None
    """First day on which the certificate no longer holds."""
    integrated: bool = True
    """Whether it is part of the station."""
    current: Literal["AC", "DC"] = "AC"
    """What it measures."""
    public_key: Annotated[str, Field(max_length=2500)] = ""
    """With which its signed values are checked: DER in hexadecimal or base64."""
