"""From valid tables to the objects that the service is built from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, get_args

from adapters.configuration.location_assembly import location_of
from adapters.configuration.meter_tables import (
    ModbusTcpMeterTable,
    MqttMeterTable,
    P1MeterTable,
    QuantitiesTable,
    SunSpecMeterTable,
)
from adapters.configuration.peak_assembly import (
    grid_operator_of,
    peak_of,
    price_lever_of,
    resources_of,
    surcharge_terms_of,
)
from adapters.configuration.places import Places
from adapters.configuration.plan_tables import LoadbalanceTable, NeedsTable
from adapters.configuration.service_tables import InfluxTable, OcppTable, WebTable
from adapters.configuration.settings import (
    Configuration,
    Influx,
    Listener,
    Meter,
    ModbusTcpMeter,
    MqttMeter,
    MqttQuantity,
    P1Meter,
    PlanSettings,
    Recording,
    TimeOfUse,
    User,
)
from adapters.configuration.tables import (
    CircuitTable,
    PointTable,
    SiteFile,
    SiteTable,
    StationTable,
    TariffsTable,
    UserTable,
)
from adapters.configuration.upstream_assembly import upstreams_of
from adapters.configuration.values import Weekday
from controller.ports.tokens import Token
from controller.site import WIRINGS, ChargingPoint, Circuit, Control, Site, Station, with_default_fallbacks
from controller.tariffs.book import OperatorTerms
from controller.tariffs.offers import Offer
from controller.tariffs.rated import Tax, TaxSource, TaxState
from controller.wishes import Group, Needs

_SQLITE: Final = "sqlite:///"
DEFAULT_CONTROL: Final = Control()
_WEEKDAYS: Final = get_args(Weekday)


def assembled(file: SiteFile, *, path: Path, environ: Mapping[str, str], places: Places) -> Configuration:
    """Build the configuration of a site file that has passed every check."""
    mqtt_url = file.mqtt.url if file.mqtt else None
    folder = path.absolute().parent
    site = site_of(file.site, file.circuits, file.points, file.stations, _control(file.loadbalance))
    return Configuration(
        path=path,
        site=site,
        meters=tuple(_meter(table, mqtt_url) for table in file.meters),
        tokens=tuple(Token(t.uid, t.description, t.blocked, t.valid_until, t.group, _needs(t)) for t in file.tokens),
        groups=tuple(Group(table.id, table.description, _needs(table)) for table in file.groups),
        passwords={t.id: secret for t in file.stations if (secret := _password(t, environ)) is not None},
        users=tuple(User(t.name, _password(t, environ) or "", t.role) for t in file.users),
        ocpp=_listener(file.ocpp, folder),
        web=_listener(file.web, folder),
        store_url=_store_url(file.store.url, folder),
        mqtt_url=mqtt_url,
        influx=_influx(file.influx, environ) if file.influx else None,
        recording=Recording(folder / file.recording.directory, file.recording.keep_days) if file.recording else None,
        price_per_kwh=file.tariffs.price_per_kwh,
        operator=_operator(file.tariffs, file.site.time_zone),
        location=location_of(file.site, file.location, file.stations),
        plan=_plan(file, folder) if file.plan and file.plan.enabled else None,
        peak=peak_of(file.peak),
        price_lever=price_lever_of(file.peak.price_lever),
        surcharge_terms=surcharge_terms_of(file.peak.price_lever),
        offers=_offers(file.tariffs),
        price_curves={table.id: folder / table.file for table in file.tariffs.curves},
        prices_by_mqtt=file.tariffs.mqtt,
        resources=resources_of(file.peak.resources),
        use_surplus=file.peak.use_surplus,
        grid_operator=grid_operator_of(file.peak.grid_operator, site, folder),
        upstreams=upstreams_of(file.upstreams, [point.id for point in site.points], folder, environ),
        places=places,
    )


def site_of(
    about: SiteTable,
    circuits: Iterable[CircuitTable],
    points: Sequence[PointTable],
    stations: Iterable[StationTable],
    control: Control = DEFAULT_CONTROL,
) -> Site:
    """Build the site of tables that have passed every check, with every fallback resolved."""
    site = Site(
        id=about.id,
        circuits=tuple(_circuit(table) for table in circuits),
        points=tuple(_point(table) for table in points),
        stations=tuple(Station(table.id, table.writes_per_day) for table in stations),
        name=about.name,
        time_zone=about.time_zone,
        currency=about.currency,
        nominal_voltage_v=about.nominal_voltage_v,
        control=control,
    )
    return with_default_fallbacks(site, [table.id for table in points if table.fallback_a is None])


def _control(table: LoadbalanceTable) -> Control:
    return Control(dwell_s=60.0 * table.turn_min)


def _needs(table: NeedsTable) -> Needs:
    return Needs(
        priority=table.priority,
        weight=table.weight,
        departs=table.departs,
        weekdays=_weekdays(table.weekdays),
        energy_wh=_wh(table.energy_kwh),
        least_wh=_wh(table.least_kwh),
    )


def _weekdays(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(sorted({_WEEKDAYS.index(name) for name in names}))


def _wh(energy_kwh: float | None) -> int | None:
    return None if energy_kwh is None else round(1000 * energy_kwh)


def _plan(file: SiteFile, folder: Path) -> PlanSettings:
    table = file.plan
    assert table is not None
    usual = Decimal(0) if file.tariffs.price_per_kwh is None else file.tariffs.price_per_kwh
    slot_s = 60.0 * table.slot_min
    return PlanSettings(
        slot_s=slot_s,
        slots=math.ceil(3600.0 * table.horizon_h / slot_s),
        every_s=60.0 * table.every_min,
        price_per_kwh=float(usual if table.price_per_kwh is None else table.price_per_kwh),
        time_of_use=tuple(
            TimeOfUse(row.begins, row.ends, _weekdays(row.weekdays) or tuple(range(7)), float(row.price_per_kwh))
            for row in table.time_of_use
        ),
        price_file=folder / table.price_file if table.price_file else None,
        unmet_per_kwh=table.unmet_per_kwh,
    )


def _operator(table: TariffsTable, time_zone: str) -> OperatorTerms:
    tax = None
    if table.tax_percent is not None:
        tax = Tax(TaxState.RATE if table.tax_percent else TaxState.ZERO, table.tax_percent, TaxSource.OPERATOR)
    return OperatorTerms(timedelta(hours=table.lead_time_h), tax, table.guests, time_zone)


def _offers(table: TariffsTable) -> Mapping[Offer, str]:
    named = {Offer.FLEXIBLE: table.flexible, Offer.FAST: table.fast}
    return {offer: tariff for offer, tariff in named.items() if tariff is not None}


def _circuit(table: CircuitTable) -> Circuit:
    return Circuit(**table.model_dump())


def _point(table: PointTable) -> ChargingPoint:
    written = table.model_dump()
    return ChargingPoint(**{**written, "phases": WIRINGS[table.phases], "fallback_a": table.fallback_a or 0.0})


def _meter(table: ModbusTcpMeterTable | SunSpecMeterTable | MqttMeterTable | P1MeterTable, broker: str | None) -> Meter:
    if isinstance(table, SunSpecMeterTable):
        return ModbusTcpMeter(table.id, table.host, table.port, table.unit, None, table.poll_s)
    if isinstance(table, ModbusTcpMeterTable):
        return ModbusTcpMeter(table.id, table.host, table.port, table.unit, table.model, table.poll_s)
    if isinstance(table, P1MeterTable):
        return P1Meter(table.id, table.host, table.port, table.device)
    return MqttMeter(table.id, table.url or broker or "", _quantities(table.quantities), table.timestamp_path)


def _quantities(table: QuantitiesTable | None) -> dict[str, MqttQuantity] | None:
    if table is None:
        return None
    named = {name: getattr(table, name) for name in type(table).model_fields}
    return {name: MqttQuantity(one.topic, one.path) for name, one in named.items() if one is not None}


def _password(table: StationTable | UserTable, environ: Mapping[str, str]) -> str | None:
    return environ[table.password_env] if table.password_env else table.password


def _listener(table: OcppTable | WebTable, folder: Path) -> Listener:
    return Listener(
        table.host,
        table.port,
        folder / table.tls_certificate if table.tls_certificate else None,
        folder / table.tls_key if table.tls_key else None,
    )


def _influx(table: InfluxTable, environ: Mapping[str, str]) -> Influx:
    return Influx(table.url, table.org, table.bucket, environ[table.token_env] if table.token_env else None)


def _store_url(url: str, folder: Path) -> str:
    if not url.startswith(_SQLITE):
        return url
    file, mark, options = url.removeprefix(_SQLITE).partition("?")
    return f"{_SQLITE}{folder / file}{mark}{options}"
