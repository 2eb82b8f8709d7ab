"""The service's end of a connection with a charger, in virtual time: one call after the other, the most urgent first.

What is said, and what an answer means, is the service's own (``adapters.ocpp``); only the wait for it is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Final

from ocpp.v16.datatypes import ChargingProfile

from adapters.ocpp.composite import DURATION_S
from adapters.ocpp.connector import Call, Connector
from adapters.ocpp.limits import permanent
from adapters.ocpp.phrases import Purpose
from adapters.ocpp.phrases16 import charging_profile
from adapters.ocpp.station import Station
from controller.ports.measurements import HeldLimit
from simulations.clock import VirtualClock
from simulations.fast.fine_charger import FineCharger

NETWORK_S: Final = 0.05
"""A request and its answer on a site's own network [s]."""


class Line:
    """A live connection; fulfils ``adapters.ocpp.station.Conversation``.

    Args:
        station: what the service knows of the station.
        charger: the station.
        clock: virtual time.
        held: what chargers were last told, by point; kept through a restart of the service.
    """

    def __init__(
        self, station: Station, charger: FineCharger, clock: VirtualClock, held: MutableMapping[str, HeldLimit]
    ) -> None:
        self._station = station
        self._charger = charger
        self._clock = clock
        self._held = held
        self._waiting = False
        self._open = True

    def close(self) -> None:
        """The connection has ended: what is on its way arrives nowhere."""
        self._open = False

    def wake(self) -> None:
        """Say what is most urgent, unless an answer is still to come."""
        if self._waiting or not self._open:
            return
        chosen = self._station.next_call(self._clock.monotonic_s())
        if chosen is None:
            return
        call, connector = chosen
        work: Mapping[Call, Callable[[Connector], None]] = {
            Call.LIMIT: self._write_limit,
            Call.DEFAULT: self._write_default,
            Call.STOP: self._stop,
            Call.SERVICE: self._change_service,
            Call.COMPARE: self._compare,
        }
        work[call](connector)

    def _ask(self, action: Callable[[], None]) -> None:
        """Let a request be carried out and answered when the charger gets round to it."""
        self._waiting = True
        answered_s = self._clock.monotonic_s() + NETWORK_S + self._charger.station.temperament.answer_s
        self._clock.at(answered_s, partial(self._answered, action))

    def _answered(self, action: Callable[[], None]) -> None:
        self._waiting = False
        if self._open:
            action()
            self.wake()

    def _write_limit(self, connector: Connector) -> None:
        now, now_s, transaction = self._clock.now(), self._clock.monotonic_s(), connector.transaction
        target_a = connector.target_a(now_s)
        assert transaction is not None, "a limit is due for a transaction"
        assert target_a is not None, "a limit is due where there is one"
        skew_s, number, point = self._station.skew_s, connector.point.connector, connector.point.id
        before_a = connector.commanded_a(now_s, skew_s)
        write, schedule = connector.send(target_a, now, now_s, skew_s)
        self._held[point] = HeldLimit(point, max(before_a, write.limit_a), now)
        purpose = Purpose.DEFAULT if write.in_default else Purpose.TRANSACTION
        profile = charging_profile(number, purpose, schedule, None if write.in_default else transaction.id)
        self._station.count_write()

        def answer() -> None:
            accepted = self._install(connector, profile)
            if connector.transaction is not transaction:
                return
            if accepted:
                connector.accept(write)
                self._held[point] = HeldLimit(point, write.limit_a, now)
            else:
                connector.refuse(write, self._clock.monotonic_s(), skew_s)

        self._ask(answer)

    def _write_default(self, connector: Connector) -> None:
        number = connector.point.connector
        profile = charging_profile(number, Purpose.DEFAULT, permanent(connector.fallback_a))
        connector.default.asked(self._clock.monotonic_s())
        self._station.count_write()

        def answer() -> None:
            accepted = self._install(connector, profile)
            connector.default_answered(self._clock.monotonic_s(), accepted=accepted)

        self._ask(answer)

    def _install(self, connector: Connector, profile: ChargingProfile) -> bool:
        accepted = self._charger.install(connector.point.connector, profile)
        if not accepted:
            self._station.rejected(connector, str(profile.charging_profile_purpose), "Rejected")
        return accepted

    def _stop(self, connector: Connector) -> None:
        assert connector.transaction is not None, "only a transaction is stopped"
        connector.transaction.stop_asked, connector.treatment.stop = True, False
        number = connector.point.connector
        self._ask(lambda: self._station.stop_answered(connector, self._charger.remote_stop(number)))

    def _change_service(self, connector: Connector) -> None:
        in_service = bool(connector.wants_service(self._clock.monotonic_s()))

        def answer() -> None:
            status = self._charger.change_availability(connector.point.connector, operative=in_service)
            self._station.service_answered(connector, status, in_service=in_service)

        self._ask(answer)

    def _compare(self, connector: Connector) -> None:
        connector.treatment.compare = False

        def answer() -> None:
            schedule = self._charger.composite(connector.point.connector, DURATION_S)
            self._station.compared(connector, "Accepted", schedule)

        self._ask(answer)
