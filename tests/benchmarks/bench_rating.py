"""How fast sessions are rated: a month of them is to be settled while somebody waits."""

from __future__ import annotations

import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from decimal import Decimal

from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.rating import rate_with
from controller.tariffs.session_facts import Activity, MeterPoint, SessionFacts, Stretch
from controller.tariffs.tariff import Dimension, Element, PriceComponent, Restrictions, Tariff
from tests.benchmarks.registry import Measurement, benchmark

ZONE = "Europe/Amsterdam"
QUARTER = timedelta(minutes=15)


def four_rates() -> Tariff:
    """Night, morning, evening and the rest, and a start fee."""

    def energy(price: str, label: str, begins: clock | None = None, ends: clock | None = None) -> Element:
        component = PriceComponent(Dimension.ENERGY, Decimal(price), Decimal(21))
        return Element((component,), Restrictions(start_time=begins, end_time=ends), label)

    fee = Element((PriceComponent(Dimension.FLAT, Decimal("0.50"), Decimal(21)),))
    night = energy("0.18", "night", clock(23), clock(6))
    morning = energy("0.35", "morning", clock(6), clock(12))
    evening = energy("0.42", "evening", clock(17), clock(20))
    return Tariff("four", "EUR", (fee, night, morning, evening, energy("0.30", "day")))


def eight_hours(rng: random.Random, name: str) -> SessionFacts:
    """Five hours of charging, three of idling, with a reading every quarter of an hour, some time in 2026."""
    begins = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(525_000))
    energy_wh, stretches, meter = 0, [], [MeterPoint(begins, Decimal(0))]
    for quarter in range(32):
        at = begins + quarter * QUARTER
        charging = quarter < 20
        energy_wh += rng.randrange(2_000, 2_700) if charging else 0
        stretches.append(Stretch(Activity.CHARGING if charging else Activity.IDLE, at, at + QUARTER))
        meter.append(MeterPoint(at + QUARTER, Decimal(energy_wh).scaleb(-3)))
    return SessionFacts(name, ZONE, tuple(stretches), tuple(meter))


@benchmark
def rating_sessions_per_s() -> dict[str, Measurement]:
    """Sessions of eight hours with 33 readings at a tariff of four times of use, on one core."""
    rng = random.Random(1)
    facts = [eight_hours(rng, f"S{n}") for n in range(500)]
    compiled = CompiledTariff(four_rates(), ZONE)

    passes = []
    for _ in range(9):
        began = time.process_time()  # of this core: others may be busy beside
        for session in facts:
            rate_with(compiled, session)
        passes.append(time.process_time() - began)
    rate = len(facts) / statistics.median(passes)
    return {"rating_sessions_per_s": Measurement(rate, "sessions/s", len(passes) * len(facts), at_least=2_000)}
