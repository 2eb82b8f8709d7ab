"""The part of the composition root that people and programs meet: pages and API, and the desks behind them."""

from __future__ import annotations

from importlib.metadata import version

from adapters.billing.site_facts import site_facts
from adapters.configuration import Configuration
from adapters.driver_desk import DriverDesk
from adapters.limits.limiting import Limits
from adapters.live import Live
from adapters.ocpp import CentralSystem
from adapters.onboarding import Onboarding
from adapters.prices.pricing import Books
from adapters.settling.desk import SettlementDesk
from adapters.store.ledger import SqlLedger
from adapters.takings import Takings
from adapters.web.app import create_app
from adapters.web.commands import Commands
from adapters.web.parts import Parts
from adapters.web.server import WebServer
from adapters.wishes import Wishes
from controller.ports.common import Clock


def web_server(
    configuration: Configuration,
    *,
    ledger: SqlLedger,
    takings: Takings,
    live: Live,
    wishes: Wishes,
    limits: Limits,
    stations: CentralSystem,
    commands: Commands,
    clock: Clock,
    lab: bool,
) -> WebServer:
    """What serves pages and API of a site; it is not started yet.

    Args:
        configuration: a checked site.
        ledger: what is on record.
        takings: prices, and what sessions cost.
        live: where the control loop publishes.
        wishes: what is asked for the sessions that run.
        limits: what others set.
        stations: the central system.
        commands: has a point's station do something; from any thread but the loop's.
        clock: time.
        lab: let everybody in without a password.
    """
    site, listener = configuration.site, configuration.web
    scheme = "ws" if configuration.ocpp.tls_certificate is None else "wss"
    parts = Parts(
        site=site,
        live=live,
        records=ledger,
        wishes=wishes,
        limits=limits,
        windows=ledger.demand.windows,
        books=Books(ledger.book, ledger.token_book, clock),
        charged=SettlementDesk(ledger.charged, configuration.store_url, site_facts(configuration), clock),
        drivers=DriverDesk(site=site, live=live, wishes=wishes, board=takings.board, offers=ledger, clock=clock),
        onboarding=Onboarding(
            site, stations.stations, ledger.keys, scheme=scheme, port=lambda: stations.port, open_to_all=lab
        ),
        commands=commands,
        publish_prices=takings.curves.publish,
        authenticate=ledger.keys.check_user,
        lab=lab,
        version=version("loadstar"),
    )
    return WebServer(create_app(parts), listener.host, listener.port, listener.tls_certificate, listener.tls_key)
