"""Reads a report as a browser would, without one."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np


class Read(HTMLParser):
    """A page taken apart: tags with their attributes, words, scripts and the data in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._words: list[str] = []
        self._inside = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.data: dict[str, Any] = json.loads(self.scripts[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parent's signature
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "style":
            self.styles.append(data)
        else:
            self._words.append(data)

    @property
    def words(self) -> str:
        """All that is to be read, with plain spaces."""
        return " ".join(" ".join(self._words).split())

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Figures by id."""
        return {figure["id"]: figure for figure in self.data["figures"]}

    def column(self, figure: str, name: str) -> Any:
        """The values behind a figure or a table: numbers, times [Unix s] or words."""
        column = self.data["store"][self.data["columns"][figure][name]]
        if "values" in column:
            return column["values"]
        if "step_s" in column:
            return column["begins_s"] + column["step_s"] * np.arange(column["length"])
        values = np.frombuffer(base64.b64decode(column["base64"]), np.dtype(column["type"]).newbyteorder("<"))
        return [column["words"][code] for code in values] if column["kind"] == "coded" else values

    def resolved(self, figure: str) -> tuple[list[Any], Any]:
        """Traces and layout with plain lists in place of references."""

        def filled(part: Any) -> Any:
            if isinstance(part, list):
                return [filled(each) for each in part]
            if not isinstance(part, dict):
                return part
            if "$column" in part:
                return list(self.column(figure, part["$column"]))
            return {key: filled(value) for key, value in part.items()}

        found = self.figures[figure]
        return filled(found["traces"]), filled(found["layout"])
