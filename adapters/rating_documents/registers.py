"""Readings of a session, with all that meters and clocks get wrong, as the facts that are priced.

Whatever is doubtful becomes a flag, and somebody looks at it; nothing of it keeps a session from having a price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from adapters.rating_documents.local_time import LocalClock
from adapters.rating_documents.session_model import ReadingModel, SessionModel
from controller.snapshot import State
from controller.tariffs.observed import activity_of
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch

_ACTIVITIES: Final = {
    **{state.value: activity_of(state, None) for state in State},
    **{activity.value: activity for activity in Activity},
}
"""What a state is priced as: our kinds, and the states of a point."""

UNORDERED: Final = "readings_out_of_order"
"""Of times that went back: a clock was set."""
DECREASED: Final = "decreasing_register"
NO_START: Final = "start_register_missing"
NO_END: Final = "end_register_missing"
OFFLINE: Final = "offline"
"""The charger was away for a part of the session."""

_Register = tuple[datetime, int]


def facts_of_readings(document: SessionModel) -> SessionFacts:
    """The facts of a session that is told by at least two readings."""
    clock = LocalClock(document.time_zone)
    given = document.readings or ()
    flags = dict.fromkeys(document.flags)
    timed: list[tuple[datetime, ReadingModel]] = []
    for reading in given:
        timed.append((clock.moment(reading.at, timed[-1][0] if timed else None), reading))
    if any(later < sooner for (sooner, _), (later, _) in pairwise(timed)):
        flags[UNORDERED] = None
        timed.sort(key=lambda one: one[0])
    if any(reading.state == "offline" for _, reading in timed[:-1]):
        flags[OFFLINE] = None
    registers = [(at, reading.register_wh) for at, reading in timed if reading.register_wh is not None]
    starts_at, ends_at = timed[0][0], timed[-1][0]
    if not registers or registers[0][0] > starts_at:
        flags[NO_START] = None
    if not registers or registers[-1][0] < ends_at:
        flags[NO_END] = None
    kept = _rising(registers)
    if len(kept) < len(registers) or (kept and kept[-1][1] < kept[0][1]):
        flags[DECREASED] = None
    return SessionFacts(
        id=document.id,
        time_zone=document.time_zone,
        stretches=_stretches(timed),
        meter=_meter(kept),
        token=document.token,
        point=document.point,
        flags=tuple(flags | clock.flags),
        legal_metrology=document.legal_metrology,
    )


def _stretches(timed: Sequence[tuple[datetime, ReadingModel]]) -> tuple[Stretch, ...]:
    """One per reading but the last, those alike joined; a session of no length is one stretch of none."""
    found: list[Stretch] = []
    activity = Activity.CHARGING
    for (starts_at, reading), (ends_at, _) in pairwise(timed):
        activity = activity if reading.state is None else _ACTIVITIES[reading.state]
        if starts_at == ends_at:
            continue
        stretch = Stretch(activity, starts_at, ends_at, reading.power_kw, reading.current_a)
        if found and replace(found[-1], starts_at=starts_at, ends_at=ends_at) == stretch:
            stretch = replace(stretch, starts_at=found.pop().starts_at)
        found.append(stretch)
    return tuple(found) or (Stretch(activity, timed[0][0], timed[-1][0]),)


def _rising(registers: Sequence[_Register]) -> list[_Register]:
    """What fits between the first register and the last: the session delivered the difference of these two.

    Where the last is below the first these two alone are left, and the session has no price.
    """
    if not registers or registers[-1][1] < registers[0][1]:
        return [*registers[:1], *registers[-1:]]
    most_wh = registers[-1][1]
    kept: list[_Register] = []
    for at, register_wh in registers:
        if not kept or kept[-1][1] <= register_wh <= most_wh:
            kept.append((at, register_wh))
    return kept


def _meter(registers: Sequence[_Register]) -> tuple[MeterPoint, ...]:
    """Energy since the first register; of several at one moment the last counts."""
    latest = dict(registers)
    first_wh = registers[0][1] if registers else 0
    return tuple(MeterPoint(at, Decimal(wh - first_wh).scaleb(-3)) for at, wh in latest.items())
