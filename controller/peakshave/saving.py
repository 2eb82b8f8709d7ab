"""What the grid connection would have drawn if every car had charged as fast as it can from the moment it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.snapshot import COMPETING, PointState, State

IN_SESSION = COMPETING | {State.EV_IDLE, State.FINISHING}


@dataclass(slots=True)
class _Car:
    """A car as it would have charged without control."""

    real_wh: float
    """Delivered when it was last looked at: less means another car."""
    had_wh: float


class Uncontrolled:
    """Follows, beside every car, the same car without control.

    Whose driver has said nothing is taken to need no more than it gets: such a car saves nothing here, so the figure
    is rather too low than too high.
    """

    def __init__(self) -> None:
        self._cars: dict[str, _Car] = {}

    def step(
        self,
        points: Mapping[str, PointState],
        drawn_w: Mapping[str, float],
        most_w: Mapping[str, float],
        seconds: float,
    ) -> float:
        """How much more would have flowed in the last seconds; negative where less would have.

        Args:
            points: what is known of each point now.
            drawn_w: what each draws [W].
            most_w: what each could draw at most, as its car has shown [W].
            seconds: since the last step.

        Returns:
            [W], the mean over these seconds.
        """
        more_wh = 0.0
        for name, point in points.items():
            if point.state is State.OFFLINE:
                continue  # its session goes on, unseen
            if point.state not in IN_SESSION:
                self._cars.pop(name, None)
                continue
            drawn_wh = drawn_w.get(name, 0.0) * seconds / 3600.0
            car = self._cars.get(name)
            if car is None or point.delivered_wh < car.real_wh:
                car = self._cars[name] = _Car(point.delivered_wh, float(point.delivered_wh))
            car.real_wh = point.delivered_wh
            needs_wh = point.delivered_wh + max(drawn_wh, float(point.energy_needed_wh or 0))
            could_wh = max(drawn_w.get(name, 0.0), most_w.get(name, 0.0)) * seconds / 3600.0
            would_wh = min(could_wh, max(0.0, needs_wh - car.had_wh))
            car.had_wh += would_wh
            more_wh += would_wh - drawn_wh
        return more_wh * 3600.0 / seconds if seconds > 0.0 else 0.0
