"""A random delay of starts that only money asks for, so that many sites do not start at the same second.

The Electric Vehicles (Smart Charge Points) Regulations 2021 of the United Kingdom (SI 2021/1467, regulation 11) ask
for it: up to 600 s unless it is set otherwise, never more than 1 800 s, to the nearest second. A reduction, and
whatever protects, is never delayed.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

USUAL_S: Final = 600
MOST_S: Final = 1800


def start_delay_s(seed: str, point: str, moment: datetime, most_s: int = USUAL_S) -> int:
    """How long a point waits with a start that is due at ``moment``: whole seconds from 0 to ``most_s``.

    The same seed, point and moment give the same delay, whoever asks and whenever.

    Args:
        seed: of the site, kept for itself, so that no two sites wait alike.
        point: its id.
        moment: when the start is due, aware.
        most_s: the longest delay [s].

    Raises:
        ValueError: ``most_s`` is negative or above 1 800 s, or the moment has no zone.

    >>> from datetime import UTC
    >>> start_delay_s("hq", "P01", datetime(2026, 11, 20, 22, tzinfo=UTC))
    580
    """
    if not 0 <= most_s <= MOST_S:
        raise ValueError(f"most_s: expected 0 to {MOST_S} s, got {most_s!r}")
    if moment.tzinfo is None:
        raise ValueError("moment: expected a time with a zone")
    digest = hashlib.sha256(f"{seed}\0{point}\0{moment.timestamp():.0f}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % (most_s + 1)
