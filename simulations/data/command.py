"""``loadstar sessions``: what was read from a file of sessions, and what can be made of it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

from simulations.data.fitting import fit
from simulations.data.people import write_people
from simulations.data.plausibility import CHARGER_W
from simulations.data.problems import DataError, file_problem
from simulations.data.recorded import SessionData
from simulations.data.session_csv import write_sessions
from simulations.data.sessions import KINDS, read_sessions

BAD_INPUT: Final = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, as the command line says it."""

    file: str
    kind: str | None = None
    time_zone: str | None = None
    columns: Sequence[str] = ()
    """``NAME=HEADER``."""
    charger_kw: float | None = None
    model: Path | None = None
    """Where a fitted model goes."""
    table: Path | None = None
    """Where the sessions go, as generic CSV."""


def show_sessions(request: Request, *, as_json: bool) -> int:
    """Read a file, write what is wanted, and print what was found.

    Returns:
        The exit code of the process: 2, with every problem on stderr, when something is wrong with the input.
    """
    wrong = list(_problems(request))
    if wrong:
        return _refused(f"loadstar sessions: {problem}" for problem in wrong)
    try:
        data = _read(request)
        _write(request, data)
    except DataError as error:
        return _refused(str(problem) for problem in error.problems)
    document = described(data)
    text = json.dumps(document, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(request.file, document))
    sys.stdout.write(f"{text}\n")
    return 0


def described(data: SessionData) -> dict[str, Any]:
    """What was read, as JSON-ready values; those of a file without sessions are null."""
    sessions = data.sessions
    return {
        "kind": data.kind,
        "sessions": len(sessions),
        "first_arrival": _text(min((one.arrives for one in sessions), default=None)),
        "last_departure": _text(max((one.leaves for one in sessions), default=None)),
        "points": len({one.point for one in sessions if one.point is not None}),
        "drivers": len({one.token for one in sessions if one.token is not None}),
        "energy_kwh": round(sum(one.energy_wh for one in sessions) / 1000.0, 3),
        "median_energy_kwh": round(median(one.energy_wh for one in sessions) / 1000.0, 3) if sessions else None,
        "median_stay_h": round(median(one.stay_s for one in sessions) / 3600.0, 2) if sessions else None,
        "departures_stated": sum(one.stated_leaves is not None for one in sessions),
        "energies_stated": sum(one.requested_wh is not None for one in sessions),
        "notes": [
            {"source": note.source, "problem": note.problem, "count": note.count, "rule": note.rule}
            for note in data.notes
        ],
    }


def _refused(problems: Iterable[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return BAD_INPUT


def _read(request: Request) -> SessionData:
    return read_sessions(
        request.file,
        request.kind,
        time_zone=ZoneInfo(request.time_zone) if request.time_zone else None,
        columns=dict(_pair(text) for text in request.columns),
        charger_w=CHARGER_W if request.charger_kw is None else 1000.0 * request.charger_kw,
    )


def _problems(request: Request) -> Iterator[str]:
    """Everything that is wrong with the request itself."""
    if request.kind is not None and request.kind not in KINDS:
        yield f"--kind: expected one of {', '.join(KINDS)}, found {request.kind!r}"
    if request.time_zone is not None and not _is_zone(request.time_zone):
        yield f'--time-zone: expected the name of a time zone, such as "Europe/Amsterdam", found {request.time_zone!r}'
    if request.time_zone is None and request.model is not None:
        yield "--fit: needs --time-zone, for people come by the clock on the wall"
    if request.charger_kw is not None and not 0.0 < request.charger_kw < math.inf:
        yield f"--charger-kw: expected a power above 0, found {request.charger_kw:g}"
    for text in request.columns:
        if "=" not in text:
            yield f"--column: expected NAME=HEADER, such as arrives=Start, found {text!r}"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # no name at all, a folder of names, an unknown name
        return False
    return True


def _pair(text: str) -> tuple[str, str]:
    name, _, header = text.partition("=")
    return name.strip(), header.strip()


def _write(request: Request, data: SessionData) -> None:
    try:
        if request.table is not None:
            write_sessions(request.table, data.sessions)
        if request.model is not None and request.time_zone is not None:
            write_people(request.model, fit(data.sessions, ZoneInfo(request.time_zone)))
    except OSError as error:
        raise file_problem(str(error.filename), f"cannot be written: {error.strerror}") from None
    except ValueError as error:  # too few sessions
        raise file_problem(request.file, str(error)) from None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _lines(file: str, document: Mapping[str, Any]) -> Iterator[str]:
    yield f"{file}: {document['sessions']} sessions ({document['kind']}: {KINDS[document['kind']].about})"
    if document["sessions"]:
        yield f"  from {document['first_arrival']} to {document['last_departure']}"
        yield f"  {document['points']} points, {document['drivers']} drivers"
        yield (
            f"  {document['energy_kwh']:.1f} kWh; the middle session {document['median_energy_kwh']:.1f} kWh "
            f"in {document['median_stay_h']:.1f} h"
        )
        yield f"  stated: {document['departures_stated']} departures, {document['energies_stated']} energies"
    for note in document["notes"]:
        yield f"  {note['count']} x {note['problem']}: {note['rule']}"
