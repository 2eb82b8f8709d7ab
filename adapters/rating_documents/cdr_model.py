"""OCPI's charge detail record (CDR) and Session object in their two versions (mod_cdrs, mod_sessions)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from adapters.rating_documents.tariff_model import PriceModel, Tariff221Model, Tariff230Model
from adapters.rating_documents.values import (
    CurrencyCode,
    Number,
    NumberNotNegative,
    OcpiModel,
    Text2,
    Text3,
    Text36,
    Text255,
    Text512,
    UtcMoment,
)


def _degrees(pattern: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError('expected degrees with 5 to 7 decimals, as text, such as "52.37403"')
        return value

    return check


_LATITUDE: Final = r"-?[0-9]{1,2}[.][0-9]{5,7}"
_LONGITUDE: Final = r"-?[0-9]{1,3}[.][0-9]{5,7}"
_Latitude = Annotated[
    str, AfterValidator(_degrees(_LATITUDE)), WithJsonSchema({"type": "string", "pattern": f"^{_LATITUDE}$"})
]
_Longitude = Annotated[
    str, AfterValidator(_degrees(_LONGITUDE)), WithJsonSchema({"type": "string", "pattern": f"^{_LONGITUDE}$"})
]
_Text10 = Annotated[str, Field(max_length=10)]
_Text39 = Annotated[str, Field(min_length=1, max_length=39)]
_Text45 = Annotated[str, Field(max_length=45)]
_Text48 = Annotated[str, Field(max_length=48)]
_Text5000 = Annotated[str, Field(max_length=5000)]

_ConnectorStandard = Literal[
    "CHADEMO", "CHAOJI", "DOMESTIC_A", "DOMESTIC_B", "DOMESTIC_C", "DOMESTIC_D", "DOMESTIC_E", "DOMESTIC_F",
    "DOMESTIC_G", "DOMESTIC_H", "DOMESTIC_I", "DOMESTIC_J", "DOMESTIC_K", "DOMESTIC_L", "DOMESTIC_M", "DOMESTIC_N",
    "DOMESTIC_O", "GBT_AC", "GBT_DC", "IEC_60309_2_single_16", "IEC_60309_2_three_16", "IEC_60309_2_three_32",
    "IEC_60309_2_three_64", "IEC_62196_T1", "IEC_62196_T1_COMBO", "IEC_62196_T2", "IEC_62196_T2_COMBO",
    "IEC_62196_T3A", "IEC_62196_T3C", "MCS", "NEMA_5_20", "NEMA_6_30", "NEMA_6_50", "NEMA_10_30", "NEMA_10_50",
    "NEMA_14_30", "NEMA_14_50", "PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN", "SAE_J3400", "TESLA_R", "TESLA_S",
]  # fmt: skip
_AuthMethod = Literal["AUTH_REQUEST", "COMMAND", "WHITELIST"]
_CdrDimension = Literal[
    "ENERGY", "MAX_CURRENT", "MAX_POWER", "MIN_CURRENT", "MIN_POWER", "PARKING_TIME", "RESERVATION_TIME", "TIME"
]
_SessionDimension = Literal[
    "CURRENT", "ENERGY", "ENERGY_EXPORT", "ENERGY_IMPORT", "MAX_CURRENT", "MAX_POWER", "MIN_CURRENT", "MIN_POWER",
    "PARKING_TIME", "POWER", "RESERVATION_TIME", "STATE_OF_CHARGE", "TIME",
]  # fmt: skip


class DimensionModel(OcpiModel):
    """How much of what; of the kinds that a CDR may hold."""

    type: _CdrDimension
    volume: Number
    """[kWh, h, A or kW]"""


class SessionDimensionModel(OcpiModel):
    """How much of what; of the kinds that a Session object may hold."""

    type: _SessionDimension
    volume: Number


class PeriodModel(OcpiModel):
    """A part of a session; it ends where the next one begins, the last one with the session."""

    start_date_time: UtcMoment
    dimensions: Annotated[list[DimensionModel], Field(min_length=1)]
    tariff_id: Text36 | None = None


class SessionPeriodModel(OcpiModel):
    """A part of a session that may still go on."""

    start_date_time: UtcMoment
    dimensions: Annotated[list[SessionDimensionModel], Field(min_length=1)]
    tariff_id: Text36 | None = None


class TokenModel(OcpiModel):
    """With what the driver was let in."""

    country_code: Text2
    party_id: Text3
    uid: Text36
    type: Literal["AD_HOC_USER", "APP_USER", "EMAID", "OTHER", "RFID"]
    contract_id: Text36


class CoordinatesModel(OcpiModel):
    """WGS 84."""

    latitude: _Latitude
    longitude: _Longitude


class LocationModel(OcpiModel):
    """Where it was, as it was when it began."""

    id: Text36
    name: Text255 | None = None
    address: _Text45
    city: _Text45
    postal_code: _Text10 | None = None
    state: Annotated[str, Field(max_length=20)] | None = None
    country: Text3
    """ISO 3166-1 alpha-3."""
    coordinates: CoordinatesModel
    evse_uid: Text36
    evse_id: _Text48
    connector_id: Text36
    connector_standard: _ConnectorStandard
    connector_format: Literal["CABLE", "SOCKET"]
    connector_power_type: Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]


class SignedValueModel(OcpiModel):
    """One signed meter value."""

    nature: Annotated[str, Field(max_length=32)]
    plain_data: _Text5000
    signed_data: _Text5000


class SignedDataModel(OcpiModel):
    """Signed meter values, and how to check them."""

    encoding_method: Text36
    encoding_method_version: int | None = None
    public_key: Text512 | None = None
    signed_values: Annotated[list[SignedValueModel], Field(min_length=1)]
    url: Text512 | None = None


class TaxAmountModel(OcpiModel):
    """One tax (OCPI 2.3.0)."""

    name: Annotated[str, Field(max_length=255)]
    account_number: Text255 | None = None
    percentage: NumberNotNegative | None = None
    amount: Number


class TaxedPriceModel(OcpiModel):
    """OCPI 2.3.0, Price."""

    before_taxes: Number
    taxes: list[TaxAmountModel] = Field(default_factory=list)


class _CdrModel(OcpiModel):
    country_code: Text2
    party_id: Text3
    id: _Text39
    start_date_time: UtcMoment
    end_date_time: UtcMoment
    session_id: Text36 | None = None
    cdr_token: TokenModel
    auth_method: _AuthMethod
    authorization_reference: Text36 | None = None
    cdr_location: LocationModel
    meter_id: Text255 | None = None
    currency: CurrencyCode
    charging_periods: Annotated[list[PeriodModel], Field(min_length=1)]
    signed_data: SignedDataModel | None = None
    total_energy: Number
    """[kWh]"""
    total_time: Number
    """[h]"""
    total_parking_time: Number | None = None
    """[h]"""
    remark: Text255 | None = None
    invoice_reference_id: _Text39 | None = None
    credit: bool | None = None
    credit_reference_id: _Text39 | None = None
    home_charging_compensation: bool | None = None
    last_updated: UtcMoment


class Cdr221Model(_CdrModel):
    """A CDR of OCPI 2.2.1."""

    tariffs: list[Tariff221Model] = Field(default_factory=list)
    total_cost: PriceModel
    total_fixed_cost: PriceModel | None = None
    total_energy_cost: PriceModel | None = None
    total_time_cost: PriceModel | None = None
    total_parking_cost: PriceModel | None = None
    total_reservation_cost: PriceModel | None = None


class Cdr230Model(_CdrModel):
    """A CDR of OCPI 2.3.0."""

    tariffs: list[Tariff230Model] = Field(default_factory=list)
    total_cost: TaxedPriceModel
    total_fixed_cost: TaxedPriceModel | None = None
    total_energy_cost: TaxedPriceModel | None = None
    total_time_cost: TaxedPriceModel | None = None
    total_parking_cost: TaxedPriceModel | None = None
    total_reservation_cost: TaxedPriceModel | None = None


class _SessionModel(OcpiModel):
    country_code: Text2
    party_id: Text3
    id: Text36
    start_date_time: UtcMoment
    end_date_time: UtcMoment | None = None
    kwh: Number
    cdr_token: TokenModel
    auth_method: _AuthMethod
    authorization_reference: Text36 | None = None
    location_id: Text36
    evse_uid: Text36
    connector_id: Text36
    meter_id: Text255 | None = None
    currency: CurrencyCode
    charging_periods: list[SessionPeriodModel] = Field(default_factory=list)
    status: Literal["ACTIVE", "COMPLETED", "INVALID", "PENDING", "RESERVATION"]
    last_updated: UtcMoment


class Session221Model(_SessionModel):
    """A Session object of OCPI 2.2.1."""

    total_cost: PriceModel | None = None


class Session230Model(_SessionModel):
    """A Session object of OCPI 2.3.0."""

    total_cost: TaxedPriceModel | None = None
