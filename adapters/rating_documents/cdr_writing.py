"""Writes records of sessions as OCPI's charge detail record (mod_cdrs): what roaming partners are sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from adapters.documents import utc_text
from adapters.json_text import DocumentError, described, parsed
from adapters.rating_documents.cdr_model import Cdr221Model, Cdr230Model
from adapters.rating_documents.tariff_writing import OCPI_2_2_1, OCPI_2_3_0, json_number, tariff_document
from controller.tariffs.book import Leg
from controller.tariffs.rated import TOTAL_STEP, Amounts, Line, LineKind, RatedSession, TaxState, rounded
from controller.tariffs.record import ChargeRecord, RecordKind
from controller.tariffs.session_facts import Activity
from controller.tariffs.tariff import Tariff

_MODELS: Final[Mapping[str, type[BaseModel]]] = {OCPI_2_2_1: Cdr221Model, OCPI_2_3_0: Cdr230Model}
_COSTS: Final = {
    LineKind.FLAT: "total_fixed_cost",
    LineKind.ENERGY: "total_energy_cost",
    LineKind.TIME: "total_time_cost",
    LineKind.PARKING_TIME: "total_parking_cost",
    LineKind.IDLE_MOST: "total_parking_cost",
    LineKind.RESERVATION: "total_reservation_cost",
    LineKind.MIN_PRICE: None,
    LineKind.MAX_PRICE: None,
}
"""Of which total a line is a part, besides the whole; of others their unit says it."""
_COSTS_BY_UNIT: Final = {"session": "total_fixed_cost", "kWh": "total_energy_cost"}

_TIMES: Final = {
    Activity.CHARGING: "TIME",
    Activity.IDLE: "PARKING_TIME",
    Activity.RESERVATION: "RESERVATION_TIME",
    Activity.RESERVATION_EXPIRED: "RESERVATION_TIME",
}
_HOUR_S: Final = 3600
_SIGNED_MOST: Final = 5000
"""Characters of a signed value that OCPI has room for."""
_NOTHING: Final = Decimal(0)


def cdr_document(record: ChargeRecord, leg: Leg, tariffs: Sequence[Tariff], version: str) -> dict[str, Any]:
    """A record as a CDR, JSON-ready (``docs/schemas/cdr-ocpi-2.3.0.schema.json``).

    A period in which the site held the car back has the dimension TIME with 0 hours. A credit has the original's
    quantities and costs, and only its total cost is negative.

    Args:
        record: Of the session, or the credit of one.
        leg: Which of its prices.
        tariffs: The tariff of that leg, as it was.
        version: ``ocpi-2.2.1`` or ``ocpi-2.3.0``.

    Raises:
        DocumentError: with every field that OCPI asks for and the record has not, or has longer than OCPI allows.
    """
    priced = record.leg(leg)
    if priced is None:
        raise DocumentError([f"record {record.identity.id} has no {leg.value} price"])
    if not priced.rated.complete:
        raise DocumentError([f"record {record.identity.id} has no whole price, and cannot be sent"])
    document = _said(
        {
            **_identity(record),
            "cdr_token": _token(record),
            "cdr_location": _location(record),
            "signed_data": _signed(record),
            "currency": record.currency,
            "tariffs": [tariff_document(tariff, version) for tariff in tariffs],
            "charging_periods": list(_periods(priced.rated)),
            **_totals(record, priced.rated, version),
        }
    )
    try:
        _MODELS[version].model_validate(parsed(json.dumps(document).encode(), exact=True))
    except ValidationError as refused:
        errors = refused.errors(include_url=False)
        raise DocumentError([described(error, _MODELS[version]) for error in errors]) from None
    return document


def _said(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in (None, "", [], {})}


def _identity(record: ChargeRecord) -> dict[str, Any]:
    credit = record.identity.kind is RecordKind.CREDIT
    return {
        "country_code": record.parties.operator_country,
        "party_id": record.parties.operator,
        "id": record.identity.id,
        "start_date_time": utc_text(record.times.started_at),
        "end_date_time": utc_text(record.times.ended_at),
        "session_id": record.identity.session,
        "auth_method": record.token.auth_method.value,
        "authorization_reference": record.token.authorization_reference,
        "meter_id": record.meter.meter_id or record.meter.serial,
        "credit": True if credit else None,
        "credit_reference_id": record.identity.credit_of,
        "home_charging_compensation": True if record.parties.home_charging else None,
        "last_updated": utc_text(record.identity.created_at),
    }


def _token(record: ChargeRecord) -> dict[str, Any]:
    """A token of our own is of the operator; one without a contract is its own."""
    parties, token = record.parties, record.token
    return _said(
        {
            "country_code": parties.provider_country or parties.operator_country,
            "party_id": parties.provider or parties.operator,
            "uid": token.uid,
            "type": token.type,
            "contract_id": token.contract_id or parties.contract or token.uid,
        }
    )


def _location(record: ChargeRecord) -> dict[str, Any]:
    place = record.place
    return _said(
        {
            "id": place.location,
            "name": place.name,
            "address": place.address,
            "city": place.city,
            "postal_code": place.postal_code,
            "state": place.state,
            "country": place.country_alpha3,
            "coordinates": _said({"latitude": place.latitude, "longitude": place.longitude}),
            "evse_uid": place.evse_uid or place.point,
            "evse_id": place.evse_id,
            "connector_id": str(place.connector),
            "connector_standard": place.connector_standard,
            "connector_format": place.connector_format,
            "connector_power_type": place.connector_power_type,
        }
    )


def _signed(record: ChargeRecord) -> dict[str, Any]:
    """The signed values, where all of them fit; OCPI's limits are shorter than many are."""
    values = record.evidence.signed
    coded = [base64.b64encode(value.text.encode()).decode() for value in values]
    if not values or max(map(len, coded)) > _SIGNED_MOST:
        return {}
    return _said(
        {
            "encoding_method": values[0].encoding,
            "public_key": record.meter.public_key,
            "signed_values": [
                {"nature": value.nature, "plain_data": value.text, "signed_data": code}
                for value, code in zip(values, coded, strict=True)
            ],
        }
    )


def _periods(rated: RatedSession) -> Iterator[dict[str, Any]]:
    """Volumes are rounded so that those of all periods add up to the rounded whole."""
    for period in rated.periods:
        begins, ends = period.start_kwh, period.start_kwh + period.energy_kwh
        hours = Decimal(round((period.ends_at - period.starts_at).total_seconds() * 1000)) / (1000 * _HOUR_S)
        time = _TIMES.get(period.activity)
        volumes = {
            "ENERGY": rounded(ends, TOTAL_STEP) - rounded(begins, TOTAL_STEP),
            time or "TIME": rounded(hours, TOTAL_STEP) if time else _NOTHING,
        }
        yield {
            "start_date_time": utc_text(period.starts_at),
            "dimensions": [{"type": name, "volume": json_number(volume)} for name, volume in volumes.items()],
            "tariff_id": rated.tariff_id,
        }


def _totals(record: ChargeRecord, rated: RatedSession, version: str) -> dict[str, Any]:
    sign = -1 if record.identity.kind is RecordKind.CREDIT else 1
    parts: dict[str, list[Line]] = {}
    for line in rated.lines:
        name = _COSTS[line.kind] if line.kind in _COSTS else _COSTS_BY_UNIT.get(line.unit)
        if name is not None:
            parts.setdefault(name, []).append(line)
    costs = {name: _price(lines, sign, version) for name, lines in parts.items()}
    seconds = rated.seconds
    elapsed_s = sum(seconds.values())
    return {
        "total_cost": _whole(rated, version),
        **costs,
        "total_energy": json_number(Decimal(sign * record.quantities.import_wh).scaleb(-3)),
        "total_time": _hours(elapsed_s),
        "total_parking_time": _hours(seconds[Activity.IDLE]) if seconds[Activity.IDLE] else None,
    }


def _hours(seconds: int) -> int | float:
    return json_number(rounded(Decimal(seconds) / _HOUR_S, TOTAL_STEP))


def _whole(rated: RatedSession, version: str) -> dict[str, Any]:
    if version == OCPI_2_2_1:
        return _amounts(rated.total)
    return {"before_taxes": _number(rated.total.before_tax), "taxes": _taxes(rated.lines, 1)}


def _price(lines: Sequence[Line], sign: int, version: str) -> dict[str, Any]:
    before, after = _sum([line.amounts.before_tax for line in lines]), _sum([line.amounts.after_tax for line in lines])
    if version == OCPI_2_2_1:
        return _amounts(Amounts(_signed_number(before, sign), _signed_number(after, sign)))
    return {"before_taxes": _number(_signed_number(before, sign)), "taxes": _taxes(lines, sign)}


def _amounts(amounts: Amounts) -> dict[str, Any]:
    after = _number(amounts.after_tax)
    return {"excl_vat": _number(amounts.before_tax), **({} if after is None else {"incl_vat": after})}


def _taxes(lines: Sequence[Line], sign: int) -> list[dict[str, Any]]:
    """One for each rate; none for what is exempt or unknown."""
    found: dict[Decimal, Decimal] = {}
    for line in lines:
        before, after = line.amounts.before_tax, line.amounts.after_tax
        rated = line.tax.state in {TaxState.RATE, TaxState.ZERO} and line.tax.percent is not None
        if rated and line.tax.percent is not None and before is not None and after is not None:
            found[line.tax.percent] = found.get(line.tax.percent, _NOTHING) + after - before
    return [
        {"name": "VAT", "percentage": json_number(percent), "amount": _number(sign * amount)}
        for percent, amount in found.items()
    ]


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, _NOTHING) if len(known) == len(amounts) else None


def _signed_number(amount: Decimal | None, sign: int) -> Decimal | None:
    return None if amount is None else sign * amount


def _number(amount: Decimal | None) -> int | float | None:
    return None if amount is None else json_number(rounded(amount, TOTAL_STEP))
