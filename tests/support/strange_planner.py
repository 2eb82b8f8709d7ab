"""A planner that misbehaves as it is told to: ``python strange_planner.py MODE FOLDER``.

It keeps count in the folder of how often it was started, so that it can be well only the first or second time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]


def good(request: Request) -> dict[str, Any]:
    """Five amperes for everybody who is there, in two slots."""
    present = [car["point"] for car in request["cars"] if car["arrives_at"] is None]
    points = {name: {"target_a": [5.0, 5.0], "cap_a": [None, 8.0], "because": "price"} for name in present}
    times = {"made_at": request["at"], "begins_at": request["begins_at"], "slot_s": request["slot_s"]}
    return {"number": request["number"], "advice": {**times, "points": points, "shortfall_wh": {}}}


def with_point(request: Request, name: str, target_a: list[Any], cap_a: list[Any]) -> str:
    answer = good(request)
    answer["advice"]["points"][name] = {"target_a": target_a, "cap_a": cap_a}
    return json.dumps(answer)


def elsewhen(request: Request) -> str:
    answer = good(request)
    answer["advice"]["begins_at"] = "2020-01-01T00:00:00Z"
    return json.dumps(answer)


def with_peaks(request: Request, slots: int) -> str:
    answer = good(request)
    answer["advice"]["peak_kw"] = [50.0] * slots
    return json.dumps(answer)


STRANGE: dict[str, Callable[[Request], str]] = {
    "garbage": lambda _: "Segmentation fault",
    "not_finite": lambda request: with_point(request, "P1", [float("nan")], [None]),
    "negative": lambda request: with_point(request, "P1", [-1.0], [None]),
    "wrong_size": lambda request: with_point(request, "P1", [5.0, 5.0, 5.0], [None]),
    "too_long": lambda request: with_point(request, "P1", [5.0] * 1000, [None] * 1000),
    "peaks_too_long": lambda request: with_peaks(request, 97),
    "empty": lambda request: with_point(request, "P1", [], []),
    "stranger": lambda request: with_point(request, "P99", [5.0, 5.0], [None, None]),
    "above_maximum": lambda request: with_point(request, "P1", [400.0], [None]),
    "another_number": lambda request: json.dumps({**good(request), "number": 77}),
    "another_time": elsewhen,
    "infeasible": lambda request: json.dumps({"number": request["number"], "error": "PlanningError: infeasible"}),
    "nothing": lambda request: json.dumps({"number": request["number"]}),
}


def main(mode: str, folder: Path) -> None:
    starts = folder / "starts"
    starts.write_text(f"{1 + int(starts.read_text() if starts.exists() else 0)}")
    first = starts.read_text() == "1"
    sys.stdin.readline()
    for line in sys.stdin:
        if mode == "dies" or (mode == "dies_once" and first):
            sys.exit(3)
        if mode == "silent" or (mode == "silent_once" and first):
            time.sleep(3600)
        with (folder / "requests").open("a") as kept:
            kept.write(line)
        answered = STRANGE.get(mode, lambda request: json.dumps(good(request)))
        sys.stdout.write(answered(json.loads(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
