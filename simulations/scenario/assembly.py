"""From valid tables to a scenario: the dice are rolled here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.configuration.assembly import site_of
from adapters.configuration.tables import PointTable, SiteTable
from controller.site import Circuit, Site, static_rule
from controller.units import TOLERANCE_A
from simulations.scenario.calendar import DAY_S, Calendar
from simulations.scenario.checks import FINE_STEP_S, group_ids
from simulations.scenario.loads import building_of
from simulations.scenario.measured import Measured
from simulations.scenario.model import (
    DataNote,
    DemandCharge,
    Judging,
    MeterModel,
    Planning,
    PriceCurve,
    Scenario,
    TimedFault,
    TimedLimit,
)
from simulations.scenario.people import parked, stays_of
from simulations.scenario.prices import price_curve
from simulations.scenario.tables import GroupTable, ScenarioFile

GRID_METER = "grid"
LEAST_RECORD_S = 10.0
_THREE_PHASES = ("L1L2L3", "L2L3L1", "L3L1L2")
_ONE_PHASE = ("L1", "L2", "L3")


def calendar_of(file: ScenarioFile, *, short: bool) -> Calendar:
    """The horizon of a scenario, or of its short form, cut to whole rows of the results."""
    table, brief = file.scenario, file.short if short else None
    zone = ZoneInfo((file.site or SiteTable(id="site", name="")).time_zone)
    start = (brief.start if brief else None) or table.start
    hours = brief.hours if brief else table.hours
    length_s = 3600.0 * hours if hours else DAY_S * (table.days or 0.0)
    _, record_s = steps_of(file, short=short)
    return Calendar.of(start, record_s * int(length_s / record_s + 1e-9), zone)


def steps_of(file: ScenarioFile, *, short: bool) -> tuple[float, float]:
    """The length of a step, and of a row of the results, a multiple of it [s]."""
    step_s = (file.short.step_s if short and file.short else None) or file.scenario.step_s
    if file.scenario.record_s is None:
        return step_s, step_s * max(1, round(LEAST_RECORD_S / step_s))
    return step_s, step_s * max(1, round(file.scenario.record_s / step_s))


def assembled(
    file: ScenarioFile, calendar: Calendar, measured: Measured, *, seed: int | None, short: bool, path: Path
) -> Scenario:
    """Build the scenario of a file that has passed every check.

    Args:
        file: the tables.
        calendar: the horizon.
        measured: what was read from the files that it names.
        seed: in place of the file's.
        short: whether its short form is wanted.
        path: the file, for those who show where a scenario comes from.
    """
    seed = file.scenario.seed if seed is None else seed
    step_s, record_s = steps_of(file, short=short)
    site = _site(file)
    stays = [
        stay
        for table in file.people
        for stay in stays_of(table, measured.sessions_of(table, calendar, seed), file.cars, calendar, site, seed)
    ]
    visits, turned_away = parked(stays, site, seed)
    return Scenario(
        name=file.scenario.name,
        description=file.scenario.description,
        site=site,
        start_s=calendar.start_s,
        duration_s=calendar.duration_s,
        step_s=step_s,
        record_s=record_s,
        seed=seed,
        visits=visits,
        building=building_of(file.building, file.solar, measured.load, calendar, site.nominal_voltage_v, seed),
        price=_price(file, measured, calendar, seed),
        controller=file.scenario.controller or ("decide" if step_s <= FINE_STEP_S else "rules"),
        plan=_plan(file) if file.scenario.plan else None,
        demand=_demand(file, measured, calendar),
        turned_away=turned_away,
        limits=tuple(_limits(file, calendar)),
        faults=tuple(_faults(file, calendar)),
        meter=MeterModel(file.meter.noise_a, file.meter.latency_s, file.meter.poll_s),
        temperaments=_temperaments(file, site),
        judging=Judging(
            file.judging.bound, tuple(file.judging.policies), file.judging.seeds, file.judging.unmet_per_kwh
        ),
        notes=(*measured.notes, *_warnings(site)),
        path=path,
    )


def _site(file: ScenarioFile) -> Site:
    points = [*file.points, *(point for group in file.groups for point in _members(group))]
    site = site_of(file.site or SiteTable(id="site", name=""), file.circuits, points, file.stations)
    return replace(site, circuits=tuple(_metered(site.circuits)))


def _metered(circuits: Iterable[Circuit]) -> Iterable[Circuit]:
    """The grid connection has a meter, whether or not the file names it."""
    for circuit in circuits:
        lacks = circuit.parent is None and circuit.meter is None
        yield replace(circuit, meter=GRID_METER) if lacks else circuit


def _members(group: GroupTable) -> Iterable[PointTable]:
    turns: Sequence[str] = {"rotated": _THREE_PHASES, "single": _ONE_PHASE}.get(group.phases, (group.phases,))
    for number, name in enumerate(group_ids(group.id, group.count)):
        yield PointTable(
            id=name,
            circuit=group.circuit,
            station=name,
            connector=1,
            phases=turns[number % len(turns)],
            min_a=group.min_a,
            max_a=group.max_a,
            fallback_a=group.fallback_a,
            priority=group.priority,
            weight=group.weight,
        )


def _price(file: ScenarioFile, measured: Measured, calendar: Calendar, seed: int) -> PriceCurve:
    if measured.tariff is not None:
        return measured.tariff.prices(calendar.start_s, calendar.duration_s, calendar.zone)
    return price_curve(file.prices, file.periods, measured.prices, calendar, seed)


def _demand(file: ScenarioFile, measured: Measured, calendar: Calendar) -> DemandCharge | None:
    if measured.tariff is not None:
        return measured.tariff.demand(calendar.start_s, calendar.zone)
    return DemandCharge(file.demand.per_kw, 60.0 * file.demand.window_min) if file.demand else None


def _plan(file: ScenarioFile) -> Planning:
    table = file.plan
    return Planning(
        slot_s=60.0 * table.slot_min,
        horizon_s=3600.0 * table.horizon_h,
        exact=table.minimum == "exact",
        peak=table.peak,
        peak_hint_kw=table.peak_hint_kw,
        early_s=60.0 * table.early_min,
    )


def _limits(file: ScenarioFile, calendar: Calendar) -> Iterable[TimedLimit]:
    for table in file.limits:
        begins_s = calendar.seconds(table.begins)
        ends_s = begins_s + table.lasts_s
        yield TimedLimit(table.circuit, table.limit_w, table.source, begins_s, ends_s, table.charging_only)


def _faults(file: ScenarioFile, calendar: Calendar) -> Iterable[TimedFault]:
    for table in file.faults:
        begins_s = calendar.seconds(table.begins)
        yield TimedFault(table.kind, begins_s, begins_s + table.lasts_s, table.point, table.current_a)


def _temperaments(file: ScenarioFile, site: Site) -> dict[str, str]:
    tables = ((point.id, table) for table in file.chargers for point in site.points)
    return {point: table.temperament for point, table in tables if _named(point, table.points)}


def _named(point: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(point, pattern) for pattern in patterns)


def _warnings(site: Site) -> Iterable[DataNote]:
    broken = [load for load in static_rule(site) if load.excess_a > TOLERANCE_A]
    if broken:
        worst = max(broken, key=lambda load: load.excess_a)
        rule = f"simulated all the same; {worst.circuit} {worst.phase} exceeds its fuse by {worst.excess_a:.1f} A"
        yield DataNote("site", "breaks the static rule: the service would not start with it", len(broken), rule)
