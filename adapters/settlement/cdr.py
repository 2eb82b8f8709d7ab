"""Charge detail records of OCPI (2.2.1 and 2.3.0, mod_cdrs), from records of sessions."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from adapters.settlement.cdr_price import Priced, Shares, number, price_221, price_230
from controller.tariffs.book import Leg
from controller.tariffs.rated import Amounts, LineKind, Period, RatedSession
from controller.tariffs.record import ChargeRecord, RecordKind, RecordLeg, SignedValue
from controller.tariffs.session_facts import Activity

_HOUR_S: Final = 3600
_LEGS: Final = (Leg.WHOLESALE, Leg.RETAIL, Leg.REIMBURSEMENT)
"""Which leg partners are told of, where there are several."""
_DURATIONS: Final = {
    Activity.CHARGING: "TIME",
    Activity.IDLE: "PARKING_TIME",
    Activity.RESERVATION: "RESERVATION_TIME",
    Activity.RESERVATION_EXPIRED: "RESERVATION_TIME",
}
"""Time in which the site held the car back is none of them: nobody pays for it."""
_COSTS: Final = {
    "total_fixed_cost": frozenset({LineKind.FLAT, LineKind.CARD_FEE, LineKind.SURCHARGE}),
    "total_energy_cost": frozenset({LineKind.ENERGY}),
    "total_time_cost": frozenset({LineKind.TIME}),
    "total_parking_cost": frozenset({LineKind.PARKING_TIME, LineKind.IDLE_MOST}),
    "total_reservation_cost": frozenset({LineKind.RESERVATION}),
}
_SIGNED_MOST: Final = 5000
_KEY_MOST: Final = 512
_CODES: Final = """
    AD:AND AL:ALB AT:AUT BA:BIH BE:BEL BG:BGR CH:CHE CY:CYP CZ:CZE DE:DEU DK:DNK EE:EST ES:ESP FI:FIN FR:FRA GB:GBR
    GI:GIB GR:GRC HR:HRV HU:HUN IE:IRL IS:ISL IT:ITA LI:LIE LT:LTU LU:LUX LV:LVA MC:MCO MD:MDA ME:MNE MK:MKD MT:MLT
    NL:NLD NO:NOR PL:POL PT:PRT RO:ROU RS:SRB SE:SWE SI:SVN SK:SVK SM:SMR TR:TUR UA:UKR US:USA
"""
_ALPHA3: Final = dict(pair.split(":") for pair in _CODES.split())
"""ISO 3166-1, where the record has only one of the two codes."""

Tariffs = Mapping[str, Mapping[str, Any]]
"""OCPI Tariff objects by the id of the record that they priced."""


class CdrIncomplete(ValueError):  # noqa: N818 - named as the ports name theirs
    """Records lack what OCPI requires; ``problems`` is the complete list."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


def cdrs(records: Iterable[ChargeRecord], version: str, tariffs: Tariffs) -> list[dict[str, Any]]:
    """Records as CDR objects, JSON-ready.

    Args:
        records: those without a leg that partners could be told of are passed over.
        version: ``ocpi-2.2.1`` or ``ocpi-2.3.0``.
        tariffs: in that version; one that is not there is left out of the CDR.

    Raises:
        CdrIncomplete: records lack what OCPI requires.
    """
    told = [record for record in records if record.legs]
    problems = list(dict.fromkeys(problem for record in told for problem in _lacking(record)))
    if problems:
        raise CdrIncomplete(problems)
    return [_cdr(record, version, tariffs) for record in told]


def _lacking(record: ChargeRecord) -> Iterator[str]:
    place, parties = record.place, record.parties
    point = place.point or f"{place.station}/{place.connector}"
    needed = {
        "the operator's country code (two letters)": len(parties.operator_country) == len("NL"),
        "the operator's party id (three letters)": len(parties.operator) == len("ABC"),
        "the address of the site": bool(place.address),
        "the city of the site": bool(place.city),
        "the country of the site": bool(place.country_alpha3 or _ALPHA3.get(place.country)),
        "the coordinates of the site": bool(place.latitude and place.longitude),
    }
    yield from (f"a CDR needs {what}" for what, there in needed.items() if not there)
    rated = leg_told(record).rated
    if rated.total.before_tax is None:
        yield f"a CDR needs a cost before tax: the tax of {point}'s tariff {rated.tariff_id!r} is unknown"


def _cdr(record: ChargeRecord, version: str, tariffs: Tariffs) -> dict[str, Any]:
    leg = leg_told(record)
    credit = record.identity.kind is RecordKind.CREDIT
    priced = price_221 if version == "ocpi-2.2.1" else price_230
    rated = leg.rated
    tariff = tariffs.get(record.identity.id)
    document = {
        "country_code": record.parties.operator_country,
        "party_id": record.parties.operator,
        "id": record.identity.id,
        "start_date_time": _time(record.times.started_at),
        "end_date_time": _time(record.times.ended_at),
        "session_id": record.identity.session[:36],
        "cdr_token": _token(record),
        "auth_method": record.token.auth_method.value,
        "authorization_reference": record.token.authorization_reference or None,
        "cdr_location": _location(record),
        "meter_id": record.meter.meter_id or record.meter.serial or None,
        "currency": record.currency,
        "tariffs": [] if tariff is None else [dict(tariff)],
        "charging_periods": list(_periods(rated)),
        "signed_data": _signed(record),
        "total_cost": priced(rated.total, rated.lines),
        **_costs(rated, priced, sign=-1 if credit else 1),
        "total_energy": number(abs(rated.energy_kwh) if credit else rated.energy_kwh),
        **_hours(rated),
        "invoice_reference_id": None,
        "credit": True if credit else None,
        "credit_reference_id": record.identity.credit_of,
        "home_charging_compensation": record.parties.home_charging or None,
        "last_updated": _time(record.identity.created_at),
    }
    return {name: value for name, value in document.items() if value is not None}


def leg_told(record: ChargeRecord) -> RecordLeg:
    """The leg that partners are told of: what they pay, else what the driver does.

    Raises:
        StopIteration: it has none.
    """
    return next(found for wanted in _LEGS if (found := record.leg(wanted)) is not None)


def _token(record: ChargeRecord) -> dict[str, Any]:
    token, parties = record.token, record.parties
    return {
        "country_code": parties.provider_country or parties.operator_country,
        "party_id": parties.provider or parties.operator,
        "uid": token.uid[:36] or "unknown",
        "type": token.type,
        "contract_id": (token.contract_id or parties.contract or token.uid)[:36] or "unknown",
    }


def _location(record: ChargeRecord) -> dict[str, Any]:
    place = record.place
    uid = place.evse_uid or place.point or f"{place.station}-{place.connector}"
    location = {
        "id": place.location[:36],
        "name": place.name[:255] or None,
        "address": place.address[:45],
        "city": place.city[:45],
        "postal_code": place.postal_code[:10] or None,
        "state": place.state[:20] or None,
        "country": place.country_alpha3 or _ALPHA3[place.country],
        "coordinates": {"latitude": _degrees(place.latitude), "longitude": _degrees(place.longitude)},
        "evse_uid": uid[:36],
        "evse_id": (place.evse_id or uid)[:48],
        "connector_id": str(place.connector),
        "connector_standard": place.connector_standard,
        "connector_format": place.connector_format,
        "connector_power_type": place.connector_power_type,
    }
    return {name: value for name, value in location.items() if value is not None}


def _periods(rated: RatedSession) -> Iterator[dict[str, Any]]:
    """Rounded so that what they hold adds up to the rounded total, whatever the parts."""
    energy, hours = Shares(), {name: Shares() for name in _DURATIONS.values()}
    for period in rated.periods:
        dimensions = [{"type": "ENERGY", "volume": number(energy.next(period.energy_kwh))}]
        if (name := _DURATIONS.get(period.activity)) is not None:
            dimensions.append({"type": name, "volume": number(hours[name].next(_duration_h(period)))})
        yield {
            "start_date_time": _time(period.starts_at),
            "dimensions": dimensions,
            "tariff_id": rated.tariff_id[:36],
        }


def _hours(rated: RatedSession) -> dict[str, Any]:
    whole = sum((_duration_h(period) for period in rated.periods), Decimal(0))
    parking = sum((_duration_h(period) for period in rated.periods if period.activity is Activity.IDLE), Decimal(0))
    return {"total_time": number(whole), "total_parking_time": number(parking)}


def _duration_h(period: Period) -> Decimal:
    return Decimal(str((period.ends_at - period.starts_at).total_seconds())) / _HOUR_S


def _costs(rated: RatedSession, priced: Priced, sign: int) -> dict[str, Any]:
    """By dimension. In a credit only the total is negative (mod_cdrs, Credit CDRs)."""
    costs = {}
    for name, kinds in _COSTS.items():
        lines = [line for line in rated.lines if line.kind in kinds]
        if lines:
            amounts = Amounts(
                _sum([line.amounts.before_tax for line in lines], sign),
                _sum([line.amounts.after_tax for line in lines], sign),
            )
            costs[name] = priced(amounts, lines)
    return costs


def _sum(amounts: Sequence[Decimal | None], sign: int) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sign * sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _signed(record: ChargeRecord) -> dict[str, Any] | None:
    """Signed values that OCPI has room for: longer ones are in the record itself, to the letter."""
    fitting = [value for value in record.evidence.signed if len(_base64(value)) <= _SIGNED_MOST]
    if not fitting:
        return None
    key = record.meter.public_key
    document: dict[str, Any] = {
        "encoding_method": fitting[0].encoding,
        "signed_values": [
            {"nature": value.nature, "plain_data": value.text, "signed_data": _base64(value)} for value in fitting
        ],
    }
    return document | {"public_key": key} if key and len(key) <= _KEY_MOST else document


def _base64(value: SignedValue) -> str:
    return base64.b64encode(value.text.encode()).decode()


def _degrees(text: str) -> str:
    return f"{Decimal(text).quantize(Decimal('0.000001')):f}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
