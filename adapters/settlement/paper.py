"""Pages of a document: text in columns, on as many A4 pages as it takes, the same bytes for the same content."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PLAIN: Final = "DejaVuSansCondensed"
BOLD: Final = "DejaVuSansCondensed-Bold"
_FONTS: Final = Path(__file__).parent / "fonts"

WIDTH, HEIGHT = A4
LEFT: Final = 45.0
RIGHT: Final = WIDTH - 45.0
TOP: Final = HEIGHT - 50.0
BOTTOM: Final = 62.0
"""Lengths in points, from the lower left corner."""

_FOOTER_SIZE: Final = 7
rl_config.useA85 = 0  # the file is not sent by anything that takes letters only: smaller, and sooner done
_GREY: Final = 0.45
_RULE: Final = 0.8


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    left: float
    width: float
    right_aligned: bool = False


class Paper:
    """A file of one or more documents being written, from top to bottom.

    Args:
        title: of the file.
        author: who has written it.
    """

    def __init__(self, title: str, author: str) -> None:
        _register_fonts()
        self._buffer = io.BytesIO()
        # Invariant: no time and no random id, so that the same statement is the same file.
        self._canvas: Any = Canvas(self._buffer, pagesize=A4, invariant=1, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setCreator("Loadstar")
        self._footer = self._counted = ""
        self._document = 0
        self._page = 0
        self.y = TOP
        """Where the next thing goes."""

    def begin(self, footer: str, counted: str) -> None:
        """Begin a document, on a page of its own, counted from 1.

        Args:
            footer: of each of its pages.
            counted: what stands before how many there are, with ``{page}`` in it.
        """
        self._end_document()
        self._document += 1
        self._footer, self._counted, self._page, self.y = footer, counted, 1, TOP

    def text(
        self, x: float, text: str, *, size: float = 9, bold: bool = False, grey: bool = False, width: float = 0
    ) -> None:
        """Write at ``x`` on the line of ``y``, cut to ``width`` where one is given."""
        font = BOLD if bold else PLAIN
        self._canvas.setFont(font, size)
        self._canvas.setFillGray(_GREY if grey else 0)
        self._canvas.drawString(x, self.y, fitted(text, font, size, width)[0] if width else text)

    def text_right(self, x: float, text: str, *, size: float = 9, bold: bool = False, grey: bool = False) -> None:
        """Write so that it ends at ``x``."""
        self._canvas.setFont(BOLD if bold else PLAIN, size)
        self._canvas.setFillGray(_GREY if grey else 0)
        self._canvas.drawRightString(x, self.y, text)

    def wrapped(self, text: str, *, size: float = 9, bold: bool = False, width: float = RIGHT - LEFT) -> None:
        """Write a paragraph at the left edge and go below it."""
        for line in _lines(text, BOLD if bold else PLAIN, size, width):
            self.need(size * 1.4)
            self.text(LEFT, line, size=size, bold=bold)
            self.down(size * 1.4)

    def down(self, by: float) -> None:
        """Go down."""
        self.y -= by

    def rule(self, left: float = LEFT, right: float = RIGHT, *, strong: bool = False) -> None:
        """Draw a line across."""
        self._canvas.setStrokeGray(0 if strong else _RULE)
        self._canvas.setLineWidth(0.8 if strong else 0.4)
        self._canvas.line(left, self.y, right, self.y)

    def need(self, height: float) -> bool:
        """Begin another page where there is no room for so much; tells whether it did."""
        if self.y - height >= BOTTOM:
            return False
        self.next_page()
        return True

    def next_page(self) -> None:
        """Begin another page."""
        self._end_page()
        self._page += 1
        self.y = TOP

    def row(self, columns: Sequence[Column], cells: Sequence[str], *, size: float, bold: bool = False) -> None:
        """Write one row of a table, each cell cut to its column, and go below it."""
        font = BOLD if bold else PLAIN
        line = self._canvas.beginText()
        line.setFont(font, size)
        line.setFillGray(0)
        for column, cell in zip(columns, cells, strict=True):
            if cell:
                shown, width = fitted(cell, font, size, column.width)
                line.setTextOrigin(column.left + (column.width - width if column.right_aligned else 0), self.y)
                line.textLine(shown)
        self._canvas.drawText(line)
        self.y -= size * 1.55

    def finished(self) -> bytes:
        """The file."""
        self._end_document()
        self._canvas.save()
        return self._buffer.getvalue()

    def _end_document(self) -> None:
        if not self._page:
            return
        self._end_page()
        self._canvas.beginForm(self._pages())
        self._canvas.setFont(PLAIN, _FOOTER_SIZE)
        self._canvas.setFillGray(_GREY)
        self._canvas.drawString(0, 0, str(self._page))
        self._canvas.endForm()

    def _end_page(self) -> None:
        self.y = 40.0
        self.rule()
        self.y = 30.0
        self.text(LEFT, self._footer, size=_FOOTER_SIZE, grey=True, width=RIGHT - LEFT - 80)
        self.text_right(RIGHT - 14, self._counted.format(page=self._page), size=_FOOTER_SIZE, grey=True)
        # How many there are is known at the end only: a form that is drawn then.
        self._canvas.saveState()
        self._canvas.translate(RIGHT - 14, self.y)
        self._canvas.doForm(self._pages())
        self._canvas.restoreState()
        self._canvas.showPage()

    def _pages(self) -> str:
        return f"pages-{self._document}"


def columns(*wanted: tuple[float, bool]) -> tuple[Column, ...]:
    """Columns from width and alignment (True: right), side by side, over the whole page."""
    gap = (RIGHT - LEFT - sum(width for width, _ in wanted)) / max(1, len(wanted) - 1)
    made: list[Column] = []
    left = LEFT
    for width, right in wanted:
        made.append(Column(left, width, right))
        left += width + gap
    return tuple(made)


@lru_cache(maxsize=20_000)
def fitted(text: str, font: str, size: float, width: float) -> tuple[str, float]:
    """As much of a text as fits, with an ellipsis where something is missing, and how wide that is."""
    full = pdfmetrics.stringWidth(text, font, size)
    if full <= width:
        return text, full
    while text and pdfmetrics.stringWidth(text + "…", font, size) > width:
        text = text[:-1]
    shown = text.rstrip() + "…"
    return shown, pdfmetrics.stringWidth(shown, font, size)


def _lines(text: str, font: str, size: float, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and pdfmetrics.stringWidth(f"{lines[-1]} {word}", font, size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@lru_cache(maxsize=1)
def _register_fonts() -> None:
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))
