"""What the REST API takes and answers about limits that others set."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from adapters.web.answer import Answer, Moment


class LimitSaid(BaseModel):
    """A limit as somebody sets it. Whether it may be is decided later, with all reasons at once."""

    model_config = ConfigDict(extra="forbid")

    circuit: str = Field(max_length=64)
    limit_w: Annotated[float, Field(strict=True, description="the three phases together [W]")]
    source: str = Field(
        "grid_operator", max_length=64, description="who sets it, one of those whom the site file names"
    )
    valid_from: Moment | None = Field(None, description="null: at once")
    valid_until: Moment | None = Field(None, description="null: until it is withdrawn")
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000)] = Field(
        0, description="of limits that allow the same, the higher one is named as the reason"
    )
    id: str = Field("", max_length=64, description="the sender's name for it, for as long as it holds")


class LimitState(Answer):
    """A limit that somebody has set, and what has become of it."""

    id: str
    circuit: str
    limit_w: float = Field(description="as it was said [W]")
    allowed_w: float = Field(description="what it allows now: after a legal floor, and while the power comes back [W]")
    source: str
    charging_only: bool = Field(description="whether it holds for what charges, not for everything on the circuit")
    per_point: bool = Field(description="whether it holds for each charging point by itself")
    priority: int
    received_at: datetime
    valid_from: datetime | None
    valid_until: datetime | None
    standing: str = Field(description="`counts`, `looser` (another one allows less), `not_yet`, `silent`")
    phase: str = Field(description="`valid`, `releasing` (it has ended, the power comes back), `fail_safe`")
    why: str


class LimitList(Answer):
    """All limits, those that count first."""

    items: tuple[LimitState, ...]
    next: None = None
