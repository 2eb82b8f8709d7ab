"""The limits that others set, through the REST API."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import PlainTextResponse

from adapters.limits.evidence_csv import evidence_csv
from adapters.limits.limiting import Limits, Way
from adapters.web import models
from adapters.web.access import Login
from adapters.web.acting import may_act
from adapters.web.answer import Moment
from adapters.web.limit_models import LimitList, LimitSaid, LimitState
from controller.peakshave.grid_operator import Entry, Limit, LimitRefused

_ERRORS: Final[dict[int | str, dict[str, object]]] = {
    403: {"model": models.Problem, "description": "The login may only read"},
    422: {"model": models.Problem, "description": "The limit is refused; every reason is named"},
    503: {"model": models.Problem, "description": "It is in force, but could not be put on record"},
}
EXPORT_MOST: Final = timedelta(days=62)
"""In one answer: a limit that holds all the time has a line a minute."""
Actor = Annotated[Login | None, Depends(may_act)]


def add_limits(router: APIRouter, limits: Limits) -> None:
    """Add the routes of limits."""

    @router.get("/limits")
    def get_limits() -> LimitList:
        """All limits that hold, will hold, or are being released, those that count first."""
        return _shown(limits)

    @router.put("/limits", responses=_ERRORS)
    def put_limit(said: LimitSaid, login: Actor) -> LimitList:
        """Set a limit; it is in the chargers within 3 seconds. The answer holds all limits.

        Without an `id` it replaces what its source said of the circuit before. Saying the same again is a sign of life.
        """
        limit = Limit(received_at=limits.now(), **said.model_dump())
        try:
            limits.put(limit, Way.REST, _user(login), wait=True)
        except LimitRefused as refusal:
            raise HTTPException(422, str(refusal)) from None
        return _shown(limits)

    @router.delete("/limits", responses=_ERRORS | {404: {"model": models.Problem, "description": "No such limit"}})
    def delete_limits(
        login: Actor,
        id: Annotated[str | None, Query(description="of one limit")] = None,  # noqa: A002 - the interface's name
        circuit: Annotated[str | None, Query(description="all that hold on it")] = None,
        source: Annotated[str | None, Query(description="all that it has set")] = None,
    ) -> LimitList:
        """End limits now: those that fit every parameter, and that may be set by this interface.

        Without a parameter it ends all of them, and finds nothing wrong when there are none.
        """
        found = limits.running(Way.REST, name=id, circuit=circuit, source=source)
        if not found and any((id, circuit, source)):
            raise HTTPException(404, "there is no such limit that this interface may end")
        for limit in found:
            with suppress(LimitRefused):  # it has ended by itself in this moment
                limits.withdraw(limit.name, Way.REST, _user(login), wait=True)
        return _shown(limits)

    @router.get("/exports/limits", response_class=PlainTextResponse)
    def export_limits(
        since: Annotated[Moment, Query(description="from this time on")],
        until: Annotated[Moment, Query(description="to before this one")],
    ) -> Response:
        """The log of limits as CSV: when each came, when it was met, what was drawn. Times in UTC."""
        if until - since > EXPORT_MOST:
            raise HTTPException(422, f"until: expected at most {EXPORT_MOST.days} days after since")
        name = f"limits-{since:%Y%m%d}-{until:%Y%m%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(evidence_csv(limits.log(since, until)), media_type="text/csv", headers=headers)


def _user(login: Login | None) -> str:
    return login.user if login else ""


def _shown(limits: Limits) -> LimitList:
    return LimitList(items=tuple(map(limit_view, limits.entries())))


def limit_view(entry: Entry) -> LimitState:
    """One limit as the API shows it."""
    limit = entry.limit
    return LimitState(
        id=limit.name,
        circuit=limit.circuit,
        limit_w=limit.limit_w,
        allowed_w=round(entry.allowed_w, 1),
        source=limit.source,
        charging_only=entry.charging_only,
        per_point=entry.per_point,
        priority=limit.priority,
        received_at=limit.received_at,
        valid_from=limit.valid_from,
        valid_until=limit.valid_until,
        standing=entry.standing.value,
        phase=entry.phase.value,
        why=entry.why,
    )
