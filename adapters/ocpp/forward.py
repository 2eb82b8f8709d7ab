"""What a conversation with a station needs of whoever passes it on to a back office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from adapters.ocpp.answering import Reply
from adapters.ocpp.wire import Frame
from controller.ports.ledger import Ledger

if TYPE_CHECKING:
    from adapters.ocpp.station import Station


class Charger(Protocol):
    """A station on its live connection."""

    @property
    def subprotocol(self) -> str:
        """What is spoken on it, such as ``ocpp1.6``."""
        ...

    async def pass_on(self, message_id: str, text: str) -> str:
        """Give the station a call that is not ours; returns the text of its answer as it came.

        It waits its turn among our own calls, of which what protects comes first.

        Raises:
            CallFailedError: there is no answer.
        """
        ...

    async def tell(self, text: str) -> None:
        """Give the station a frame that nobody answers; it is lost where the station has gone."""
        ...

    async def hang_up(self, reason: str) -> None:
        """End the connection."""
        ...


class Forward(Protocol):
    """Passes one station's conversation on to a back office."""

    @property
    def refusing(self) -> bool:
        """Whether the station is not to be connected while its back office is away."""
        ...

    def attach(self, station: Station) -> None:
        """Take the station that it is about; once, before anything else."""
        ...

    async def goes_on(self, token: str) -> bool:
        """Whether the back office lets a session go on that ran before a restart, as far as it has said."""
        ...

    def told(self, ledger: Ledger) -> Ledger:
        """The ledger as this station's conversation is to see it: what enters it is passed on as well."""
        ...

    def connected(self, charger: Charger) -> None:
        """The station speaks on this connection from now on."""
        ...

    def disconnected(self, charger: Charger) -> None:
        """A connection has ended; a replaced one changes nothing."""
        ...

    async def pass_by(self, call: Frame) -> str | None:
        """The back office's answer to a call that means nothing here; None: it is to be answered here first."""
        ...

    def hears(self, call: Frame) -> None:
        """The station has called, and is about to be answered here."""
        ...

    def takes(self, frame: Frame) -> bool:
        """Take what the station has said and nobody answers (2.1); returns whether somebody is to hear it."""
        ...

    async def answer(self, call: Frame, local: Reply) -> str:
        """What the station is answered: by its back office, or as it was answered here (``local``)."""
        ...
