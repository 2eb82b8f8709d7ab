"""One station at one back office: the connection, what it must be told first, and what waits to be told.

While the connection is there and the back office has accepted the station, messages pass at once. Messages about
transactions always come from the outbox, where they were put in the commit of what they tell of, in the order in which
it happened: so there is one way for a message that passes at once and for one that has waited for days.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from adapters.ocpp.upstream.back_office import BackOffice, ChannelView, Desk
from adapters.ocpp.upstream.delivery import Delivery
from adapters.ocpp.upstream.link import OnCall, OnOneWay, UpstreamLink
from adapters.ocpp.upstream.patience import Patience
from adapters.ocpp.upstream.turns import AwayError
from adapters.ocpp.upstream.way import Way
from adapters.ocpp.upstream.words import called_anew, new_call, payload_of
from adapters.ocpp.wire import Frame
from controller.hub_satellite.outbox import Letter
from controller.plan import Severity
from controller.ports.devices import Direction
from controller.ports.ledger import LedgerUnavailable

ANSWER_S: Final = 10.0
"""A charger waits half a minute for an answer, and gets ours in time when the back office takes longer than this."""

FIRST_CONNECTION_S: Final = 3.0
"""A charger that has just come may boot before we are through to its back office, which is to answer that itself."""

READY_S: Final = 1.0
"""What follows on its boot waits so long for what must be told before it."""

LIVE_BOOT_S: Final = 2.0
"""So long a charger that has just come is waited for to boot; then the boot that it made last is told again."""

LINGER_S: Final = 10.0
"""A charger that has gone may come back at once; then its back office learns that it is not there."""

BOOT_RETRY_LEAST_S: Final = 5.0
BOOT_RETRY_MOST_S: Final = 600.0
"""Bounds of the pause that a back office asks for when it does not accept a station yet."""

STREAM_MOST: Final = 64
"""What nobody answers, on its way to a back office that does not read; what comes then is lost, as it may be."""

BOOT: Final = "BootNotification"
STATUS: Final = "StatusNotification"


class Channel:
    """One station at one back office."""

    def __init__(
        self,
        office: BackOffice,
        station: str,
        desk: Desk,
        on_call: OnCall,
        on_change: Callable[[], None],
        on_one_way: OnOneWay,
    ) -> None:
        """Prepare; ``run`` does the work.

        Args:
            office: the back office.
            station: the identity.
            desk: what it rests on.
            on_call: answers what the back office asks of the station.
            on_change: told when the connection has come or gone, or could not be made.
            on_one_way: takes what it says and nobody answers.
        """
        self.office, self.station = office, station
        self.ready = False
        """Whether messages pass at once."""
        self._desk, self._on_call, self._on_change, self._on_one_way = desk, on_call, on_change, on_one_way
        self._link: UpstreamLink | None = None
        self._subprotocol = f"ocpp{office.version}"
        self._boot: str | None = None
        self._statuses: dict[str, str] = {}
        self._untold: set[str] = set()
        """Connectors whose status the back office has not been told on this connection."""
        self._present = False
        self._delivery = Delivery(office, station, desk)
        self._changed, self._linked = asyncio.Event(), asyncio.Event()
        self._accepted, self._spoken, self._is_ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._booting = self._away_told = False
        self._interval_s, self._passed = 0.0, 0
        """How often to show that the station is there; 0: it does so itself. How many of its calls have passed."""
        self._patience = Patience()
        self._noting: set[asyncio.Task[None]] = set()
        self._telling: set[asyncio.Task[None]] = set()

    # -- the station -------------------------------------------------------------------------------------------

    def came(self, subprotocol: str) -> None:
        """The station is connected, and speaks so."""
        if subprotocol != self._subprotocol:
            self._subprotocol = subprotocol
            self._note("subprotocol", subprotocol)
        self._present = True
        self._spoken.clear()
        self._patience.came()
        self._changed.set()

    def went(self) -> None:
        """The station has gone: nobody waits for an answer any more."""
        self._present = False
        self._patience.went()
        self._changed.set()

    def spoke(self, action: str) -> None:
        """The station has called."""
        self._booting = self.office.leads and action == BOOT and not self._accepted.is_set()
        self._spoken.set()

    async def ask(self, call: Frame) -> str | None:
        """Pass a call on at once; returns the text of the answer, None where there is none in time."""
        if call.action == BOOT:
            return await self._ask_boot(call)
        if not self.ready and self.connected:
            await self._patience.wait(asyncio.ensure_future(self._is_ready.wait()), READY_S)
        told = await self._asked(call) if self.ready else None
        if call.action == STATUS:
            place = _place(call)
            self._statuses[place] = call.text
            (self._untold.add if told is None else self._untold.discard)(place)
        return told

    def copy(self, call: Frame) -> None:
        """Pass a call on when there is time; nobody waits for the answer."""
        if call.action == BOOT:
            self._keep_boot(call.text)
        if call.action == STATUS:
            self._statuses[_place(call)] = call.text
            if not self.ready:
                self._untold.add(_place(call))
        if self.ready:
            self._delivery.copy(call.text)

    async def tell(self, action: str, payload: Mapping[str, Any]) -> None:
        """Tell something of our own, if there is a connection; nobody needs the answer."""
        if self.ready and self._link is not None:
            with suppress(AwayError):
                await self._link.call(*new_call(action, payload))

    def stream(self, text: str) -> None:
        """Pass on what nobody answers, at once or never."""
        if self.ready and self._link is not None and len(self._telling) < STREAM_MOST:
            telling = asyncio.create_task(self._stream(self._link, text))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def expect(self, letter: Letter) -> bool:
        """Somebody will wait for the answer to a letter that is about to be posted; False: there will be none soon."""
        return self.ready and self._delivery.expect(letter)

    def expects_no(self, letter: Letter) -> None:
        """Nobody waits for it after all."""
        self._delivery.expects_no(letter)

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._link is not None and self._link.connected

    def posted(self) -> None:
        """There is something new in the outbox."""
        self._delivery.posted()

    async def told(self, letter: Letter) -> str | None:
        """The text of the result that the back office has given to an expected letter; None: not in time, or none."""
        return await self._delivery.told(letter, lambda answer: self._patience.wait(answer, ANSWER_S))

    async def known_theirs(self) -> Mapping[str, str]:
        """How the back office calls the station's running transactions, by how the station calls them."""
        return await self._desk.outbox.theirs(self.office.id, self.station)

    # -- the connection ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled."""
        await self._restore()
        while True:
            self._changed.clear()  # before looking: it may come meanwhile
            if not (self._present or await self._waiting() or not self.office.keep_local):
                await self._changed.wait()
                continue
            way = Way(self.office.url, self.station, self._subprotocol, self.office.password, self.office.tls)
            self._link = UpstreamLink(
                way,
                on_call=self._on_call,
                on_open=self._opened,
                on_change=self._link_changed,
                on_frame=self._record if self._desk.on_frame else None,
                on_one_way=self._on_one_way,
                call_timeout_s=self._desk.call_timeout_s,
            )
            self._linked.set()
            running = asyncio.create_task(self._link.run(), name=f"upstream-{self.office.id}-{self.station}")
            try:
                await self._until_unneeded(self._subprotocol)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                self._link = None
                self._linked.clear()

    def view(self) -> ChannelView:
        """As pages and metrics see it."""
        link = self._link
        return ChannelView(
            upstream=self.office.id,
            station=self.station,
            primary=self.office.primary,
            connected=link is not None and link.connected,
            ready=self.ready,
            trouble=None if link is None else link.trouble,
        )

    async def _until_unneeded(self, subprotocol: str) -> None:
        while self._subprotocol == subprotocol:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self._changed.wait()
                    continue
            if not self._present and self.office.keep_local and not await self._waiting():
                return

    async def _waiting(self) -> bool:
        try:
            return bool(await self._desk.outbox.head(self.office.id, self.station, 1))
        except LedgerUnavailable:
            return False

    async def _restore(self) -> None:
        with suppress(LedgerUnavailable):
            notes = await self._desk.memory.notes(self.office.id, self.station)
            self._boot = self._boot or notes.get("boot")
            if not self._present:
                self._subprotocol = notes.get("subprotocol", self._subprotocol)

    def _link_changed(self) -> None:
        connected = self._link is not None and self._link.connected
        if not connected:
            self._accepted.clear()
            self._untold = set(self._statuses)
            if self.ready or not self._away_told:
                self._set_ready(ready=False)
        self._on_change()

    def _set_ready(self, *, ready: bool) -> None:
        self.ready, self._away_told = ready, not ready
        (self._is_ready.set if ready else self._is_ready.clear)()
        if not ready:
            self._delivery.give_up()
        kind, severity = ("upstream_ready", Severity.INFO) if ready else ("upstream_away", Severity.WARNING)
        what = "takes its messages" if ready else "is away: it is answered here, and what happens is kept for later"
        self._report(kind, f"the back office {self.office.id} {what}", severity)

    async def _opened(self) -> None:
        """Announce the station as one that has started, then tell what waits, for as long as the connection lasts."""
        if not self._accepted.is_set():
            await self._announce()
        for place in sorted(self._untold):
            await self._call_anew(self._statuses[place])
        self._untold.clear()
        await self._delivery.look()
        self._set_ready(ready=True)
        assert self._link is not None
        async with asyncio.TaskGroup() as together:
            together.create_task(self._delivery.run(self._link))
            together.create_task(self._beat())

    async def _beat(self) -> None:
        """Show that the station is there as often as the back office has asked, where the station was not told so."""
        while self._interval_s > 0:
            passed = self._passed
            await asyncio.sleep(self._interval_s)
            if passed == self._passed:
                await self.tell("Heartbeat", {})

    async def _announce(self) -> None:
        if self._present and not self._spoken.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LIVE_BOOT_S):
                    await self._spoken.wait()
        if self._booting:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._accepted.wait()
        while self._boot is not None and not self._accepted.is_set():
            answer = payload_of(await self._call_anew(self._boot), at=2)
            if answer.get("status") == "Accepted":
                self._interval_s = interval_of(answer)
                break
            asked_s = answer.get("interval")
            pause_s = float(asked_s) if isinstance(asked_s, int) else BOOT_RETRY_LEAST_S
            with suppress(TimeoutError):  # the station's own boot may be accepted meanwhile
                async with asyncio.timeout(min(max(pause_s, BOOT_RETRY_LEAST_S), BOOT_RETRY_MOST_S)):
                    await self._accepted.wait()
        self._accepted.set()

    async def _call_anew(self, text: str) -> str:
        """Tell once more what was told before, or was not heard: with an id of its own."""
        assert self._link is not None
        return await self._link.call(*called_anew(text))

    async def _ask_boot(self, call: Frame) -> str | None:
        self._keep_boot(call.text)
        link = self._link
        if link is None or not link.connected:
            await self._patience.wait(asyncio.ensure_future(self._through()), FIRST_CONNECTION_S)
        told = await self._asked(call)
        self._booting, self._interval_s = False, 0.0
        if told is not None and payload_of(told, at=2).get("status") == "Accepted":
            self._accepted.set()
        return told

    async def _through(self) -> None:
        await self._linked.wait()
        if self._link is not None:
            await self._link.tried()

    async def _asked(self, call: Frame) -> str | None:
        if self._link is None:
            return None
        try:
            answer = await self._link.ask(call.message_id, call.text)
        except AwayError:
            return None
        self._passed += 1
        return await self._patience.answer(answer, ANSWER_S)

    async def _stream(self, link: UpstreamLink, text: str) -> None:
        with suppress(AwayError):
            await link.tell(text)

    # -- the rest ----------------------------------------------------------------------------------------------

    def _keep_boot(self, text: str) -> None:
        if text != self._boot:
            self._boot = text
            self._note("boot", text)

    def _note(self, name: str, value: Any) -> None:
        async def note() -> None:
            with suppress(LedgerUnavailable):
                await self._desk.memory.note(self.office.id, self.station, name, value)

        task = asyncio.create_task(note())
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    def _record(self, direction: Direction, frame: str | bytes) -> None:
        assert self._desk.on_frame is not None
        self._desk.on_frame(f"{self.office.id}:{self.station}", direction, frame)

    def _report(self, kind: str, message: str, severity: Severity) -> None:
        self._desk.premises.report(kind, f"station:{self.station}", message, severity)


def interval_of(booted: Mapping[str, Any]) -> float:
    """How often a back office wants to hear of a station [s]; 0: that is for the station to choose."""
    told = booted.get("interval")
    return float(told) if isinstance(told, int) and told > 0 else 0.0


def _place(status: Frame) -> str:
    return f"{status.payload.get('evseId', '')}:{status.payload.get('connectorId')}"
