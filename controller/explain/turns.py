"""When a waiting car is let in: after the dwell times of those who charge, one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from controller.explain.model import Reason, View, amperes, clock, seconds
from controller.loadbalance.layout import Bools
from controller.units import TOLERANCE_A


def waits_for_its_turn(view: View) -> bool:
    """Whether a row had no room for its minimum."""
    return view.share_because[view.place].startswith("not_admitted:") and float(view.share_a[view.place]) <= 0


def turn_by(view: View, row: int) -> datetime | None:
    """By when it is let in at the latest, if the room stays as it is; None where nobody's dwell time opens it a place.

    Cars are let in by priority, and those of one priority by how long they have waited. Who charges keeps its place for
    the dwell time; who must charge to be ready in time, or has a higher priority, keeps it for longer.
    """
    memory, now_s, place = view.turn.decision.memory, view.turn.snapshot.monotonic_s, view.place
    uses = view.rows[row] > 0
    gives_way = _serving(view) & uses & (view.priority <= view.priority[place]) & ~due(view)
    since_s = memory.admitted_since_s[0][gives_way]
    ends_s = sorted(np.maximum(0.0, since_s + view.site.control.dwell_s - now_s).tolist())
    if not ends_s:
        return None
    rounds, which = divmod(_ahead(view, uses), len(ends_s))
    left_s = ends_s[which] + rounds * view.site.control.dwell_s
    at = view.turn.snapshot.at + timedelta(seconds=left_s)
    return datetime.fromtimestamp(60.0 * math.ceil(at.timestamp() / 60.0), at.tzinfo)


def waited_s(view: View) -> float:
    """How long it has been waiting [s]."""
    memory, now_s = view.turn.memory, view.turn.snapshot.monotonic_s
    since_s = np.nan if memory is None else float(memory.unserved_since_s[0, view.place])
    return float(np.fmax(view.state.unserved_s, now_s - since_s))


def due(view: View) -> Bools:
    """(P,) who must charge now to be ready in time, and so comes before everybody's comfort."""
    facts = view.turn.decision.basis.facts
    due: Bools = facts.target_a[0] >= facts.min_a[0] - TOLERANCE_A
    return due


def turn_reason(view: View, row: int) -> Iterator[Reason]:
    """Why it is not yet its turn, and when it will be."""
    if not waits_for_its_turn(view):
        return
    dwell, waited = seconds(view.site.control.dwell_s), waited_s(view)
    text = (
        f"Its minimum of {amperes(view.least_a)} did not fit beside those who come first: cars that began within "
        f"{dwell} or must charge to be ready in time, then higher priority, then longer waiting, then less energy "
        f"received. It had been waiting for {seconds(waited)}"
    )
    by = turn_by(view, row)
    if by is not None:
        text += f", and its turn would come by about {clock(by, view.site.time_zone)} if the room stayed as it was"
    numbers = {"min_a": view.least_a, "waited_s": waited, "turn_by": by.isoformat() if by else None}
    yield Reason("waiting", f"{text}.", numbers)


def _serving(view: View) -> Bools:
    serving: Bools = ~np.isnan(view.turn.decision.memory.admitted_since_s[0])
    return serving


def _ahead(view: View, uses: Bools) -> int:
    """How many that wait for the same come before it."""
    names, share = view.share_because, view.share_a
    serving = _serving(view)
    waiting = view.competes & ~serving & uses & (share <= 0)
    waits = [n for n in np.flatnonzero(waiting).tolist() if names[n].startswith("not_admitted:")]
    memory, now_s = view.turn.decision.memory, view.turn.snapshot.monotonic_s
    since = np.nan_to_num(now_s - memory.unserved_since_s[0])
    key = [(-int(view.priority[n]), -float(since[n]), view.layout.point_ids[n]) for n in waits]
    mine = (-int(view.priority[view.place]), -float(since[view.place]), view.id)
    return sum(other < mine for other in key)
