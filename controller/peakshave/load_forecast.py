"""What will flow that is not charging: as at the same time of other days, and as it is now, by what was right before.

Simple guesses are mixed for every lead by how right they were (``lead_mixture``): all stays as it is, the mean of the
last while comes back, the change that is usual at this time, and the usual itself. Quantiles are learned from the
errors. The same is learned minute by minute of the mean until a demand window ends.

Shapes: C circuits, 3 phases of the grid, S slots of a day, T moments ahead, N = 3 C series.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controller.peakshave.lead_mixture import LeadMixture
from controller.peakshave.step_means import StepMeans

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEWEST_SHARE: Final = 0.25
"""Weight of the newest day in the profile: a change of habits has come through after about a week of such days."""
RECENT_S: Final = 1800.0
FADES_S: Final = 2 * 3600.0
"""A deviation from the usual is half gone after this time, until more is learned."""
REMEMBERS_S: Final = 14 * 86_400.0
MINUTE_S: Final = 60.0
RECENT_MINUTES_S: Final = 300.0
LEAST_REST_S: Final = 5.0
REST_MINUTES: Final = 60
"""The longest demand window."""
_DAY_S: Final = 86_400.0
_OTHERS: Final = np.array([[1, 2], [2, 0], [1, 0]])
"""Days of which kind stand in for those that were not seen yet."""


class LoadForecast:
    """Learns from every moment that it is shown.

    Args:
        circuits: C.
        slot_s: length of a slot; a part of a day [s].
        holidays: the days, by the calendar of the site, that are like Sundays.
    """

    def __init__(self, circuits: int, slot_s: float, holidays: Container[date] = frozenset()) -> None:
        series, leads = 3 * circuits, round(_DAY_S / slot_s)
        self._slot_s, self._holidays = slot_s, holidays
        self._profile = np.full((len(_OTHERS), leads, series), np.nan)
        self._slots = StepMeans(series, slot_s, RECENT_S)
        self._mixture = LeadMixture(leads, series, fades=FADES_S / slot_s, remembers=REMEMBERS_S / slot_s)
        self._minutes = StepMeans(series, MINUTE_S, RECENT_MINUTES_S)
        self._rest = LeadMixture(REST_MINUTES, series, fades=FADES_S / MINUTE_S, remembers=REMEMBERS_S / MINUTE_S)
        self._last_minutes = np.full((REST_MINUTES, series), np.nan)
        self._place = (0, 0)
        """Of the running slot in the profile."""

    def see(self, local: datetime, load_a: Floats | None) -> None:
        """Take note of what flows now. Nothing is learned from a moment of which not everything is known.

        Args:
            local: now, on the clock of the site.
            load_a: (C, 3) what is not charging [A]; None or not finite where unknown.
        """
        if load_a is None or not np.isfinite(load_a).all():
            return
        load = load_a.reshape(-1)
        at_s, second = local.timestamp(), _second(local)
        if minutes := self._minutes.see(at_s - second % MINUTE_S, load):
            self._learn_minute(minutes)
        slots = self._slots.see(at_s - second % self._slot_s, load)
        if slots:
            self._learn_slot(slots)
        self._place = self._place_of(local)

    def ahead(self, now: datetime, moments: Sequence[datetime], quantile: float | None = None) -> Floats | None:
        """What to expect (T, C, 3) [A]; None before anything has been seen.

        Args:
            now: on the clock of the site.
            moments: as many, on the same clock; such as the middles of slots.
            quantile: which part of all loads is to be lower, such as 0.9; None: the middle.
        """
        found = self._slots.present(now.timestamp())
        if found is None:
            return None
        present, recent, until_s, part = found
        usual = self._usual([self._place])[0]
        if part < 1.0:  # with what was usual before the newest whole slot was learned
            usual = part * usual + (1.0 - part) * self._mixture.newest[2]
        origin = np.stack([present, recent, usual])
        ahead_s = np.array([moment.timestamp() for moment in moments]) - until_s
        leads = np.rint(ahead_s / self._slot_s + 0.5).astype(np.int64)
        then = self._usual([self._place_of(moment) for moment in moments])
        return self._mixture.ahead(leads, origin, then, quantile).reshape(len(leads), -1, 3)

    def rest_of_window(self, now: datetime, window_end: datetime, quantile: float | None = None) -> Floats | None:
        """The mean load that a running demand window may still expect (C, 3) [A]; None before anything has been seen.

        Args:
            now: on the clock of the site.
            window_end: the end of the window, at most an hour away.
            quantile: as for ``ahead``.
        """
        found = self._minutes.present(now.timestamp())
        if found is None:
            return None
        present, recent, until_s, _ = found
        left_s = max(LEAST_REST_S, window_end.timestamp() - until_s)
        leads = np.array([np.ceil(left_s / MINUTE_S - 1e-6)], dtype=np.int64)
        usual = self._usual([self._place_of(now), self._place_of(now + (window_end - now) / 2)])
        origin = np.stack([present, recent, usual[0]])
        rest = self._rest.ahead(leads, origin, usual[1:], quantile)
        if quantile is not None and left_s < MINUTE_S:  # means of less than a minute scatter more
            middle = self._rest.ahead(leads, origin, usual[1:], None)
            rest = middle + (rest - middle) * np.sqrt(MINUTE_S / left_s)
        return rest.reshape(-1, 3)

    def state(self) -> Mapping[str, Floats]:
        """All that was learned, to be kept over a restart: arrays by name."""
        parts = {f"{name}.{key}": value for name, part in self._parts() for key, value in part.state().items()}
        place = np.array(self._place, dtype=np.float64)
        return parts | {"profile": self._profile, "last_minutes": self._last_minutes, "place": place}

    def restore(self, state: Mapping[str, Floats]) -> None:
        """Go on from what was learned before, which takes the place of what this one has learned.

        Raises:
            ValueError: the state is one of other circuits or slots, or not whole.
        """
        own = {"profile": self._profile, "last_minutes": self._last_minutes, "place": np.zeros(2)}
        found = {name: np.asarray(state.get(name, ()), dtype=np.float64) for name in own}
        for name, value in own.items():
            if found[name].shape != value.shape:
                raise ValueError(f"{name}: expected the shape {value.shape}, got {found[name].shape}")
        for name, part in self._parts():
            part.restore({key.removeprefix(f"{name}."): value for key, value in state.items()})
        self._profile, self._last_minutes = found["profile"].copy(), found["last_minutes"].copy()
        self._place = (int(found["place"][0]), int(found["place"][1]))

    def _parts(self) -> Sequence[tuple[str, StepMeans | LeadMixture]]:
        return (
            ("slots", self._slots),
            ("mixture", self._mixture),
            ("minutes", self._minutes),
            ("rest", self._rest),
        )

    def _place_of(self, local: datetime) -> tuple[int, int]:
        """The kind of day (working day, Saturday, Sunday or holiday) and the slot."""
        kind = 2 if local.date() in self._holidays else max(0, local.weekday() - 4)
        return kind, int(_second(local) // self._slot_s)

    def _usual(self, places: Sequence[tuple[int, int]]) -> Floats:
        """(T, N) what is usual in these slots; NaN where nothing is known of their time of day."""
        kinds, numbers = np.array(places, dtype=np.int64).T
        usual: Floats = self._profile[kinds, numbers]
        for other in _OTHERS.T:
            unknown = np.isnan(usual)
            if not unknown.any():
                break
            usual = np.where(unknown, self._profile[other[kinds], numbers], usual)
        return usual

    def _learn_slot(self, steps: int) -> None:
        """Learn from the slot that has ended; how guesses mix only where its own kind of day was seen before."""
        mean, recent = self._slots.whole
        before = self._profile[self._place]
        if steps == 1:
            shape = (len(self._mixture.leads), mean.size)
            self._mixture.learn(np.broadcast_to(mean, shape), np.broadcast_to(before, shape))
        self._mixture.begin(steps, np.stack([mean, recent, self._usual([self._place])[0]]))
        newer = (1.0 - NEWEST_SHARE) * before + NEWEST_SHARE * mean
        self._profile[self._place] = np.where(np.isnan(before), mean, newer)

    def _learn_minute(self, steps: int) -> None:
        """Learn from the minute that has ended, of the means of the minutes that end with it."""
        mean, recent = self._minutes.whole
        skipped = min(steps, REST_MINUTES)
        self._last_minutes = np.roll(self._last_minutes, skipped, axis=0)
        self._last_minutes[:skipped] = np.nan
        self._last_minutes[0] = mean
        if steps == 1:
            lengths = self._rest.leads
            outcome = np.cumsum(self._last_minutes, axis=0)[lengths - 1] / lengths[:, None]
            kind, number = self._place
            back = np.rint(lengths * (0.5 * MINUTE_S / self._slot_s)).astype(np.int64)
            middles = ((number - back) % self._profile.shape[1]).tolist()
            self._rest.learn(outcome, self._usual([(kind, middle) for middle in middles]))
        self._rest.begin(steps, np.stack([mean, recent, self._usual([self._place])[0]]))


def _second(local: datetime) -> float:
    return local.hour * 3600.0 + local.minute * 60.0 + local.second + local.microsecond * 1e-6
