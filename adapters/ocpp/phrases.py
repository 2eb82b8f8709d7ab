"""What stations are asked, whatever the version of the protocol: each version has words of its own for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from controller.hub_satellite.deadman import Schedule


class Purpose(StrEnum):
    """What a charging profile of ours is for, in the words that all versions share."""

    DEFAULT = "TxDefaultProfile"
    """What holds for a car before, and without, a profile of its own."""
    TRANSACTION = "TxProfile"
    """What limits a running transaction."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that a station is set to once it has started."""

    refusal: str
    """What is reported of a station that takes none of the requests."""
    requests: Sequence[Any]
    """Ways to say it, the best first."""


class Phrases(Protocol):
    """The requests of one version. Connectors are numbered as in the site: in OCPP 2.x that is the EVSE."""

    settings: Sequence[Setting]

    def limit(self, connector: int, purpose: Purpose, held: Schedule, transaction_id: str | None = None) -> Any:
        """SetChargingProfile. It overwrites the one before it: same id and stack level for connector and purpose."""
        ...

    def way_out(self, connector: int, purpose: Purpose, answer: Any) -> Any:
        """Return a request that may make room for a profile that was refused with this answer; None: there is none."""
        ...

    def stop(self, transaction_id: str) -> Any:
        """End a transaction."""
        ...

    def service(self, connector: int, *, in_service: bool) -> Any:
        """Take a connector out of service, or put it back."""
        ...

    def composite(self, connector: int) -> Any:
        """Ask what a connector holds."""
        ...

    def held(self, answer: Any) -> Any:
        """Return the schedule in the answer to that."""
        ...

    def boot_question(self) -> Any:
        """Ask who it is."""
        ...

    def status_questions(self, connector: int, *, in_transaction: bool) -> Sequence[Any]:
        """Ask how a connector is."""
        ...

    def taken(self, answer: Any) -> bool:
        """Whether a setting was taken, by the answer to its request."""
        ...
