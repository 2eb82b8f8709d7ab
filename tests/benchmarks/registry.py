"""What a benchmark is, and how one joins the others.

A benchmark is a function in a module ``bench_*.py`` of this package, marked with ``@benchmark``. It returns its
measurements by name; those names are what ``build/bench.json`` holds and what people compare over time.
"""

from __future__ import annotations

import importlib
import pkgutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import tests.benchmarks


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number, and on how many observations it stands."""

    value: float
    unit: str
    n: int
    at_most: float | None = None
    """What is promised, in the same unit; None where nothing is."""
    at_least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise holds; True where there is none."""
        low, high = self.at_least, self.at_most
        return (low is None or self.value >= low) and (high is None or self.value <= high)


Benchmark = Callable[[], Mapping[str, Measurement]]

_registered: list[Benchmark] = []


def benchmark(function: Benchmark) -> Benchmark:
    """Let ``make bench`` run this function."""
    _registered.append(function)
    return function


def discover() -> Sequence[Benchmark]:
    """Every benchmark of the modules ``bench_*.py`` beside this one, in the order of their names."""
    for module in sorted(info.name for info in pkgutil.iter_modules(tests.benchmarks.__path__)):
        if module.startswith("bench_"):
            importlib.import_module(f"tests.benchmarks.{module}")
    return tuple(_registered)


def seconds_per_call(function: Callable[[], object], *, n: int, warm_up: int = 3) -> list[float]:
    """Call a function ``n`` times after a warm-up; how long each call took [s]."""
    for _ in range(warm_up):
        function()
    durations = []
    for _ in range(n):
        began = time.perf_counter()
        function()
        durations.append(time.perf_counter() - began)
    return durations


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which ``percent`` (1 to 99) of the observations lie.

    >>> percentile([1.0, 2.0, 3.0, 4.0, 5.0], 50)
    3.0
    """
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
