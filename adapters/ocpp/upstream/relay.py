"""One station that its back office sees as itself: every message passes, both ways, but for what is listed.

What the charger says is recorded and answered here as ever; then the back office's answer takes the place of ours,
where there is one in time. See docs/reference/forwarding.md for everything that does not pass unchanged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, cast

from adapters.ocpp.answering import Reply
from adapters.ocpp.forward import Charger
from adapters.ocpp.station import Station
from adapters.ocpp.upstream.asked import ANSWERS_REMEMBERED, Asked
from adapters.ocpp.upstream.back_office import BackOffice, ChannelView, Desk
from adapters.ocpp.upstream.channel import Channel
from adapters.ocpp.upstream.choice import Choice
from adapters.ocpp.upstream.handling import AT_HAND, AUTHORISING, Handling, about_transaction, heard_in
from adapters.ocpp.upstream.interventions import STARTS
from adapters.ocpp.upstream.limit_news import LimitNews
from adapters.ocpp.upstream.link import OnCall
from adapters.ocpp.upstream.teller import OfficeTeller
from adapters.ocpp.upstream.told_ledger import PostingLedger, ToldLedger
from adapters.ocpp.upstream.words import (
    payload_of,
    token_info,
    uid_of,
    with_token_info,
    with_transaction,
)
from adapters.ocpp.wire import Frame, Kind, call_error
from controller.away import Heard
from controller.ports.ledger import Ledger, LedgerUnavailable
from controller.ports.transactions import Outcome
from controller.snapshot import StationLimit

_MEANS_NOTHING: Final = frozenset(
    {
        "Heartbeat",
        "DataTransfer",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
        "LogStatusNotification",
    }
)
"""Messages that change nothing here, so that nothing need be done with them but to pass them on."""

LIMITS_EVERY_S: Final = 5.0
"""How often it is looked whether a back office is to be told of a limit."""

_TOKENS_REMEMBERED: Final = 200
"""Words about tokens that need not be put on record again."""


class Relay:
    """Passes one station's conversation on (``adapters.ocpp.forward.Forward``)."""

    def __init__(self, station: str, offices: Sequence[BackOffice], desk: Desk) -> None:
        """Prepare; ``run`` does the work.

        Args:
            station: its identity.
            offices: those that see it as itself; of those that answer, at most one leads.
            desk: what dealing with them rests on.
        """
        self.station = station
        self._desk = desk
        self._channels = [
            Channel(office, station, desk, self._answerer(office), self._channel_changed, partial(self._says, office))
            for office in offices
        ]
        self._primary = next((one for one in self._channels if one.office.leads), None)
        self._answering = {one.office.id: one for one in self._channels if one.office.primary}
        """Those whose answers reach the station."""
        outbox, clock = desk.outbox, desk.premises.clock
        self._choice = Choice(station, [one.office for one in self._answering.values()], outbox, clock, self._group_of)
        self._asked = {
            office: Asked(one.office, station, desk, one.tell, partial(self._choice.is_of, office=office))
            for office, one in self._answering.items()
        }
        self._teller = OfficeTeller(station, self._channels, self._asked, self._choice, desk)
        self._ledger: Ledger | None = None
        self._charger: Charger | None = None
        self._about: Station | None = None
        self._legacy = True
        self._unanswered: Frame | None = None
        """What the back office was asked just now, and has not answered."""
        self._heard: dict[tuple[str, str], Heard] = {}
        self._farewell: asyncio.Task[None] | None = None
        self._answered: OrderedDict[str, Channel] = OrderedDict()
        """Whose answers the station has been given last, by the calls' ids."""

    # -- Forward -----------------------------------------------------------------------------------------------

    @property
    def refusing(self) -> bool:
        """Whether the station is not to be connected while its back office is away."""
        return self._primary is not None and not self._primary.office.keep_local and not self._primary.connected

    def attach(self, station: Station) -> None:
        """Take the station that it is about."""
        self._about = station
        for asked in self._asked.values():
            asked.about = station

    async def goes_on(self, token: str) -> bool:
        """Whether the back office lets a session go on that ran before a restart."""
        if self._primary is None:
            return False
        heard = await self._desk.memory.heard(await self._choice.of_token(token), token)
        return heard is None or heard.status in {"Accepted", "ConcurrentTx"}

    def told(self, ledger: Ledger) -> Ledger:
        """The ledger as the station's conversation is to see it."""
        self._ledger = ledger
        return ToldLedger(cast("PostingLedger", ledger), self._teller)

    def connected(self, charger: Charger) -> None:
        """The station speaks on this connection from now on."""
        self._charger, self._legacy = charger, charger.subprotocol == "ocpp1.6"
        for asked in self._asked.values():
            asked.charger = charger
            asked.speaks(charger.subprotocol)
        for channel in self._channels:
            channel.came(charger.subprotocol)

    def disconnected(self, charger: Charger) -> None:
        """A connection has ended."""
        if self._charger is charger:
            self._charger = None
            for asked in self._asked.values():
                asked.charger = None
            for channel in self._channels:
                channel.went()

    async def pass_by(self, call: Frame) -> str | None:
        """The back office's answer to a call that means nothing here."""
        if call.action not in _MEANS_NOTHING or self._primary is None or not self._primary.ready:
            return None
        for channel in self._channels:
            if channel is not self._primary:
                channel.copy(call)
        told = await self._primary.ask(call)
        self._unanswered = call if told is None else None
        if told is not None:
            self._answers(self._primary, call)
        return told

    def hears(self, call: Frame) -> None:
        """The station has called, and is about to be answered here."""
        AT_HAND.set(Handling(call, asked=call is self._unanswered))
        for channel in self._channels:
            channel.spoke(call.action)

    async def answer(self, call: Frame, local: Reply) -> str:
        """What the station is answered."""
        if local.code == "InternalError":
            return local.text  # it could not be recorded: it comes again
        at_hand = AT_HAND.get() or Handling(call)
        try:
            told = await self._upstairs(at_hand)
        except LedgerUnavailable:
            return call_error(call.message_id, "InternalError")
        if told is None:
            return self._doubted(at_hand, local)
        await self._learn(at_hand, told)
        if (owner := await self._teller.owner(at_hand)) is not None:
            self._answers(owner, call)
        return told if at_hand.ours is None else with_transaction(told, at_hand.ours)

    def takes(self, frame: Frame) -> bool:
        """Take what nobody answers: everybody hears of a stream, and of a wrong answer whoever gave it."""
        if frame.kind is Kind.SEND:
            heard = self._channels
        else:
            author = self._answered.get(frame.message_id)
            heard = [] if author is None else [author]
        for channel in heard:
            channel.stream(frame.text)
        return bool(heard)

    # -- the service -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled."""
        for asked in self._asked.values():
            await asked.restore()
        with suppress(LedgerUnavailable):
            await self._choice.restore()
        telling = (self._tell_limits(office) for office in self._answering)
        async with asyncio.TaskGroup() as together:
            for work in (*telling, *(channel.run() for channel in self._channels)):
                together.create_task(work)

    def views(self) -> Iterable[ChannelView]:
        """Its connections as pages and metrics see them."""
        return [channel.view() for channel in self._channels]

    def limits_a(self) -> Mapping[str, float]:
        """By point, what back offices allow it now [A per phase], where one limits it."""
        found: dict[str, float] = {}
        for asked in self._asked.values():
            for point, limit_a in asked.limits_a().items():
                found[point] = min(limit_a, found.get(point, limit_a))
        return found

    def station_limits(self) -> Iterable[StationLimit]:
        """What back offices allow the station's points together."""
        return (limit for asked in self._asked.values() for limit in asked.station_limit())

    async def _tell_limits(self, office: str) -> None:
        """Tell a back office what the site allows, where its version of OCPP has words for that."""
        news, clock, channel = LimitNews(), self._desk.premises.clock, self._answering[office]
        while True:
            await asyncio.sleep(LIMITS_EVERY_S)
            if not channel.ready or self._legacy:
                news.forget()
                continue
            for action, payload in list(news.due(self._asked[office].evses(), clock.monotonic_s())):
                await channel.tell(action, payload)

    # -- what the charger says ---------------------------------------------------------------------------------

    async def _upstairs(self, at_hand: Handling) -> str | None:
        """What the back office answers a call; None: nothing, or not in time."""
        call, owner = at_hand.call, await self._teller.owner(at_hand)
        if call.action == "MeterValues" and owner is not None and not self._asked[owner.office.id].passes(call):
            return None
        if at_hand.asked:
            return at_hand.told
        if about_transaction(call):
            if at_hand.letters is None:
                if letters := await self._teller.letters():
                    await self._desk.outbox.post(letters)
                self._teller.posted(Outcome.RECORDED)
            return await self._teller.answer_to_letter(at_hand)
        for channel in self._teller.told(owner) if call.action == "Authorize" else self._channels:
            if channel is not owner:
                channel.copy(call)
        return None if owner is None else await owner.ask(call)

    def _answers(self, author: Channel, call: Frame) -> None:
        if self._legacy:
            return  # it has no words for a wrong answer
        self._answered[call.message_id] = author
        while len(self._answered) > ANSWERS_REMEMBERED:
            self._answered.popitem(last=False)

    async def _group_of(self, uid: str) -> str | None:
        token = None if self._ledger is None else await self._ledger.token(uid)
        return None if token is None else token.group

    def _doubted(self, at_hand: Handling, local: Reply) -> str:
        """Our own answer, with what is known of the back office's: a token that only it would accept is refused."""
        info = token_info(local.payload)
        if info is None:
            return local.text
        if at_hand.doubt:
            self._refuse(at_hand.call)
            return with_token_info(local.text, {"status": "Invalid"})
        group = None if at_hand.heard is None else at_hand.heard.group
        if group is None or not self._legacy or info.get("status") != "Accepted":
            return local.text
        return with_token_info(local.text, {**info, "parentIdTag": group})  # another card of it may end the session

    async def _learn(self, at_hand: Handling, told: str) -> None:
        """Keep what an answer says of a token, for the time when nobody answers."""
        call, heard, owner = at_hand.call, heard_in(at_hand.call, told), await self._teller.owner(at_hand)
        if heard is None or owner is None:
            return
        if heard.status != "Accepted" and call.action in AUTHORISING:
            self._refuse(call)
        office = owner.office.id
        if self._heard.get((office, heard.uid)) != heard:
            self._heard[office, heard.uid] = heard
            while len(self._heard) > _TOKENS_REMEMBERED:
                del self._heard[next(iter(self._heard))]
            with suppress(LedgerUnavailable):
                await self._desk.memory.hear(office, [heard], self._desk.premises.clock.now())

    def _refuse(self, call: Frame) -> None:
        """The transaction that a call is about is one that nobody wants."""
        if self._about is None or call.action == "StopTransaction":
            return
        payload = call.payload
        transaction = (payload.get("transactionInfo") or {}).get("transactionId")
        for number, connector in self._about.connectors.items():
            running = connector.transaction
            if running is not None and (running.id == transaction or number == payload.get("connectorId")):
                running.authorised = False

    # -- what the back office asks -----------------------------------------------------------------------------

    def _answerer(self, office: BackOffice) -> OnCall:
        return partial(self._called, office.id) if office.primary else self._not_yours

    async def _called(self, office: str, call: Frame, text: str) -> str:
        """Answer a call of a back office whose answers reach the station."""
        named = self._legacy and "transactionId" in text
        theirs = await self._answering[office].known_theirs() if named else {}
        uid = uid_of(call.payload) if self._choice.open and call.action in STARTS else None
        if uid is None:
            return await self._asked[office].answer(call, text, theirs)
        self._choice.asks_for(office, uid)
        answer = await self._asked[office].answer(call, text, theirs)
        if payload_of(answer, at=2).get("status") != "Accepted":
            self._choice.asks_no_more(uid)
        return answer

    async def _says(self, office: BackOffice, frame: Frame) -> None:
        """Take what a back office says and nobody answers."""
        if office.leads or (office.primary and frame.kind is Kind.RESULT_ERROR):
            await self._asked[office.id].says(frame)

    async def _not_yours(self, call: Frame, _text: str) -> str:
        """Answer a call of a back office that only listens."""
        return call_error(call.message_id, "NotSupported", "this connection only tells what happens")

    def _channel_changed(self) -> None:
        if self.refusing and self._charger is not None:
            self._farewell = asyncio.create_task(self._charger.hang_up("the back office is away"))
