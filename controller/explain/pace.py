"""Why a limit is not where its share is, and why it has moved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from controller.explain.model import Reason, View, amperes, seconds
from controller.units import RESOLUTION_A, TOLERANCE_A

_MOVED_A = RESOLUTION_A / 2


def pace_reason(view: View) -> Iterator[Reason]:
    """How the limit moved at this decision, and what keeps it from its share."""
    if view.fixed[view.place]:
        return
    limit, held, share = view.limit_a, float(view.held_a[view.place]), float(view.share_a[view.place])
    numbers = {"held_a": held, "share_a": share}
    because = view.setpoint.because if view.setpoint else ""
    if because.startswith("pace:"):
        keeps = f"It kept {amperes(limit)}"
        if share > limit + _MOVED_A:
            keeps = f"Its share was {amperes(share)}, but it kept {amperes(limit)}"
        yield Reason("pace", f"{keeps}: {_waits_for(view, because)}.", numbers | {"pace": because})
    elif limit < held - _MOVED_A:
        why = (
            "what was held before would have been too much for the fuse or limit"
            if _endangered(view)
            else "it held more than its share while others had too little"
        )
        yield Reason("pace", f"It was lowered at once from {amperes(held)}: {why}.", numbers)
    elif limit > held + _MOVED_A:
        yield Reason("pace", f"It was raised from {amperes(held)}, into room that had been shown to be free.", numbers)
    elif share > limit + _MOVED_A:
        step = amperes(view.site.control.raise_step_a)
        small = f"a raise of less than {step} is not worth a message, and waits for a minute"
        yield Reason("pace", f"Its share was {amperes(share)}; {small}.", numbers)
    elif share < limit - _MOVED_A:
        kept = f"it kept the {amperes(limit)} that it had, which fitted at that moment"
        yield Reason("pace", f"Its careful share was {amperes(share)}; {kept}.", numbers)


def _endangered(view: View) -> bool:
    """Whether what the points held before would overload one of its rows now."""
    over = view.rows @ np.where(view.competes, view.held_a, 0.0) > view.now_a + TOLERANCE_A
    return bool(np.any(over & (view.rows[:, view.place] > 0)))


def _waits_for(view: View, because: str) -> str:
    memory, now_s, control = view.turn.memory, view.turn.snapshot.monotonic_s, view.site.control
    match because:
        case "pace:calm" if memory is not None:
            ago = now_s - float(memory.pulse.reduced_s[0, view.above].max())
            calm = seconds(control.calm_s)
            return f"a limit on its circuit had been lowered {seconds(ago)} before, and nothing rises there for {calm}"
        case "pace:interval" if memory is not None:
            ago = now_s - float(memory.pulse.changed_s[0, view.place])
            if ago < control.change_s:
                pause = seconds(control.change_s)
                return f"it had been changed {seconds(ago)} before, and a charger is given {pause} for a change"
            return "its station had been written as often as its memory can stand"
        case "pace:meter":
            good = view.turn.decision.memory.good_readings[0]
            poor = [
                f"{circuit.meter} ({max(0, int(good[place]))} of {control.fresh_readings} good readings)"
                for place, circuit in enumerate(view.site.circuits)
                if view.above[place] and circuit.meter is not None and good[place] < control.fresh_readings
            ]
            return f"nothing rises before a meter above it is good again: {', '.join(poor)}"
        case _:
            row = view.row()
            now_a, careful_a = float(view.now_a[row]), float(view.careful_a[row])
            free = f"{amperes(now_a)} were free at that instant, {amperes(careful_a)} if recent peaks came again"
            return f"more had yet to be seen to be free, with all that was allowed before ({free})"
