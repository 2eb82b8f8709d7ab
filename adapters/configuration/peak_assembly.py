"""From the tables of ``[peak]`` to what the service is built from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from adapters.configuration.grid_operator_tables import GridOperatorTable, InputTable, Paragraph14aTable, SourceTable
from adapters.configuration.peak_tables import PeakTable, PriceLeverTable, ResourceTable
from adapters.configuration.settings import GridOperator, LimitInput, Resource
from controller.peakshave.catalogue import MODELS
from controller.peakshave.grid_operator import Source
from controller.peakshave.paragraph_14a import DEVICE_W, least_power_w
from controller.peakshave.peak_facts import PeakTerms
from controller.peakshave.price_lever import LeverTerms
from controller.site import Site
from controller.tariffs.offers import SurchargeTerms

SCHEDULE: Final = "schedule"
"""The source of what stands in the schedule file."""
_USUAL: Final = GridOperatorTable(release_min=0.0)


def peak_of(table: PeakTable) -> PeakTerms | None:
    """What demand costs, and what is aimed at; None where it costs nothing."""
    if table.tariff is None:
        return None
    return PeakTerms(
        tariff=MODELS[table.tariff](**table.prices),
        target_kw=table.target_kw,
        expected_kw=table.expected_kw,
        caution=table.caution,
        holidays=frozenset(table.holidays),
    )


def price_lever_of(table: PriceLeverTable | None) -> LeverTerms | None:
    """When the published price is raised; None: never."""
    if table is None:
        return None
    return LeverTerms(table.surcharge_per_kwh, table.near, 60.0 * table.least_min)


def surcharge_terms_of(table: PriceLeverTable | None) -> SurchargeTerms:
    """What a raised price costs sessions that begin."""
    if table is None:
        return SurchargeTerms()
    return SurchargeTerms(table.start_fee, timedelta(minutes=table.notice_min))


def resources_of(tables: Iterable[ResourceTable]) -> tuple[Resource, ...]:
    """The plants and batteries of the site."""
    return tuple(Resource(**table.model_dump()) for table in tables)


def grid_operator_of(table: GridOperatorTable | None, site: Site, folder: Path) -> GridOperator:
    """Who may set limits, and how they end."""
    table = table or _USUAL
    connection = next(circuit.id for circuit in site.circuits if circuit.parent is None)
    law = table.paragraph_14a or Paragraph14aTable(devices=None)
    floor_w = DEVICE_W if law.per_device else _floor_w(law, site)
    said = table.sources or [SourceTable(id="grid_operator")]
    sources = {one.id: _source(one, floor_w, connection, law) for one in said}
    for row in table.inputs:
        sources.setdefault(row.source, Source(row.source))
    if table.schedule_file is not None:
        sources[SCHEDULE] = Source(SCHEDULE)
    return GridOperator(
        sources=tuple(sources.values()),
        rest=frozenset(one.id for one in said if "rest" in one.by),
        mqtt=next((one.id for one in said if "mqtt" in one.by), None),
        release_s=60.0 * table.release_min,
        start_delay_s=table.start_delay_s,
        inputs=tuple(_input(row, connection) for row in table.inputs),
        schedule_file=folder / table.schedule_file if table.schedule_file is not None else None,
    )


def _floor_w(law: Paragraph14aTable, site: Site) -> float:
    """What dimming leaves to the charging points [W]."""
    devices = law.devices or max(1, len(site.points))
    least_w = least_power_w(devices, 1000.0 * law.heat_pumps_kw, 1000.0 * law.air_conditioners_kw)
    return max(0.0, least_w - 1000.0 * law.others_kw)


def _source(table: SourceTable, floor_w: float, connection: str, law: Paragraph14aTable) -> Source:
    return Source(
        table.id,
        floor_w=floor_w if table.paragraph_14a else 0.0,
        charging_only=table.paragraph_14a,
        per_point=table.paragraph_14a and law.per_device,
        surplus_on_top=table.paragraph_14a and law.surplus_on_top,
        silent_s=table.silent_s,
        fail_safe_w=table.fail_safe_w,
        fail_safe_circuit=table.fail_safe_circuit or connection,
    )


def _input(table: InputTable, connection: str) -> LimitInput:
    return LimitInput(**{**table.model_dump(), "circuit": table.circuit or connection})
