"""A hub's connection with its back office: its boot, its heartbeats, and the letters that wait for it.

Messages about transactions always come from the outbox, where they were put in the commit of what they tell of. So
they arrive in the order in which it happened, whether they pass at once or have waited for days.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol
from uuid import uuid4

from adapters.ocpp.upstream.back_office import BackOffice, ChannelView, Desk
from adapters.ocpp.upstream.delivery import Delivery
from adapters.ocpp.upstream.link import OnCall, UpstreamLink
from adapters.ocpp.upstream.turns import AwayError
from adapters.ocpp.upstream.way import Way
from adapters.ocpp.upstream.words import payload_of
from adapters.ocpp.wire import Kind, kind_of
from controller.hub_satellite.dialects import Message
from controller.hub_satellite.outbox import Entry
from controller.plan import Severity
from controller.ports.devices import Direction
from controller.ports.ledger import LedgerUnavailable

ANSWER_S: Final = 10.0
"""Who waits for the back office is answered here when it takes longer."""

BOOT_RETRY_S: Final = (5.0, 600.0)
"""Bounds of the pause that a back office asks for when it does not accept the hub yet."""

HEARTBEAT_LEAST_S: Final = 10
"""Between two heartbeats, whatever the back office asks for."""


_LOG: Final = logging.getLogger("loadstar.ocpp")


class Line(Protocol):
    """What a line needs of its hub."""

    def boot(self) -> Message:
        """Its boot notification."""
        ...

    def heartbeat_s(self) -> int:
        """How often the back office wants heartbeats [s]."""
        ...

    def heartbeat_asked(self, every_s: int) -> None:
        """It has said how often it wants them."""
        ...

    async def accepted(self) -> None:
        """The back office has accepted the hub, and is to be told what it looks like now; before anything else."""
        ...

    async def told(self, entry: Entry, answer: Mapping[str, Any]) -> None:
        """The back office has taken a letter."""
        ...

    def changed(self) -> None:
        """The connection has come or gone."""
        ...


class HubLine:
    """The connection of one hub."""

    def __init__(self, office: BackOffice, identity: str, desk: Desk, hub: Line, on_call: OnCall) -> None:
        """Prepare; ``run`` does the work."""
        self.office, self.identity = office, identity
        self.ready = False
        """Whether the back office takes messages now."""
        self._desk, self._hub = desk, hub
        way = Way(office.url, identity, f"ocpp{office.version}", office.password, office.tls)
        self._link = UpstreamLink(
            way,
            on_call=on_call,
            on_open=self._opened,
            on_change=self._link_changed,
            on_frame=self._record if desk.on_frame else None,
            call_timeout_s=desk.call_timeout_s,
        )
        self._delivery = _HubDelivery(office, identity, desk, hub)
        self._away_told = False

    async def run(self) -> None:
        """Work until cancelled."""
        await self._link.run()

    def posted(self) -> None:
        """There is something new in the outbox."""
        self._delivery.posted()

    async def ask(self, message: Message) -> Mapping[str, Any] | None:
        """Tell or ask something now; returns the answer: an empty one for an error, None for none in time."""
        message_id = str(uuid4())
        try:
            answer = await self._link.ask(message_id, _call(message_id, message))
        except AwayError:
            return None
        await asyncio.wait({answer}, timeout=ANSWER_S)
        if not answer.done() or answer.exception() is not None:
            return None
        told = answer.result() or ""
        return payload_of(told, at=2) if kind_of(told) == Kind.RESULT else {}

    async def restart(self, reason: str) -> None:
        """End this connection; the next one begins with a boot."""
        await self._link.close(reason)

    def view(self) -> ChannelView:
        """As pages and metrics see it."""
        link = self._link
        return ChannelView(self.office.id, self.identity, self.office.primary, link.connected, self.ready, link.trouble)

    # -- the connection ----------------------------------------------------------------------------------------

    async def _opened(self) -> None:
        await self._announce()
        await self._hub.accepted()
        self._set_ready(ready=True)
        beats = asyncio.create_task(self._beat(), name=f"hub-heartbeat-{self.identity}")
        try:
            await self._delivery.run(self._link)
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)

    async def _announce(self) -> None:
        while True:
            message_id = str(uuid4())
            try:
                told = await self._link.call(message_id, _call(message_id, self._hub.boot()))
            except AwayError:
                if not self._link.connected:
                    raise
                await asyncio.sleep(BOOT_RETRY_S[0])
                continue
            answer = payload_of(told, at=2) if kind_of(told) == Kind.RESULT else {}
            interval = answer.get("interval")
            asked_s = interval if isinstance(interval, int) else 0
            if answer.get("status") == "Accepted":
                if asked_s > 0:
                    self._hub.heartbeat_asked(asked_s)
                return
            await asyncio.sleep(min(max(asked_s, BOOT_RETRY_S[0]), BOOT_RETRY_S[1]))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(max(self._hub.heartbeat_s(), HEARTBEAT_LEAST_S))
            await self.ask(Message("Heartbeat", {}))

    def _link_changed(self) -> None:
        if not self._link.connected and (self.ready or not self._away_told):
            self._set_ready(ready=False)
        self._hub.changed()

    def _set_ready(self, *, ready: bool) -> None:
        self.ready, self._away_told = ready, not ready
        kind, severity = ("upstream_ready", Severity.INFO) if ready else ("upstream_away", Severity.WARNING)
        what = "takes its messages" if ready else "is away: what happens is kept for later"
        self._report(kind, f"the back office {self.office.id} {what}", severity)

    # -- the rest ----------------------------------------------------------------------------------------------

    def _record(self, direction: Direction, frame: str | bytes) -> None:
        assert self._desk.on_frame is not None
        self._desk.on_frame(f"{self.office.id}:{self.identity}", direction, frame)

    def _report(self, kind: str, message: str, severity: Severity) -> None:
        self._desk.premises.report(kind, f"station:{self.identity}", message, severity)


class _HubDelivery(Delivery):
    """Shows the hub what its back office says to letters."""

    def __init__(self, office: BackOffice, identity: str, desk: Desk, hub: Line) -> None:
        super().__init__(office, identity, desk)
        self._hub = hub

    async def _taken(self, entry: Entry, told: str) -> None:
        try:
            await self._hub.told(entry, payload_of(told, at=2))
        except LedgerUnavailable:
            pass  # it is on record as told; what it says of a token is said again at the next session
        except Exception:  # whatever a back office answers, what follows must be delivered
            _LOG.exception("%s: an answer could not be understood", self._station)


def _call(message_id: str, message: Message) -> str:
    frame = [Kind.CALL, message_id, message.action, message.payload]
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
