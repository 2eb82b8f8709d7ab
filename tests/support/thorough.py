"""How much of the same is tried: a little every day, more, and other examples, in ``make campaign``."""

from __future__ import annotations

import os
from typing import Final

LONG: Final = os.environ.get("LOADSTAR_CAMPAIGN") == "1"


def thorough(every_day: int, campaign: int) -> int:
    """So many examples, seeds or sites."""
    return campaign if LONG else every_day
