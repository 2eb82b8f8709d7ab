"""What drivers got: energy against need, shortfalls, and how evenly they fell."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import numpy as np

from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts
from simulations.report.pieces import Figure
from simulations.report.timeline import Floats
from simulations.report.view import UNCONTROLLED, Case, Drawn, View
from simulations.report.words import count, number, percent

_MOST_SESSIONS: Final = 2_000
_RANKS: Final = 201
NO_SESSIONS: Final = "needs sessions that ask for energy; this run has none."
_BANDS: Final = (
    ("all of it", 0.99, look.CHARGING),
    ("90 to 99 %", 0.90, "#7cc8be"),
    ("75 to 90 %", 0.75, "#f2d388"),
    ("50 to 75 %", 0.50, "#e69f00"),
    ("less than 50 %", -1.0, "#a14a06"),
)
"""(words, least share, colour) of the energy at departure."""


def delivered(case: Case) -> Drawn:
    """Requested against delivered energy, one dot for each session."""
    sessions = [s for s in case.view.results.sessions if s.visit.energy_wh > 0]
    if not sessions:
        return f"Requested against delivered energy {NO_SESSIONS}"
    every = -(-len(sessions) // _MOST_SESSIONS)
    shown = sessions[::every]
    requested_kwh = [s.visit.energy_wh / 1000 for s in shown]
    groups = ["met" if s.met else "short" for s in shown]
    columns = {
        "session": texts(s.visit.id for s in shown),
        "requested_kwh": numbers(requested_kwh),
        "delivered_kwh": numbers([s.delivered_wh / 1000 for s in shown]),
        "outcome": texts(groups),
    }
    look_of = {"met": ("Need met", look.CHARGING, "circle"), "short": ("Fell short", look.WORSE, "diamond")}
    traces = [_dots(key, *look_of[key]) for key in ("met", "short") if key in groups]
    top = 1.05 * max(requested_kwh)
    diagonal = {"type": "line", "x0": 0, "y0": 0, "x1": top, "y1": top, "line": {"color": look.MUTED, "width": 1}}
    return Figure(
        id="delivered",
        title=f"{sum(s.met for s in sessions):,} of {count(len(sessions), 'session')} got what they needed",
        reading="One mark for each session. On the diagonal all that was needed was delivered; below, some is missing.",
        columns=columns,
        traces=traces,
        layout={
            "hovermode": "closest",
            "xaxis": look.axis("Requested [kWh]", rangemode="tozero"),
            "yaxis": look.axis("Delivered [kWh]"),
            "shapes": [{**diagonal, "layer": "below"}],
        },
        wide=False,
        note=f"Thinned: one session in {every} is drawn; sessions.csv holds them all." if every > 1 else "",
    )


def _dots(key: str, name: str, colour: str, symbol: str) -> dict[str, Any]:
    rows = ("outcome", key)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": ref("requested_kwh", rows=rows),
        "y": ref("delivered_kwh", rows=rows),
        "text": ref("session", rows=rows),
        "marker": {"color": colour, "size": 7, "opacity": 0.6, "symbol": symbol},
        "hovertemplate": "%{text}: %{y:.1f} of %{x:.1f} kWh<extra></extra>",
    }


def shortfall(case: Case) -> Drawn:
    """Distribution of the missing share over sessions, for every policy."""
    runs = _runs(case)
    if not case.view.shares.size:
        return f"The distribution of the shortfall {NO_SESSIONS}"
    share_pct = np.linspace(0.0, 100.0, _RANKS)
    columns = {"share_of_sessions_pct": numbers(share_pct, 1)}
    traces = []
    for name, view in runs.items():
        column = f"{name}_shortfall_pct"
        missing_pct = 100.0 * (1.0 - view.shares)
        columns[column] = numbers(np.quantile(missing_pct, share_pct / 100.0, method="inverted_cdf"), 2)
        trace = look.line(view.name, ref(column), ref("share_of_sessions_pct"), _run_style(case, name))
        traces.append({**trace, "hovertemplate": "%{y:.0f} % of sessions miss at most %{x:.1f} %"})
    lacking = float(np.mean(case.view.shares < 0.9))
    return Figure(
        id="shortfall",
        title=f"{percent(lacking)} of the sessions miss more than a tenth of their energy",
        reading="For each policy, the share of sessions that miss at most so much of what they needed. "
        "The further up and left, the better.",
        columns=columns,
        traces=traces,
        layout={
            "hovermode": "closest",
            "xaxis": look.axis("Missing energy [% of the need]", range=[-2, 102], ticksuffix=" %"),
            "yaxis": look.axis("Share of sessions [%]", range=[0, 102], ticksuffix=" %"),
        },
        wide=False,
    )


def satisfaction(case: Case) -> Drawn:
    """Shares of sessions by how much of their need they had at departure, for every policy."""
    if not case.view.shares.size:
        return f"Satisfaction at departure {NO_SESSIONS}"
    runs = _runs(case)
    columns: dict[str, Column] = {"policy": texts(view.name for view in runs.values())}
    traces = []
    upper = np.inf
    for place, (band, least, colour) in enumerate(_BANDS):
        share_pct = [100.0 * float(np.mean((v.shares >= least) & (v.shares < upper))) for v in runs.values()]
        name = f"got_{('all', 'from_90', 'from_75', 'from_50', 'below_50')[place]}_pct"
        columns[name] = numbers(share_pct, 2)
        traces.append(_bar(f"Got {band}", ref(name), colour))
        upper = least
    best = float(np.mean(case.view.shares >= 0.99))
    return Figure(
        id="satisfaction",
        title=f"{percent(best)} of the drivers left with all that they needed",
        reading="All sessions of each policy, by the share of the needed energy that was in the car at departure.",
        columns=columns,
        traces=traces,
        layout={
            "barmode": "stack",
            "hovermode": "closest",
            "xaxis": look.axis("Share of sessions [%]", range=[0, 100], ticksuffix=" %"),
            "yaxis": {"type": "category", "autorange": "reversed"},
            "bargap": 0.45 if len(runs) > 2 else 0.7,
        },
        height_px=max(340, 130 + 34 * len(runs)),
        wide=len(runs) > 4,
    )


def _bar(name: str, x: Any, colour: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": x,
        "y": ref("policy"),
        "marker": {"color": colour},
        "hovertemplate": f"%{{y}}: {name.lower()}: %{{x:.1f}} % of sessions<extra></extra>",
    }


def fairness(case: Case) -> Drawn:
    """Lorenz curves of the shares that drivers got; by driver where tokens tell them apart, else by session."""
    shares, by_user = _user_shares(case.view)
    if not shares.size:
        return f"Fairness {NO_SESSIONS}"
    group_pct = np.linspace(0.0, 100.0, _RANKS)
    columns = {f"share_of_{'drivers' if by_user else 'sessions'}_pct": numbers(group_pct, 1)}
    x = ref(next(iter(columns)))
    even = {"color": look.MUTED, "width": 1}
    columns["even_pct"] = numbers(group_pct, 1)
    traces = [look.line("Perfectly even", x, ref("even_pct"), even)]
    for name, view in _runs(case).items():
        columns[f"{name}_pct"] = numbers(_lorenz(_user_shares(view)[0], group_pct), 2)
        traces.append(look.line(view.name, x, ref(f"{name}_pct"), _run_style(case, name)))
    for trace in traces:
        trace["hovertemplate"] = "%{y:.1f} %"
    whom = "drivers" if by_user else "sessions"
    return Figure(
        id="fairness",
        title=f"Energy fell on {whom} with a Jain index of {number(_jain(shares), 3)}",
        reading=f"Lorenz curve: the {whom} that got the smallest share of their need come first. The nearer to the "
        "diagonal, the more even; a Jain index of 1 is perfectly even.",
        columns=columns,
        traces=traces,
        layout={
            "xaxis": look.axis(f"Share of {whom} [%]", ticksuffix=" %"),
            "yaxis": look.axis("Share of what was given [%]", ticksuffix=" %"),
        },
        wide=False,
    )


def _jain(shares: Floats) -> float:
    """Jain, Chiu, Hawe 1984: 1 is even, 1/n is all for one."""
    squares = float(np.square(shares).sum())
    return float(shares.sum()) ** 2 / (shares.size * squares) if squares > 0 else 1.0


def _user_shares(view: View) -> tuple[Floats, bool]:
    """Shares of the need that was met, by driver if every session has a token; and whether it is so."""
    asked = [s for s in view.results.sessions if s.visit.energy_wh > 0]
    if not asked or not all(s.visit.token for s in asked):
        return view.shares, False
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for session in asked:
        sums[session.visit.token][0] += min(session.delivered_wh, session.visit.energy_wh)
        sums[session.visit.token][1] += session.visit.energy_wh
    return np.array([got / need for got, need in sums.values()]), True


def _lorenz(shares: Floats, group_pct: Floats) -> Floats:
    if shares.sum() <= 0:
        return group_pct
    given = np.concatenate(([0.0], np.cumsum(np.sort(shares)))) / shares.sum()
    return np.asarray(100.0 * np.interp(group_pct / 100.0, np.linspace(0.0, 1.0, shares.size + 1), given))


def _runs(case: Case) -> dict[str, View]:
    """The run and its rivals by policy, those left out that had no sessions."""
    return {case.view.results.policy: case.view, **{n: v for n, v in case.rivals.items() if v.shares.size}}


def _run_style(case: Case, name: str) -> dict[str, Any]:
    """The line of a policy, the same in every figure."""
    if name == case.view.results.policy:
        return {"color": look.CHARGING, "width": 2.4}
    if name == UNCONTROLLED:
        return look.UNCONTROLLED_LINE
    place = sorted(set(case.rivals) - {UNCONTROLLED}).index(name)
    colour, dash = look.RIVALS[place % len(look.RIVALS)], look.DASHES[place % len(look.DASHES)]
    return {"color": colour, "width": 1.4, "dash": dash}
