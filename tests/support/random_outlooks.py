"""Random outlooks: odd sites, wishes that contradict each other, prices below zero, backgrounds above the fuse."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np

from controller.loadbalance.horizon.outlook import CarOutlook, Demand, DemandPart, Outlook, PowerBound
from controller.site import ChargingPoint, Site
from tests.support.random_sites import AT, random_site


def random_outlook(rng: random.Random, site: Site | None = None) -> Outlook:
    site = site or random_site(rng)
    slots, slot_s = rng.randint(1, 10), rng.choice([300.0, 900.0, 3600.0])
    numbers = np.random.default_rng(rng.randrange(2**31))
    background = numbers.uniform(-5, rng.choice([5, 30, 70]), (slots, len(site.circuits), 3))
    price = numbers.choice([0.1, 0.2, 0.3], slots) if rng.random() < 0.5 else numbers.uniform(-0.1, 0.5, slots)
    at = AT + timedelta(seconds=rng.choice([0.0, 0.4 * slot_s]))
    cars = [car for point in site.points if rng.random() < 0.7 for car in _cars(rng, point, slots * slot_s)]
    rng.shuffle(cars)
    return Outlook(
        site=site,
        at=at,
        begins_at=AT,
        slot_s=slot_s,
        price_per_kwh=price,
        background_a=background,
        cars=tuple(cars),
        demand=_demand(rng, slots) if rng.random() < 0.6 else None,
        bounds=tuple(_bound(rng, site, slots) for _ in range(rng.choice([0, 0, 1, 2]))),
        unmet_per_kwh=rng.choice([0.0, 1.0, 50.0]),
    )


def _cars(rng: random.Random, point: ChargingPoint, horizon_s: float) -> list[CarOutlook]:
    """One that is there, and perhaps one that comes when it has gone."""
    leaves = AT + timedelta(seconds=rng.uniform(-0.1, 1.3) * horizon_s)
    energy_wh = rng.choice([0.0, rng.uniform(10, 300), rng.uniform(300, 60000)])
    here = CarOutlook(
        point=point.id,
        phases=point.phases if rng.random() < 0.7 else point.phases[:1],
        min_a=min(point.min_a, point.max_a),
        max_a=point.max_a * rng.choice([1.0, 0.8]),
        energy_wh=energy_wh,
        departs_at=leaves,
        least_wh=rng.choice([0.0, 0.0, energy_wh / 3, 2 * energy_wh]),
        priority=rng.choice([0, 0, 0, 2, 7]),
        eager=rng.random() < 0.1,
        ready_at=leaves - timedelta(seconds=rng.uniform(0.0, 0.4) * horizon_s) if rng.random() < 0.5 else None,
    )
    arrives = leaves + timedelta(seconds=rng.uniform(0.01, 0.3) * horizon_s)
    stays = timedelta(seconds=rng.uniform(0.05, 0.5) * horizon_s)
    next_one = CarOutlook(point.id, point.phases, 6.0, point.max_a, 5000.0, arrives + stays, arrives_at=arrives)
    return [here, next_one] if rng.random() < 0.2 else [here]


def _demand(rng: random.Random, slots: int) -> Demand:
    parts = [_part(rng, slots) for _ in range(rng.choice([1, 1, 2, 3]))]
    return Demand(tuple(parts), window_slots=rng.choice([1, 1, 3]), drawn_kwh=rng.choice([0.0, 1.0]))


def _part(rng: random.Random, slots: int) -> DemandPart:
    """Billed always, or now and then, or not in these hours."""
    weights = [rng.choice([0.0, 0.0, 0.5, 1.0]) for _ in range(slots + 2)] if rng.random() < 0.5 else []
    return DemandPart(rng.choice([0.5, 10.0]), rng.choice([0.0, 5.0, 20.0]), tuple(weights))


def _bound(rng: random.Random, site: Site, slots: int) -> PowerBound:
    limits = [rng.choice([np.inf, rng.uniform(0, 30000)]) for _ in range(slots)]
    return PowerBound(rng.choice(site.circuits).id, np.array(limits))
