"""What people may do through the REST API, besides reading."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.live import Live
from adapters.web import models
from adapters.web.access import Login
from adapters.web.answer import Moment
from adapters.web.view import point_view
from adapters.wishes import Wishes
from controller.ports.tick import Tick
from controller.site import ChargingPoint, Site
from controller.snapshot import PointState
from controller.units import TOLERANCE_A
from controller.wishes import Asker, NoSuchSession

ACTING: Final = frozenset({"operator", "installer"})
"""The roles that may act on points and sessions."""

_ERRORS: Final[dict[int | str, dict[str, object]]] = {
    403: {"model": models.Problem, "description": "The login may only read"},
    404: {"model": models.Problem, "description": "Unknown id"},
    409: {"model": models.Problem, "description": "No session runs there"},
}
_DIRECT: Final = ("departs_at", "priority", "weight", "max_a")
_ENERGIES: Final = (("energy_wh", "energy_kwh", "energy_needed_wh"), ("least_wh", "least_kwh", "least_needed_wh"))
"""What is kept, and how it may be said: from the session's beginning on in kWh, or from now on in Wh."""


Watthours = Annotated[int, Field(strict=True, ge=0, le=10**6)]
Kilowatthours = Annotated[float, Field(strict=True, ge=0, le=1000)]


class PointChanges(BaseModel):
    """What is asked for the session that runs at a point. What is left out stays; null takes back."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    departs_at: Moment | None = Field(None, description="when the car leaves")
    energy_kwh: Kilowatthours | None = Field(None, description="wanted until then, from the session's beginning on")
    energy_needed_wh: Watthours | None = Field(None, description="the same, from now on; one of the two")
    least_kwh: Kilowatthours | None = Field(None, description="the part of it that comes before all other needs")
    least_needed_wh: Watthours | None = Field(None, description="the same, from now on; one of the two")
    priority: Annotated[int, Field(strict=True, ge=-1000, le=1000)] | None = Field(None, description="higher is first")
    weight: Annotated[float, Field(strict=True, gt=0, le=1000)] | None = Field(None, description="share among equals")
    max_a: Annotated[float, Field(strict=True, ge=0, le=1000)] | None = Field(
        None, description="more than this it shall not get; 0, or at least the point's `min_a`"
    )
    by: Asker = Field(Asker.MANAGER, description="for whom it is asked; the manager comes before the driver")

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        for one, other in (("energy_kwh", "energy_needed_wh"), ("least_kwh", "least_needed_wh")):
            if {one, other} <= self.model_fields_set:
                raise ValueError(f"expected either {one} or {other}, not both")
        return self


def add_acting(router: APIRouter, site: Site, live: Live, wishes: Wishes) -> None:
    """Add the routes that change something."""

    @router.patch("/points/{point_id:id}", responses=_ERRORS)
    def change_point(
        point_id: str,
        changes: PointChanges,
        login: Annotated[Login | None, Depends(may_act)],
    ) -> models.Point:
        """Ask something for the session that runs at a point: departure, energy, priority, a maximum.

        Whatever is asked is taken, and met as far as physics allows; `need.shortfall_wh` says at once what will be
        missing.
        """
        point = site.point.get(point_id)
        if point is None:
            raise HTTPException(404, f"unknown point {point_id!r}")
        if changes.max_a and changes.max_a < point.min_a - TOLERANCE_A:
            raise HTTPException(422, f"max_a: expected 0, or at least the point's min_a ({point.min_a:g} A)")
        asked = _asked(changes, _state(point, live.latest()))
        try:
            wishes.ask(point_id, changes.by, login.user if login else "", asked)
        except NoSuchSession:
            raise HTTPException(409, f"no session runs at point {point_id!r}") from None
        return point_view(site, point, _with_wishes(live.latest(), wishes))


def may_act(request: Request) -> Login | None:
    """The login that acts; None in a laboratory, where nobody needs one."""
    login: Login | None = request.scope["login"]
    if login is not None and login.role not in ACTING:
        raise HTTPException(403, f"the role {login.role} may only read")
    return login


def _state(point: ChargingPoint, tick: Tick | None) -> PointState:
    return PointState() if tick is None else tick.points.get(point.id, PointState())


def _asked(changes: PointChanges, state: PointState) -> dict[str, Any]:
    """The changes by field of ``Asked``."""
    asked: dict[str, Any] = {name: getattr(changes, name) for name in _DIRECT if name in changes.model_fields_set}
    for kept, in_all, from_now in _ENERGIES:
        if in_all in changes.model_fields_set:
            energy_kwh = getattr(changes, in_all)
            asked[kept] = None if energy_kwh is None else round(1000 * energy_kwh)
        elif from_now in changes.model_fields_set:
            energy_wh = getattr(changes, from_now)
            asked[kept] = None if energy_wh is None else state.delivered_wh + energy_wh
    return asked


def _with_wishes(tick: Tick | None, wishes: Wishes) -> Tick | None:
    """The newest turn as the next one will see it: the answer need not wait for that."""
    if tick is None:
        return None
    turn = tick.turn
    if turn is not None:
        turn = replace(turn, snapshot=replace(turn.snapshot, points=wishes.overlaid(turn.snapshot.points)))
    return replace(tick, points=wishes.overlaid(tick.points), turn=turn)
