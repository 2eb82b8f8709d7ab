"""What may be wrong with the times of a limit from outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime


def time_problems(received_at: datetime, valid_from: datetime | None, valid_until: datetime | None) -> Iterator[str]:
    """Everything that is wrong with the times of a limit that was just received; each begins with the field's name."""
    times = {"received_at": received_at, "valid_from": valid_from, "valid_until": valid_until}
    unzoned = [name for name, moment in times.items() if moment is not None and moment.tzinfo is None]
    yield from (f"{name}: expected a time with a zone" for name in unzoned)
    if unzoned or valid_until is None:
        return
    if valid_from is not None and valid_until <= valid_from:
        yield "valid_until: expected a time after valid_from"
    if valid_until <= received_at:
        yield f"valid_until: it has expired ({valid_until.isoformat(timespec='seconds')})"
