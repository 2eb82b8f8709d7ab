"""Keeps what a forecast has learned over a restart, as a note beside the measurements."""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float64]]

EVERY_S: Final = 3600.0
"""A crash costs what was learned in so long, of two weeks remembered; 50 kB are no burden to flash."""

log = structlog.get_logger(__name__)


class Notes(Protocol):
    """Texts that outlive a restart. Neither blocks for long nor raises."""

    def keep(self, name: str, text: str) -> None:
        """Keep the newest text of a name."""
        ...

    def kept(self, name: str) -> str | None:
        """The text of that name from before the last start."""
        ...


class LearnedNote:
    """The note of one forecast.

    Args:
        notes: where it is kept.
        name: its name there.
        about: what the forecast is about; what was learned about something else is not taken up.
    """

    def __init__(self, notes: Notes, name: str, about: str) -> None:
        self._notes, self._name, self._about = notes, name, about
        self._kept_s = math.nan

    def restore(self, take: Callable[[Arrays], None]) -> None:
        """Hand over what was learned before the restart; what is of no use is dropped. Blocks for milliseconds.

        Args:
            take: takes it, or refuses it with a ``ValueError`` and stays as it is.
        """
        text = self._notes.kept(self._name)
        if text is None:
            return
        try:
            take(_arrays(text, self._about))
        except ValueError as error:
            log.warning("forecast_begins_anew", forecast=self._name, error=str(error))

    def follow(self, now_s: float, learned: Callable[[], Arrays]) -> None:
        """Keep what is known once an hour, from the first call on; takes a millisecond.

        Args:
            now_s: monotonic [s].
            learned: what is known.
        """
        if math.isnan(self._kept_s):
            self._kept_s = now_s
        elif now_s - self._kept_s >= EVERY_S:
            self._kept_s = now_s
            self.keep(learned())

    def keep(self, learned: Arrays) -> None:
        """Keep what is known now."""
        self._notes.keep(self._name, _text(learned, self._about))


def _text(arrays: Arrays, about: str) -> str:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for its own options
    return json.dumps({"about": about, "arrays": base64.b64encode(file.getvalue()).decode("ascii")})


def _arrays(text: str, about: str) -> Arrays:
    """What ``_text`` has written.

    Raises:
        ValueError: it is something else, or damaged, or about something else.
    """
    try:
        document = json.loads(text)
        if document["about"] != about:
            raise ValueError(f"it is about {document['about']!r:.80}, not {about!r:.80}")
        with np.load(io.BytesIO(base64.b64decode(document["arrays"], validate=True)), allow_pickle=False) as file:
            return {name: np.asarray(file[name], dtype=np.float64) for name in file.files}
    except (KeyError, TypeError, EOFError, OSError, AttributeError, binascii.Error, zipfile.BadZipFile) as error:
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from None
