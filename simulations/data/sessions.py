"""Charging sessions from files: the formats that are known, and how they are told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from simulations.data import acn_json, ledger, session_csv
from simulations.data.content import Content, Database, Document, Table, opened
from simulations.data.plausibility import CHARGER_W, plausible
from simulations.data.problems import file_problem, unreadable_note
from simulations.data.record import Row, Unreadable
from simulations.data.recorded import RecordedSession, SessionData

__all__ = ["KINDS", "Kind", "RecordedSession", "SessionData", "read_sessions"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a file does not say of itself."""

    zone: ZoneInfo | None
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A format of session files."""

    about: str
    content: type[Table | Document | Database]
    fits: Callable[[Any], bool]
    """Whether content of that type is of this kind."""
    rows: Callable[[Any, Options], Iterable[Row]]


KINDS: Final[Mapping[str, Kind]] = {
    "acn_json": Kind(
        "ACN-Data, JSON of its API",
        Document,
        acn_json.is_sessions,
        lambda document, options: acn_json.session_rows(document, options.zone),
    ),
    "acn_events": Kind(
        "acnportal, a stored queue of events",
        Document,
        acn_json.is_events,
        lambda document, _options: acn_json.event_rows(document),
    ),
    "acn_csv": Kind(
        "ACN-Data, extract as CSV",
        Table,
        session_csv.is_acn,
        lambda table, options: session_csv.acn_rows(table, options.zone),
    ),
    "elaadnl": Kind(
        "ElaadNL, open transactions as CSV",
        Table,
        session_csv.is_elaadnl,
        lambda table, options: session_csv.elaadnl_rows(table, options.zone),
    ),
    "csv": Kind(
        "any other CSV, by the names of its columns",
        Table,
        session_csv.is_generic,
        lambda table, options: session_csv.generic_rows(table, options.zone, options.columns),
    ),
    "ledger": Kind(
        "Loadstar's own ledger",
        Database,
        lambda _database: True,
        lambda database, _options: ledger.session_rows(database),
    ),
}
"""By name, in the order in which they are tried."""


def read_sessions(
    source: Path | str,
    kind: str | None = None,
    *,
    time_zone: ZoneInfo | None = None,
    columns: Mapping[str, str] | None = None,
    charger_w: float = CHARGER_W,
) -> SessionData:
    """Read charging sessions.

    Args:
        source: A file, compressed by gzip or not; for a ledger also the URL of its database.
        kind: A name in ``KINDS``; None: whatever the content looks like.
        time_zone: Of times without an offset.
        columns: For a CSV of no other form: what its columns are called, by their names in the generic form.
        charger_w: Most that a charger of the site gives [W], for the plausibility of energies.

    Raises:
        DataError: the file cannot be used, with everything that is wrong with it.
    """
    content = ledger.database(source) if isinstance(source, str) and "://" in source else opened(Path(source))
    name = _known_kind(content, kind, columns or {})
    rows = tuple(KINDS[name].rows(content, Options(time_zone, columns or {})))
    unreadable: list[Unreadable] = [row for row in rows if isinstance(row, tuple)]
    notes = unreadable_note(content.name, len(rows), unreadable)
    sessions, impossible = plausible((row for row in rows if isinstance(row, RecordedSession)), content.name, charger_w)
    return SessionData(sessions, (*notes, *impossible), name)


def _known_kind(content: Content, kind: str | None, columns: Mapping[str, str]) -> str:
    if kind is None and columns:
        kind = "csv"
    if kind is None:
        return _recognised(content)
    if kind not in KINDS:
        raise file_problem(content.name, f"the kind of session file must be one of {', '.join(KINDS)}", kind)
    if not isinstance(content, KINDS[kind].content):
        what = {Table: "a CSV file", Document: "a JSON file", Database: "a database"}[KINDS[kind].content]
        raise file_problem(content.name, f"expected {what}, for the kind {kind}")
    return kind


def _recognised(content: Content) -> str:
    for name, kind in KINDS.items():
        if isinstance(content, kind.content) and kind.fits(content):
            return name
    what = f"is no kind of session file that is known: expected one of {', '.join(KINDS)}"
    if isinstance(content, Table):
        what += f"; a CSV of another form needs columns {', '.join(session_csv.REQUIRED)}, or to be told their names"
        raise file_problem(content.name, what, ", ".join(content.header))
    raise file_problem(content.name, what)
