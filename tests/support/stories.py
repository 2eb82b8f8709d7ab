"""Stories: a site, a timeline of what happens there, and the transcript of what was decided.

``story.toml`` holds how the site behaves, and one ``[[events]]`` table for each thing that happens. Times are
``MM:SS`` from the beginning; everything else is spelled out in ``_VERBS``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.configuration import load_configuration
from controller.plan import Remedy, Setpoint
from controller.snapshot import Advice, ExternalLimit, PointAdvice
from simulations.cars import Car, CarModel
from simulations.temperaments import TEMPERAMENTS
from tests.support.closed_loop import START, ClosedLoop, Need

WORTH_TELLING_A = 0.5
"""Smaller steps of a limit are left out of a transcript."""

Details = Mapping[str, Any]


def transcript(folder: Path) -> str:
    """Run a story and tell what happened: a line for each event, each limit that moved, and how it ended."""
    story = tomllib.loads((folder / "story.toml").read_text("utf-8"))
    site = load_configuration(folder / "site.toml", {}).site
    loop = ClosedLoop(
        site,
        seed=story.get("seed", 1),
        noise_a=story.get("noise_a", 0.0),
        report_s=story.get("report_s", 10.0),
        step_s=0.5,
        chargers={point: TEMPERAMENTS[kind] for point, kind in story.get("chargers", {}).items()},
    )
    return "\n".join([*Telling(loop).told(story), ""])


class Telling:
    """Lets a story happen, and tells of it."""

    def __init__(self, loop: ClosedLoop) -> None:
        self._loop = loop
        self._told: dict[str, Setpoint] = {}
        self._treated: dict[str, Remedy] = {}

    def told(self, story: Details) -> Iterator[str]:
        """Every line of the transcript."""
        events = sorted(story["events"], key=lambda event: seconds(event["at"]))
        for event in events:
            yield from self._until(seconds(event["at"]))
            for verb, details in event.items():
                if verb != "at":
                    yield f"{self._now()} --- {_VERBS[verb](self._loop, details)}"
        yield from self._until(seconds(story["ends"]))
        yield f"{self._now()} --- at the end"
        for name in self._loop.connectors:
            if self._loop.connectors[name].car is not None:
                told = self._setpoints()[name]
                received = f"{self._loop.delivered_wh(name) / 1000:.1f} kWh received"
                yield f"      {name} {told.limit_a:4.1f} A {told.because}, {received}"

    def _until(self, end_s: float) -> Iterator[str]:
        loop = self._loop
        while loop.now_s < end_s:
            events, remedies = len(loop.events), len(loop.remedies)
            loop.after(1)
            for name, setpoint in self._setpoints().items():
                if loop.connectors[name].transaction is not None and self._is_news(name, setpoint):
                    self._told[name] = setpoint
                    yield f"{self._now()} {name} {setpoint.limit_a:4.1f} A {setpoint.because}"
            for event in loop.events[events:]:
                yield f"{self._now()} {event.severity.value} {event.kind} {event.subject}: {event.message}"
            for _, name, remedy in loop.remedies[remedies:]:
                if self._treated.get(name) is not remedy:
                    yield f"{self._now()} {name} remedy: {remedy.value}"
                self._treated[name] = remedy
        self._told = {n: t for n, t in self._told.items() if loop.connectors[n].transaction is not None}

    def _setpoints(self) -> Mapping[str, Setpoint]:
        assert self._loop.decision is not None
        return self._loop.decision.plan.setpoints

    def _is_news(self, name: str, now: Setpoint) -> bool:
        """A step that is worth telling, or another reason to wait."""
        before = self._told.get(name)
        if before is None or (before.limit_a > 0) != (now.limit_a > 0):
            return True
        if now.limit_a == 0:
            return now.because != before.because and not now.because.startswith("pace:")
        return abs(now.limit_a - before.limit_a) >= WORTH_TELLING_A

    def _now(self) -> str:
        return f"{int(self._loop.now_s) // 60:02d}:{int(self._loop.now_s) % 60:02d}"


def seconds(clock: str) -> float:
    """``MM:SS`` from the beginning [s]."""
    minutes, rest = clock.split(":")
    return 60.0 * int(minutes) + int(rest)


def _arrive(loop: ClosedLoop, details: Details) -> str:
    """``point``, and of the car: any field of ``CarModel``, and its state of charge ``soc``."""
    told = dict(details)
    point, soc = told.pop("point"), told.pop("soc", 0.1)
    loop.plug_in(point, car=Car(CarModel(**{"capacity_wh": 60_000.0, "max_a": 32.0, **told}), soc))
    return f"a car comes to {point}" + "".join(f", {name} {value}" for name, value in told.items())


def _leave(loop: ClosedLoop, point: str) -> str:
    received = f"with {loop.delivered_wh(point) / 1000:.1f} kWh"
    loop.unplug(point)
    return f"the car leaves {point} {received}"


def _building(loop: ClosedLoop, phases: list[float]) -> str:
    loop.load(*phases)
    return "the building takes {} / {} / {} A".format(*phases)


def _need(loop: ClosedLoop, details: Details) -> str:
    """``point``, ``energy_wh`` from the beginning of the session, and ``in_min`` to the departure."""
    point, energy_wh, in_min = details["point"], details["energy_wh"], details["in_min"]
    loop.needs[point] = Need(energy_wh, loop.now_s + 60.0 * in_min)
    return f"the driver at {point} needs {energy_wh / 1000:g} kWh in {in_min} min"


def _priority(loop: ClosedLoop, details: Details) -> str:
    loop.priority[details["point"]] = details["value"]
    return f"{details['point']} has priority {details['value']}"


def _advice(loop: ClosedLoop, details: Details) -> str:
    """``slot_min``, and for each point its ``cap_a`` and ``target_a`` by slot; a cap below 0 is none."""
    begins = START + timedelta(seconds=loop.now_s)
    points = {
        name: PointAdvice(
            tuple(one["target_a"]),
            tuple(None if cap < 0 else float(cap) for cap in one["cap_a"]),
            one.get("because", "price"),
        )
        for name, one in details.items()
        if name != "slot_min"
    }
    loop.advice = Advice(begins, begins, 60.0 * details["slot_min"], points)
    return f"the plan advises, for slots of {details['slot_min']} min: " + "; ".join(
        f"{name} cap {list(one.cap_a)} target {list(one.target_a)}" for name, one in points.items()
    )


def _limit(loop: ClosedLoop, details: Details) -> str:
    """``circuit``, ``limit_w`` and ``source``; below 0 it ends."""
    if details["limit_w"] < 0:
        loop.limits = ()
        return "the limit from outside ends"
    loop.limits = (ExternalLimit(details["circuit"], float(details["limit_w"]), details["source"]),)
    return f"{details['source']} allows {details['limit_w'] / 1000:g} kW on {details['circuit']}"


def _deaf(loop: ClosedLoop, details: Details) -> str:
    """``point``, and ``cured_by``: the remedy that brings its charger to its senses."""
    point = details["point"]
    loop.deaf[point] = loop.limit[point]
    loop.cured_by[point] = Remedy(details["cured_by"])
    return f"the charger at {point} goes on with {loop.limit[point]:.1f} A, whatever it is told"


def _meter(loop: ClosedLoop, what: str) -> str:
    loop.meter_works = what == "back"
    return f"the meter is {what}"


_VERBS: Mapping[str, Callable[[ClosedLoop, Any], str]] = {
    "arrive": _arrive,
    "leave": _leave,
    "building_a": _building,
    "need": _need,
    "priority": _priority,
    "advice": _advice,
    "limit": _limit,
    "deaf": _deaf,
    "meter": _meter,
}
