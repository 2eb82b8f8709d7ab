"""A call of a charger while it is being answered."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from adapters.ocpp.upstream.words import heard_of, payload_of, token_info, uid_of
from adapters.ocpp.wire import Frame, Kind, kind_of
from controller.away import Heard
from controller.hub_satellite.outbox import Letter

AUTHORISING: Final = frozenset({"StartTransaction", "StopTransaction", "TransactionEvent"})
"""Messages that also ask whether a token may charge."""


@dataclass(slots=True)
class Handling:
    """A call of the charger while it is being answered."""

    call: Frame
    letters: list[Letter] | None = None
    """What back offices are told of it; None: that was not asked yet."""
    repeated: bool = False
    """Whether it was on record before."""
    asked: bool = False
    """Whether the primary has been asked, and this is what it said."""
    told: str | None = None
    heard: Heard | None = None
    """What the back office has said of its token before."""
    doubt: bool = False
    """Whether its token may charge only if the back office says so."""
    office: str | None = None
    """Whose it is; None: that was not asked yet."""
    ours: int | None = None
    """The id that its transaction has here, where the station goes by that."""


AT_HAND: ContextVar[Handling | None] = ContextVar("call of a charger", default=None)
"""Of this task: a charger that has come back on a newer connection is answered beside what is left of the older."""


def about_transaction(call: Frame) -> bool:
    """Whether a call tells of a transaction, so that it must not be lost."""
    if call.action == "MeterValues":
        return call.payload.get("transactionId") is not None
    return call.action in AUTHORISING


def heard_in(call: Frame, told: str) -> Heard | None:
    """What an answer says of the token that its call has named."""
    uid = uid_of(call.payload) if kind_of(told) == Kind.RESULT else None
    info = None if uid is None else token_info(payload_of(told, at=2))
    return None if info is None or uid is None else heard_of(uid, info)
