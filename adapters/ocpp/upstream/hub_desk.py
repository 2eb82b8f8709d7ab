"""How a hub answers what its back office asks: by a table for each version, and each message by its schema first.

A message that breaks its schema gets the error that OCPP-J has for that; one that the version knows and a hub does not
do, ``NotSupported``; one that the version does not know, ``NotImplemented``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from ocpp.exceptions import OCPPError
from ocpp.messages import Call, validate_payload

from adapters.ocpp.upstream.hub_acts import HubActs
from adapters.ocpp.upstream.hub_book import HubBook
from adapters.ocpp.upstream.hub_settings import HubSettings
from adapters.ocpp.upstream.hub_tokens import HubTokens
from adapters.ocpp.upstream.interventions import Interventions
from adapters.ocpp.upstream.profiles import KeptProfiles
from adapters.ocpp.upstream.words import answered
from adapters.ocpp.wire import Frame, call_error
from controller.hub_satellite.dialects import Message
from controller.hub_satellite.outbox import Outbox
from controller.hub_satellite.satellites import Satellites
from controller.ports.common import Clock

PAYLOAD = Mapping[str, Any]

_SPELT_16: Final = {
    "FormatViolation": "FormationViolation",
    "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
}
"""1.6 spells two codes otherwise than later versions do (OCPP-J 1.6 §4.2.3)."""


class Trigger(Protocol):
    """What a hub tells when it is asked to."""

    async def tell_boot(self) -> None:
        """Its boot notification."""
        ...

    async def tell_statuses(self, connectors: Sequence[int]) -> None:
        """The status of connectors; 0 is the whole."""
        ...

    async def tell_values(self, connectors: Sequence[int]) -> None:
        """What was measured last at connectors."""
        ...

    async def tell(self, message: Message) -> None:
        """Anything else."""
        ...

    async def restart(self) -> None:
        """Its session with the back office anew."""
        ...

    async def keep_settings(self) -> None:
        """Its settings have changed."""
        ...


@dataclass(frozen=True, slots=True)
class Counter:
    """Everything that an answer may need."""

    upstream: str
    identity: str
    primary: bool
    """Whether what the back office asks is done."""
    satellites: Satellites
    book: HubBook
    acts: HubActs
    tokens: HubTokens
    settings: HubSettings
    profiles: Interventions
    kept: KeptProfiles
    hub: Trigger
    clock: Clock
    outbox: Outbox


Handler = Callable[[Any, PAYLOAD], Awaitable[PAYLOAD]]


@dataclass(frozen=True, slots=True)
class Row:
    """How one message is answered."""

    answer: Handler | None
    """None: with ``NotSupported``."""
    words: str
    """For people; docs/reference/hub.md has them."""


class HubDesk:
    """Answers what a back office asks; a subclass has the table of its version."""

    table: ClassVar[Mapping[str, Row]]
    known: ClassVar[frozenset[str]]
    """Every message of the version."""

    def __init__(self, counter: Counter, version: str) -> None:
        """Sit down.

        Args:
            counter: what answers need.
            version: ``1.6``, ``2.0.1`` or ``2.1``.
        """
        self._counter, self._version = counter, version

    async def answer(self, call: Frame, _text: str) -> str:
        """The whole frame of the answer."""
        if not self._counter.primary:
            return call_error(call.message_id, "NotSupported", "this connection only tells what happens")
        row = self.table.get(call.action)
        if row is None or row.answer is None:
            code = "NotSupported" if call.action in self.known else "NotImplemented"
            return call_error(call.message_id, code)
        payload = call.payload
        try:
            await validate_payload(Call(call.message_id, call.action, dict(payload)), self._version)
        except OCPPError as error:
            return call_error(call.message_id, self._spelt(error.code))
        return answered(call.message_id, await row.answer(self, payload))

    def _spelt(self, code: str) -> str:
        return _SPELT_16.get(code, code) if self._version == "1.6" else code
