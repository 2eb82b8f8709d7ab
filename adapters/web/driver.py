"""The driver's page of a charging point: what it does, what it costs, and what its driver may ask for. No login.

Everybody who stands at the point may read it. To change something for the session that runs, one needs the number of
the card that it was begun with.
"""

from __future__ import annotations

import time as monotonic
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from adapters.driver_desk import Asking, CannotBe, DriverDesk, DriverView, NotTheirs
from adapters.web import models
from adapters.web.access import Brake, Login, TooManyTriesError
from adapters.web.acting import may_act
from controller.site import Site
from controller.tariffs.offers import Offer
from controller.tariffs.posted import Posted
from controller.tariffs.price_words import money, shown
from controller.wishes import NoSuchSession

TEMPLATES: Final = Path(__file__).parent / "templates"
ENERGY_MOST_KWH: Final = Decimal(300)
"""No car takes more; what is above is a slip of the finger."""

BARS_TOLD: Final = 6

_WORDS: Final = {
    "available": "free",
    "occupied": "a car is plugged in",
    "plugged": "ready to charge",
    "charging": "charging",
    "withheld": "waiting for its turn",
    "ev_idle": "the car has stopped asking for energy",
    "finishing": "finished",
    "faulted": "out of order",
    "offline": "not connected",
}
_OFFERS: Final = {
    Offer.REGULAR: "Regular",
    Offer.FLEXIBLE: "Flexible: cheaper, by the time you leave",
    Offer.FAST: "Fast: served first",
}


class OfferChosen(BaseModel):
    """Which offer is to hold."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class Bar:
    """One price of the day ahead, as a rectangle of a picture that is 96 wide and 40 high."""

    x: float
    y: float
    width: float
    height: float
    text: str
    now: bool


def add_driver_api(router: APIRouter, site: Site, desk: DriverDesk) -> None:
    """Add the route by which people and programs choose for a driver."""

    @router.post("/points/{point_id:id}/offer", status_code=204, responses={404: {"model": models.Problem}})
    def choose(point_id: str, chosen: OfferChosen, login: Annotated[Login | None, Depends(may_act)]) -> None:
        """Let an offer hold for the session that runs at a point, from now on: `regular`, `flexible` or `fast`."""
        if point_id not in site.point:
            raise HTTPException(404, f"unknown point {point_id!r}")
        try:
            desk.choose(point_id, chosen.offer, login.user if login else "")
        except NoSuchSession:
            raise HTTPException(409, f"no session runs at point {point_id!r}") from None
        except CannotBe as error:
            raise HTTPException(422, str(error)) from None


def add_driver_page(app: FastAPI, site: Site, desk: DriverDesk, facts: Mapping[str, Any]) -> None:
    """Add ``/p/<point>``."""
    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape()).get_template("driver.html")
    brake = Brake(monotonic.monotonic)
    zone = ZoneInfo(site.time_zone)

    def shown_page(point: str, status: int = 200, problem: str = "", entered: Mapping[str, str] = {}) -> Response:
        try:
            view = desk.view(point)
        except KeyError:
            return HTMLResponse(page.render(facts, unknown=point), 404)
        return HTMLResponse(page.render(facts, **_told(view, site, zone), problem=problem, entered=entered), status)

    @app.get("/p/{point:id}", include_in_schema=False)
    def show(point: str) -> Response:
        return shown_page(point)

    @app.post("/p/{point:id}", include_in_schema=False)
    async def ask(point: str, request: Request) -> Response:
        fields = parse_qs((await request.body()).decode(errors="replace"), max_num_fields=10)
        entered = {name: values[0].strip() for name, values in fields.items()}
        address = request.client.host if request.client else ""
        try:
            asking = _asking(entered)
            brake.take(address)
            await run_in_threadpool(desk.ask, point, asking)
            brake.give_back(address)
        except NoSuchSession:
            problem, status = "No session runs here.", 409
        except NotTheirs:
            problem, status = "The session here was begun with another card.", 403
        except TooManyTriesError:
            problem, status = "Too many tries. Wait a few seconds, then try again.", 429
        except CannotBe as error:
            problem, status = str(error), 422
        else:
            return RedirectResponse(f"/p/{point}", 303)
        return await run_in_threadpool(shown_page, point, status, problem, entered)


def _asking(entered: Mapping[str, str]) -> Asking:
    """What a form says.

    Raises:
        CannotBe: with everything that is wrong with it.
    """
    problems: list[str] = []
    leaves: time | None = None
    energy_kwh: Decimal | None = None
    if text := entered.get("leaves"):
        try:
            leaves = time.fromisoformat(text)
        except ValueError:
            problems.append(f"leaves: expected a time such as 17:30, found {text[:20]!r}")
    if text := entered.get("energy_kwh"):
        energy_kwh = _energy_kwh(text)
        if energy_kwh is None:
            problems.append(f"energy: expected kWh up to {ENERGY_MOST_KWH}, found {text[:20]!r}")
    offer = entered.get("offer")
    if offer not in (None, *(one.value for one in Offer)):
        problems.append(f"offer: there is no offer {offer[:20]!r}" if offer else "offer: choose one")
    if not entered.get("card"):
        problems.append("card: enter the number of the card or tag that you began with")
    if problems:
        raise CannotBe("; ".join(problems))
    return Asking(entered["card"], None if offer is None else Offer(offer), leaves, energy_kwh)


def _energy_kwh(text: str) -> Decimal | None:
    """With a comma or a point; None where it is no energy that a car could take."""
    try:
        energy_kwh = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return energy_kwh if 0 < energy_kwh <= ENERGY_MOST_KWH else None


def _told(view: DriverView, site: Site, zone: ZoneInfo) -> dict[str, Any]:
    session, price = view.session, view.price
    bars = _bars(view.posted[0], zone) if view.posted else []
    return {
        "point": view.point,
        "state": _WORDS[view.state.value],
        "kind": view.state.value,
        "why": view.why,
        "session": session,
        "energy": None if session is None or session.energy_wh is None else f"{session.energy_wh / 1000:.2f}",
        "cost": None if session is None or session.cost is None else money(session.cost.quantize(Decimal("0.01"))),
        "currency": site.currency,
        "since": None if session is None else f"{session.started_at.astimezone(zone):%H:%M}",
        "departs": None if view.departs_at is None else f"{view.departs_at.astimezone(zone):%H:%M}",
        "needed": None if view.needed_wh is None else f"{view.needed_wh / 1000:.1f}",
        "offer": view.offer,
        "offers": [(one.offer.value, _OFFERS[one.offer], one.words) for one in view.posted],
        "announced": None if price is None else _announced(price, site, zone),
        "bars": bars,
        "told": _told_of(bars),
        "unknown": None,
    }


def _told_of(bars: list[Bar]) -> list[Bar]:
    """Those that are told in words: all of a few, else the lowest and the highest."""
    if len(bars) <= BARS_TOLD:
        return bars
    return sorted((min(bars, key=lambda bar: bar.height), max(bars, key=lambda bar: bar.height)), key=lambda bar: bar.x)


def _announced(price: Any, site: Site, zone: ZoneInfo) -> str | None:
    signal = price.signal
    if signal is None or not signal.surcharge_per_kwh:
        return None
    until = "" if signal.until is None else f" until {signal.until.astimezone(zone):%H:%M}"
    more = f"{money(signal.surcharge_per_kwh)} {site.currency}/kWh more"
    if price.holds:
        return f"The site nears its peak: a session that begins now costs {more}{until}."
    return f"The site nears its peak: sessions that begin in a few minutes will cost {more}{until}."


def _bars(posted: Posted, zone: ZoneInfo) -> list[Bar]:
    """The prices of a kWh over the coming day."""
    known = [
        (prices, value) for prices in posted.ahead if prices.per_kwh and (value := shown(prices.per_kwh)) is not None
    ]
    if not known:
        return []
    most = max((float(value) for _, value in known), default=0.0) or 1.0
    begins: datetime = posted.ahead[0].begins_at
    bars = []
    for prices, value in known:
        x = (prices.begins_at - begins).total_seconds() / 900
        width = (prices.ends_at - prices.begins_at).total_seconds() / 900
        height = max(0.5, 36 * max(0.0, float(value)) / most)
        text = f"{prices.begins_at.astimezone(zone):%H:%M} to {prices.ends_at.astimezone(zone):%H:%M}: {money(value)}"
        bars.append(Bar(x, 40 - height, width, height, text, prices.begins_at <= begins))
    return bars
