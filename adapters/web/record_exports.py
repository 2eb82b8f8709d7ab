"""Exports of a month through the REST API."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Response

from adapters.settling.charged import Charged
from adapters.settling.export_kinds import MEDIA_TYPES, Asked, ExportRefused, Format, Kind
from adapters.web import models
from adapters.web.review import Month

_REFUSED: Final[dict[int | str, dict[str, object]]] = {
    200: {"content": {each: {} for each in sorted(set(MEDIA_TYPES.values()))}, "description": "The file"},
    409: {"model": models.Problem, "description": "What is on record does not make such a file; every reason is named"},
}


def add_record_exports(router: APIRouter, charged: Charged) -> None:
    """Add the routes; those of exports for a time must stand before."""

    @router.get("/exports/{kind}", response_class=Response, responses=_REFUSED)
    def export(
        kind: Kind,
        month: Month,
        form: Annotated[Format | None, Query(alias="format", description="default: csv or json, as is usual")] = None,
        party: Annotated[str | None, Query(max_length=64, description="statements of this party only")] = None,
        number: Annotated[str | None, Query(max_length=40, description="this statement only")] = None,
    ) -> Response:
        """A month's records, sessions, statements, or bookings of renewable energy, as a file for others."""
        asked = Asked(kind, month, form, party, number)
        try:
            content = charged.export(asked)
        except ExportRefused as error:
            raise HTTPException(409, str(error)) from None
        headers = {"Content-Disposition": f'attachment; filename="{_harmless(asked.file_name)}"'}
        return Response(content, media_type=MEDIA_TYPES[asked.form], headers=headers)


def _harmless(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-.") else "_" for letter in name)
