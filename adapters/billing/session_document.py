"""A session on record as a document to be priced: the very format that ``loadstar price`` reads.

What a session costs can therefore be worked out again at any time, by anybody, from what is on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from adapters.rating_documents.registers import NO_END, NO_START, facts_of_readings
from adapters.rating_documents.session_model import ReadingModel, SessionModel
from controller.ports.ledger import SessionRecord
from controller.ports.transactions import REGISTER_MISSING
from controller.tariffs.observed import Observed
from controller.tariffs.session_facts import Activity, SessionFacts

REGISTER_MOST_WH: Final = 2**31 - 2
"""No charger delivers 2 GWh in its life; some announce one more than this when they have no reading."""

_START_UNKNOWN: Final = frozenset({"stop_without_start", REGISTER_MISSING})
"""The flags of a session whose first register nobody has told; another stands in for it on record."""


def session_model(
    session: SessionRecord, observed: Iterable[Observed], time_zone: str, until: datetime | None = None
) -> SessionModel:
    """The document of a session.

    Before anything was seen of it, it is taken to have done what was seen first; where nothing was seen at all (it was
    over before anybody looked, or was told of long after) it was charging.

    Args:
        session: as it is on record.
        observed: what was seen of it.
        time_zone: of the site.
        until: the moment up to which it is told, while it runs.
    """
    ends_at = session.ended_at or until
    if ends_at is None:
        raise ValueError(f"session {session.id} runs: until when is it to be told?")
    ends_at = max(ends_at, session.started_at)
    seen = [one for one in observed if session.started_at < one.at < ends_at]
    first = seen[0].activity if seen else Activity.CHARGING
    unknown = bool(_START_UNKNOWN & set(session.review_flags))
    start_wh = None if unknown else session.start_wh
    # Of a session of which only the end was announced, the one register tells nothing.
    end_wh = None if unknown and ends_at == session.started_at else _end_register(session, seen)
    started = Observed(session.id, session.started_at, first, start_wh)
    return SessionModel.model_construct(
        id=session.id,
        time_zone=time_zone,
        token=session.token,
        point=session.point or "",
        readings=list(_readings([started, *seen], ends_at, end_wh)),
        flags=[*session.review_flags, *([NO_START] if unknown else [])],
    )


def session_facts(model: SessionModel, *, running: bool) -> SessionFacts:
    """The facts of a session by its document.

    Args:
        model: its document.
        running: it goes on, so what it has no register for yet is no flaw.
    """
    facts = facts_of_readings(model)
    if not running:
        return facts
    return replace(facts, running=True, flags=tuple(flag for flag in facts.flags if flag not in (NO_START, NO_END)))


def _readings(seen: Iterable[Observed], ends_at: datetime, end_wh: int | None) -> Iterator[ReadingModel]:
    for one in seen:
        yield ReadingModel.model_construct(at=one.at, register_wh=_plausible(one.register_wh), state=one.activity.value)
    yield ReadingModel.model_construct(at=ends_at, register_wh=end_wh)


def _end_register(session: SessionRecord, seen: list[Observed]) -> int | None:
    if not session.running:
        return _plausible(session.end_wh)
    if session.energy_wh is not None:
        return session.start_wh + session.energy_wh
    return next((one.register_wh for one in reversed(seen) if one.register_wh is not None), None)


def _plausible(register_wh: int | None) -> int | None:
    return register_wh if register_wh is not None and 0 <= register_wh <= REGISTER_MOST_WH else None
