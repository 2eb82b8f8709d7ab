"""What a report page is made of. ``page.write_page`` turns it into one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from simulations.report.columns import Column, referenced

Tone = Literal["ok", "limited", "warning", "alarm"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot with what it shows in words, and its data to download.

    Raises:
        ValueError: a trace names a column that is not there, or columns differ in length.
    """

    id: str
    """Unique on the page; names the download, too."""
    title: str
    """What is seen, as a sentence."""
    reading: str
    """How to read it: one or two sentences."""
    columns: Mapping[str, Column]
    """Exactly what is plotted, by name with unit; what the download holds."""
    traces: Sequence[Mapping[str, Any]]
    """Plotly traces as JSON, with ``columns.ref`` where data stand."""
    layout: Mapping[str, Any] = field(default_factory=dict)
    """Plotly layout as JSON, on top of the page's template."""
    height_px: int = 340
    wide: bool = True
    """Over the whole width of the page, or half of it where there is room."""
    legend: Sequence[tuple[str, str, str]] = ()
    """A legend of its own, for plots that have none: (colour, words, figure behind them)."""
    note: str = ""
    """What was left out or thinned, and where the whole is."""
    block: ClassVar[str] = "figure"

    def __post_init__(self) -> None:
        missing = referenced([*self.traces, self.layout]) - set(self.columns)
        if missing:
            raise ValueError(f"figure {self.id}: no such columns: {', '.join(sorted(missing))}")
        _check_lengths(f"figure {self.id}", self.columns)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its data to download.

    Raises:
        ValueError: a row that has not one cell for each heading, or columns that differ in length.
    """

    id: str
    title: str
    reading: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The first cell of each is its heading."""
    columns: Mapping[str, Column]
    numeric: frozenset[int] = frozenset()
    """Places of the cells that are aligned as numbers."""
    marked: frozenset[int] = frozenset()
    """Rows that stand out."""
    note: str = ""
    empty: str = "Nothing to list."
    block: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        if any(len(row) != len(self.headings) for row in self.rows):
            raise ValueError(f"table {self.id}: every row needs {len(self.headings)} cells")
        _check_lengths(f"table {self.id}", self.columns)


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, side by side."""

    title: str
    items: Sequence[tuple[str, str]]
    block: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line to copy."""

    title: str
    line: str
    reading: str = ""
    block: ClassVar[str] = "command"


@dataclass(frozen=True, slots=True)
class Points:
    """Plain sentences, listed."""

    title: str
    items: Sequence[str]
    block: ClassVar[str] = "points"


Block = Figure | Table | Facts | Command | Points


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure."""

    name: str
    value: str
    note: str = ""
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Headline:
    """The one sentence that a reader takes along, with the key figures below it."""

    tone: Tone
    sentence: str
    detail: str
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the page."""

    id: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report."""

    title: str
    kicker: str
    """What kind of report this is."""
    subtitle: str
    headline: Headline
    sections: Sequence[Section]
    file_stem: str
    """Begins the names of downloads."""
    footer: str
    zone_offsets: Sequence[tuple[float, float]] = ((0.0, 0.0),)
    """Local time: (from [Unix s], offset from UTC [s]), rising; the first holds before it, too."""


def _check_lengths(place: str, columns: Mapping[str, Column]) -> None:
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
        raise ValueError(f"{place}: columns differ in length: {lengths}")
