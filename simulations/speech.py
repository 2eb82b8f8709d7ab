"""What a simulated station says, in whatever version of OCPP it speaks."""

from __future__ import annotations

from typing import Any, Protocol

from simulations.connectors import Connector
from simulations.firmware import Firmware
from simulations.outbox import Message

VENDOR = "Loadstar simulation"
MODEL = "AC 22"
FIRMWARE = "1.0"


class Speech(Protocol):
    """The requests of one version, and the answers to them."""

    subprotocol: str

    def boot(self, identity: str) -> Any:
        """It has started."""
        ...

    def heartbeat(self) -> Any:
        """It is there."""
        ...

    def authorise(self, tag: str) -> Any:
        """A token was presented."""
        ...

    def lets_in(self, answer: Any) -> bool:
        """Whether an answer about a token says yes, or says nothing of it."""
        ...

    def status(self, number: int, status: str, connector: Connector | None, stamp: str) -> Any:
        """How a connector is (0: the station, which is none); None: it is not told in this version."""
        ...

    def transaction(self, message: Message, connector: Connector, since: str) -> Any:
        """A message about a transaction; None for one whose start was lost.

        Args:
            message: what happened.
            connector: where.
            since: when the connection was made; what is older happened without one.
        """
        ...

    def answered(self, message: Message, answer: Any, firmware: Firmware, now_s: float) -> None:
        """A message about a transaction was answered."""
        ...

    def values(self, number: int, connector: Connector, meter_value: dict[str, Any]) -> Any:
        """What a connector measures, because somebody asked."""
        ...
