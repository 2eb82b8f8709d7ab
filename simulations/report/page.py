"""One self-contained HTML file: styles, script, plotly.js and data inside, nothing fetched from anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from simulations.report import look
from simulations.report.columns import Store
from simulations.report.pieces import Block, Facts, Figure, Page, Table

TEMPLATES = Path(__file__).parent / "templates"


def paired(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with every half-wide figure that has no neighbour made wide, so that no gap is left beside it."""
    done: list[Block] = []
    for block in blocks:
        is_half = isinstance(block, Facts) or (isinstance(block, Figure) and not block.wide)
        if not is_half:
            done = _filled(done)
        done.append(block)
    return _filled(done)


def _filled(blocks: list[Block]) -> list[Block]:
    halves = 0
    for block in reversed(blocks):
        if not isinstance(block, Facts) and (not isinstance(block, Figure) or block.wide):
            break
        halves += 1
    if halves % 2 and isinstance(blocks[-1], Figure):
        return [*blocks[:-1], replace(blocks[-1], wide=True)]
    return blocks


def write_page(page: Page, path: Path) -> None:
    """Write a page. The same page gives the same bytes: there is no time of writing in it.

    Raises:
        ValueError: two figures or tables with one id.
        OSError: the file cannot be written.
    """
    page = replace(page, sections=[replace(each, blocks=paired(each.blocks)) for each in page.sections])
    text = _template().render(
        page=page,
        style=_verbatim("page.css"),
        script=_verbatim("page.js"),
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - the library's own text
        data=Markup(_script_safe(_document(page))),  # noqa: S704 - JSON with every "<" escaped
    )
    path.write_text(text, encoding="utf-8", newline="\n")


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _document(page: Page) -> dict[str, Any]:
    store = Store()
    blocks = [block for section in page.sections for block in section.blocks if isinstance(block, Figure | Table)]
    ids = [block.id for block in blocks]
    if len(set(ids)) < len(ids):
        raise ValueError(f"ids must be unique on a page, found {', '.join(sorted(ids))}")
    places = {block.id: store.places(block.columns) for block in blocks}
    figures = [
        {
            "id": block.id,
            "traces": block.traces,
            "layout": dict(block.layout, height=block.height_px),
            "wide": block.wide,
        }
        for block in blocks
        if isinstance(block, Figure)
    ]
    return {
        "stem": page.file_stem,
        "zone": page.zone_offsets,
        "template": look.template(),
        "columns": places,
        "store": [column.document for column in store.columns],
        "figures": figures,
    }


def _script_safe(document: Any) -> str:
    """JSON that no HTML parser takes for the end of the script around it."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _verbatim(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file
