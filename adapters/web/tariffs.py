"""Tariffs through the REST API: every change is a new version, and counts when it is approved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, HTTPException, Query, Request

from adapters.prices.pricing import PriceBook, checked_tariff, tariff_of_version
from adapters.web import models
from adapters.web.answer import Moment
from adapters.web.entitled import REFUSALS, Actor, Approver, Proposer
from adapters.web.tariff_models import Decided, PriceNow, TariffAnswer, TariffApproval, TariffList, TariffState
from controller.ports.common import Clock
from controller.site import Site
from controller.tariffs.book import Approval, TariffVersion
from controller.tariffs.compiled import CompiledTariff
from controller.tariffs.outlook import price_outlook
from controller.tariffs.rules import NoSuchEntry, Standing, end_of, standing

_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object", "description": "an OCPI Tariff object"}}},
    }
}
_TAKEN: Final[dict[int | str, dict[str, object]]] = {
    409: {"model": models.Problem, "description": "There is a tariff of that id; PUT makes a new version of it"}
}
From = Annotated[Moment | None, Query(description="from when on it holds; default: from its approval on")]
Until = Annotated[Moment | None, Query(description="before when it ends; default: never")]
Approve = Annotated[bool, Query(description="approve it at once; for those who may")]
All = Annotated[bool, Query(alias="all", description="the whole history, not only what is active")]


async def _content(request: Request) -> bytes:
    return await request.body()


Content = Annotated[bytes, Depends(_content)]


def add_tariffs(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    """Add the routes of tariffs."""

    @router.get("/tariffs")
    def get_tariffs(everything: All = False) -> TariffList:
        """The tariffs that have not ended, each in the version that holds, or else in its newest."""
        return TariffList(items=tuple(tariff_views(book, site, clock.now(), everything=everything)))

    @router.get("/tariffs/{tariff_id:id}", responses=REFUSALS)
    def get_tariff(tariff_id: str) -> TariffList:
        """All versions of one tariff."""
        versions = book.tariff_versions(tariff_id)
        if not versions:
            raise NoSuchEntry(f"there is no tariff {tariff_id!r}")
        now = clock.now()
        ordered = sorted(versions, key=lambda version: version.number)
        return TariffList(items=tuple(tariff_view(one, versions, book, site, now) for one in ordered))

    _add_changes(router, site, book, clock)
    _add_decisions(router, site, book, clock)


def _add_changes(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    @router.post("/tariffs", status_code=201, responses=REFUSALS | _TAKEN, openapi_extra=_BODY)
    def post_tariff(
        content: Content, actor: Proposer, valid_from: From = None, valid_until: Until = None, approve: Approve = False
    ) -> TariffAnswer:
        """Propose a new tariff: an OCPI Tariff object, 2.2.1 or 2.3.0. What is ambiguous in it is refused."""
        validity = (valid_from, valid_until)
        return keep_tariff(content, None, actor, site, book, clock.now(), validity, approve=approve)

    @router.put("/tariffs/{tariff_id:id}", responses=REFUSALS, openapi_extra=_BODY)
    def put_tariff(
        tariff_id: str,
        content: Content,
        actor: Proposer,
        valid_from: From = None,
        valid_until: Until = None,
        approve: Approve = False,
    ) -> TariffAnswer:
        """Propose a new version of a tariff; sessions that run keep the one that they began with."""
        validity = (valid_from, valid_until)
        return keep_tariff(content, tariff_id, actor, site, book, clock.now(), validity, approve=approve)


def _add_decisions(router: APIRouter, site: Site, book: PriceBook, clock: Clock) -> None:
    @router.post("/tariffs/{tariff_id:id}/approve", responses=REFUSALS)
    def approve_tariff(
        tariff_id: str, actor: Approver, what: Annotated[TariffApproval | None, Body()] = None
    ) -> TariffState:
        """Approve a version of a tariff."""
        now = clock.now()
        what = what or TariffApproval()
        approved = book.approve_tariff(tariff_id, Approval(actor.user, now), what.version, what.valid_from)
        return tariff_view(approved, book.tariff_versions(tariff_id), book, site, now)

    @router.delete("/tariffs/{tariff_id:id}", responses=REFUSALS)
    def delete_tariff(
        tariff_id: str,
        actor: Approver,
        until: Annotated[Moment | None, Query(description="default: now")] = None,
    ) -> TariffList:
        """End a tariff; it stays on record. Refused while rules name it that hold longer."""
        now = clock.now()
        book.end_tariff(tariff_id, Approval(actor.user, now), until)
        versions = book.tariff_versions(tariff_id)
        return TariffList(items=tuple(tariff_view(one, versions, book, site, now) for one in versions))


def keep_tariff(
    content: bytes,
    tariff_id: str | None,
    actor: Actor,
    site: Site,
    book: PriceBook,
    now: datetime,
    validity: tuple[datetime | None, datetime | None] = (None, None),
    *,
    approve: bool = False,
) -> TariffAnswer:
    """Propose a version of a tariff: of a new one, or of the one of that id.

    Raises:
        HTTPException, DocumentError, RuleRefused: it cannot be.
    """
    actor.approving(asked=approve)
    checked = checked_tariff(content, site.currency)
    tariff = checked.tariff
    if tariff_id is None and book.tariff_versions(tariff.id):
        raise HTTPException(409, f"there is a tariff {tariff.id!r} already; PUT makes a new version of it")
    if tariff_id is not None and tariff.id != tariff_id:
        raise HTTPException(422, f"id: expected {tariff_id!r}, the tariff's, found {tariff.id!r}")
    begins, ends = validity
    curves = tuple(sorted(tariff.curves()))
    by = Approval(actor.user, now)
    version = TariffVersion(tariff.id, 0, checked.document, curves, begins or now, ends, by)
    added = book.add_tariff(version, approve=approve)
    shown = tariff_view(added, book.tariff_versions(tariff.id), book, site, now)
    return TariffAnswer(**{**dict(shown), "warnings": checked.warnings})


def tariff_views(book: PriceBook, site: Site, now: datetime, *, everything: bool) -> Iterable[TariffState]:
    """Tariffs by id: of each the version that holds, or else the newest; or all of all."""
    by_id: dict[str, list[TariffVersion]] = {}
    for version in book.tariff_versions():
        by_id.setdefault(version.tariff, []).append(version)
    for tariff in sorted(by_id):
        versions = by_id[tariff]
        shown = sorted(versions, key=lambda version: version.number)
        if not everything:
            lasting = [one for one in shown if standing(one, versions, now) is not Standing.ENDED]
            active = [one for one in lasting if standing(one, versions, now) is Standing.ACTIVE]
            shown = (active or lasting)[-1:]
        yield from (tariff_view(one, versions, book, site, now) for one in shown)


def tariff_view(
    version: TariffVersion, of_tariff: Sequence[TariffVersion], book: PriceBook, site: Site, now: datetime
) -> TariffState:
    """One version as the API shows it."""
    state = standing(version, of_tariff, now)
    document = json.loads(version.document)
    return TariffState(
        id=version.tariff,
        version=version.number,
        state=state,
        currency=document["currency"],
        valid_from=version.valid_from,
        ends_at=end_of(version),
        curves=version.curves,
        proposed=decided(version.proposed),
        approved=None if version.approved is None else decided(version.approved),
        price_now=_price_now(version, book, site, now) if state is Standing.ACTIVE else None,
        tariff=document,
    )


def decided(approval: Approval) -> Decided:
    """Who has said so, and when."""
    return Decided(by=approval.by, at=approval.at)


def _price_now(version: TariffVersion, book: PriceBook, site: Site, now: datetime) -> PriceNow | None:
    curves = {name: curve for name in version.curves if (curve := book.curve(name, now)) is not None}
    compiled = CompiledTariff(tariff_of_version(version), site.time_zone, curves)
    first = price_outlook(compiled, now, 1, operator_tax=book.operator.tax)[0]
    if first.per_kwh is None:
        return None
    return PriceNow(before_tax=first.per_kwh.before_tax, after_tax=first.per_kwh.after_tax, label=first.label)
