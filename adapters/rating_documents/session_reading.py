"""Reads sessions in Loadstar's own format, and turns them into the facts that are priced."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from adapters.json_text import DocumentError, described, parsed
from adapters.rating_documents.local_time import LocalClock
from adapters.rating_documents.registers import facts_of_readings
from adapters.rating_documents.session_model import SegmentModel, SessionModel
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch

GAP: Final = "gap_between_segments"
"""The flag of a time that no segment tells of: nothing is billed for it."""
_NO_ENERGY: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class SessionRead:
    """A session of a file."""

    facts: SessionFacts
    tariff: str | None
    """Id of the tariff that it names."""
    warnings: tuple[str, ...] = ()


def read_session(text: bytes) -> SessionRead:
    """Read and check one session (``docs/schemas/session.schema.json``).

    Args:
        text: A JSON object in UTF-8.

    Raises:
        DocumentError: with everything that is wrong.
    """
    data = parsed(text.removeprefix(BOM_UTF8), exact=True)
    if isinstance(data, dict) and ("charging_periods" in data or "start_date_time" in data):
        raise DocumentError(["is a CDR or Session object of OCPI: give --format ocpi-2.2.1 or ocpi-2.3.0"])
    try:
        document = SessionModel.model_validate(data)
    except ValidationError as refused:
        raise DocumentError([described(e, SessionModel) for e in refused.errors(include_url=False)]) from None
    if (document.segments is None) == (document.readings is None):
        found = "neither" if document.segments is None else "both"
        raise DocumentError([f"expected either segments or readings, found {found}"])
    facts = facts_of_readings(document) if document.segments is None else _facts(document, document.segments)
    return SessionRead(facts, document.tariff)


def _facts(document: SessionModel, segments: Sequence[SegmentModel]) -> SessionFacts:
    clock = LocalClock(document.time_zone)
    problems: list[str] = []
    stretches: list[Stretch] = []
    meter: list[MeterPoint] = []
    flags = dict.fromkeys(document.flags)
    energy_kwh = _NO_ENERGY
    ends_at: datetime | None = None
    for number, segment in enumerate(segments):
        place = f"segments[{number}]"
        starts_at = clock.moment(segment.start, ends_at)
        if ends_at is None:
            meter.append(MeterPoint(starts_at, energy_kwh))
        elif starts_at < ends_at:
            problems.append(f"{place}.start: expected a time not before the end of the segment above, {ends_at:%FT%TZ}")
        elif starts_at > ends_at:
            flags[GAP] = None
            stretches.append(Stretch(Activity.WITHHELD, ends_at, starts_at))
            meter.append(MeterPoint(starts_at, energy_kwh))
        ends_at = clock.moment(segment.end, starts_at)
        problems += _misfits(segment, place, starts_at, ends_at)
        energy_kwh += segment.kwh or _NO_ENERGY
        stretches.append(Stretch(Activity(segment.kind), starts_at, ends_at, segment.power_kw, segment.current_a))
        meter.append(MeterPoint(ends_at, energy_kwh))
    if problems:
        raise DocumentError(problems)
    return SessionFacts(
        id=document.id,
        time_zone=document.time_zone,
        stretches=tuple(stretches),
        meter=tuple(meter),
        token=document.token,
        point=document.point,
        flags=tuple(flags | clock.flags),
        legal_metrology=document.legal_metrology,
    )


def _misfits(segment: SegmentModel, place: str, starts_at: datetime, ends_at: datetime) -> list[str]:
    problems = []
    if ends_at <= starts_at:
        problems.append(f"{place}.end: expected a time after start, {starts_at:%FT%TZ}, found {ends_at:%FT%TZ}")
    if segment.kwh is None and segment.kind == "charging":
        problems.append(f"{place}.kwh: is missing")
    return problems
