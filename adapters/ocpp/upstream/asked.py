"""What a back office asks of one station that it sees as itself, and what it has set for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from adapters.ocpp.errands import CallFailedError
from adapters.ocpp.forward import Charger
from adapters.ocpp.station import Station
from adapters.ocpp.upstream.back_office import BackOffice, Desk
from adapters.ocpp.upstream.events import EventThinning
from adapters.ocpp.upstream.interventions import INTERVAL, NOT_ITS_OWN, PROFILES, STARTS, UNLOCK, Interventions
from adapters.ocpp.upstream.profiles import KeptProfiles
from adapters.ocpp.upstream.thinning import Thinning
from adapters.ocpp.upstream.words import answered, listed_tokens, payload_of, with_payload
from adapters.ocpp.wire import Frame, Kind, call_error, kind_of
from controller.hub_satellite.charging_profiles import Running
from controller.hub_satellite.composite import Evse
from controller.hub_satellite.outbox import renamed
from controller.ports.ledger import LedgerUnavailable
from controller.snapshot import StationLimit

ANSWERS_REMEMBERED: Final = 32
"""Whoever finds an answer wrong says so when he reads it."""

FOR_GUESTS: Final = frozenset(
    {
        *STARTS,
        *PROFILES,
        *NOT_ITS_OWN,
        "ChangeConfiguration",
        "GetConfiguration",
        "GetVariables",
        "SetVariables",
        "TriggerMessage",
    }
)
"""What a back office may ask of a station that another one looks after."""

Tell = Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, None]]
"""Tells a back office something: an action, and its payload."""


class Asked:
    """Answers one back office for one station, or has the station answer it."""

    def __init__(
        self,
        office: BackOffice,
        station: str,
        desk: Desk,
        tell: Tell,
        owns: Callable[[str], bool] = lambda _transaction: True,
    ) -> None:
        """Begin with nothing set; ``restore`` takes up what was.

        Args:
            office: the back office whose word counts.
            station: the identity.
            desk: what dealing with it rests on.
            tell: tells it something that it need not answer.
            owns: whether a transaction is its own, by the id that the station knows.
        """
        self.charger: Charger | None = None
        """Where it speaks now."""
        self.about: Station | None = None
        self._office, self._station, self._desk = office, station, desk
        self._thinning = Thinning()
        self._events = EventThinning(self._thinning)
        self._settings: dict[str, str] = {}
        self._kept = KeptProfiles(None, self._keep_profiles)
        self._interventions = self._intervening(legacy=True)
        self._began: dict[int, datetime] = {}
        self._tell, self._owns = tell, owns
        self._passed: deque[str] = deque(maxlen=ANSWERS_REMEMBERED)
        """Its calls whose answers it has been given as the station gave them."""
        self._notes: set[asyncio.Task[None]] = set()
        self._reports: set[asyncio.Task[None]] = set()

    async def restore(self) -> None:
        """Take up what the back office had set before a restart."""
        with suppress(LedgerUnavailable):
            notes = await self._desk.memory.notes(self._office.id, self._station)
            self._kept = KeptProfiles(notes.get("profiles"), self._keep_profiles)
            self._settings.update(notes.get("settings") or {})
            self._events = EventThinning(self._thinning, notes.get("events"))
            self._take_interval()
            self._interventions = self._intervening(legacy=self._interventions.legacy)

    def speaks(self, subprotocol: str) -> None:
        """The station has connected, and speaks so."""
        legacy = subprotocol == "ocpp1.6"
        if legacy is not self._interventions.legacy:
            self._interventions = self._intervening(legacy=legacy)

    def begins(self, connector: int, at: datetime) -> None:
        """A transaction begins there, by the station's word."""
        self._began[connector] = at

    def passes(self, measurement: Frame) -> bool:
        """Whether the back office wants this MeterValues, by what it has said."""
        return self._thinning.passes(measurement.payload, self._desk.premises.clock.monotonic_s())

    async def event(self, call: Frame) -> str | None:
        """A TransactionEvent as it is to be told; None: the back office has asked for fewer.

        Raises:
            LedgerUnavailable: that it is left out could not be put on record.
        """
        event = call.payload
        if INTERVAL in self._settings and self._events.left_out(event, self._desk.premises.clock.monotonic_s()):
            await self._desk.memory.note(self._office.id, self._station, "events", self._events.notes())
            return None
        number = self._events.number(event)
        return call.text if number == event.get("seqNo") else with_payload(call.text, {**event, "seqNo": number})

    def limits_a(self) -> Mapping[str, float]:
        """By point, what it allows now [A per phase], where it limits anything."""
        found: dict[str, float] = {}
        if self.about is None:
            return found
        now = self._desk.premises.clock.now()
        for number, connector in self.about.connectors.items():
            self._follow(number, now)
            if self._kept and (self._office.leads or self._kept.running(number)):
                limit_a = self._kept.limit_a(number, now, self._desk.premises.site.nominal_voltage_v)
                if limit_a is not None:
                    found[connector.point.id] = limit_a
        return found

    def station_limit(self) -> list[StationLimit]:
        """What it allows the station's points together, where it has several."""
        if self.about is None:
            return []
        points = [connector.point.id for connector in self.about.connectors.values()]
        voltage_v = self._desk.premises.site.nominal_voltage_v
        return self._kept.station_limit(points, self._office.id, self._desk.premises.clock.now(), voltage_v)

    async def answer(self, call: Frame, text: str, theirs: Mapping[str, str]) -> str:
        """Answer a call.

        Args:
            call: the call.
            text: the same as it came.
            theirs: how the back office calls transactions, by how the station calls them.
        """
        told = payload_of(text)
        asked = renamed(told, {other: ours for ours, other in theirs.items() if ours != other})
        if (kept_off := self._kept_off(call, asked)) is not None:
            return kept_off
        answer = self._interventions.answer(call.action, asked)
        if answer is None:
            return await self._answer_of_station(call, text, asked)
        if call.action in PROFILES or self._notes:
            await asyncio.gather(*self._notes)  # it is on disk before it is answered
        return answered(call.message_id, answer)

    async def says(self, frame: Frame) -> None:
        """Take what it says and nobody answers: the station hears that, unless it is about an answer of ours."""
        if self.charger is not None and (frame.kind is Kind.SEND or frame.message_id in self._passed):
            await self.charger.tell(frame.text)

    def _kept_off(self, call: Frame, asked: Mapping[str, Any]) -> str | None:
        """The answer to what concerns another back office; None: it does not."""
        if not self._office.leads and call.action not in FOR_GUESTS:
            return call_error(call.message_id, "NotSupported", "the station is for another back office to look after")
        named = asked.get("transactionId")
        others = named is not None and not self._owns(str(named))
        if call.action == UNLOCK and not self._office.leads and self.about is not None:
            at = self.about.connectors.get(asked.get("connectorId" if self._interventions.legacy else "evseId", 0))
            others = at is not None and at.transaction is not None and not self._owns(at.transaction.id)
        return answered(call.message_id, NOT_ITS_OWN[call.action]) if others and call.action in NOT_ITS_OWN else None

    async def _answer_of_station(self, call: Frame, text: str, asked: Mapping[str, Any]) -> str:
        for_charger = self._interventions.for_charger(call.action, asked)
        if self._interventions.spared(call.action, for_charger):
            return answered(call.message_id, self._interventions.for_office(call.action, asked, {}))
        if self.charger is None:
            return call_error(call.message_id, "GenericError", "the charging station is not connected")
        try:
            passed = text if for_charger == payload_of(text) else with_payload(text, for_charger)
            reply = await self.charger.pass_on(call.message_id, passed)
        except CallFailedError as failure:
            return call_error(call.message_id, "GenericError", str(failure))
        if kind_of(reply) == Kind.ERROR:
            return reply
        told = payload_of(reply, at=2)
        changed = self._interventions.for_office(call.action, asked, told)
        if call.action == "SendLocalList" and told.get("status") == "Accepted":
            await self._list(asked)
        if changed is told:
            self._passed.append(call.message_id)
        return reply if changed is told else answered(call.message_id, changed)

    async def _list(self, asked: Mapping[str, Any]) -> None:
        """Keep the local list that the charger was given: what it says holds here as well."""
        with suppress(LedgerUnavailable):
            now, full = self._desk.premises.clock.now(), asked.get("updateType") == "Full"
            await self._desk.memory.hear(self._office.id, listed_tokens(asked), now, all_listed=full)

    def _intervening(self, *, legacy: bool) -> Interventions:
        premises = self._desk.premises
        return Interventions(
            legacy=legacy,
            kept=self._kept,
            settings=self._settings,
            remember=self._remember,
            later=self._later,
            guest=not self._office.leads,
            evses=self.evses,
            now=premises.clock.now,
            voltage_v=premises.site.nominal_voltage_v,
        )

    def evses(self) -> list[Evse]:
        """The station's EVSEs, with what they may draw now."""
        if self.about is None:
            return []
        clock, found = self._desk.premises.clock, []
        for number, connector in self.about.connectors.items():
            self._follow(number, clock.now())
            running = self._kept.running(number)  # its own
            allowed_a = connector.commanded_a(clock.monotonic_s(), self.about.skew_s)
            found.append(Evse(number, connector.point.max_a, None if running is None else allowed_a, running))
        return found

    def _follow(self, number: int, now: datetime) -> None:
        """See what runs at a connector by now."""
        assert self.about is not None
        transaction = self.about.connectors[number].transaction
        others = transaction is not None and not self._owns(transaction.id)
        self._kept.shared(number, others=others)
        if transaction is None or others:
            self._kept.runs(number, None)
            return
        known = self._kept.running(number)
        if known is None or known.transaction_id != transaction.id:
            began_at = transaction.started_at or self._began.get(number) or now
            self._kept.runs(number, Running(transaction.id, min(began_at, now)))  # its clock may be ahead
            self._interventions.began(number)

    def _later(self, action: str, payload: dict[str, Any]) -> None:
        report = asyncio.ensure_future(self._tell(action, payload))  # runs when the answer is out
        self._reports.add(report)
        report.add_done_callback(self._reports.discard)

    def _remember(self, name: str, value: str) -> None:
        self._settings[name] = value
        self._take_interval()
        self._note("settings", dict(self._settings))

    def _take_interval(self) -> None:
        with suppress(ValueError, KeyError):
            self._thinning.interval_s = float(self._settings[INTERVAL])

    def _keep_profiles(self, documents: list[dict[str, Any]]) -> None:
        self._note("profiles", documents)

    def _note(self, name: str, value: Any) -> None:
        async def note() -> None:
            with suppress(LedgerUnavailable):
                await self._desk.memory.note(self._office.id, self._station, name, value)

        task = asyncio.create_task(note())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)
