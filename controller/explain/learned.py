"""What the car, the charger and the wiring have shown, as links of the chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from controller.explain.insight import Insight, insights
from controller.explain.model import Reason, View, amperes
from controller.plan import Remedy
from controller.units import PHASE_NAMES

REMEDIES: Final[Mapping[Remedy, str]] = {
    Remedy.RESEND: "it is told its limit again",
    Remedy.COMPARE: "it is asked which schedule it holds",
    Remedy.SHUT: "it is told to give nothing",
    Remedy.STOP: "its transaction is being ended",
    Remedy.DISABLE: "it is being taken out of service",
}


def learned_reasons(view: View) -> Iterator[Reason]:
    """Everything out of the ordinary that is known of the point."""
    known = insights(view.site, view.turn)[view.id]
    yield from _car(known)
    if known.remedy is not None:
        text = f"Its charger was seen to ignore its limit, and is counted at what it draws; {REMEDIES[known.remedy]}."
        yield Reason("conduct", text, {"remedy": known.remedy.value})
    if known.suspicion is not None:
        suspected = known.suspicion
        either = f" or {suspected.or_else}" if suspected.or_else else ""
        text = (
            f"It seems to be wired {suspected.suggested}{either} where the site file says {suspected.configured} "
            f"({suspected.confidence:.0%} sure, from the meter's steps when its car starts and stops); nothing has "
            "been changed."
        )
        numbers = {"configured": suspected.configured, "suggested": suspected.suggested, "or_else": suspected.or_else}
        yield Reason("wiring", text, numbers | {"confidence": suspected.confidence})


def _car(known: Insight) -> Iterator[Reason]:
    parts = []
    if known.takes_a is not None:
        parts.append(f"it takes {amperes(known.takes_a)} at most")
    if known.uses is not None:
        names = " and ".join(PHASE_NAMES[phase] for phase in known.uses)
        parts.append(f"it draws on {names} only")
    if known.needs_a is not None:
        parts.append(f"it does not begin below {amperes(known.needs_a)}")
    if parts:
        numbers = {"takes_a": known.takes_a, "uses": known.uses, "needs_a": known.needs_a}
        yield Reason("car", f"Its car has shown that {', '.join(parts)}.", numbers)
