"""Turns what the controller knows into what the API answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from adapters.live import History, KeptEvent, Live
from adapters.web import models
from adapters.web.answer import PhaseValues
from adapters.web.peak_view import demand_view
from adapters.web.prices import price_view
from controller.explain import Insight, Turn, explain, insights, sentence
from controller.loadbalance.wiring import Suspicion
from controller.ports.ledger import SessionRecord
from controller.ports.tick import CircuitState, Tick, UpstreamState
from controller.ports.transactions import NO_REGISTER_WH
from controller.site import ChargingPoint, Circuit, Site
from controller.snapshot import PointState, Snapshot, State
from controller.units import PHASE_NAMES, Phases

BEFORE_THE_FIRST_TICK = PointState(state=State.OFFLINE)
"""Nothing is known yet, so nothing is claimed."""


def _register(told_wh: int | None) -> int | None:
    return None if told_wh == NO_REGISTER_WH else told_wh


def session_view(record: SessionRecord) -> models.Session:
    """One session as the API shows it."""
    return models.Session(
        id=record.id,
        station=record.station,
        point=record.point,
        connector=record.connector,
        transaction_id=record.transaction_id,
        token=record.token,
        state=models.SessionState.RUNNING if record.running else models.SessionState.ENDED,
        started_at=record.started_at,
        ended_at=record.ended_at,
        start_wh=_register(record.start_wh),
        end_wh=_register(record.end_wh),
        energy_wh=record.energy_wh,
        cost=record.cost,
        currency=record.currency,
        stop_reason=record.stop_reason,
        review_flags=record.review_flags,
    )


def point_view(site: Site, point: ChargingPoint, tick: Tick | None) -> models.Point:
    """One charging point as the API shows it."""
    known = _insights(site, tick)
    return _point_view(site, point, tick, known.get(point.id))


def points_view(site: Site, tick: Tick | None) -> tuple[models.Point, ...]:
    """All charging points as the API shows them."""
    known = _insights(site, tick)
    return tuple(_point_view(site, point, tick, known.get(point.id)) for point in site.points)


def _point_view(site: Site, point: ChargingPoint, tick: Tick | None, known: Insight | None) -> models.Point:
    state = BEFORE_THE_FIRST_TICK if tick is None else tick.points.get(point.id, PointState())
    setpoint = None if tick is None else tick.plan.setpoints.get(point.id)
    session = None if tick is None else tick.sessions.get(point.id)
    return models.Point(
        id=point.id,
        station=point.station,
        connector=point.connector,
        circuit=point.circuit,
        phases=tuple(PHASE_NAMES[phase] for phase in point.phases),
        max_a=point.max_a if state.max_a is None else min(point.max_a, state.max_a),
        min_a=point.min_a,
        fallback_a=point.fallback_a,
        online=state.state is not State.OFFLINE,
        state=state.state,
        measured_a=_rounded(state.measured_a),
        measured_at=state.measured_at,
        limit_a=None if setpoint is None else setpoint.limit_a,
        because=None if setpoint is None else setpoint.because,
        why=None if tick is None or tick.turn is None else sentence(site, tick.turn, point.id),
        valid_until=None if setpoint is None else setpoint.valid_until,
        commanded_a=state.commanded_a,
        session=None if session is None else session_view(session),
        need=_need_view(state, known),
        advice=None if tick is None or tick.turn is None else _advice_view(point.id, tick.turn.snapshot),
        learned=None if known is None else _learned_view(known),
        waiting_s=None if known is None or known.waiting_s is None else round(known.waiting_s, 1),
        compliance=None if known is None else known.remedy.value if known.remedy else "obeys",
        wiring=None if known is None or known.suspicion is None else _wiring_view(known.suspicion),
    )


def explanation_view(site: Site, point: str, turn: Turn) -> models.Explanation:
    """Why a point has its limit, as the API shows it."""
    found = explain(site, turn, point)
    return models.Explanation(
        point=point,
        at=turn.snapshot.at,
        sentence=sentence(site, turn, point),
        limit_a=found.limit_a,
        because=found.because,
        reasons=tuple(models.Reason(topic=r.topic, text=r.text, numbers=dict(r.numbers)) for r in found.reasons),
    )


def site_view(site: Site, live: Live, version: str) -> models.SiteState:
    """The whole site as the API shows it."""
    tick, fairness = live.latest(), live.fairness()
    return models.SiteState(
        id=site.id,
        name=site.name or site.id,
        time_zone=site.time_zone,
        currency=site.currency,
        nominal_voltage_v=site.nominal_voltage_v,
        version=version,
        at=None if tick is None else tick.at,
        decide_s=None if tick is None else tick.decide_s,
        last_event=live.last_event_number(),
        circuits=tuple(_circuit_view(circuit, tick) for circuit in site.circuits),
        points=points_view(site, tick),
        fairness=models.Fairness(
            jain_index=None if fairness.jain_index is None else round(fairness.jain_index, 4),
            longest_wait_s=round(fairness.longest_wait_s, 1),
            longest_wait_point=fairness.longest_wait_point,
        ),
        peak=None if tick is None else demand_view(tick.peak),
        resources=() if tick is None else _resources(tick),
        price=None if tick is None else price_view(tick.price),
        upstreams=() if tick is None else tuple(_upstream_view(state, tick) for state in tick.upstreams),
    )


def event_view(kept: KeptEvent) -> models.SiteEvent:
    """One event as the API shows it."""
    return models.SiteEvent(
        number=kept.number,
        kind=kept.event.kind,
        subject=kept.event.subject,
        message=kept.event.message,
        severity=kept.event.severity,
        first_at=kept.first_at,
        at=kept.last_at,
        count=kept.count,
    )


def history_view(circuit: str, history: History) -> models.HistoryAnswer:
    """The recent past as the API shows it."""
    return models.HistoryAnswer(
        circuit=circuit,
        at=[int(at) for at in history.at],
        current_a=_columns(history.current_a),
        charging_a=_columns(history.charging_a),
    )


def reading_age_s(meter: str, tick: Tick) -> float | None:
    """How old the meter's last good reading was at that turn of the loop [s]; None when there was none."""
    reading = tick.meters.get(meter)
    return None if reading is None else max(0.0, (tick.at - reading.measured_at).total_seconds())


def _insights(site: Site, tick: Tick | None) -> Mapping[str, Insight]:
    return {} if tick is None or tick.turn is None else insights(site, tick.turn)


def _need_view(state: PointState, known: Insight | None) -> models.Need | None:
    if state.energy_needed_wh is None and state.departs_at is None:
        return None
    return models.Need(
        energy_wh=state.energy_needed_wh,
        least_wh=state.least_needed_wh,
        departs_at=state.departs_at,
        shortfall_wh=0 if known is None else round(known.shortfall_wh),
    )


def _advice_view(point: str, snapshot: Snapshot) -> models.Advice | None:
    advice = snapshot.advice
    slot = None if advice is None else advice.slot(snapshot.at)
    if advice is None or slot is None or point not in advice.points:
        return None
    said = advice.points[point]
    return models.Advice(
        target_a=round(said.target_a[slot], 2),
        cap_a=said.cap_a[slot],
        because=said.because,
        until=advice.begins_at + timedelta(seconds=(slot + 1) * advice.slot_s),
        made_at=advice.made_at,
    )


def _learned_view(known: Insight) -> models.Learned | None:
    if known.takes_a is None and known.uses is None and known.needs_a is None:
        return None
    return models.Learned(
        takes_a=None if known.takes_a is None else round(known.takes_a, 1),
        phases=None if known.uses is None else tuple(PHASE_NAMES[phase] for phase in known.uses),
        needs_a=None if known.needs_a is None else round(known.needs_a, 1),
    )


def _wiring_view(suspicion: Suspicion) -> models.Wiring:
    return models.Wiring(
        configured=suspicion.configured,
        suggested=suspicion.suggested,
        or_else=suspicion.or_else,
        confidence=round(suspicion.confidence, 2),
    )


def _circuit_view(circuit: Circuit, tick: Tick | None) -> models.Circuit:
    state: CircuitState | None = None if tick is None else tick.circuits.get(circuit.id)
    age_s = None if tick is None or circuit.meter is None else reading_age_s(circuit.meter, tick)
    return models.Circuit(
        id=circuit.id,
        parent=circuit.parent,
        fuse_a=circuit.fuse_a,
        margin_a=circuit.margin_a,
        contract_w=circuit.contract_w,
        current_a=None if state is None else _rounded(state.current_a),
        background_a=None if state is None else _rounded(state.background_a),
        charging_a=None if state is None else _rounded(state.charging_a),
        headroom_a=None if state is None else _rounded(state.headroom_a),
        warmth=None if state is None else _rounded(state.warmth, 3),
        limits=_limits(circuit, tick),
        meter=circuit.meter,
        fresh=state is not None and state.fresh,
        reading_age_s=None if age_s is None else round(age_s, 1),
    )


def _resources(tick: Tick) -> tuple[models.Resource, ...]:
    return tuple(
        models.Resource(
            id=name,
            kind=state.kind,
            meter=state.meter,
            power_w=None if state.power_w is None else round(state.power_w, 1),
        )
        for name, state in tick.resources.items()
    )


def _upstream_view(state: UpstreamState, tick: Tick) -> models.Upstream:
    oldest_s = None if state.oldest_at is None else max(0.0, (tick.at - state.oldest_at).total_seconds())
    return models.Upstream(
        upstream=state.upstream,
        station=state.station,
        points=state.points,
        mode="hub" if state.hub else "forward",
        role="by_token" if state.by_token else "primary" if state.primary else "secondary",
        connected=state.connected,
        ready=state.ready,
        trouble=state.trouble,
        waiting=state.waiting,
        oldest_at=state.oldest_at,
        oldest_s=None if oldest_s is None else round(oldest_s, 1),
        set_aside=state.set_aside,
    )


def _limits(circuit: Circuit, tick: Tick | None) -> tuple[models.PowerLimit, ...]:
    counting = () if tick is None or tick.turn is None else tick.turn.snapshot.limits
    return tuple(
        models.PowerLimit(
            limit_w=round(one.limit_w, 1),
            source=one.source,
            charging_only=one.charging_only,
            per_point=one.per_point,
        )
        for one in counting
        if one.circuit == circuit.id
    )


def _rounded(phases: Phases | None, decimals: int = 2) -> PhaseValues | None:
    """Centiamperes: below what any meter here can tell, and a third of the bytes."""
    if phases is None:
        return None
    return round(phases[0], decimals), round(phases[1], decimals), round(phases[2], decimals)


def _columns(
    samples: NDArray[np.float32],
) -> tuple[list[float | None], list[float | None], list[float | None]]:
    """One list per phase, with null for what was not known (JSON has no NaN)."""
    tenths = np.round(samples.astype(float), 1)
    columns = np.where(np.isnan(tenths), None, tenths)  # type: ignore[call-overload]
    return list(columns[:, 0]), list(columns[:, 1]), list(columns[:, 2])
