"""A transaction that is open on a connector."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from adapters.ocpp.numbering import Numbering


@dataclass(slots=True)
class Transaction:
    """A transaction that is open on a connector."""

    id: str
    """As its charger knows it."""
    session: str
    start_wh: int
    authorised: bool
    """Whether its token may charge here; if not, the point gets no current."""
    started_at: datetime | None = None
    """By its charger's clock; None where that does not matter."""
    token: str = ""
    dormant: bool = False
    """Whether nothing can flow yet, or any more: it has no token so far, or no car (OCPP 2.x)."""
    numbering: Numbering = field(default_factory=Numbering)
    cost_due_s: float = 0.0
    """When its cost is to be shown again, on the monotonic clock."""
    cost_shown: Decimal | None = None
    stop_asked: bool = False
    stale_reported: bool = False

    @property
    def unwanted(self) -> bool:
        """Whether its charger is still to be asked to end it."""
        return not (self.authorised or self.dormant or self.stop_asked)
