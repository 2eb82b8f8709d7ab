"""A hub's charging profiles: what its back office has set, as bounds of what the satellites may draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from adapters.ocpp.upstream.hub_acts import HubActs
from adapters.ocpp.upstream.hub_book import Draft, HubBook
from adapters.ocpp.upstream.interventions import Interventions
from adapters.ocpp.upstream.profiles import KeptProfiles
from controller.hub_satellite.charging_profiles import Criteria, ProfileRefused, Purpose, Running
from controller.hub_satellite.composite import Evse
from controller.hub_satellite.satellites import Satellites
from controller.ports.common import Clock
from controller.snapshot import PointState, StationLimit


class HubProfiles:
    """The profiles of one hub, and what runs under them."""

    def __init__(
        self,
        satellites: Satellites,
        acts: HubActs,
        clock: Clock,
        voltage_v: float,
        keep: Callable[[list[dict[str, Any]]], None],
    ) -> None:
        """Begin with none.

        Args:
            satellites: which point is which EVSE.
            acts: knows what the satellites do now.
            clock: time.
            voltage_v: phase to neutral, for limits in watt [V].
            keep: told of every change, as JSON values.
        """
        self.kept = KeptProfiles(None, keep)
        self._satellites, self._acts, self._clock, self._voltage_v, self._keep = (
            satellites,
            acts,
            clock,
            voltage_v,
            keep,
        )

    def restore(self, notes: object, book: HubBook) -> None:
        """Take up what was kept; what was set for a transaction that has ended since has ended with it."""
        self.kept = KeptProfiles(notes, self._keep)
        for number in self._satellites.connectors:
            session = book.at(number)
            if session is None:
                self.kept.clear(Criteria(evse=number, purpose=Purpose.TX))
            else:
                self.kept.runs(number, Running(session.name, session.started_at))

    def began(self, draft: Draft) -> None:
        """A session has begun; what the back office wanted for it when it asked for it holds from now on."""
        session = draft.session
        self.kept.runs(session.connector, Running(session.name, session.started_at))
        if draft.remote is not None and draft.remote.profile is not None:
            profile = {name: value for name, value in draft.remote.profile.items() if name != "transactionId"}
            with suppress(ProfileRefused):  # the session is what was asked for; what is no profile limits nothing
                self.kept.set(session.connector, profile, self._clock.now())

    def ended(self, connector: int) -> None:
        """Nothing runs at a connector any more."""
        self.kept.runs(connector, None)

    def overlaid(self, states: Mapping[str, PointState]) -> Mapping[str, PointState]:
        """The points' states, with what the back office allows them as one more bound of their current."""
        if not self.kept:
            return states
        changed, now = dict(states), self._clock.now()
        for number in self._satellites.connectors:
            point, limit_a = self._satellites.point(number), self.kept.limit_a(number, now, self._voltage_v)
            if point is not None and limit_a is not None and (state := states.get(point.id)) is not None:
                most_a = limit_a if state.max_a is None else min(limit_a, state.max_a)
                changed[point.id] = replace(state, max_a=most_a)
        return changed

    def station_limit(self, office: str) -> list[StationLimit]:
        """What the back office of this name allows the satellites together."""
        points = [point.id for number in self._satellites.connectors if (point := self._satellites.point(number))]
        return self.kept.station_limit(points, office, self._clock.now(), self._voltage_v)

    def answering(self, *, legacy: bool) -> Interventions:
        """Who answers what the back office asks about profiles; ``legacy``: in 1.6."""
        return Interventions(
            legacy=legacy,
            kept=self.kept,
            settings={},
            remember=lambda _name, _value: None,
            evses=self._evses,
            now=self._clock.now,
            voltage_v=self._voltage_v,
        )

    def _evses(self) -> list[Evse]:
        states, found = self._acts.states(), []
        for number in self._satellites.connectors:
            point, state, running = self._satellites.point(number), states.get(number), self.kept.running(number)
            if point is not None:
                own_a = state.commanded_a if state is not None and running is not None else None
                found.append(Evse(number, point.max_a, own_a, running))
        return found
