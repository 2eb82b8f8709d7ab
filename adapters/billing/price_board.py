"""What charging costs now and over the coming day, for everybody who asks: pages, REST, MQTT, and chargers' displays.

All of them are told the same numbers, looked up every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog

from adapters.billing.billing import Billing
from adapters.billing.record_making import read_tariff
from adapters.billing.surcharges import Surcharges
from adapters.store.ledger import SqlLedger
from controller.costs import Cost, ShownTariff
from controller.ports.common import Clock
from controller.ports.ledger import LedgerUnavailable
from controller.ports.tick import PriceNow, Tick
from controller.ports.tokens import Token
from controller.site import Site
from controller.tariffs.book import BillingRule, Leg, Occasion, TariffVersion, TokenKind
from controller.tariffs.choice import choose
from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.offers import Offer
from controller.tariffs.outlook import price_outlook
from controller.tariffs.posted import Posted, prices_at
from controller.tariffs.price_words import price_words, shown
from controller.tariffs.rated import Tax
from controller.tariffs.rules import in_force
from controller.tariffs.tariff import PriceCurve, TaxIncluded

REFRESH_S: Final = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look into the book."""

    at: datetime
    rules: Sequence[BillingRule]
    versions: Mapping[str, Sequence[TariffVersion]]


class PriceBoard:
    """The prices of one site (``controller.costs.Costs``).

    Args:
        site: its points and its time zone.
        ledger: where tariffs and rules are.
        billing: knows what sessions cost.
        offers: the tariffs of offers that drivers may choose.
        surcharges: what nearing the peak adds.
        clock: time.
    """

    def __init__(
        self,
        site: Site,
        ledger: SqlLedger,
        billing: Billing,
        offers: Mapping[Offer, str],
        surcharges: Surcharges,
        clock: Clock,
    ) -> None:
        self._site, self._ledger, self._billing = site, ledger, billing
        self._offers, self._surcharges, self._clock = offers, surcharges, clock
        self._posted: Mapping[str, tuple[Posted, ...]] = {}
        self._usual: Posted | None = None

    async def run(self) -> None:
        """Look prices up until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.refresh)
            except LedgerUnavailable:
                log.warning("prices_wait", reason="the ledger cannot be read")
            except Exception:
                log.exception("prices_unreadable")
            await asyncio.sleep(REFRESH_S)

    def refresh(self) -> None:
        """Look the prices up now. Blocks for milliseconds; for any thread.

        Raises:
            LedgerUnavailable: the ledger cannot be read.
        """
        look = self._look()
        self._posted = {point.id: self._at_point(look, point.id, point.station) for point in self._site.points}
        occasion = self._occasion(look.at, None, "")
        self._usual = self._of_occasion(look, occasion)

    def posted(self, point: str) -> tuple[Posted, ...]:
        """What charging costs at a point, the regular offer first; empty where nothing says what it costs."""
        return self._posted.get(point, ())

    def begun_with(self, session: str) -> Posted | None:
        """The price list that a session began with; None where it has none. Blocks for milliseconds; for any thread.

        Raises:
            LedgerUnavailable: the ledger cannot be read.
        """
        retail = next((one for one in self._ledger.book.terms_of(session) if one.choice.leg is Leg.RETAIL), None)
        if retail is None or retail.version is None:
            return None
        contract_tax = None if retail.contract is None else retail.contract.tax
        curves = {curve.id: curve for curve in retail.curves}
        return self._posted_version(
            retail.version, Offer.REGULAR, curves, self._clock.now(), (contract_tax, retail.tax)
        )

    def usual(self) -> Posted | None:
        """What it costs at the site where nothing more particular counts."""
        return self._usual

    def described(self, tick: Tick) -> Tick:
        """The turn's picture with what charging costs. Neither blocks nor raises."""
        signal = None if tick.price is None else tick.price.signal
        self._surcharges.see(tick.at, signal)
        if self._usual is None:
            return tick
        holding = self._surcharges.at(tick.at)
        points = {point: _per_kwh_now(posted[0], tick.at) for point, posted in self._posted.items() if posted}
        price = PriceNow(
            usual_per_kwh=_per_kwh_now(self._usual, tick.at),
            signal=signal,
            holds=holding is not None,
            ahead=self._usual.ahead,
            points=points,
        )
        return replace(tick, price=price)

    # -- what chargers show ------------------------------------------------------------------------------------

    async def cost(self, session: str) -> Cost | None:
        """What a session costs by now, or in the end."""
        try:
            amount = await asyncio.to_thread(self._billing.cost, session)
        except Exception:
            log.exception("cost_unknown", session=session)
            return None
        return None if amount is None else Cost(amount, self._site.currency)

    async def price_text(self, token: str, points: Sequence[str]) -> str | None:
        """What a token pays at the first of these points."""
        point = next((self._site.point[point] for point in points if point in self._site.point), None)
        if point is None:
            return None
        try:
            known = await self._ledger.token(token)
            return await asyncio.to_thread(self._price_text, known, token, point.id, point.station)
        except Exception:
            log.exception("price_text_unknown", point=point.id)
            return None

    async def default_tariff(self, station: str) -> ShownTariff | None:
        """The regular price at a station, where it is one price all day at all of its points."""
        ours = [self._posted.get(point.id, ()) for point in self._site.points if point.station == station]
        regular = {posted[0] for posted in ours if posted}
        if len(regular) != 1 or not all(ours):
            return None
        return _shown_tariff(next(iter(regular)), self._site.currency)

    # -- looking up --------------------------------------------------------------------------------------------

    def _look(self) -> _Look:
        versions: dict[str, list[TariffVersion]] = {}
        for version in self._ledger.book.tariff_versions():
            versions.setdefault(version.tariff, []).append(version)
        return _Look(self._clock.now(), self._ledger.book.rules(), versions)

    def _price_text(self, known: Token | None, token: str, point: str, station: str) -> str | None:
        look = self._look()
        if known is not None and known.zero_rate:
            return "charging costs nothing"
        kind = TokenKind.GUEST if known is None else known.kind
        contract = None if known is None else known.contract
        occasion = Occasion(look.at, token, kind, contract, zero_rate=False, point=point, station=station)
        found = self._of_occasion(look, occasion)
        return None if found is None else found.words

    def _occasion(self, at: datetime, point: str | None, station: str) -> Occasion:
        """Somebody without a contract of their own, who is a guest where guests are served."""
        kind = TokenKind.GUEST if point is not None and self._ledger.book.operator.guests else TokenKind.OWN
        return Occasion(at, "", kind, None, zero_rate=False, point=point, station=station)

    def _at_point(self, look: _Look, point: str, station: str) -> tuple[Posted, ...]:
        regular = self._of_occasion(look, self._occasion(look.at, point, station))
        others = [self._of_tariff(look, tariff, offer) for offer, tariff in self._offers.items()]
        return tuple(each for each in (regular, *others) if each is not None)

    def _of_occasion(self, look: _Look, occasion: Occasion) -> Posted | None:
        choice = choose(look.rules, occasion, Leg.RETAIL)
        return None if choice.tariff is None else self._of_tariff(look, choice.tariff, Offer.REGULAR)

    def _of_tariff(self, look: _Look, tariff: str, offer: Offer) -> Posted | None:
        version = in_force(look.versions.get(tariff, ()), look.at)
        if version is None:
            return None
        curves = {name: curve for name in version.curves if (curve := self._ledger.book.curve(name, look.at))}
        return self._posted_version(version, offer, curves, look.at, (None, self._ledger.book.operator.tax))

    def _posted_version(
        self,
        version: TariffVersion,
        offer: Offer,
        curves: Mapping[str, PriceCurve],
        at: datetime,
        taxes: tuple[Tax | None, Tax | None],
    ) -> Posted:
        tariff = replace(read_tariff(version.document), version=str(version.number))
        compiled = CompiledTariff(tariff, self._site.time_zone, curves)
        contract_tax, operator_tax = taxes
        ahead = tuple(price_outlook(compiled, at, contract_tax=contract_tax, operator_tax=operator_tax))
        words = price_words(ahead[0], tariff.currency, tariff.idle.grace_s)
        included = tariff.tax_included is TaxIncluded.YES
        return Posted(offer, version.tariff, version.number, words, ahead, tariff.idle.grace_s, included)


def _per_kwh_now(posted: Posted, at: datetime) -> Decimal | None:
    prices = prices_at(posted, at)
    return None if prices is None or prices.per_kwh is None else shown(prices.per_kwh)


def _shown_tariff(posted: Posted, currency: str) -> ShownTariff | None:
    """A tariff that a station can keep: one price all day, whose prices before tax are known."""
    first = posted.ahead[0]
    parts = (first.per_kwh, first.per_hour, first.per_idle_hour, first.flat)
    if len(posted.ahead) != 1 or posted.idle_grace_s:
        return None
    amounts = [None if each is None else each.before_tax for each in parts]
    if None in amounts:
        return None
    per_kwh, per_hour, per_idle_hour, flat = (each or None for each in amounts)
    taxed = first.per_kwh
    tax_pct = None
    if taxed is not None and taxed.after_tax is not None and taxed.before_tax:
        tax_pct = (taxed.after_tax / taxed.before_tax - 1) * 100
    per_minute = [None if each is None else each / 60 for each in (per_hour, per_idle_hour)]
    return ShownTariff(
        id=f"{posted.tariff}-{posted.version}",
        currency=currency,
        text=posted.words,
        per_kwh=per_kwh,
        per_minute_charging=per_minute[0],
        per_minute_idle=per_minute[1],
        fixed=flat,
        tax_pct=tax_pct,
    )
