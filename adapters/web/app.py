"""The web application: the API, the manager's page, the login, health and metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, select_autoescape
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from adapters.json_text import DocumentError
from adapters.live import Live
from adapters.web import metrics, models
from adapters.web.access import Logins, RefusedError, TooManyTriesError
from adapters.web.accounts_page import add_accounts_page
from adapters.web.acting import ACTING
from adapters.web.api import build_router, set_cookie
from adapters.web.billing_page import add_billing_page
from adapters.web.driver import add_driver_page
from adapters.web.gate import SECURITY_HEADERS, Gate
from adapters.web.office import add_office
from adapters.web.office_pages import Office
from adapters.web.parts import Parts
from adapters.web.stations_page import add_stations_page
from adapters.web.stream import Broadcast
from adapters.web.view import site_view
from adapters.web.whole_ids import WholeIds
from controller.ports.ledger import LedgerUnavailable
from controller.site import Site
from controller.tariffs.rules import NoSuchEntry, RuleRefused

HERE: Final = Path(__file__).parent
FRESH_S: Final = 5.0
"""A control loop that turns once a second and has not turned for this long is in trouble."""


def create_app(parts: Parts) -> FastAPI:
    """The web application of one site."""
    site, live, lab, version = parts.site, parts.live, parts.lab, parts.version
    logins = Logins(parts.authenticate, time.monotonic)
    broadcast = Broadcast(live.latest, lambda: site_view(site, live, version).model_dump_json())
    app = FastAPI(title="Loadstar", version=version, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.broadcast = broadcast
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Gate, logins=logins, lab=lab)
    app.add_middleware(WholeIds)
    _add_errors(app)
    app.include_router(build_router(parts, logins, broadcast))
    _add_probes(app, site, live, version)
    facts = {"site": site.name or site.id, "version": version, "lab": lab}
    _add_pages(app, logins, facts)
    add_office(app, site, parts.books, facts)
    add_accounts_page(app, Office(site, parts.books, facts))
    add_billing_page(app, Office(site, parts.books, facts), parts.charged)
    add_stations_page(app, Office(site, parts.books, facts), parts.onboarding, live)
    add_driver_page(app, site, parts.drivers, facts)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    return app


def _add_probes(app: FastAPI, site: Site, live: Live, version: str) -> None:
    gathered = metrics.registry(site, live, version)

    @app.get("/healthz", responses={503: {"model": models.Health}})
    async def healthz(response: Response) -> models.Health:
        """Whether the control loop turns: 200, or 503 when it does not. Needs no login."""
        age_s = live.age_s()
        status = "starting" if age_s is None else "ok" if age_s < FRESH_S else "stale"
        response.status_code = 200 if status == "ok" else 503
        return models.Health(status=status, tick_age_s=None if age_s is None else round(age_s, 3))

    @app.get("/metrics", response_class=PlainTextResponse)
    def prometheus() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(generate_latest(gathered), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _add_pages(app: FastAPI, logins: Logins, facts: Mapping[str, Any]) -> None:
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())

    def login_page(status: int, problem: str = "", user: str = "") -> HTMLResponse:
        page = templates.get_template("login.html").render(facts, problem=problem, user=user)
        return HTMLResponse(page, status)

    @app.get("/", include_in_schema=False)
    def manager_page(request: Request) -> Response:
        if not (HERE / "static" / "bundle" / "page.js").exists():
            return PlainTextResponse("The page has not been built. Install the package (pip install -e .) first.", 503)
        login = request.scope["login"]
        may_change = facts["lab"] or (login is not None and login.role in ACTING)
        return HTMLResponse(templates.get_template("page.html").render(facts, may_change=may_change))

    @app.get("/login", include_in_schema=False)
    def show_login() -> Response:
        return login_page(200)

    @app.post("/login", include_in_schema=False)
    async def submit_login(request: Request) -> Response:
        fields = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True, max_num_fields=10)
        user, password = (fields.get(name, [""])[0] for name in ("username", "password"))
        address = request.client.host if request.client else ""
        try:
            token, _ = await run_in_threadpool(logins.log_in, user, password, address)
        except RefusedError:
            return login_page(401, "The user name or the password is wrong.", user)
        except TooManyTriesError:
            return login_page(429, "Too many tries. Wait a few seconds, then try again.", user)
        answer = RedirectResponse("/", 303)
        set_cookie(answer, token, request)
        return answer


def _add_errors(app: FastAPI) -> None:
    """Every error is ``{"detail": text}``, also those that the framework finds."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        # The offending input stays out of the answer: it may be a password.
        found = [f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {each['msg']}" for each in error.errors()]
        return JSONResponse({"detail": "; ".join(found)}, 422)

    @app.exception_handler(NoSuchEntry)
    async def not_there(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, 404)

    @app.exception_handler(RuleRefused)
    async def not_so(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error), "problems": [str(error)]}, 422)

    @app.exception_handler(DocumentError)
    async def unfit(_: Request, error: DocumentError) -> Response:
        return JSONResponse({"detail": "; ".join(error.problems), "problems": error.problems}, 422)

    @app.exception_handler(LedgerUnavailable)
    async def without_ledger(_: Request, __: Exception) -> Response:
        return JSONResponse({"detail": "the ledger cannot be read at the moment"}, 503)

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> Response:
        # Sent outside the gate, so it brings its own headers; the traceback goes to the log.
        return JSONResponse({"detail": HTTPStatus.INTERNAL_SERVER_ERROR.phrase}, 500, headers=SECURITY_HEADERS)
