"""The demand windows on record, through the REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import PlainTextResponse

from adapters.demand_file import window_lines
from adapters.web.answer import Moment
from controller.peakshave.peak_facts import ClosedWindow

Windows = Callable[[datetime, datetime], Sequence[ClosedWindow]]
"""Those that begin from one moment to before another, oldest first; may take milliseconds."""

EXPORT_MOST: Final = timedelta(days=400)
"""In one answer: an accounting year with some days on either side, 38,000 quarter-hours."""


def add_demand(router: APIRouter, windows: Windows) -> None:
    """Add the route of demand windows."""

    @router.get("/exports/demand_windows", response_class=PlainTextResponse)
    def export_demand_windows(
        since: Annotated[Moment, Query(description="from this time on")],
        until: Annotated[Moment, Query(description="to before this one")],
    ) -> Response:
        """Demand windows as CSV, from which `loadstar demand-bill` works out what they cost. Times in UTC."""
        if until - since > EXPORT_MOST:
            raise HTTPException(422, f"until: expected at most {EXPORT_MOST.days} days after since")
        text = "".join(window_lines(one.window for one in windows(since, until)))
        name = f"demand-windows-{since:%Y%m%d}-{until:%Y%m%d}.csv"
        return Response(text, media_type="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})
