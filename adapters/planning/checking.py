"""Believes nothing that a planner answers before it has been looked at."""

from __future__ import annotations

from pydantic import ValidationError

from adapters.documents import advice_of
from adapters.json_text import described
from adapters.planning.messages import Answer, Request
from controller.site import Site
from controller.snapshot import Advice
from controller.units import TOLERANCE_A


class BadPlanError(ValueError):
    """An answer cannot be used; the message says why."""


def checked_advice(line: bytes, request: Request, site: Site) -> Advice:
    """The advice in an answer.

    Raises:
        BadPlanError: it is no answer to the request, not finite, of the wrong size, or cannot be followed.
    """
    try:
        answer = Answer.model_validate_json(line)
    except ValidationError as refused:
        found = [described(error, Answer) for error in refused.errors(include_url=False)]
        raise BadPlanError("; ".join(found[:3])) from None
    if answer.number != request.number:
        raise BadPlanError(f"number: expected {request.number}, got {answer.number}")
    if answer.advice is None:
        raise BadPlanError(answer.error or "advice: is missing")
    try:
        advice = advice_of(answer.advice)
    except ValueError as error:
        raise BadPlanError(str(error)) from None
    if (advice.begins_at, advice.slot_s) != (request.begins_at, request.slot_s):
        raise BadPlanError("begins_at, slot_s: expected the slots of the request")
    if len(advice.peak_kw) > len(request.price_per_kwh):
        raise BadPlanError(f"peak_kw: expected at most {len(request.price_per_kwh)} slots")
    _check_points(advice, request, site)
    return advice


def _check_points(advice: Advice, request: Request, site: Site) -> None:
    asked = {car.point for car in request.cars}
    for name in {*advice.points, *advice.shortfall_wh}:
        if name not in asked:
            raise BadPlanError(f"points.{name}: nobody asked about it")
    for name, point in advice.points.items():
        if len(point.target_a) > len(request.price_per_kwh):
            raise BadPlanError(f"points.{name}: expected at most {len(request.price_per_kwh)} slots")
        most_a = site.point[name].max_a
        for value in (*point.target_a, *(cap for cap in point.cap_a if cap is not None)):
            if value > most_a + TOLERANCE_A:
                raise BadPlanError(f"points.{name}: expected at most {most_a:g} A, got {value:g}")
