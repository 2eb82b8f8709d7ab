"""What a charger's login costs: after a power cut all of them come at once, and each password is hashed."""

from __future__ import annotations

import statistics

from adapters.passwords import hashed, matches
from tests.benchmarks.registry import Measurement, benchmark, seconds_per_call


@benchmark
def password_check() -> dict[str, Measurement]:
    """One check of a right password against its stored hash."""
    stored = hashed("correct horse battery")
    durations = seconds_per_call(lambda: matches("correct horse battery", stored), n=30)
    return {"password_check_ms": Measurement(1000 * statistics.median(durations), "ms", len(durations))}
