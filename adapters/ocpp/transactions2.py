"""The transactions of a station that chooses their ids and tells of them in events (OCPP 2.x, functional block E).

Any event may be the first that is heard of a transaction, may come again, or may come after later ones: a station
keeps what it could not deliver, and delivers it when it can (E04). The ledger is told what it does not know before the
station is answered; what the point does follows only from the newest event, and from none that tells of the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from adapters.ocpp.connector import Connector
from adapters.ocpp.meter_values import Measured, read_register
from adapters.ocpp.reception import Reception, Verdict
from adapters.ocpp.signed import signed_texts
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.transaction import Transaction
from adapters.ocpp.transaction_event import ENDED, STARTED, TransactionEvent
from controller.hub_satellite.connector import DRAWING_A, Status
from controller.ports.transactions import (
    NO_REGISTER_WH,
    REGISTER_MISSING,
    START_MISSING,
    Outcome,
    Started,
    TransactionDetails,
    TransactionStart,
    TransactionStop,
)

_MOST_ELSEWHERE: Final = 100
"""Transactions remembered that are on record and run at no point of the site; the rest is asked of the ledger again."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an event was about."""

    verdict: Verdict | None
    """What the site says of the token that it names; None: it names none."""
    session: str | None
    """The session of its transaction, where it runs at a point of the site or did until now."""


class Transactions:
    """Takes down the transaction events of one station."""

    def __init__(self, station: Station, around: Surroundings, reception: Reception) -> None:
        self._station = station
        self._around = around
        self._reception = reception
        self._elsewhere: set[str] = set()

    async def hear(self, event: TransactionEvent) -> Heard:
        """Take down an event.

        Raises:
            LedgerUnavailable: it could not be recorded, and is to be announced again.
        """
        if texts := signed_texts(event.meter_value):
            await self._around.ledger.keep_signed(self._station.id, event.transaction_id, texts)
        verdict = None if event.token is None else await self._reception.judge(event.token, self._place(event))
        if event.abnormal:
            self._reception.abnormal(event.reason)
        if event.kind == ENDED:
            return Heard(verdict, await self._end(event))
        connector = await self._found(event, verdict)
        if connector is None or connector.transaction is None:
            return Heard(verdict, None)
        transaction = connector.transaction
        await self._fill_in(event, connector, transaction, verdict)
        live = transaction.numbering.newest(event.seq_no) and not event.offline
        measured = self._reception.values(connector, event.meter_value, live=live)
        if live:
            await self._follow(event, connector, transaction, measured)
        await self._learn_start(connector, measured.register_wh if event.begin_wh is None else event.begin_wh)
        return Heard(verdict, transaction.session)

    async def measured(self, connector: Connector, meter_value: object) -> None:
        """Take down a MeterValues about an EVSE."""
        measured = self._reception.values(connector, meter_value)
        if connector.transaction is not None and _flows(measured):
            await self._wake(connector, connector.transaction)
        await self._learn_start(connector, measured.register_wh)

    async def _found(self, event: TransactionEvent, verdict: Verdict | None) -> Connector | None:
        """Have it on record, and return where it runs.

        That is nowhere if it has ended, is overtaken by a newer one, or runs where the site has no point.
        """
        holder = self._station.holder(event.transaction_id)
        told_before = holder is not None or event.transaction_id in self._elsewhere
        if event.kind != STARTED and told_before and (holder is not None or self._connector(event) is None):
            return holder
        started, start_wh = await self._record(event, verdict)
        connector = self._connector(event)
        if holder is not None and holder.transaction is not None:
            if start_wh != NO_REGISTER_WH:
                holder.transaction.start_wh = start_wh  # its start may be on record only now
        elif connector is not None and not _overtaken(event, connector):
            self._reception.take_up(connector, started, await self._transaction(event, started, start_wh, verdict))
        holder = self._station.holder(event.transaction_id)
        if holder is None and len(self._elsewhere) < _MOST_ELSEWHERE:
            self._elsewhere.add(event.transaction_id)
        return holder

    def _place(self, event: TransactionEvent) -> Connector | None:
        return self._station.holder(event.transaction_id) or self._connector(event)

    def _connector(self, event: TransactionEvent) -> Connector | None:
        """Where it runs, if that is known yet: an authorisation may begin a transaction before its EVSE is chosen."""
        connectors = self._station.connectors
        if event.evse is None and len(connectors) == 1:
            return next(iter(connectors.values()))
        return connectors.get(event.evse or 0)

    async def _record(self, event: TransactionEvent, verdict: Verdict | None) -> tuple[Started, int]:
        """Have its start on record, with what stands in for what is not told; returns its register as well [Wh]."""
        connector, flags, register_wh = self._connector(event), list(event.flags), _register_wh(event)
        if event.kind != STARTED:
            flags.append(START_MISSING)
        if event.evse is not None and connector is None:
            flags.append("unknown_connector")
            self._reception.unknown_connector(event.evse)
        if verdict is not None and not verdict.accepted:
            flags.append("unauthorised_token")
        if register_wh is None:
            flags.append(REGISTER_MISSING)
        number = (event.evse or 0) if connector is None else connector.point.connector
        point = None if connector is None else connector.point.id
        start = TransactionStart(
            station=self._station.id,
            connector=number,
            point=point,
            token=event.token or "",
            started_at=event.at,
            start_wh=NO_REGISTER_WH if register_wh is None else register_wh,
            flags=tuple(flags),
            transaction_id=event.transaction_id,
        )
        started = await self._around.ledger.start_transaction(start)
        if started.outcome is Outcome.REPEATED and started.running and connector is not None:
            await self._tell(event, connector=number, point=point, start_wh=register_wh)
        return started, start.start_wh

    async def _transaction(
        self, event: TransactionEvent, started: Started, start_wh: int, verdict: Verdict | None
    ) -> Transaction:
        """What is known of a transaction that is to be opened; of one that is on record already, that as well."""
        token = event.token
        if started.outcome is Outcome.REPEATED:
            recorded = next((one for one in await self._around.ledger.running() if one.id == started.session_id), None)
            if recorded is not None:
                token, start_wh = recorded.token or token, recorded.start_wh
        if token and verdict is None:
            verdict = await self._reception.judge(token, self._connector(event))
        authorised = verdict is not None and verdict.accepted
        return Transaction(
            event.transaction_id,
            started.session_id,
            start_wh,
            authorised,
            started_at=event.at,
            token=token or "",
            dormant=not token,
        )

    async def _fill_in(
        self, event: TransactionEvent, connector: Connector, transaction: Transaction, verdict: Verdict | None
    ) -> None:
        """Take its token, where it had none."""
        if verdict is None or event.token is None or transaction.token:
            return
        await self._tell(event, token=event.token, flags=() if verdict.accepted else ("unauthorised_token",))
        transaction.token, transaction.authorised = event.token, verdict.accepted
        transaction.dormant = connector.status is Status.AVAILABLE

    async def _follow(
        self, event: TransactionEvent, connector: Connector, transaction: Transaction, measured: Measured
    ) -> None:
        """Do as its charging state says, or the current that flows."""
        if event.status is not None:
            connector.report(event.status, self._around.clock.monotonic_s())
        if event.active or _flows(measured):
            await self._wake(connector, transaction)
        elif event.status is not None:
            transaction.dormant = not transaction.token or event.status is Status.AVAILABLE

    async def _wake(self, connector: Connector, transaction: Transaction) -> None:
        """It charges, or would but for its limit."""
        if transaction.dormant and not transaction.token:
            verdict = await self._reception.judge("", connector)  # nobody has asked
            transaction.authorised = verdict.accepted
        transaction.dormant = False

    async def _learn_start(self, connector: Connector, register_wh: int | None) -> None:
        """Count from the first register that is told, where its start told none."""
        transaction = connector.transaction
        if transaction is None or transaction.start_wh != NO_REGISTER_WH or register_wh is None:
            return
        details = TransactionDetails(self._station.id, transaction.id, start_wh=register_wh)
        await self._around.ledger.complete_transaction(details)
        transaction.start_wh = register_wh

    async def _end(self, event: TransactionEvent) -> str | None:
        """Record its end; returns its session, if it was open here, now or a while ago."""
        connector = self._station.holder(event.transaction_id)
        transaction = None if connector is None else connector.transaction
        flags, end_wh = list(event.flags), _register_wh(event)
        if connector is not None and transaction is not None:
            transaction.numbering.newest(event.seq_no)
            if not transaction.numbering.complete:
                flags.append("events_missing")
            self._reception.values(connector, event.meter_value, live=False)
        await self._complete(event, transaction)
        if end_wh is None:
            flags.append("end_register_missing")
            end_wh = None if connector is None else connector.register_wh
        stop = TransactionStop(
            station=self._station.id,
            transaction_id=event.transaction_id,
            ended_at=event.at,
            end_wh=NO_REGISTER_WH if end_wh is None else end_wh,
            reason=event.reason or "Local",
            token=event.token,
            flags=tuple(flags),
            chosen=True,
        )
        await self._around.ledger.stop_transaction(stop)
        if connector is None or transaction is None:
            return self._station.ended_session(event.transaction_id)
        self._station.end(event.transaction_id)
        self._after(event, connector)
        return transaction.session

    async def _complete(self, event: TransactionEvent, transaction: Transaction | None) -> None:
        """Tell the ledger what only the last event tells of a transaction."""
        token = None if transaction is not None and transaction.token else event.token
        begun = transaction is not None and transaction.start_wh != NO_REGISTER_WH
        start_wh = None if begun else event.begin_wh
        if token is not None or start_wh is not None:
            await self._tell(event, token=token, start_wh=start_wh)

    async def _tell(self, event: TransactionEvent, **details: Any) -> None:
        told = TransactionDetails(self._station.id, event.transaction_id, **details)
        await self._around.ledger.complete_transaction(told)

    def _after(self, event: TransactionEvent, connector: Connector) -> None:
        """Its connector is what its plugs say; the car may still be there."""
        plugs = connector.plugs
        gone = event.reason == "EVDisconnected" or event.status is Status.AVAILABLE
        status = Status.AVAILABLE if gone else Status.FINISHING
        here = plugs in {Status.PREPARING, Status.UNKNOWN}
        connector.report(status if here else plugs, self._around.clock.monotonic_s())


def _flows(measured: Measured) -> bool:
    return measured.current_a is not None and max(measured.current_a) > DRAWING_A


def _register_wh(event: TransactionEvent) -> int | None:
    """The register that an event tells, of the moment that it is about if it says so."""
    told_wh = event.end_wh if event.kind == ENDED else event.begin_wh
    return read_register(event.meter_value) if told_wh is None else told_wh


def _overtaken(event: TransactionEvent, connector: Connector) -> bool:
    """Whether an event tells of a transaction that was over when the one that is open began."""
    newer = connector.transaction
    return newer is not None and newer.started_at is not None and event.at < newer.started_at
