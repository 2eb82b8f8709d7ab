"""The plots of a sweep over its parameters: each by itself, and two at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from simulations.report import look
from simulations.report.columns import Column, numbers, ref, texts
from simulations.report.pieces import Figure
from simulations.report.words import number
from simulations.sweeps.analysis import OBJECTIVE, VIOLATIONS, Analysis
from simulations.sweeps.cases import Parameter, Value

MOST_PAIRS: Final = 6
"""Heat maps; more parameters than four are compared by the tornado."""
MOST_TICKS: Final = 8
"""Values that are all named on their axis."""
GAP: Final = 0.1
"""Between the panels of a plot, as a share of its width."""
SHOWN: Final = {
    OBJECTIVE: "Cost",
    "sessions_met_pct": "Sessions met [%]",
    "peak_kw": "Peak [kW]",
}
INTERVAL: Final = {"thickness": 1.2, "width": 5}


def of_parameters(analysis: Analysis, currency: str) -> Iterator[Figure]:
    """One plot for each parameter with several values: cost, service and peak with their confidence intervals."""
    for place, parameter in enumerate(analysis.cases.parameters):
        if len(parameter.texts) > 1:
            yield _of_parameter(analysis, place, currency)


def _of_parameter(analysis: Analysis, place: int, currency: str) -> Figure:
    parameter = analysis.cases.parameters[place]
    order = sorted(range(len(parameter.texts)), key=lambda number: _rank(parameter.values[number], number))
    columns = {"value": _axis_column([parameter.values[number] for number in order])}
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"showlegend": False, "hovermode": "closest"}
    for panel, (metric, heading) in enumerate(SHOWN.items()):
        found = [analysis.of_value(place, number, metric) for number in order]
        columns[f"{metric}_mean"] = numbers([one.mean for one in found])
        columns[f"{metric}_half_width"] = numbers([one.half_width for one in found])
        suffix = "" if panel == 0 else str(panel + 1)
        traces.append(_with_intervals(heading, metric, suffix, look.CHARGING if panel == 0 else look.MUTED))
        title = f"{heading} [{currency}]" if metric == OBJECTIVE else heading
        layout[f"xaxis{suffix}"] = _value_axis(parameter, panel, f"y{suffix}")
        layout[f"yaxis{suffix}"] = look.axis(title, rangemode="normal", anchor=f"x{suffix}")
    return Figure(
        id=f"parameter-{place + 1}",
        title=_parameter_title(analysis, place, currency),
        reading=(
            "The dot is the mean over seeds, the bar its 95 % confidence interval. "
            "Where there are other parameters, each value is averaged over all of theirs first."
        ),
        columns=columns,
        traces=traces,
        layout=layout,
        height_px=300,
        note=_violations_note(analysis, place),
    )


def _rank(value: Value, number: int) -> tuple[float, int]:
    return (0.0, number) if isinstance(value, bool | str) else (float(value), number)


def _axis_column(values: Sequence[Value]) -> Column:
    if any(isinstance(value, bool | str) for value in values):
        return texts(str(value) for value in values)
    return numbers([float(value) for value in values], 6)


def _value_axis(parameter: Parameter, panel: int, anchor: str) -> dict[str, Any]:
    width = (1.0 - GAP * (len(SHOWN) - 1)) / len(SHOWN)
    begin = panel * (width + GAP)
    axis = look.axis(parameter.key, anchor=anchor, domain=[begin, begin + width])
    if any(isinstance(value, bool | str) for value in parameter.values):
        return {**axis, "type": "category"}
    return {**axis, "tickvals": list(parameter.values)} if len(parameter.texts) <= MOST_TICKS else axis


def _with_intervals(name: str, metric: str, suffix: str, colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+lines",
        "name": name,
        "x": ref("value"),
        "y": ref(f"{metric}_mean"),
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "marker": {"color": colour, "size": 8},
        "line": {"color": colour, "width": 1, "dash": "dot"},
        "error_y": {"type": "data", "array": ref(f"{metric}_half_width"), "color": colour, **INTERVAL},
        "hovertemplate": "%{x}: %{y:.2f} ± %{error_y.array:.2f}<extra></extra>",
    }


def _parameter_title(analysis: Analysis, place: int, currency: str) -> str:
    parameter = analysis.cases.parameters[place]
    means = [analysis.of_value(place, number, OBJECTIVE).mean for number in range(len(parameter.texts))]
    if not np.isfinite(means).any():
        return f"{parameter.key}: no results"
    low, high = int(np.nanargmin(means)), int(np.nanargmax(means))
    difference = number(means[high] - means[low], 2)
    return f"{parameter.key}: {parameter.texts[low]} costs least, {parameter.texts[high]} {currency} {difference} more"


def _violations_note(analysis: Analysis, place: int) -> str:
    parameter = analysis.cases.parameters[place]
    guilty = [
        text
        for number, text in enumerate(parameter.texts)
        if any(analysis.of_value(place, number, name).mean > 0.0 for name in VIOLATIONS)
    ]
    return f"With violations in some runs: {', '.join(guilty)}." if guilty else ""


def of_pairs(analysis: Analysis, currency: str) -> Iterator[Figure]:
    """Heat maps of the cost over two parameters each."""
    several = [place for place, parameter in enumerate(analysis.cases.parameters) if len(parameter.texts) > 1]
    for first, second in itertools.islice(itertools.combinations(several, 2), MOST_PAIRS):
        yield _of_pair(analysis, first, second, currency)


def _of_pair(analysis: Analysis, first: int, second: int, currency: str) -> Figure:
    one, two = analysis.cases.parameters[first], analysis.cases.parameters[second]
    cells = list(itertools.product(range(len(one.texts)), range(len(two.texts))))
    cost = [analysis.of_values((first, a), (second, b), OBJECTIVE) for a, b in cells]
    clean = [_is_clean(analysis, (first, a), (second, b)) for a, b in cells]
    columns = {
        one.key: texts(one.texts[a] for a, _ in cells),
        two.key: texts(two.texts[b] for _, b in cells),
        "cost": numbers(cost),
        "violations": texts("" if fine else "violations" for fine in clean),
    }
    trace = {
        "type": "heatmap",
        "x": ref(one.key),
        "y": ref(two.key),
        "z": ref("cost"),
        "text": ref("violations"),
        "texttemplate": "%{z:.4g}<br>%{text}",
        "colorscale": look.FULLNESS,
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"title": {"text": f"Cost [{currency}]", "side": "right"}, "thickness": 12},
        "hovertemplate": f"{one.key} %{{x}}<br>{two.key} %{{y}}<br>%{{z:.2f}} {currency} %{{text}}<extra></extra>",
    }
    return Figure(
        id=f"pair-{first + 1}-{second + 1}",
        title=f"Cost over {one.key} and {two.key}",
        reading="The lighter, the cheaper. The mean over seeds, and over further parameters where there are any.",
        columns=columns,
        traces=[trace],
        layout={
            "xaxis": look.axis(one.key, type="category"),
            "yaxis": look.axis(two.key, type="category"),
            "hovermode": "closest",
        },
        height_px=360,
        wide=False,
    )


def _is_clean(analysis: Analysis, first: tuple[int, int], second: tuple[int, int]) -> bool:
    return not any(analysis.of_values(first, second, name) > 0.0 for name in VIOLATIONS)
