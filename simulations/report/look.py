"""Colours with one meaning each through all figures, and the plots' common look."""

from __future__ import annotations

from typing import Any, Final

TEXT: Final = "#101828"
MUTED: Final = "#526077"
LINE: Final = "#e1e7ef"
BUILDING: Final = "#94a3b8"
CHARGING: Final = "#0d9488"
CHARGING_DARK: Final = "#0f5f59"
LIMIT: Final = "#c01f1f"
UNCONTROLLED: Final = "#334155"
BOUND: Final = "#1d5fbf"
BETTER: Final = "#56b4e9"
WORSE: Final = "#d2700a"
PHASES: Final = ("#2563eb", "#d2700a", "#8b3fd9")
RIVALS: Final = ("#8b3fd9", "#d2700a", "#56b4e9", "#a16207", "#be185d", "#64748b")
"""Of other policies, in the order of their names. Told apart by dashes, too: see ``DASHES``."""
DASHES: Final = ("dash", "dashdot", "longdash", "longdashdot", "dot", "dash")

FULLNESS: Final = [[0.0, "#f1f5f9"], [0.25, "#c6e8e3"], [0.5, "#6fc4b9"], [0.75, "#0d9488"], [1.0, "#083f3a"]]
"""A scale of one hue, light to dark, that survives grey printing."""

UNCONTROLLED_BARS: Final = {
    "color": "#e2e8f0",
    "line": {"color": UNCONTROLLED, "width": 0.8},
    "pattern": {"shape": "/", "fgcolor": UNCONTROLLED, "bgcolor": "#e2e8f0", "size": 6, "solidity": 0.25},
}
LIMIT_LINE: Final = {"color": LIMIT, "width": 1.6, "dash": "dash"}
UNCONTROLLED_LINE: Final = {"color": UNCONTROLLED, "width": 1.5, "dash": "dot"}
BOUND_LINE: Final = {"color": BOUND, "width": 1.6, "dash": "dashdot"}

_DATES: Final = [
    {"dtickrange": [None, 60_000], "value": "%H:%M:%S\n%-d %b"},
    {"dtickrange": [60_000, 43_200_001], "value": "%H:%M\n%a %-d %b"},
    {"dtickrange": [43_200_001, 604_800_000], "value": "%a\n%-d %b"},
    {"dtickrange": [604_800_000, "M1"], "value": "%-d %b\n%Y"},
    {"dtickrange": ["M1", None], "value": "%b\n%Y"},
]


def template() -> dict[str, Any]:
    """The plotly template of every figure."""
    axis = {
        "gridcolor": LINE,
        "linecolor": LINE,
        "zerolinecolor": LINE,
        "automargin": True,
        "title": {"font": {"size": 12, "color": MUTED}, "standoff": 8},
        "tickfont": {"size": 11, "color": MUTED},
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "rgba(0,0,0,0)",
    }
    return {
        "layout": {
            "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 12, "color": TEXT},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 56, "r": 16, "t": 12, "b": 44},
            "xaxis": axis,
            "yaxis": {**axis, "rangemode": "tozero"},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": LINE, "font": {"size": 12, "color": TEXT}},
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "traceorder": "normal"},
            "bargap": 0.25,
            "colorway": [CHARGING, UNCONTROLLED, BOUND, *RIVALS],
        }
    }


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """An axis with its title; further settings as plotly's."""
    return {"title": {"text": title}, **settings}


def time_axis(**settings: Any) -> dict[str, Any]:
    """An axis of local time; further settings as plotly's."""
    return {"type": "date", "tickformatstops": _DATES, "hoverformat": "%a %-d %b %Y, %H:%M", **settings}


def line(name: str, x: Any, y: Any, style: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """A line through (x, y)."""
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "line": style, **settings}


def level(value: float, *, axis_id: str = "y", label: str = "", style: dict[str, Any] | None = None) -> dict[str, Any]:
    """A horizontal line over the whole width of a plot, with its name at the right: a layout's shape."""
    return {
        "type": "line",
        "xref": "x domain" if axis_id == "y" else f"x{axis_id[1:]} domain",
        "x0": 0,
        "x1": 1,
        "yref": axis_id,
        "y0": value,
        "y1": value,
        "line": style or LIMIT_LINE,
        "label": {
            "text": label,
            "textposition": "end",
            "yanchor": "bottom",
            "font": {"size": 11, "color": (style or LIMIT_LINE)["color"]},
        },
    }
