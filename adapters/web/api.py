"""The REST API (docs/reference/rest-api.md). Everything here needs a login, but for the login itself: see ``gate``."""

from __future__ import annotations

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer

from adapters.live import HISTORY_SAMPLES, Live
from adapters.web import models
from adapters.web.access import IDLE_S, Logins, RefusedError, TooManyTriesError
from adapters.web.account_log import add_account_log
from adapters.web.accounts import add_accounts
from adapters.web.acting import add_acting
from adapters.web.commands import add_commands
from adapters.web.demand_export import add_demand
from adapters.web.driver import add_driver_api
from adapters.web.gate import COOKIE, token_of
from adapters.web.limits import add_limits
from adapters.web.parts import Parts
from adapters.web.prices import add_prices
from adapters.web.publishing import add_publishing
from adapters.web.record_exports import add_record_exports
from adapters.web.review import add_review
from adapters.web.rules import add_card_fees, add_price_log, add_rules
from adapters.web.statements import add_statements
from adapters.web.stream import Broadcast, TooManyClientsError
from adapters.web.tariff_codes import add_tariff_codes
from adapters.web.tariffs import add_tariffs
from adapters.web.token_import import add_token_table
from adapters.web.tokens import add_tokens
from adapters.web.view import (
    event_view,
    explanation_view,
    history_view,
    point_view,
    points_view,
    session_view,
    site_view,
)
from controller.ports.ledger import Records
from controller.site import Site

PAGE_MAX: Final = 500
"""Items in one answer (OWASP API4:2023): what a page or a script can take in one go."""
PAGE_DEFAULT: Final = 100
RETRY_AFTER_S: Final = 5

ERRORS: Final[dict[int | str, dict[str, object]]] = {
    401: {"model": models.Problem, "description": "Not logged in"},
    422: {"model": models.Problem, "description": "A parameter is wrong"},
}
NOT_FOUND: Final[dict[int | str, dict[str, object]]] = {404: {"model": models.Problem, "description": "Unknown id"}}
NOT_YET: Final[dict[int | str, dict[str, object]]] = {503: {"model": models.Problem, "description": "Too early"}}

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="items in one answer")]


def build_router(parts: Parts, logins: Logins, broadcast: Broadcast) -> APIRouter:
    """All routes below ``/api/v1``."""
    router = APIRouter(prefix="/api/v1", responses=ERRORS, dependencies=[Depends(HTTPBearer(auto_error=False))])
    site, live, books = parts.site, parts.live, parts.books
    _add_login(router, logins)
    _add_site(router, site, live, parts.version)
    _add_sessions(router, parts.records)
    _add_past(router, site, live)
    add_acting(router, site, live, parts.wishes)
    add_driver_api(router, site, parts.drivers)
    add_commands(router, site, parts.commands, books.clock)
    add_limits(router, parts.limits)
    add_demand(router, parts.windows)
    add_prices(router, site, live)
    add_publishing(router, parts.publish_prices)
    add_tariffs(router, site, books.prices, books.clock)
    add_rules(router, site, books.prices, books.clock)
    add_card_fees(router, books.prices, books.clock)
    add_price_log(router, books.prices)
    add_tariff_codes(router, site, books.prices, books.clock)
    add_token_table(router, books, ZoneInfo(site.time_zone))
    add_tokens(router, books.tokens, books.prices, books.clock)
    add_accounts(router, site, books.prices, books.clock)
    add_account_log(router, books.prices)
    add_review(router, parts.charged)
    add_statements(router, parts.charged)
    add_record_exports(router, parts.charged)

    @router.get("/stream", response_class=StreamingResponse, responses={503: {"model": models.Problem}})
    async def stream() -> Response:
        """The site as server-sent events named `tick`, about one a second; each holds what `GET /site` answers."""
        try:
            return broadcast.response()
        except TooManyClientsError:
            raise HTTPException(503, "too many streams are open", headers={"Retry-After": str(RETRY_AFTER_S)}) from None

    return router


def _add_login(router: APIRouter, logins: Logins) -> None:
    @router.post("/login", responses={429: {"model": models.Problem, "description": "Too many tries"}})
    def login(credentials: models.Credentials, request: Request, response: Response) -> models.LoginAnswer:
        """Log in. The answer's token goes into `Authorization: Bearer`; a browser gets it as a cookie as well."""
        address = request.client.host if request.client else ""
        try:
            token, holder = logins.log_in(credentials.username, credentials.password, address)
        except RefusedError:
            raise HTTPException(401, "wrong user name or password") from None
        except TooManyTriesError:
            raise HTTPException(
                429, "too many tries; wait a moment", headers={"Retry-After": str(RETRY_AFTER_S)}
            ) from None
        set_cookie(response, token, request)
        return models.LoginAnswer(token=token, role=holder.role, expires_in_s=int(IDLE_S))

    @router.post("/logout", status_code=204)
    def logout(request: Request, response: Response) -> None:
        """End the login that the request carries."""
        token = token_of(request)
        if token is not None:
            logins.log_out(token)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _add_site(router: APIRouter, site: Site, live: Live, version: str) -> None:
    @router.get("/site")
    def get_site() -> models.SiteState:
        """The whole site, live: circuits with phases and headroom, points with limits and reasons."""
        return site_view(site, live, version)

    @router.get("/points")
    def get_points() -> models.PointList:
        """All charging points, in the order of the site file."""
        return models.PointList(items=points_view(site, live.latest()))

    @router.get("/points/{point_id:id}", responses=NOT_FOUND)
    def get_point(point_id: str) -> models.Point:
        """One charging point."""
        if point_id not in site.point:
            raise HTTPException(404, f"unknown point {point_id!r}")
        return point_view(site, site.point[point_id], live.latest())

    @router.get("/points/{point_id:id}/explanation", responses=NOT_FOUND | NOT_YET)
    def get_explanation(point_id: str) -> models.Explanation:
        """Why a point has its limit: one sentence, and the chain of reasons behind it with their numbers."""
        if point_id not in site.point:
            raise HTTPException(404, f"unknown point {point_id!r}")
        tick = live.latest()
        if tick is None or tick.turn is None:
            raise HTTPException(503, "nothing has been decided yet", headers={"Retry-After": str(RETRY_AFTER_S)})
        return explanation_view(site, point_id, tick.turn)


def _add_sessions(router: APIRouter, records: Records) -> None:
    @router.get("/sessions")
    def get_sessions(
        state: models.SessionState | None = None,
        point: str | None = None,
        limit: Limit = PAGE_DEFAULT,
        after: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> models.SessionList:
        """Sessions, newest first."""
        running = None if state is None else state is models.SessionState.RUNNING
        try:
            items, following = records.sessions(running=running, point=point, limit=limit, after=after)
        except ValueError as error:
            raise HTTPException(422, f"after: {error}") from None
        return models.SessionList(items=tuple(map(session_view, items)), next=following)

    @router.get("/sessions/{session_id:id}", responses=NOT_FOUND)
    def get_session(session_id: str) -> models.Session:
        """One session."""
        record = records.session(session_id)
        if record is None:
            raise HTTPException(404, f"unknown session {session_id!r}")
        return session_view(record)


def _add_past(router: APIRouter, site: Site, live: Live) -> None:
    @router.get("/events")
    def get_events(
        limit: Limit = PAGE_DEFAULT,
        after: Annotated[int | None, Query(ge=0, description="`next` of the page before")] = None,
    ) -> models.EventList:
        """The recent events, newest first."""
        kept = [event for event in live.events() if after is None or event.number < after]
        following = str(kept[limit - 1].number) if len(kept) > limit else None
        return models.EventList(items=tuple(map(event_view, kept[:limit])), next=following)

    @router.get("/history", responses=NOT_FOUND)
    def get_history(
        circuit: Annotated[str | None, Query(description="default: the grid connection")] = None,
        seconds: Annotated[int, Query(ge=1, le=HISTORY_SAMPLES)] = HISTORY_SAMPLES,
    ) -> models.HistoryAnswer:
        """Currents of the last hour at most, one sample a second."""
        name = circuit or next(each.id for each in site.circuits if each.parent is None)
        if name not in site.circuit:
            raise HTTPException(404, f"unknown circuit {name!r}")
        return history_view(name, live.history(name, seconds))


def set_cookie(response: Response, token: str, request: Request) -> None:
    """Give a browser its token where no script and no other site can reach it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(IDLE_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
