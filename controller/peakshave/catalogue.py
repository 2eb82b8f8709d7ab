"""Demand tariffs by name: their rules, with sources. Prices are the user's, from the grid operator's price sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from controller.peakshave.billed_times import ALWAYS, WORKING_DAYS, BilledTimes
from controller.peakshave.demand_tariff import DemandComponent, DemandTariff, Reach

_HALF: Final = Decimal("0.5")
_SUMMER: Final = frozenset({6, 7, 8, 9})
_SWEDISH_WINTER: Final = frozenset({11, 12, 1, 2, 3})
_SWEDISH_SUMMER: Final = frozenset(range(4, 11))
_NO_TIMES: Final[tuple[BilledTimes, ...]] = ()


def month_peak(*, per_kw_month: Decimal) -> DemandTariff:
    """The highest quarter-hour of each month, as many grid operators bill it."""
    return DemandTariff("month_peak", (DemandComponent("month peak", per_kw_month, 1, Reach.MONTH),))


def flanders(*, per_kw_year: Decimal) -> DemandTariff:
    """Capaciteitstarief of low voltage with a digital meter, since 2023.

    Mean of the months' highest quarter-hours, each at least 2.5 kW, over up to 12 months (Fluvius, methodology of the
    gemiddelde maandpiek).
    """
    peak = DemandComponent("average month peak", per_kw_year, 12, Reach.MEAN_OF_MONTHS, least_kw=Decimal("2.5"))
    return DemandTariff("flanders", (peak,))


def germany_rlm(*, per_kw_year: Decimal) -> DemandTariff:
    """Jahresleistungspreis: the highest quarter-hour of the accounting year, for all of it (plan-energie.de)."""
    return DemandTariff("germany_rlm", (DemandComponent("year peak", per_kw_year, 12, Reach.YEAR),))


def netherlands_kw_max(
    *, per_kw_max_month: Decimal, contracted_kw: Decimal, per_contracted_kw_month: Decimal
) -> DemandTariff:
    """Above 3 x 80 A: kW max of each month, and the contracted power.

    Exceeding the contract raises it from the first day of that month, for at least 12 months (Enexis, Westland Infra).
    """
    highest = DemandComponent("kW max", per_kw_max_month, 1, Reach.MONTH)
    contract = DemandComponent(
        "contracted power", per_contracted_kw_month, 1, Reach.TWELVE_MONTHS, least_kw=contracted_kw
    )
    return DemandTariff("netherlands_kw_max", (highest, contract))


def sweden_hourly(*, per_kw_month: Decimal) -> DemandTariff:
    """Mean of a month's three highest hours on different days; hours of 22 to 6 count half (Ellevio, from 2025)."""
    nights = BilledTimes(from_hour=22, to_hour=6, weight=_HALF)
    peak = DemandComponent("month peak", per_kw_month, 1, Reach.MONTH, (nights, ALWAYS), highest=3)
    return DemandTariff("sweden_hourly", (peak,), window_s=3600)


def sweden_daytime(*, per_kw_month_summer: Decimal, per_kw_month_winter: Decimal) -> DemandTariff:
    """Mean of a month's three highest hours, working days 7 to 19; April to October, November to March (SEOM)."""
    components = tuple(
        DemandComponent(
            name,
            price,
            1,
            Reach.MONTH,
            (BilledTimes(months, WORKING_DAYS, 7, 19, on_holidays=False),),
            highest=3,
            distinct_days=False,
        )
        for name, price, months in (
            ("month peak, summer", per_kw_month_summer, _SWEDISH_SUMMER),
            ("month peak, winter", per_kw_month_winter, _SWEDISH_WINTER),
        )
    )
    return DemandTariff("sweden_daytime", components, window_s=3600)


def contract(*, contracted_kw: Decimal, per_contracted_kw_month: Decimal, per_kw_above_month: Decimal) -> DemandTariff:
    """A power that is paid in any case, and a price for each kW by which a month's highest quarter-hour exceeds it."""
    fixed = DemandComponent(
        "contracted power", per_contracted_kw_month, 1, Reach.MONTH, _NO_TIMES, least_kw=contracted_kw
    )
    above = DemandComponent("above the contract", per_kw_above_month, 1, Reach.MONTH, free_kw=contracted_kw)
    return DemandTariff("contract", (fixed, above))


def california(*, facility_per_kw_month: Decimal, on_peak_per_kw_month: Decimal) -> DemandTariff:
    """Highest quarter-hour of the month at any time, and of summer's working days from 16 to 21 besides.

    As in Southern California Edison's TOU-GS and TOU-8 (facilities-related and time-related demand).
    """
    on_peak = BilledTimes(_SUMMER, WORKING_DAYS, 16, 21, on_holidays=False)
    facility = DemandComponent("facilities-related", facility_per_kw_month, 1, Reach.MONTH)
    time_related = DemandComponent("time-related, on-peak", on_peak_per_kw_month, 1, Reach.MONTH, (on_peak,))
    return DemandTariff("california", (facility, time_related))


MODELS: Final[Mapping[str, Callable[..., DemandTariff]]] = {
    model.__name__: model
    for model in (
        month_peak,
        flanders,
        germany_rlm,
        netherlands_kw_max,
        sweden_hourly,
        sweden_daytime,
        contract,
        california,
    )
}
"""By name; each takes its prices and powers as ``Decimal``, by keyword."""
