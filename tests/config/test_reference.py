"""The generated pages and schemas are those of the code."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from adapters.reference import site_file_reference
from simulations.reference import scenario_file_reference, schemas

ROOT = Path(__file__).parents[2]
FORGOTTEN = "out of date: run python -m simulations.reference docs"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_each_schema_is_current(name: str):
    assert (ROOT / "docs" / "schemas" / name).read_text("utf-8") == schemas()[name], FORGOTTEN
    jsonschema.Draft202012Validator.check_schema(json.loads(schemas()[name]))


def test_no_schema_is_left_over():
    assert {path.name for path in (ROOT / "docs" / "schemas").iterdir()} == set(schemas())


def test_the_site_file_page_is_current():
    assert (ROOT / "docs" / "reference" / "site-file.md").read_text("utf-8") == site_file_reference(), FORGOTTEN


def test_the_scenario_page_is_current():
    assert (ROOT / "docs" / "reference" / "scenarios.md").read_text("utf-8") == scenario_file_reference(), FORGOTTEN


def test_the_example_fits_the_published_schema():
    schema = json.loads((ROOT / "docs" / "schemas" / "site.schema.json").read_text("utf-8"))
    example = tomllib.loads((ROOT / "examples" / "office.toml").read_text("utf-8"))
    jsonschema.validate(example, schema)
    example["circuits"][0]["fuse"] = 63
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example, schema)
