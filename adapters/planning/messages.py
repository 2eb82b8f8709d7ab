"""What the service and the planner's process say to each other: one JSON object on each line.

The first line to the planner is the site; then it answers each request with one line, in order.
"""

from __future__ import annotations

from typing import Annotated, Final

import numpy as np
from pydantic import Field

from adapters.configuration.values import UtcTime
from adapters.document_models import AdviceDocument
from adapters.strict import StrictModel
from controller.loadbalance.horizon.outlook import CarOutlook, Demand, Outlook, PowerBound
from controller.site import Site

LINE_MAX: Final = 16 << 20
"""Bytes of the longest line: a thousand points over two days in slots of five minutes take a tenth of it."""


class SiteLine(StrictModel):
    """The site that all requests are about."""

    site: Site
    """With everything that a plan depends on."""


class BoundMessage(StrictModel):
    """A bound on a circuit's power."""

    circuit: str
    """The circuit."""
    limit_w: list[float | None]
    """For each slot [W]; null where it does not hold."""


class Request(StrictModel):
    """An outlook to plan for; its fields are those of ``controller.loadbalance.horizon.outlook``."""

    number: int
    """Returns with the answer."""
    at: UtcTime
    """Now."""
    begins_at: UtcTime
    """Beginning of the first slot."""
    slot_s: float
    """Length of a slot [s]."""
    price_per_kwh: list[float]
    """For each slot."""
    background_a: list[list[Annotated[list[float], Field(min_length=3, max_length=3)]]]
    """For each slot, circuit and phase [A]."""
    cars: list[CarOutlook]
    """Who is there, and who is expected."""
    demand: Demand | None
    """What a higher peak costs."""
    bounds: list[BoundMessage]
    """Limits of others."""
    unmet_per_kwh: float
    """What a kWh is worth that is not given."""


class Answer(StrictModel):
    """What the planner makes of a request."""

    number: int
    """That of the request."""
    advice: AdviceDocument | None = None
    """The plan, as far as it concerns the next few slots."""
    error: str | None = None
    """Why there is none."""


def request_of(number: int, outlook: Outlook) -> Request:
    """The outlook as a request.

    Raises:
        ValueError: a number of it is not finite.
    """
    return Request(
        number=number,
        at=outlook.at,
        begins_at=outlook.begins_at,
        slot_s=outlook.slot_s,
        price_per_kwh=outlook.price_per_kwh.tolist(),
        background_a=outlook.background_a.tolist(),
        cars=list(outlook.cars),
        demand=outlook.demand,
        bounds=[
            BoundMessage(circuit=one.circuit, limit_w=[None if np.isinf(w) else w for w in one.limit_w.tolist()])
            for one in outlook.bounds
        ],
        unmet_per_kwh=outlook.unmet_per_kwh,
    )


def outlook_in(request: Request, site: Site) -> Outlook:
    """The outlook that a request holds."""
    return Outlook(
        site=site,
        at=request.at,
        begins_at=request.begins_at,
        slot_s=request.slot_s,
        price_per_kwh=np.array(request.price_per_kwh),
        background_a=np.array(request.background_a),
        cars=tuple(request.cars),
        demand=request.demand,
        bounds=tuple(
            PowerBound(one.circuit, np.array([np.inf if w is None else w for w in one.limit_w]))
            for one in request.bounds
        ),
        unmet_per_kwh=request.unmet_per_kwh,
    )
