"""What the back offices of one station are told of what happens there, and what they say of it.

Each call of the station belongs to one of them: to that of its transaction or token, else to the one that answers for
the station. That one is asked, and hears of it beside those that only listen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.ocpp.upstream.asked import Asked
from adapters.ocpp.upstream.back_office import Desk
from adapters.ocpp.upstream.channel import Channel
from adapters.ocpp.upstream.choice import Choice
from adapters.ocpp.upstream.handling import AT_HAND, AUTHORISING, Handling, about_transaction, heard_in
from adapters.ocpp.upstream.words import payload_of, transaction_of, with_payload
from adapters.ocpp.wire import Frame, Kind, kind_of
from controller.away import judge_away
from controller.hub_satellite.outbox import UNDECIDED, Letter, Standing
from controller.ports.tokens import Authorisation, Verdict
from controller.ports.transactions import Outcome, Started, TransactionStart


class OfficeTeller:
    """Tells one station's back offices (``adapters.ocpp.upstream.told_ledger.Teller``)."""

    def __init__(
        self, station: str, channels: Sequence[Channel], asked: Mapping[str, Asked], choice: Choice, desk: Desk
    ) -> None:
        """Prepare.

        Args:
            station: its identity.
            channels: to its back offices.
            asked: by id of those whose answers count, what they have set.
            choice: whose a call is.
            desk: what dealing with them rests on.
        """
        self._station, self._channels, self._asked, self._choice, self._desk = station, channels, asked, choice, desk
        self._answering = {channel.office.id: channel for channel in channels if channel.office.primary}
        self._primary = next((channel for channel in channels if channel.office.leads), None)

    async def letters(self) -> Sequence[Letter]:
        """What the back offices are to be told of the call that is being answered; nothing of most."""
        at_hand = AT_HAND.get()
        if at_hand is None:
            return []
        if at_hand.letters is not None:
            return at_hand.letters
        call, at_hand.letters = at_hand.call, []
        if not about_transaction(call):
            return at_hand.letters
        owner, text = await self.owner(at_hand), call.text
        if call.action == "TransactionEvent" and owner is not None:
            told = await self._asked[owner.office.id].event(call)
            if told is None:
                return []
            text = told
        for channel in self.told(owner):
            at_hand.letters.append(letter := self._letter(call, text, channel.office.id, ready=channel.ready))
            if channel is owner:
                channel.expect(letter)
        if owner is None and self._answering:
            ready = all(channel.ready for channel in self._answering.values())
            at_hand.letters.append(self._letter(call, text, UNDECIDED, ready=ready))
        return at_hand.letters

    def posted(self, outcome: Outcome) -> None:
        """They are on record now."""
        for channel in self._channels:
            channel.posted()
        if (at_hand := AT_HAND.get()) is not None:
            at_hand.repeated = outcome is Outcome.REPEATED

    async def named(self, start: TransactionStart, started: Started) -> Started:
        """A start with the id that the back office gives it, if it does so in time."""
        at_hand = AT_HAND.get()
        for asked in self._asked.values():
            asked.begins(start.connector, start.started_at)
        if at_hand is None:
            return started
        at_hand.told, at_hand.asked = await self.answer_to_letter(at_hand), True
        owner = await self.owner(at_hand)
        if owner is not None and not owner.office.leads:
            at_hand.ours = started.transaction_id  # two back offices may give the same id
        elif at_hand.told is not None:
            started = replace(started, transaction_id=payload_of(at_hand.told, at=2)["transactionId"])
        elif started.outcome is Outcome.REPEATED:
            known = await self._desk.outbox.transaction_id(started.session_id)
            started = replace(started, transaction_id=int(known)) if known and known.isdigit() else started
        if owner is not None:
            self._choice.has(str(started.transaction_id), owner.office.id)
        return started

    async def authorised(self, uid: str, here: Authorisation, at: datetime) -> Authorisation:
        """What the back office says of a token, or what holds while it is away."""
        at_hand = AT_HAND.get()
        office = None if at_hand is None else await self.owner(at_hand)
        if office is None or at_hand is None:
            return here
        call = at_hand.call
        if call.action == "Authorize" and not at_hand.asked:
            told, at_hand.asked = await office.ask(call), True
            if told is not None and (kind_of(told) == Kind.ERROR or heard_in(call, told) is not None):
                at_hand.told = told  # what says nothing of the token is no answer
        if at_hand.told is not None and (heard := heard_in(call, at_hand.told)) is not None:
            verdict = Verdict.ACCEPTED if heard.status == "Accepted" else Verdict.BLOCKED
            return replace(here, verdict=verdict, because="the back office says so", valid_until=heard.expires_at)
        at_hand.heard = await self._desk.memory.heard(office.office.id, uid)
        away = judge_away(office.office.authorise_away, here, at_hand.heard, at)
        if office.ready and call.action in AUTHORISING and not away.accepted:
            at_hand.doubt = True  # unless the back office accepts it, whose answer is still to come
            return replace(away, verdict=Verdict.ACCEPTED)
        return away

    async def owner(self, at_hand: Handling) -> Channel | None:
        """Who answers a call; None: nobody does, or it is not known yet."""
        if not self._choice.open or not (about_transaction(at_hand.call) or at_hand.call.action == "Authorize"):
            return self._primary
        if at_hand.office is None:
            at_hand.office = await self._choice.of_call(at_hand.call.payload)
        return self._answering.get(at_hand.office)

    def told(self, owner: Channel | None) -> Sequence[Channel]:
        """Who hears of what somebody answers: he does, and who only listens."""
        return [channel for channel in self._channels if channel is owner or not channel.office.primary]

    def _letter(self, call: Frame, text: str, office: str, *, ready: bool) -> Letter:
        return Letter(
            upstream=office,
            station=self._station,
            message_id=call.message_id,
            action=call.action,
            frame=text if ready else _happened_offline(call.action, text),
            key=call.fingerprint.hex(),
            happened_at=self._desk.premises.clock.now(),
            transaction_id=transaction_of(call.payload),
        )

    async def answer_to_letter(self, at_hand: Handling) -> str | None:
        """The owner's answer to what it was told of the call at hand."""
        owner, letters = await self.owner(at_hand), at_hand.letters or ()
        letter = next((one for one in letters if owner is not None and one.upstream == owner.office.id), None)
        if letter is None or owner is None:
            return None
        if at_hand.repeated:
            entry = await self._desk.outbox.entry(letter)
            if entry is None or entry.standing is not Standing.WAITING:
                owner.expects_no(letter)
                return None
        return await owner.told(letter)


def _happened_offline(action: str, text: str) -> str:
    """A call as it is told later. It is written so at once: what is sent again is the same, to the byte."""
    if action != "TransactionEvent":
        return text
    return with_payload(text, {**payload_of(text), "offline": True})
