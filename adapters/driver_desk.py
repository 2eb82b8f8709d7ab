"""What a driver sees at a charging point, and may ask for there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from adapters.live import Live
from adapters.wishes import Wishes
from controller.explain import sentence
from controller.ports.common import Clock
from controller.ports.ledger import SessionRecord
from controller.ports.tick import PriceNow, Tick
from controller.site import Site
from controller.snapshot import State
from controller.tariffs.offers import NoSuchOffer, Offer
from controller.tariffs.posted import Posted
from controller.wishes import Asker, NoSuchSession

PRIORITIES: Final[Mapping[Offer, int | None]] = {Offer.FAST: 1, Offer.REGULAR: None, Offer.FLEXIBLE: -1}
"""What choosing an offer asks of the division of current; None: what the token or its group asks."""


class NotTheirs(Exception):  # noqa: N818 - a refusal, not a mistake of ours
    """The card is not the one that the session at the point was begun with."""


class CannotBe(Exception):  # noqa: N818 - a refusal, not a mistake of ours
    """What is asked contradicts itself; the text says what is missing."""


class Board(Protocol):
    """Knows what charging costs at a point (``adapters.billing.price_board``)."""

    def posted(self, point: str) -> tuple[Posted, ...]:
        """The offers there, the regular one first."""
        ...

    def begun_with(self, session: str) -> Posted | None:
        """The price list that a session began with."""
        ...


class OfferBook(Protocol):
    """Where choices are kept. Blocks for milliseconds; for any thread."""

    def choose_offer(self, session: str, offer: Offer, tariff: str | None, at: datetime, chosen_by: str) -> None:
        """Put on record which offer holds for a session that runs, from now on."""
        ...

    def chosen_offers(self) -> Mapping[str, Offer]:
        """Which was chosen last, by session id, for those that run."""
        ...


@dataclass(frozen=True, slots=True)
class DriverView:
    """What is shown at one point."""

    point: str
    state: State
    why: str | None
    """What it does and why, in a sentence."""
    session: SessionRecord | None
    offer: Offer
    """That holds for the session."""
    departs_at: datetime | None
    needed_wh: int | None
    """What the driver still needs [Wh]."""
    posted: tuple[Posted, ...]
    price: PriceNow | None


@dataclass(frozen=True, slots=True)
class Asking:
    """What a driver asks for; None: nothing is said of it."""

    card: str
    """The number of the card or tag that the session was begun with."""
    offer: Offer | None = None
    leaves: time | None = None
    """Time of day at the site; the next one of that kind."""
    energy_kwh: Decimal | None = None
    """Wanted by then, from the beginning of the session on."""


class DriverDesk:
    """Serves the drivers of one site. Thread-safe.

    Args:
        site: its points.
        live: where the control loop publishes.
        wishes: where what is asked for reaches the control loop.
        board: what charging costs.
        offers: where choices are kept.
        clock: time.
    """

    def __init__(self, site: Site, live: Live, wishes: Wishes, board: Board, offers: OfferBook, clock: Clock) -> None:
        self._site, self._live, self._wishes = site, live, wishes
        self._board, self._offers, self._clock = board, offers, clock

    def view(self, point: str) -> DriverView:
        """What is shown at a point of the site.

        Raises:
            KeyError: the site has no such point.
            LedgerUnavailable: the ledger cannot be read.
        """
        if point not in self._site.point:
            raise KeyError(point)
        tick = self._live.latest()
        session = None if tick is None else tick.sessions.get(point)
        state = None if tick is None else tick.points.get(point)
        chosen = {} if session is None else self._offers.chosen_offers()
        return DriverView(
            point=point,
            state=State.OFFLINE if state is None else state.state,
            why=_why(self._site, tick, point),
            session=session,
            offer=Offer.REGULAR if session is None else chosen.get(session.id, Offer.REGULAR),
            departs_at=None if state is None else state.departs_at,
            needed_wh=None if state is None else state.energy_needed_wh,
            posted=self._posted(point, session),
            price=None if tick is None else tick.price,
        )

    def ask(self, point: str, asking: Asking) -> None:
        """Take what the driver of the running session asks for.

        Raises:
            NoSuchSession: none runs there.
            NotTheirs: it was begun with another card.
            CannotBe: an offer is not there, or who can wait does not say until when.
            LedgerUnavailable: it could not be written.
        """
        tick = self._live.latest()
        session = None if tick is None else tick.sessions.get(point)
        if session is None:
            raise NoSuchSession(point)
        if not session.token or asking.card.strip().casefold() != session.token.casefold():
            raise NotTheirs
        changes = self._changes(point, asking)
        if asking.offer is not None:
            self.choose(point, asking.offer, "driver")
        if changes:
            self._wishes.ask(point, Asker.DRIVER, "", changes)

    def choose(self, point: str, offer: Offer, chosen_by: str) -> None:
        """Let an offer hold for the running session from now on, and serve it accordingly.

        Raises:
            NoSuchSession: none runs there.
            CannotBe: there is no such offer.
            LedgerUnavailable: it could not be written.
        """
        tick = self._live.latest()
        session = None if tick is None else tick.sessions.get(point)
        if session is None:
            raise NoSuchSession(point)
        posted = {one.offer: one for one in self._board.posted(point)}
        if offer is not Offer.REGULAR and offer not in posted:
            raise CannotBe(f"offer: there is no {offer.value} offer here")
        tariff = None if offer is Offer.REGULAR else posted[offer].tariff
        if self._offers.chosen_offers().get(session.id, Offer.REGULAR) is not offer:
            try:
                self._offers.choose_offer(session.id, offer, tariff, self._clock.now(), chosen_by)
            except NoSuchOffer as error:
                raise CannotBe(f"offer: {error}") from None
        self._wishes.ask(point, Asker.DRIVER, "", {"priority": PRIORITIES[offer]})

    def _posted(self, point: str, session: SessionRecord | None) -> tuple[Posted, ...]:
        """What is offered there; to who charges already, first of all the price list that the session began with."""
        posted = self._board.posted(point)
        own = None if session is None else self._board.begun_with(session.id)
        return posted if own is None else (own, *(one for one in posted if one.offer is not Offer.REGULAR))

    def _changes(self, point: str, asking: Asking) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if asking.leaves is not None:
            changes["departs_at"] = self._next(asking.leaves)
        if asking.energy_kwh is not None:
            changes["energy_wh"] = round(1000 * asking.energy_kwh)
        waits = asking.offer is Offer.FLEXIBLE
        state = None if (tick := self._live.latest()) is None else tick.points.get(point)
        if waits and "departs_at" not in changes and (state is None or state.departs_at is None):
            raise CannotBe("leaves: who can wait says until when")
        return changes

    def _next(self, leaves: time) -> datetime:
        zone = ZoneInfo(self._site.time_zone)
        now = self._clock.now().astimezone(zone)
        today = datetime.combine(now.date(), leaves, zone)
        return today if today > now else datetime.combine(now.date() + timedelta(days=1), leaves, zone)


def _why(site: Site, tick: Tick | None, point: str) -> str | None:
    return None if tick is None or tick.turn is None else sentence(site, tick.turn, point)
