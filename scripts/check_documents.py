"""Checks that every relative link in a Markdown file leads to a file, and to a heading that it has."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from scripts.repository import ROOT, files, report

FENCED: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)")
HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ELSEWHERE: Final = re.compile(r"^[a-z][a-z+.-]*:")
"""A link with a scheme leads out of the repository; whether it works is not for this check to say."""


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings, as code hosts make them."""
    headings = HEADING.findall(FENCED.sub("", path.read_text(encoding="utf-8")))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(heading.replace(" ", "-") for heading in plain)


def broken_links(path: Path) -> Iterator[str]:
    """Every relative link of one document that leads nowhere."""
    name = path.relative_to(ROOT)
    for target in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
        if ELSEWHERE.match(target):
            continue
        place, _, anchor = unquote(target).partition("#")
        file = (path.parent / place).resolve() if place else path
        if not file.exists():
            yield f"{name}: {target}: no such file"
        elif not file.is_relative_to(ROOT):
            yield f"{name}: {target}: outside the repository"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{name}: {target}: no such heading"


def unannounced_version() -> Iterator[str]:
    """The version of pyproject.toml, when the changelog does not say what it brings."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    if not re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE):
        yield f"CHANGELOG.md: no section for version {version}"


def main() -> int:
    """Check every Markdown file."""
    documents = [path for path in files() if path.suffix == ".md"]
    problems = [problem for path in documents for problem in broken_links(path)]
    return report([*problems, *unannounced_version()], f"{len(documents)} documents are in order.")


if __name__ == "__main__":
    sys.exit(main())
