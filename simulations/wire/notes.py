"""What is written down of a run: what flows in the world, and what the service says, by way of what it publishes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.live import Live
from controller.plan import Event
from controller.ports.tick import Tick
from simulations.fast.fine_recorder import Recorder, is_invalid
from simulations.results import Results, SessionResult
from simulations.scenario.model import Scenario
from simulations.world import World


class Notes:
    """Everything that results need but the sessions."""

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario, self._world = scenario, world
        self._recorder = Recorder(scenario, world)
        self._tick: Tick | None = None
        self._heard = 0
        self._events: list[Event] = []
        self._invalid = 0

    def step(self, time_s: float, dt: float) -> None:
        """Look at what flowed in the ``dt`` seconds before ``time_s``, counted from the beginning of the scenario."""
        self._recorder.step(time_s, dt)

    def listen(self, live: Live) -> None:
        """Hear what the service has published since the last time: nothing is lost between two turns of its loop."""
        tick = live.latest()
        if tick is not None and tick is not self._tick:
            self._tick = tick
            self._recorder.decided(tick.points, tick.plan)
            site = self._scenario.site
            self._invalid += sum(is_invalid(site.point[name], told) for name, told in tick.plan.setpoints.items())
        if live.last_event_number() > self._heard:
            fresh = [kept for kept in live.events() if kept.number > self._heard]
            self._heard = fresh[0].number
            self._events += [replace(kept.event, at=kept.last_at) for kept in reversed(fresh)]
            self._invalid += sum(kept.event.kind == "guard_intervened" for kept in fresh)

    def silent(self) -> None:
        """The service has gone; the next one counts its events anew."""
        self._recorder.silent()
        self._heard = 0

    def results(self, sessions: tuple[SessionResult, ...], opened_s: float) -> Results:
        """Everything so far.

        Args:
            sessions: what has become of the visits.
            opened_s: when the scenario began on the service's clock [Unix s]: events are told on that of the scenario.
        """
        late = timedelta(seconds=opened_s - self._scenario.start_s)
        return Results(
            scenario=self._scenario,
            policy="loadstar",
            series=self._recorder.series(),
            sessions=sessions,
            truth=self._world.truth(),
            invalid_setpoints=self._invalid,
            events=tuple(replace(event, at=_earlier(event.at, late)) for event in self._events),
            violations=self._world.violations_as(),
        )


def _earlier(at: datetime | None, late: timedelta) -> datetime | None:
    return None if at is None else at - late
