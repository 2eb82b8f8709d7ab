"""Costs and prices on the displays of one station, as far as it shows them.

A station that cannot show them says so by refusing; it is not asked again before it starts anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from adapters.ocpp.connector import Connector
from adapters.ocpp.errands import CallFailedError, Errands
from adapters.ocpp.station import Station
from adapters.ocpp.surroundings import Surroundings
from adapters.ocpp.transaction import Transaction
from controller.costs import Cost, ShownTariff

EVERY_S: Final = 60.0
"""How often the cost of a running session is shown anew; a tariff's period may change in between."""

WITHIN_S: Final = 2.0
"""An answer waits no longer for an amount: a station without its answer sends the message again."""

_LOG: Final = logging.getLogger("loadstar.ocpp")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a session's display is about."""

    transaction_id: str
    at: str
    register_wh: int | None
    charging: bool


class CostWords(Protocol):
    """How one version says it. None: it has no message for that."""

    def running_cost(self, standing: Standing, cost: Cost) -> Any:
        """The cost of a session that runs."""
        ...

    def final_cost(self, transaction_id: str, cost: Cost) -> Any:
        """The cost of a session that has ended."""
        ...

    def user_price(self, token: str, text: str) -> Any:
        """What a driver is going to pay."""
        ...

    def default_tariff(self, tariff: ShownTariff) -> Any:
        """What everybody pays."""
        ...

    def shown(self, answer: Any) -> bool:
        """Whether a station shows what it was told, by its answer."""
        ...


class CostDisplay:
    """What one station is told of costs on one connection."""

    def __init__(
        self,
        station: Station,
        around: Surroundings,
        words: CostWords,
        errands: Errands,
        ask: Callable[..., Any],
        stamp: Callable[[], str],
    ) -> None:
        """Prepare for a connection; ``ask`` sends a call, ``stamp`` tells the time as messages have it."""
        self._station = station
        self._costs = around.costs
        self._clock = around.clock
        self._words = words
        self._errands = errands
        self._ask = ask
        self._stamp = stamp
        self._tariff: ShownTariff | None = None

    def measured(self, connector: Connector) -> None:
        """A session has gone on: show what it costs by now, unless that was done a moment ago."""
        transaction, now_s = connector.transaction, self._clock.monotonic_s()
        if transaction is None or transaction.dormant or not transaction.authorised:
            return
        if self._wanted() and now_s >= transaction.cost_due_s:
            transaction.cost_due_s = now_s + EVERY_S
            self._later(lambda: self._show(connector, transaction))

    def presented(self, token: str) -> None:
        """A token that may charge was presented: say what it pays, where that needs a message of its own."""
        if self._wanted():
            self._later(lambda: self._say_price(token))

    def booted(self) -> None:
        """It has started anew: it is told the tariff, if it keeps one."""
        if self._costs is not None:
            self._later(self._set_tariff)

    async def price_text(self, token: str) -> str | None:
        """Return what a token pays here, in words."""
        if self._costs is None:
            return None
        points = [connector.point.id for connector in self._station.connectors.values()]
        return await _known(self._costs.price_text(token, points))

    async def final(self, session: str | None) -> Cost | None:
        """Return what a session that has just ended costs."""
        return None if self._costs is None or session is None else await _known(self._costs.cost(session))

    def ended(self, transaction: Transaction) -> None:
        """A session has ended: show what it costs, where that needs a message of its own."""
        if self._wanted():
            self._later(lambda: self._show_final(transaction))

    def _wanted(self) -> bool:
        return self._costs is not None and not self._station.costs_refused

    def _later(self, work: Callable[[], Any]) -> None:
        with suppress(CallFailedError):  # no connection: there is nothing to show it on
            self._errands.add(work)

    async def _show(self, connector: Connector, transaction: Transaction) -> None:
        cost = await self.final(transaction.session)
        if cost is None or connector.transaction is not transaction or cost.amount == transaction.cost_shown:
            return
        transaction.cost_shown = cost.amount
        standing = Standing(transaction.id, self._stamp(), connector.register_wh, connector.draws)
        await self._tell(self._words.running_cost(standing, cost))

    async def _show_final(self, transaction: Transaction) -> None:
        cost = await self.final(transaction.session)
        if cost is not None:
            await self._tell(self._words.final_cost(transaction.id, cost))

    async def _say_price(self, token: str) -> None:
        text = await self.price_text(token)
        if text is not None:
            await self._tell(self._words.user_price(token, text))

    async def _set_tariff(self) -> None:
        tariff = None if self._costs is None else await _known(self._costs.default_tariff(self._station.id))
        if tariff is not None and tariff != self._tariff:
            self._tariff = tariff
            request = self._words.default_tariff(tariff)
            if request is not None:
                with suppress(CallFailedError):  # one that keeps no tariff may show costs all the same
                    await self._ask(request)

    async def _tell(self, request: Any) -> None:
        if request is None or self._station.costs_refused:
            return
        try:
            shown = self._words.shown(await self._ask(request))
        except CallFailedError as failure:
            shown = not failure.refused
        self._station.costs_refused = not shown


async def _known(question: Awaitable[T | None]) -> T | None:
    """Return what is known; None where that fails: no session may suffer for its price."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await question
    except TimeoutError:
        return None
    except Exception:
        _LOG.exception("a price could not be found")
        return None
