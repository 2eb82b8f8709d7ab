"""Where the simulated meters of a site sit, and what they see there."""

from __future__ import annotations

from collections import deque
from typing import Final

from adapters.configuration import Configuration, ModbusTcpMeter
from controller.site import Circuit
from controller.units import Phases
from simulations.world import World

MODEL: Final = "eastron_sdm630"
LATE_S: Final = 0.05
"""A step of the world that is due at the moment to be shown may come a little late."""
REMEMBERED: Final = 500
"""Steps of the world that a meter with latency looks back."""


class Tap:
    """What a meter in a circuit sees, some time after it was true.

    Args:
        world: what is true.
        circuit: whose currents it measures.
        latency_s: how late it is [s].
    """

    def __init__(self, world: World, circuit: Circuit, latency_s: float) -> None:
        self._world, self._circuit, self._latency_s = world, circuit, latency_s
        self.last_read_s: float | None = None
        """When it was asked last [Unix s]; None: never."""
        self._imported_wh = 0.0
        self._past: deque[tuple[float, Phases, float]] = deque(maxlen=REMEMBERED)
        self._past.append((0.0, world.circuit_a[circuit.id], 0.0))

    def step(self, now_s: float, dt: float) -> None:
        """Note what has flowed in the ``dt`` seconds before."""
        current_a = self._world.circuit_a[self._circuit.id]
        self._imported_wh += sum(current_a) * self._world.site.nominal_voltage_v * dt / 3600.0
        self._past.append((now_s, current_a, self._imported_wh))

    def read(self, now_s: float) -> tuple[Phases, float]:
        """Phase currents [A] and imported energy [Wh], for whoever asks at this moment."""
        self.last_read_s = now_s
        while len(self._past) > 1 and self._past[1][0] <= now_s - self._latency_s + LATE_S:
            self._past.popleft()
        _, current_a, imported_wh = self._past[0]
        return current_a, imported_wh


def simulated_meters(configuration: Configuration) -> dict[str, tuple[ModbusTcpMeter, Circuit]]:
    """The meters that circuits name, each with the first of these, by their ids; that of the grid connection first.

    Raises:
        ValueError: there is none, or one of them is not of the kind that is simulated.
    """
    wanted: dict[str, Circuit] = {}
    for circuit in sorted(configuration.site.circuits, key=lambda circuit: circuit.parent is not None):
        if circuit.meter is not None:
            wanted.setdefault(circuit.meter, circuit)
    meters = {m.id: m for m in configuration.meters if isinstance(m, ModbusTcpMeter) and m.model == MODEL}
    found = {name: (meters[name], circuit) for name, circuit in wanted.items() if name in meters}
    if not found or len(found) < len(wanted):
        missing = ", ".join(sorted(set(wanted) - set(found))) or "there is none"
        raise ValueError(f"{configuration.path}: no meter of kind modbus_tcp and model {MODEL} to simulate: {missing}")
    return found
