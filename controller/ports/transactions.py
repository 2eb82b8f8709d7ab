"""What stations announce of a transaction, and the ledger's word on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

TIMESTAMP_INVALID: Final = "timestamp_invalid"
"""The flag of a transaction message whose time could not be read: the time at which it arrived stands in for it."""

START_MISSING: Final = "start_missing"
"""The flag of a start that was never announced: what came later stands in for it, until it is announced after all."""

REGISTER_MISSING: Final = "start_register_missing"
"""The flag of a start without a register value: ``NO_REGISTER_WH`` stands in for it."""

NO_REGISTER_WH: Final = -1


@dataclass(frozen=True, slots=True)
class TransactionStart:
    """A transaction as its station announces it."""

    station: str
    connector: int
    point: str | None
    """The site's name for the connector; None when the site does not know it."""
    token: str
    started_at: datetime
    start_wh: int
    flags: tuple[str, ...] = ()
    """What a reviewer should know, e.g. ``unknown_connector``."""
    transaction_id: str | None = None
    """The id that the station has chosen (OCPP 2.0.1 E01); None: it is given one (OCPP 1.6 §4.8)."""


@dataclass(frozen=True, slots=True)
class TransactionDetails:
    """What a station that chose the id tells of a transaction only after its start (OCPP 2.0.1 E03); None: nothing."""

    station: str
    transaction_id: str
    token: str | None = None
    connector: int | None = None
    point: str | None = None
    """The site's name for the connector."""
    start_wh: int | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransactionStop:
    """The end of a transaction as its station announces it."""

    station: str
    transaction_id: str
    """As the charger knows it."""
    ended_at: datetime
    end_wh: int
    reason: str = "Local"
    token: str | None = None
    flags: tuple[str, ...] = ()
    chosen: bool = False
    """Whether the station has chosen the id (OCPP 2.x), so that another station may have the same one."""


class Outcome(StrEnum):
    """What became of a transaction message. Whatever it is, the charger is answered."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    """The same message again: the stored answer is given, nothing is counted twice."""
    CONFLICTING = "conflicting"
    """It contradicts what is on record; kept for review, without effect."""
    UNKNOWN = "unknown"
    """No such transaction; kept as a session of its own, for review."""
    FOREIGN = "foreign"
    """The transaction belongs to another station; kept for review, without effect."""


@dataclass(frozen=True, slots=True)
class Started:
    """The ledger's word on a start: the ids, and whether it was new."""

    transaction_id: int
    """The id that the ledger gives; whoever chose another keeps to that."""
    session_id: str
    outcome: Outcome
    running: bool = True
    """Whether the session has not ended."""


@dataclass(frozen=True, slots=True)
class RunningSession:
    """A session that has not ended, as the ledger knows it."""

    id: str
    station: str
    connector: int
    point: str | None
    transaction_id: str
    token: str
    started_at: datetime
    start_wh: int
    last_wh: int | None
    """The newest register value that was kept [Wh]."""
