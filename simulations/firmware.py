"""What a charging station's firmware does between its connectors and OCPP: transactions, samples, profiles.

No wire and no clock: every method is told the world's time [Unix s], messages go into an outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simulations.cars import Car
from simulations.chargers import ChargingStation
from simulations.connectors import Connector, Transaction
from simulations.outbox import Kind, Message, Outbox
from simulations.profiles import ProfileRefusedError, parse_profile
from simulations.settings import Settings

LOWERED_A: Final = 0.05
"""Half the resolution of limits: a profile that allows less by more than this has lowered the limit."""


@dataclass(frozen=True, slots=True)
class EndedSession:
    """What the meters say of a transaction that has ended: the truth that a ledger is compared with."""

    station: str
    connector: int
    tag: str
    transaction: Transaction
    end_wh: int
    car_wh: float
    """By the car's own meter [Wh]."""

    def to_json(self) -> dict[str, Any]:
        """As JSON; the energies in Wh."""
        return {
            "station": self.station,
            "connector": self.connector,
            "tag": self.tag,
            "transaction_id": self.transaction.id,
            "start_wh": self.transaction.start_wh,
            "end_wh": self.end_wh,
            "energy_wh": self.end_wh - self.transaction.start_wh,
            "car_wh": round(self.car_wh, 1),
        }


class Firmware:
    """The logic of one station.

    Args:
        station: its connectors and profiles.
        on_profile: told after each accepted profile whether it lowered the limit of any connector.
        new_id: what its transactions are called, where it chooses that itself (OCPP 2.x).
    """

    def __init__(
        self,
        station: ChargingStation,
        on_profile: Callable[[bool], None] | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self.station = station
        self._new_id = new_id
        self.settings = Settings(len(station.connectors))
        self.outbox = Outbox()
        self.ended: list[EndedSession] = []
        self.profiles_accepted = 0
        self.profiles_refused = 0
        self._on_profile = on_profile
        self._sample_at_s: dict[int, float] = {}

    def timestamp(self, now_s: float) -> str:
        """The station's own time, as OCPP writes it."""
        moment = datetime.fromtimestamp(self.station.clock_s(now_s), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def set_clock(self, current_time: str, now_s: float) -> None:
        """Take over the central system's time (1.6 §4.2, §4.6)."""
        self.station.clock_offset_s = datetime.fromisoformat(current_time).timestamp() - now_s

    def plug_in(self, number: int, car: Car) -> None:
        """A car arrives."""
        self.station.connectors[number].plug_in(car)

    def unplug(self, number: int, now_s: float) -> None:
        """The car leaves; its transaction ends with it."""
        self.stop(number, "EVDisconnected", now_s)
        self.station.connectors[number].unplug()

    def may_start(self, number: int) -> bool:
        """Whether a transaction can begin on the connector: a car, no transaction, in service."""
        connector = self.station.connectors.get(number)
        return connector is not None and connector.available and connector.car is not None and not connector.transaction

    def start(self, number: int, tag: str, now_s: float) -> Transaction:
        """Begin a transaction and announce it."""
        connector = self.station.connectors[number]
        transaction = Transaction(tag, now_s, int(connector.register_wh), self._new_id() if self._new_id else None)
        connector.begin(transaction)
        self._sample_at_s[number] = now_s + self._interval_s()
        fields = {"id_tag": tag, "meter_start": transaction.start_wh, "timestamp": self.timestamp(now_s)}
        self.outbox.append(Message(Kind.START, number, transaction, fields))
        return transaction

    def stop(self, number: int, reason: str, now_s: float, tag: str | None = None) -> None:
        """End the connector's transaction, if there is one, and announce it."""
        connector = self.station.connectors[number]
        transaction, car = connector.transaction, connector.car
        if transaction is None or car is None:
            return
        end_wh = int(connector.register_wh)
        car_wh = car.drawn_wh - transaction.car_start_wh
        connector.end()
        self.station.profiles.end_transaction(number)
        fields = {"meter_stop": end_wh, "timestamp": self.timestamp(now_s), "reason": reason, "id_tag": tag}
        self.outbox.append(Message(Kind.STOP, number, transaction, fields))
        session = EndedSession(self.station.identity, number, transaction.tag, transaction, end_wh, car_wh)
        self.ended.append(session)

    def start_answered(self, message: Message, transaction_id: int | str, accepted: bool, now_s: float) -> None:
        """The central system has given the transaction its id, or refused its token (1.6 §5.11)."""
        message.transaction.id = transaction_id
        connector = self.station.connectors[message.connector]
        refused = not accepted and self.settings.is_true("StopTransactionOnInvalidId")
        if refused and connector.transaction is message.transaction:
            self.stop(message.connector, "DeAuthorized", now_s)

    def sample(self, now_s: float) -> None:
        """Queue the meter values that are due, and the end of what its connectors give up."""
        for number, connector in self.station.connectors.items():
            if connector.gives_up:
                self.stop(number, "Other", now_s)
            if connector.transaction is None or self._interval_s() <= 0:
                continue
            if now_s >= self._sample_at_s[number]:
                self._sample_at_s[number] = now_s + self._interval_s()
                fields = {"meter_value": [self.meter_value(number, "Sample.Periodic", now_s)]}
                self.outbox.append(Message(Kind.VALUES, number, connector.transaction, fields))

    def meter_value(self, number: int, context: str, now_s: float) -> dict[str, Any]:
        """One MeterValue of the measurands that are configured."""
        connector = self.station.connectors[number]
        rows = _sampled(connector, self.station.voltage_v)
        wanted = self.settings["MeterValuesSampledData"].split(",")
        values = [{"context": context, **row} for row in rows if row["measurand"] in wanted]
        return {"timestamp": self.timestamp(now_s), "sampled_value": values}

    def install(self, number: int, raw: Mapping[str, Any], now_s: float) -> None:
        """Accept a charging profile.

        Raises:
            ProfileRefusedError: the station cannot take it.
        """
        before = self._limits(now_s)
        try:
            self._install(number, raw, now_s)
        except ProfileRefusedError:
            self.profiles_refused += 1
            raise
        self.profiles_accepted += 1
        if self._on_profile is not None:
            after = self._limits(now_s)
            self._on_profile(any(after[key] < before[key] - LOWERED_A for key in after))

    def _install(self, number: int, raw: Mapping[str, Any], now_s: float) -> None:
        profile = parse_profile(raw)
        if number != 0 and number not in self.station.connectors:
            raise ProfileRefusedError(f"no connector {number}")
        transaction = self.station.connectors[number].transaction if number else None
        # A running transaction whose start has not been answered yet has an id that no profile can name.
        running = None if transaction is None else (-1 if transaction.id is None else transaction.id)
        self.station.install(number, profile, now_s, running)

    def remote_stop(self, transaction_id: int | str, now_s: float) -> bool:
        """Do as RemoteStopTransaction asks, if its temperament lets it; whether it knows the transaction."""
        number = self.transaction_on(transaction_id)
        if number is not None and not self.station.temperament.ignores_stop:
            self.stop(number, "Remote", now_s)
        return number is not None

    def transaction_on(self, transaction_id: int | str) -> int | None:
        """The connector on which a transaction runs."""
        for number, connector in self.station.connectors.items():
            if connector.transaction is not None and connector.transaction.id == transaction_id:
                return number
        return None

    def change_availability(self, number: int, operative: bool) -> str:
        """Put a connector (0: all) in or out of service; a running transaction is left to end first (1.6 §5.2)."""
        if number != 0 and number not in self.station.connectors:
            return "Rejected"
        chosen = (number,) if number else tuple(self.station.connectors)
        scheduled = [self.station.connectors[each].change_availability(operative) for each in chosen]
        return "Scheduled" if any(scheduled) else "Accepted"

    def _interval_s(self) -> float:
        own_s = self.station.temperament.report_s
        return self.settings.number("MeterValueSampleInterval") if own_s is None else own_s

    def _limits(self, now_s: float) -> dict[int, float]:
        limits = {}
        for number, connector in self.station.connectors.items():
            limit_a = self.station.limit_a(number, now_s)
            limits[number] = connector.model.max_a if limit_a is None else limit_a
        return limits


def _sampled(connector: Connector, voltage_v: float) -> list[dict[str, str]]:
    currents_a = connector.measured_a()
    power_w = sum(currents_a) * voltage_v
    phases = [f"L{index + 1}" for index in range(len(currents_a))]
    current_rows = [
        {"measurand": "Current.Import", "phase": phase, "unit": "A", "value": f"{current_a:.2f}"}
        for phase, current_a in zip(phases, currents_a, strict=True)
    ]
    voltage_rows = [
        {"measurand": "Voltage", "phase": f"{phase}-N", "unit": "V", "value": f"{voltage_v:.1f}"} for phase in phases
    ]
    register = {"unit": "Wh", "value": str(int(connector.register_wh))}
    return [
        *current_rows,
        {"measurand": "Power.Active.Import", "unit": "W", "value": f"{power_w:.0f}"},
        {"measurand": "Energy.Active.Import.Register", **register},
        {"measurand": "Current.Offered", "unit": "A", "value": f"{connector.pilot_a:.1f}"},
        *voltage_rows,
    ]
