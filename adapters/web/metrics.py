"""What Prometheus scrapes: names and units after its naming practice, and no people or tokens as labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from adapters.live import Live, Tally
from adapters.web.view import reading_age_s
from controller.explain import Turn, insights
from controller.peakshave.peak_facts import PeakStatus
from controller.peakshave.price_lever import PriceLevel
from controller.plan import Remedy
from controller.ports.tick import PriceNow, Tick
from controller.site import Site
from controller.snapshot import PointState, State
from controller.units import PHASE_NAMES

_REMEDIES: Final = tuple(Remedy)


def registry(site: Site, live: Live, version: str) -> CollectorRegistry:
    """All metrics of one site, gathered when they are asked for."""
    collected = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=collected)
    collected.register(SiteCollector(site, live, version))
    return collected


class SiteCollector(Collector):
    """Turns the newest tick and the counters into metrics."""

    def __init__(self, site: Site, live: Live, version: str) -> None:
        self._site = site
        self._live = live
        self._version = version

    def collect(self) -> Iterator[Metric]:
        """Every metric of the site."""
        build = InfoMetricFamily("loadstar_build", "What is running.")
        build.add_metric([], {"version": self._version, "site": self._site.id})
        yield build
        yield from self._counters()
        tick, age_s = self._live.latest(), self._live.age_s()
        if tick is not None and age_s is not None:
            yield GaugeMetricFamily("loadstar_tick_age_seconds", "Since the newest turn of the control loop.", age_s)
            yield from self._circuits(tick)
            yield from self._points(tick)
            if tick.turn is not None:
                yield from self._insights(tick.turn)
            if tick.peak is not None:
                yield from self._demand(tick.peak)
            yield self._resources(tick)
            yield from self._upstreams(tick)
            if tick.price is not None:
                yield from self._price(tick.price)
            yield self._reading_ages(tick, age_s)

    def _counters(self) -> Iterator[Metric]:
        counted = self._live.counters()
        yield CounterMetricFamily("loadstar_ticks", "Turns of the control loop.", counted.ticks)
        yield _histogram("loadstar_decide_seconds", "How long a decision took.", counted.decide)
        yield _histogram(
            "loadstar_reaction_seconds", "From a plan to the last charger's answer to it.", counted.reaction
        )
        yield CounterMetricFamily("loadstar_limits_changed", "Limits sent to chargers.", counted.changed_limits)
        yield CounterMetricFamily("loadstar_limits_accepted", "Limits accepted by chargers.", counted.accepted_limits)
        events = CounterMetricFamily("loadstar_events", "Events reported.", labels=["kind"])
        for kind, count in sorted(counted.events.items()):
            events.add_metric([kind], count)
        yield events
        fairness = self._live.fairness()
        if fairness.jain_index is not None:
            text = "Jain's index of the last 24 h over the share of its wanted time for which each point was admitted."
            yield GaugeMetricFamily("loadstar_fairness_jain_index", text, fairness.jain_index)
        text = "The longest that a car waited to be admitted in the last 24 h."
        yield GaugeMetricFamily("loadstar_longest_wait_seconds", text, fairness.longest_wait_s)

    def _circuits(self, tick: Tick) -> Iterator[Metric]:
        labels = ["circuit", "phase"]
        current = GaugeMetricFamily("loadstar_circuit_current_amperes", "Current, import positive.", labels=labels)
        charging = GaugeMetricFamily("loadstar_circuit_charging_amperes", "Drawn by charging points.", labels=labels)
        headroom = GaugeMetricFamily(
            "loadstar_circuit_headroom_amperes", "Fuse less margin less current.", labels=labels
        )
        fuse = GaugeMetricFamily("loadstar_circuit_fuse_amperes", "Rating of the protection device.", labels=labels)
        text = "How near its device is to opening: 0 is cold, 1 is open."
        warmth = GaugeMetricFamily("loadstar_circuit_warmth_ratio", text, labels=labels)
        allowed = GaugeMetricFamily(
            "loadstar_circuit_limit_watts",
            "What others allow.",
            labels=["circuit", "source", "charging_only", "per_point"],
        )
        for limit in () if tick.turn is None else tick.turn.snapshot.limits:
            kind = [str(limit.charging_only).lower(), str(limit.per_point).lower()]
            allowed.add_metric([limit.circuit, limit.source, *kind], limit.limit_w)
        fresh = GaugeMetricFamily("loadstar_circuit_fresh", "1 while its meter is believed.", labels=["circuit"])
        for circuit in self._site.circuits:
            state = tick.circuits.get(circuit.id)
            fresh.add_metric([circuit.id], float(state is not None and state.fresh))
            for phase, name in enumerate(PHASE_NAMES):
                fuse.add_metric([circuit.id, name], circuit.fuse_a[phase])
                if state is not None:
                    headroom.add_metric([circuit.id, name], state.headroom_a[phase])
                    warmth.add_metric([circuit.id, name], state.warmth[phase])
                if state is not None and state.current_a is not None and state.charging_a is not None:
                    current.add_metric([circuit.id, name], state.current_a[phase])
                    charging.add_metric([circuit.id, name], state.charging_a[phase])
        yield from (current, charging, headroom, fuse, warmth, allowed, fresh)

    def _points(self, tick: Tick) -> Iterator[Metric]:
        limit = GaugeMetricFamily("loadstar_point_limit_amperes", "What it may draw per phase.", labels=["point"])
        current = GaugeMetricFamily("loadstar_point_current_amperes", "What it draws.", labels=["point", "phase"])
        number = GaugeMetricFamily("loadstar_points", "Charging points by state.", labels=["state"])
        states: Counter[State] = Counter()
        for point in self._site.points:
            state = tick.points.get(point.id, PointState())
            states[state.state] += 1
            if point.id in tick.plan.setpoints:
                limit.add_metric([point.id], tick.plan.setpoints[point.id].limit_a)
            for phase, value_a in zip(PHASE_NAMES, state.measured_a or (), strict=False):
                current.add_metric([point.id, phase], value_a)
        for each in State:
            number.add_metric([each.value], states[each])
        running = GaugeMetricFamily("loadstar_sessions_running", "Sessions that go on.", len(tick.sessions))
        yield from (limit, current, number, running)

    def _insights(self, turn: Turn) -> Iterator[Metric]:
        """What the points have shown; those that have shown nothing out of the ordinary are left out of most."""
        labels = ["point"]
        stage = GaugeMetricFamily(
            "loadstar_point_compliance_stage", "0 while its charger obeys; else which remedy, 1 to 5.", labels=labels
        )
        waiting = GaugeMetricFamily("loadstar_point_waiting_seconds", "How long its car has waited.", labels=labels)
        lacking = GaugeMetricFamily(
            "loadstar_point_shortfall_watt_hours", "What its driver will lack at the departure.", labels=labels
        )
        takes = GaugeMetricFamily("loadstar_point_car_maximum_amperes", "The most that its car takes.", labels=labels)
        phases = GaugeMetricFamily("loadstar_point_car_phases", "On how many phases its car draws.", labels=labels)
        wiring = GaugeMetricFamily(
            "loadstar_point_wiring_suspicion_ratio", "How sure it is that it is wired otherwise.", labels=labels
        )
        for point, known in insights(self._site, turn).items():
            stage.add_metric([point], 0 if known.remedy is None else 1 + _REMEDIES.index(known.remedy))
            waiting.add_metric([point], known.waiting_s or 0.0)
            lacking.add_metric([point], known.shortfall_wh)
            if known.takes_a is not None:
                takes.add_metric([point], known.takes_a)
            if known.uses is not None:
                phases.add_metric([point], len(known.uses))
            if known.suspicion is not None:
                wiring.add_metric([point], known.suspicion.confidence)
        yield from (stage, waiting, lacking, takes, phases, wiring)

    def _demand(self, peak: PeakStatus) -> Iterator[Metric]:
        """The running demand window; what it has not got (a target, an allowance) has no sample."""
        window = peak.window
        figures: tuple[tuple[str, str, float | None], ...] = (
            ("window_begin_timestamp_seconds", "When the demand window began.", window.begins_at.timestamp()),
            ("window_seconds", "How long the demand window is.", window.length_s),
            ("window_passed_seconds", "How much of it has passed.", peak.passed_s),
            ("window_energy_watt_hours", "Import minus export since it began.", window.energy_wh),
            ("window_projected_watts", "Its mean power if all goes on as it does now.", peak.projected_w),
            ("window_marks", "How many things went wrong in it.", len(window.marks)),
            ("billed", "1 while demand can cost anything.", float(peak.billed)),
            ("target_watts", "What the window is held at.", peak.target_w),
            ("allowed_watts", "What charging may draw now.", peak.allowed_w),
            ("month_peak_watts", "The highest window of the month that has ended.", peak.month_peak_w),
            ("paid_watts", "The peak that is paid for already.", peak.floor_w),
        )
        for name, text, value in figures:
            if value is not None:
                yield GaugeMetricFamily(f"loadstar_demand_{name}", text, value)
        text = "By how much the accounting year's bill is lower than without control."
        saved = GaugeMetricFamily("loadstar_demand_saved", text, labels=["currency"])
        saved.add_metric([self._site.currency], float(peak.saved))
        yield saved

    def _resources(self, tick: Tick) -> Metric:
        """What plants and batteries take and give; one that is not measured now has no sample."""
        text = "Taken from the site by its plants and batteries, negative while they give."
        power = GaugeMetricFamily("loadstar_resource_power_watts", text, labels=["resource", "kind"])
        for name, state in tick.resources.items():
            if state.power_w is not None:
                power.add_metric([name, state.kind], state.power_w)
        return power

    def _upstreams(self, tick: Tick) -> Iterator[Metric]:
        """Each station of each back office."""
        labels = ["upstream", "station"]
        connected = GaugeMetricFamily("loadstar_upstream_connected", "1 while it is connected.", labels=labels)
        ready = GaugeMetricFamily("loadstar_upstream_ready", "1 while messages pass.", labels=labels)
        waiting = GaugeMetricFamily("loadstar_upstream_waiting", "Messages it is still to be told.", labels=labels)
        text = "Since what it is to be told first has happened; 0: nothing waits."
        oldest = GaugeMetricFamily("loadstar_upstream_oldest_seconds", text, labels=labels)
        text = "Messages it has refused too often."
        set_aside = GaugeMetricFamily("loadstar_upstream_set_aside", text, labels=labels)
        for state in tick.upstreams:
            place = [state.upstream, state.station]
            age_s = 0.0 if state.oldest_at is None else max(0.0, (tick.at - state.oldest_at).total_seconds())
            connected.add_metric(place, float(state.connected))
            ready.add_metric(place, float(state.ready))
            waiting.add_metric(place, state.waiting)
            oldest.add_metric(place, age_s)
            set_aside.add_metric(place, state.set_aside)
        yield from (connected, ready, waiting, oldest, set_aside)

    def _price(self, price: PriceNow) -> Iterator[Metric]:
        """What a kWh costs; a price that never changes has no level."""
        signal, labels = price.signal, ["currency"]
        more = None if signal is None else signal.surcharge_per_kwh
        amounts = (
            ("per_kwh", "What a kWh costs now.", price.per_kwh),
            ("surcharge_per_kwh", "What it costs more than usual.", more),
        )
        for name, text, amount in amounts:
            if amount is not None:
                family = GaugeMetricFamily(f"loadstar_price_{name}", text, labels=labels)
                family.add_metric([self._site.currency], float(amount))
                yield family
        if signal is not None:
            high = float(signal.level is PriceLevel.HIGH)
            yield GaugeMetricFamily("loadstar_price_high", "1 while the price is raised for the peak.", high)

    def _reading_ages(self, tick: Tick, tick_age_s: float) -> Metric:
        ages = GaugeMetricFamily("loadstar_reading_age_seconds", "Age of the last good reading.", labels=["meter"])
        for meter in sorted({circuit.meter for circuit in self._site.circuits if circuit.meter is not None}):
            age_s = reading_age_s(meter, tick)
            if age_s is not None:
                ages.add_metric([meter], age_s + tick_age_s)
        return ages


def _histogram(name: str, text: str, tally: Tally) -> Metric:
    buckets = [("+Inf" if math.isinf(bound) else str(bound), count) for bound, count in tally.cumulative()]
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=tally.total_s)
