"""The manager's page of stations: what is entered on a charger, and whether it has been heard of."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.live import Live
from adapters.onboarding import Onboarding
from adapters.web.access import Login
from adapters.web.acting import ACTING, may_act
from adapters.web.office_pages import Office
from controller.ports.tick import UpstreamState


def add_stations_page(app: FastAPI, office: Office, onboarding: Onboarding, live: Live) -> None:
    """Add ``/stations``."""

    def page(request: Request, problems: list[str] | None = None, fresh: tuple[str, str] | None = None) -> Response:
        login: Login | None = request.scope["login"]
        tick = live.latest()
        upstreams: tuple[UpstreamState, ...] = () if tick is None else tick.upstreams
        return office.page(
            "stations.html",
            request,
            problems=problems or [],
            stations=onboarding.stations(request.url.hostname or "localhost"),
            open_to_all=onboarding.open_to_all,
            upstreams=upstreams,
            fresh=fresh,
            may_act=login is None or login.role in ACTING,
        )

    @app.get("/stations", include_in_schema=False)
    def show(request: Request) -> Response:
        return page(request)

    @app.post("/stations/{station:id}/key", include_in_schema=False)
    async def new_key(station: str, request: Request, _login: Annotated[Login | None, Depends(may_act)]) -> Response:
        try:
            key = await run_in_threadpool(onboarding.new_key, station)
        except KeyError:
            return await run_in_threadpool(page, request, [f"there is no station {station!r} in the site file"])
        return await run_in_threadpool(page, request, None, (station, key))
