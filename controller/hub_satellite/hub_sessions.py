"""The sessions of a hub's satellites, as its back office is told of them.

A session has a name of the hub's own, which follows from how its charger announced it: so a start that is announced
again is told once, and after a restart the same name is found. What the back office is told of one session is numbered
without a gap from its beginning, whatever its charger's own numbers are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from controller.hub_satellite.connector import Status
from controller.units import Phases

AWAY_SAMPLE_S: Final = 900
"""Between two measurements that are kept for a back office that is away, at least: three days of twenty cars that
charge all the time are told afterwards in half an hour at the pace of an outbox."""

TOGETHER: Final = timedelta(seconds=30)
"""Values of one moment that a charger sends in several messages come within this."""

_NAMES: Final = UUID("5d0b5f6e-6a4e-4f0c-9f0a-3b1f6f0c7c55")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured at a satellite."""

    at: datetime
    register_wh: int | None = None
    power_w: float | None = None
    current_a: Phases | None = None
    """By the phases of the grid [A]."""

    def completed_by(self, before: Measurement | None) -> Measurement:
        """With what was measured just before, where this says nothing of it."""
        if before is None or not timedelta() <= self.at - before.at <= TOGETHER:
            return self
        return Measurement(
            self.at,
            before.register_wh if self.register_wh is None else self.register_wh,
            before.power_w if self.power_w is None else self.power_w,
            self.current_a or before.current_a,
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended."""

    at: datetime
    register_wh: int | None
    reason: str
    """In the words of either version."""
    token: str | None = None
    """Whose holder ended it."""


@dataclass(slots=True)
class HubSession:
    """A session that runs at a satellite."""

    id: str
    """Of the ledger."""
    name: str
    """Of its transaction, at the back office of OCPP 2.x; in 1.6 that gives an id of its own."""
    station: str
    """The charger."""
    transaction_id: str
    """As the charger knows it."""
    connector: int
    token: str
    started_at: datetime
    start_wh: int | None
    """None where it is not known."""
    told: int = 0
    """How many messages were written of it, and so the number of the next (seqNo)."""
    theirs: str | None = None
    """The id that the back office has given its transaction (1.6)."""
    remote_start_id: int | None = None
    """Of the request of the back office that began it (2.x)."""
    sample: Measurement | None = None
    """The newest measurement."""
    sample_told: Measurement | None = None
    """The newest measurement that was told."""
    sampled_at: datetime | None = None
    """When it was told, by our clock: chargers' clocks are not to be compared with it."""
    state: Status | None = None
    """What was told last of what its car does."""

    @property
    def announced(self) -> bool:
        """Whether its start was written."""
        return self.told > 0

    @property
    def known(self) -> bool:
        """Whether its start is complete: with a token, and a register."""
        return bool(self.token) and self.start_wh is not None

    def sample_due(self, at: datetime, every_s: int, *, away: bool) -> Measurement | None:
        """The measurement that is to be told now, if one is.

        Args:
            at: now.
            every_s: how often the back office wants one [s]; 0: never.
            away: whether it is away.
        """
        sample = self.sample
        if every_s <= 0 or sample is None or sample == self.sample_told or not self.announced:
            return None
        pause = timedelta(seconds=max(every_s, AWAY_SAMPLE_S) if away else every_s)
        return sample if at - (self.sampled_at or self.started_at) >= pause else None

    @property
    def key(self) -> str:
        """Of the next letter."""
        return f"{self.name}#{self.told}"


def name_of(station: str, chosen_id: str | None, connector: int, started_at: datetime, start_wh: int | None) -> str:
    """The name of a session: by the id that its charger chose for it, or else by its start.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    >>> name_of("CP01", "a", 1, noon, 7) == name_of("CP01", "a", 0, noon, None)
    True
    """
    told = chosen_id or f"{connector} {started_at.isoformat()} {start_wh}"
    return str(uuid5(_NAMES, f"{station}\n{told}"))


def written_before(last_key: str) -> tuple[str, int]:
    """A session's name, and how many letters were written of it, by the key of the newest.

    >>> written_before("a#7")
    ('a', 8)
    """
    name, _, number = last_key.rpartition("#")
    return name, int(number) + 1
