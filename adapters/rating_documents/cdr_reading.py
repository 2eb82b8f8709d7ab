"""Reads charge detail records and Session objects of OCPI, and turns them into the facts that are priced."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.configuration.places import Place, dotted
from adapters.json_text import DocumentError, described, parsed
from adapters.rating_documents.cdr_model import (
    Cdr221Model,
    Cdr230Model,
    Session221Model,
    Session230Model,
    SessionPeriodModel,
)
from adapters.rating_documents.countries import ZONE_OF_COUNTRY
from adapters.rating_documents.periods import Part, parts_of
from adapters.rating_documents.session_reading import SessionRead
from adapters.rating_documents.tariff_reading import unknown_keys
from adapters.rating_documents.values import Number, UtcMoment
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch

NOT_ENDED: Final = "session_not_ended"
INVALID: Final = "session_invalid"
"""OCPI's status INVALID: such a session is not billed."""
OUTSIDE: Final = "periods_outside_session"
"""The periods do not begin where the record says that the session did."""
ENERGY_DIFFERS: Final = "total_energy_differs"
"""The energy of the periods does not add up to the record's total."""

SEVERAL_TARIFFS: Final = "several_tariffs"
"""The driver chose another offer on the way; the whole session is priced by one tariff here."""

_ENERGY_TOLERANCE_KWH: Final = Decimal("0.001")
"""Per period; what rounding to watt-hours may come to."""
_CDR: Final[Mapping[str, type[BaseModel]]] = {"ocpi-2.2.1": Cdr221Model, "ocpi-2.3.0": Cdr230Model}
_SESSION: Final[Mapping[str, type[BaseModel]]] = {"ocpi-2.2.1": Session221Model, "ocpi-2.3.0": Session230Model}
_NEEDED: Final = frozenset({"start_date_time", "end_date_time", "charging_periods", "kwh"})
"""What a price depends on; other fields that OCPI requires may be missing."""


class _Essence(BaseModel):
    """What a price depends on, of a CDR and of a Session object alike."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: str = ""
    start_date_time: UtcMoment
    end_date_time: UtcMoment | None = None
    charging_periods: list[SessionPeriodModel] = []
    cdr_token: dict[str, Any] | None = None
    cdr_location: dict[str, Any] | None = None
    total_energy: Number | None = None
    kwh: Number | None = None
    status: str | None = None
    last_updated: UtcMoment | None = None


def read_ocpi_session(text: bytes, version: str, time_zone: str | None) -> SessionRead:
    """Read and check one CDR or Session object: by itself, in a list of one, or as the data of an OCPI response.

    Args:
        text: A JSON object in UTF-8.
        version: ``ocpi-2.2.1`` or ``ocpi-2.3.0``.
        time_zone: IANA, of the place where it was; None: that of its country, where all of it has the same.

    Raises:
        DocumentError: with everything that is wrong.
    """
    place, data = _the_one(_said(parsed(text.removeprefix(BOM_UTF8), exact=True)))
    warnings = _checked(data, version, place)
    essence = _Essence.model_validate(data)
    problems = [f"{dotted((*place, *where))}: {what}" for where, what in _misfits(essence)]
    zone = time_zone or ZONE_OF_COUNTRY.get(str((essence.cdr_location or {}).get("country")))
    if zone is None:
        where = dotted((*place, "cdr_location", "country"))
        problems.append(f"{where}: does not say which time zone it was in; give one with --time-zone")
    if problems or zone is None:
        raise DocumentError(problems)
    return SessionRead(_facts(essence, zone), next(iter(_tariffs(essence)), None), tuple(warnings))


def _said(data: Any) -> Any:
    """Without what is null, which says as much as what is not there (OCPI transport_and_format)."""
    if isinstance(data, dict):
        return {name: _said(value) for name, value in data.items() if value is not None}
    return [_said(each) for each in data] if isinstance(data, list) else data


def _the_one(data: Any) -> tuple[Place, Any]:
    """The object itself, out of an answer and out of a list of one."""
    place: Place = ()
    if isinstance(data, dict) and isinstance(data.get("data"), dict | list):
        data, place = data["data"], ("data",)
    if isinstance(data, list):
        if len(data) != 1:
            raise DocumentError(
                [f"expected one object, found a list of {len(data)}; of many, write one per line (.jsonl)"]
            )
        data, place = data[0], (*place, 0)
    return place, data


def _tariffs(essence: _Essence) -> list[str]:
    """The tariffs that its periods name, each once, in order."""
    return list(dict.fromkeys(one.tariff_id for one in essence.charging_periods if one.tariff_id is not None))


def _checked(data: Any, version: str, place: Place) -> list[str]:
    """What was passed over; raises where the object breaks OCPI's rules in what it has or a price needs."""
    is_cdr = isinstance(data, dict) and ("total_energy" in data or "cdr_location" in data)
    model = (_CDR if is_cdr else _SESSION)[version]
    if isinstance(data, dict) and ("segments" in data or "readings" in data):
        raise DocumentError(["is a session in Loadstar's own format: give --format loadstar"])
    try:
        document = model.model_validate(data)
    except ValidationError as refused:
        errors = refused.errors(include_url=False)
        problems = [e for e in errors if e["type"] != "missing" or e["loc"][0] in _NEEDED]
        if problems:
            raise DocumentError([described(e, model, (*place, *e["loc"])) for e in problems]) from None
        return [f"{dotted((*place, *e['loc']))}: is missing; OCPI asks for it" for e in errors]
    return [
        f"{dotted((*place, *where))}: is not a field of OCPI, and was passed over" for where in unknown_keys(document)
    ]


def _misfits(essence: _Essence) -> Iterator[tuple[Place, str]]:
    free_from = None
    for number, period in enumerate(essence.charging_periods):
        place = ("charging_periods", number, "start_date_time")
        if free_from is not None and period.start_date_time < free_from:
            yield place, f"expected a time not before that of the period above, {free_from:%FT%TZ}"
        free_from = period.start_date_time
        for part, dimension in enumerate(period.dimensions):
            if dimension.type.endswith("TIME") and dimension.volume < 0:
                where = ("charging_periods", number, "dimensions", part, "volume")
                yield where, f"expected at least 0, found {dimension.volume}"
    ends_at = _end(essence)
    if ends_at < max(essence.start_date_time, free_from or essence.start_date_time):
        yield (
            ("end_date_time",),
            f"expected a time not before any other of the record, found {ends_at:%FT%TZ}",
        )


def _end(essence: _Essence) -> datetime:
    if essence.end_date_time is not None:
        return essence.end_date_time
    return max(essence.last_updated or essence.start_date_time, essence.start_date_time)


def _facts(essence: _Essence, time_zone: str) -> SessionFacts:
    flags: dict[str, None] = {}
    if essence.end_date_time is None:
        flags[NOT_ENDED] = None
    if essence.status == "INVALID":
        flags[INVALID] = None
    if len(_tariffs(essence)) > 1:
        flags[SEVERAL_TARIFFS] = None
    parts = list(_parts(essence, flags))
    meter = _meter(essence, parts, flags)
    stretches = [
        Stretch(part.activity, part.starts_at, part.ends_at, part.power_kw, part.current_a)
        for part in parts
        if part.starts_at < part.ends_at
    ]
    uid = (essence.cdr_token or {}).get("uid")
    return SessionFacts(
        id=essence.id,
        time_zone=time_zone,
        stretches=tuple(stretches) or (Stretch(parts[0].activity, parts[0].starts_at, parts[0].ends_at),),
        meter=tuple(meter),
        token=uid if isinstance(uid, str) else "",
        flags=tuple(flags),
        running=essence.end_date_time is None,
    )


def _meter(essence: _Essence, parts: Sequence[Part], flags: dict[str, None]) -> list[MeterPoint]:
    """The energy by the periods; where none of them tells any, the record's total between the ends of charging."""
    starts_at, ends_at = parts[0].starts_at, parts[-1].ends_at
    total = essence.kwh if essence.total_energy is None else essence.total_energy
    if total and not any(one.type == "ENERGY" for period in essence.charging_periods for one in period.dimensions):
        charging = [part for part in parts if part.activity is Activity.CHARGING] or parts
        rises = [(charging[0].starts_at, Decimal(0)), (charging[-1].ends_at, total)]
        return [MeterPoint(at, kwh) for at, kwh in [(starts_at, Decimal(0)), *rises, (ends_at, total)]]
    meter = [MeterPoint(starts_at, Decimal(0))]
    for part in parts:
        meter.append(MeterPoint(part.ends_at, meter[-1].energy_kwh + part.energy_kwh))
    if total is not None and abs(total - meter[-1].energy_kwh) > _ENERGY_TOLERANCE_KWH * len(parts):
        flags[ENERGY_DIFFERS] = None
    return meter


def _parts(essence: _Essence, flags: dict[str, None]) -> Iterator[Part]:
    """The session from its beginning to its end: a period that begins before it has its energy, but not its time."""
    periods, ends_at = essence.charging_periods, _end(essence)
    if not periods:
        yield Part(Activity.CHARGING, essence.start_date_time, ends_at, essence.kwh or Decimal(0))
        return
    if periods[0].start_date_time != essence.start_date_time:
        flags[OUTSIDE] = None
    if periods[0].start_date_time > essence.start_date_time:
        yield Part(Activity.WITHHELD, essence.start_date_time, periods[0].start_date_time, Decimal(0))
    volumes = [_volumes(period) for period in periods]
    never_came = all(set(each) == {"RESERVATION_TIME"} for each in volumes)
    told = any({"TIME", "PARKING_TIME"} & each.keys() for each in volumes)
    starts = [max(period.start_date_time, essence.start_date_time) for period in periods]
    for each, start, end in zip(volumes, starts, [*starts[1:], ends_at], strict=True):
        yield from parts_of(each, start, end, flags, never_came=never_came, times_told=told)


def _volumes(period: SessionPeriodModel) -> dict[str, Decimal]:
    volumes: dict[str, Decimal] = {}
    for dimension in period.dimensions:
        volumes[dimension.type] = volumes.get(dimension.type, Decimal(0)) + dimension.volume
    return volumes
