"""OCPI's Tariff object in its two versions, and what Loadstar adds to it (OCPI 2.2.1 and 2.3.0, mod_tariffs)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from adapters.rating_documents.values import (
    ClockTime,
    CurrencyCode,
    Day,
    Grace,
    IntegerNotNegative,
    Number,
    NumberNotNegative,
    NumberOrTextNotNegative,
    OcpiModel,
    Percent,
    Text2,
    Text3,
    Text36,
    Text64,
    Text255,
    Text512,
    UtcMoment,
)
from adapters.strict import StrictModel

DayOfWeek = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
_TariffType = Literal["AD_HOC_PAYMENT", "PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN", "REGULAR"]


class DisplayTextModel(OcpiModel):
    """A text for people."""

    language: Text2
    """ISO 639-1."""
    text: Text512


class PriceComponentModel(OcpiModel):
    """One price of an element."""

    type: Literal["ENERGY", "FLAT", "PARKING_TIME", "TIME"]
    """Per kWh, once, per hour of parking, per hour of charging."""
    price: Number
    vat: Percent | None = None
    """[%]; missing is not the same as 0."""
    step_size: IntegerNotNegative = 1
    """The least that is billed [Wh or s]; 0 and 1: none."""


class RestrictionsModel(OcpiModel):
    """When an element is active: while all of these hold. What is reached at an upper end does not count."""

    start_time: ClockTime | None = None
    end_time: ClockTime | None = None
    """00:00 is the end of the day; before ``start_time`` it is on the next day."""
    start_date: Day | None = None
    end_date: Day | None = None
    """The first day on which it no longer holds."""
    min_kwh: NumberNotNegative | None = None
    max_kwh: NumberNotNegative | None = None
    min_current: NumberNotNegative | None = None
    """Sum over the phases [A]."""
    max_current: NumberNotNegative | None = None
    min_power: NumberNotNegative | None = None
    """[kW]"""
    max_power: NumberNotNegative | None = None
    min_duration: IntegerNotNegative | None = None
    """Since the session began [s]."""
    max_duration: IntegerNotNegative | None = None
    day_of_week: list[DayOfWeek] = Field(default_factory=list)
    reservation: Literal["RESERVATION", "RESERVATION_EXPIRES"] | None = None


class ElementModel(OcpiModel):
    """Prices that hold together, and when."""

    price_components: Annotated[list[PriceComponentModel], Field(min_length=1)]
    restrictions: RestrictionsModel | None = None


class PriceModel(OcpiModel):
    """OCPI 2.2.1, Price."""

    excl_vat: Number
    incl_vat: Number | None = None


class PriceLimitModel(OcpiModel):
    """OCPI 2.3.0, PriceLimit."""

    before_taxes: Number
    after_taxes: Number | None = None


class FreeHoursModel(StrictModel):
    """Hours of the day in which idling costs nothing."""

    start_time: ClockTime
    end_time: ClockTime
    """At or before ``start_time``: on the next day."""
    day_of_week: list[DayOfWeek] = Field(default_factory=list)
    """On which they begin; empty: every day."""


class IdleModel(StrictModel):
    """When PARKING_TIME costs something."""

    grace_s: Grace = 0
    """For so long after the end of charging idling costs nothing [s]."""
    free_hours: list[FreeHoursModel] = Field(default_factory=list)
    most: NumberOrTextNotNegative | None = None
    """All idling of one session costs at most this."""


class ElementExtrasModel(StrictModel):
    """What Loadstar adds to one element."""

    label: Annotated[str, Field(max_length=64)] = ""
    """What people call the rate, such as *night*."""
    curve: Text64 | None = None
    """Id of the price curve that the element's ENERGY follows; its ``price`` is added to the curve's."""


class ExtrasModel(StrictModel):
    """What Loadstar adds to a tariff; OCPI has no place for it, and other programs do not look here."""

    version: Text64 | None = None
    """Default: ``last_updated``, else 1."""
    elements: list[ElementExtrasModel] = Field(default_factory=list)
    """As many as the tariff has elements, in their order."""
    idle: IdleModel = IdleModel()
    start_fee_without_energy: bool = False
    """Whether FLAT costs something in a session that delivered nothing."""


def _asked_for(*names: str) -> ConfigDict:
    """In the schema these are required, as OCPI has it; who reads a tariff can do without them."""

    def extend(schema: dict[str, Any]) -> None:
        schema["required"] = sorted({*schema.get("required", ()), *names})

    return ConfigDict(json_schema_extra=extend)


class _TariffModel(OcpiModel):
    country_code: Text2 | None = None
    """ISO 3166-1 alpha-2 of the operator; OCPI asks for it, a price does not depend on it."""
    party_id: Text3 | None = None
    id: Text36
    currency: CurrencyCode
    type: _TariffType | None = None
    tariff_alt_text: list[DisplayTextModel] = Field(default_factory=list)
    tariff_alt_url: Text255 | None = None
    elements: Annotated[list[ElementModel], Field(min_length=1)]
    """For each dimension the first one counts that is active and has a price for it."""
    start_date_time: UtcMoment | None = None
    end_date_time: UtcMoment | None = None
    energy_mix: dict[str, Any] | None = None
    last_updated: UtcMoment | None = None
    loadstar: ExtrasModel = ExtrasModel()


class Tariff221Model(_TariffModel):
    """A Tariff object of OCPI 2.2.1. Its prices are without tax."""

    model_config = _asked_for("country_code", "party_id", "last_updated")

    min_price: PriceModel | None = None
    max_price: PriceModel | None = None


class Tariff230Model(_TariffModel):
    """A Tariff object of OCPI 2.3.0."""

    model_config = _asked_for("country_code", "party_id", "last_updated", "tax_included")

    min_price: PriceLimitModel | None = None
    max_price: PriceLimitModel | None = None
    tax_included: Literal["YES", "NO", "N/A"] | None = None
    """Whether prices hold the tax; missing counts as NO, and is told."""
