"""What stands behind the pages and the API of one site, in one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.driver_desk import DriverDesk
from adapters.limits.limiting import Limits
from adapters.live import Live
from adapters.onboarding import Onboarding
from adapters.prices.pricing import Books
from adapters.settling.charged import Charged
from adapters.web.commands import Commands
from adapters.web.demand_export import Windows
from adapters.web.publishing import Publish
from adapters.wishes import Wishes
from controller.ports.ledger import Records
from controller.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a site that people and programs see and act on."""

    site: Site
    """What is shown."""
    live: Live
    """Where the control loop publishes."""
    records: Records
    """The book of sessions, for reading."""
    wishes: Wishes
    """What is asked for the sessions that run."""
    limits: Limits
    """What others set."""
    windows: Windows
    """The demand windows on record."""
    books: Books
    """Prices and tokens."""
    charged: Charged
    """Review, settlement and exports."""
    drivers: DriverDesk
    """What drivers see and may ask for."""
    onboarding: Onboarding
    """How stations find their way here."""
    commands: Commands
    """Has a point's station do something, and waits for its answer; from any thread but the loop's."""
    publish_prices: Publish
    """Puts a publication of prices on record."""
    authenticate: Callable[[str, str], str | None]
    """Tells the role that a name and a password give, or None when they are wrong; may take its time."""
    lab: bool
    """Whether everything is open to everybody who can connect."""
    version: str
    """Of the software, as pages and programs see it."""
