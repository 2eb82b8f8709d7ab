"""What a replay prints."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.documents import plan_document
from adapters.json_text import utc_text
from adapters.origin import Origin, origin
from controller.plan import Plan, Setpoint
from simulations.replay.differences import Comparison, Stretch
from simulations.replay.rerun import Rerun, Step
from simulations.replay.story import Story
from simulations.replay.times import local

SUBJECTS_SHOWN = 6
STRETCHES_SHOWN = 200
"""Lines of a table that somebody may still read; ``--json`` has them all."""


def result_document(comparison: Comparison, rerun: Rerun, moment: Step | None, story: Story | None) -> dict[str, Any]:
    """Everything for programs."""
    stretches = comparison.stretches()
    document: dict[str, Any] = {
        "decisions": comparison.decisions,
        "differing": comparison.differing,
        "passed_over": rerun.passed_over,
        "lost_lines": rerun.lost,
        "from": utc_text(comparison.first) if comparison.first else None,
        "to": utc_text(comparison.last) if comparison.last else None,
        "recorded_by": [_origin(one) for one in rerun.origins],
        "replayed_by": _origin(origin()),
        "differences": [stretch.to_json() for stretch in stretches],
        "differences_not_shown": comparison.hidden,
    }
    if moment is not None:
        document["decision"] = {
            "recorded": _plan(moment.recorded.plan),
            "replayed": _plan(moment.turn.decision.plan if moment.turn else None),
        }
    if story is not None:
        document["explanation"] = story.to_json()
    return document


def _origin(one: Origin) -> dict[str, Any]:
    return {"version": one.version, "commit": one.commit, "controller": one.controller}


def _plan(plan: Plan | None) -> dict[str, Any] | None:
    return None if plan is None else plan_document(plan, exact=True)


def print_comparison(console: Console, comparison: Comparison, rerun: Rerun, last: Step | None) -> None:
    """How many decisions were the same, and every stretch of time in which they were not."""
    if last is None or comparison.first is None or comparison.last is None:
        return
    site = last.site
    span = f"{local(comparison.first, site, date_too=True)} to {local(comparison.last, site, date_too=True)}"
    same_code = all(one.controller == origin().controller for one in rerun.origins)
    by = "the same controller" if same_code else "another version of the controller"
    console.print(f"{comparison.decisions} decisions from {span} ({site.time_zone}), recorded by {by}.")
    if rerun.lost:
        console.print(f"{rerun.lost} lines were lost while it was recorded.")
    if rerun.passed_over:
        console.print(f"{rerun.passed_over} decisions cannot be replayed, since what came before them is missing.")
    if not comparison.differing:
        console.print("All were decided in the same way again.")
        return
    console.print(f"{comparison.differing} were decided in another way:")
    stretches = comparison.stretches()
    table = Table(box=box.SIMPLE, show_edge=False)
    for heading in ("from", "to", "decisions", "what", "recorded", "replayed"):
        table.add_column(heading, justify="right" if heading == "decisions" else "left", overflow="fold")
    for stretch in stretches[:STRETCHES_SHOWN]:
        table.add_row(
            local(stretch.begins, site),
            local(stretch.ends, site),
            str(stretch.decisions),
            escape(_subjects(stretch)),
            escape(_side(stretch.recorded_a, stretch.recorded)),
            escape(_side(stretch.replayed_a, stretch.replayed)),
        )
    console.print(table)
    if (more := len(stretches) - STRETCHES_SHOWN + comparison.hidden) > 0:
        console.print(f"and {more} more stretches; --json has more of them")


def _subjects(stretch: Stretch) -> str:
    more = len(stretch.subjects) - SUBJECTS_SHOWN
    return ", ".join(stretch.subjects[:SUBJECTS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _side(limit_a: tuple[float, float] | None, because: str) -> str:
    if limit_a is None:
        return because
    low, high = (f"{value:g}" for value in limit_a)
    return f"{low if low == high else f'{low} to {high}'} A {because}"


def print_moment(console: Console, step: Step) -> None:
    """One decision: every point's limit as it was recorded, and as it is decided now."""
    console.print(f"Decision of {local(step.at, step.site, date_too=True)} ({step.site.time_zone})")
    was = step.recorded.plan.setpoints if step.recorded.plan else {}
    now = step.turn.decision.plan.setpoints if step.turn else {}
    table = Table(box=box.SIMPLE, show_edge=False)
    for heading in ("point", "state", "recorded", "replayed"):
        table.add_column(heading, overflow="fold")
    for point in step.site.point:
        state = step.recorded.snapshot.points.get(point)
        told = [_told(side.get(point)) for side in (was, now)]
        again = "the same" if was.get(point) == now.get(point) else told[1]
        table.add_row(point, state.state.value if state else "available", escape(told[0]), escape(again))
    console.print(table)
    if step.error:
        console.print(f"The decision fails now: {step.error}", markup=False)


def _told(setpoint: Setpoint | None) -> str:
    return "no limit" if setpoint is None else f"{setpoint.limit_a:g} A {setpoint.because}"
