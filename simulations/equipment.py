"""The equipment of a scenario's site, as both depths play it."""

from __future__ import annotations

import copy
import random
from typing import Final

from controller.units import Phases
from simulations.chargers import ChargingStation
from simulations.connectors import Connector, random_model
from simulations.scenario.model import Scenario
from simulations.temperaments import TEMPERAMENTS
from simulations.world import World

LEAD_S: Final = 20.0
"""For so long the service has been running when a scenario begins: it knows its meters, and chargers their defaults."""


def meter_error_a(seed: int, meter: str, poll: int, noise_a: float) -> Phases:
    """By how much a meter is wrong at a poll [A]: the same in both depths, whatever else happens in them.

    Args:
        seed: of the scenario.
        meter: its name.
        poll: the number of the poll, counted from the beginning of the scenario.
        noise_a: standard deviation [A].
    """
    dice = random.Random(f"meter-{seed}-{meter}-{poll}")
    return dice.gauss(0.0, noise_a), dice.gauss(0.0, noise_a), dice.gauss(0.0, noise_a)


def world_of(scenario: Scenario) -> World:
    """The world of a scenario before anybody has come; each call makes a new one, and all of them are alike.

    A station has the temperament of its first point that has one.
    """
    identities = dict.fromkeys(point.station for point in scenario.site.points)
    stations = [_station(scenario, identity) for identity in identities]
    return World(scenario.site, copy.deepcopy(scenario.building), stations)


def _station(scenario: Scenario, identity: str) -> ChargingStation:
    points = [point for point in scenario.site.points if point.station == identity]
    named = [scenario.temperaments[point.id] for point in points if point.id in scenario.temperaments]
    temperament = TEMPERAMENTS[named[0] if named else "obedient"]
    dice = random.Random(f"station-{scenario.seed}-{identity}")
    connectors = [
        Connector(
            point.connector,
            point.phases,
            random_model(dice, point.max_a),
            random.Random(dice.getrandbits(64)),
            temperament,
        )
        for point in points
    ]
    return ChargingStation(identity, connectors, scenario.site.nominal_voltage_v, temperament)
