"""What the documents show can be used as it stands."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from adapters.configuration.tables import SiteFile

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs" / "how-to").glob("*.md")])
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_pieces_of_a_site_file_are_valid(block: str):
    for name, table in tomllib.loads(block, parse_float=Decimal).items():
        TypeAdapter(SiteFile.model_fields[name].annotation).validate_python(table)


def test_the_unit_runs_what_the_page_installs():
    unit = (ROOT / "examples" / "loadstar.service").read_text()
    page = (ROOT / "docs" / "how-to" / "install.md").read_text()
    program, config = re.search(r"^ExecStart=(\S+) run --config (\S+)$", unit, re.MULTILINE).groups()  # type: ignore[union-attr]
    environment = re.search(r"^EnvironmentFile=-(\S+)$", unit, re.MULTILINE).group(1)  # type: ignore[union-attr]
    assert program == "/opt/loadstar/.venv/bin/loadstar"
    for path in (program.removesuffix("/loadstar"), config, environment, "examples/loadstar.service"):
        assert path.removesuffix("/bin") in page
    for example in re.findall(r"examples/[\w./-]+", page):
        assert (ROOT / example).exists()
