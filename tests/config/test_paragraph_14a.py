"""§14a EnWG in a site file: dimmed together behind an energy manager, or each charging point by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.configuration import Configuration, ConfigurationError, load_configuration
from adapters.limit_ways import admission
from controller.peakshave.grid_operator import Limit, LimitBook
from controller.snapshot import ExternalLimit
from tests.support.closed_loop import START
from tests.support.site_files import write_site

DIMMED = """
[[peak.grid_operator.sources]]
id = "dso"
paragraph_14a = true
[[peak.grid_operator.sources]]
id = "manager"
by = ["rest"]
[peak.grid_operator.paragraph_14a]
"""

EACH = ExternalLimit("main", 0.0, "dso", charging_only=True, per_point=True)


def loaded(folder: Path, text: str, meter: str = 'meter = "grid"') -> Configuration:
    path = write_site(folder, points=4)
    path.write_text(path.read_text().replace('meter = "grid"', meter) + DIMMED + text)
    return load_configuration(path, {})


def dimmed(folder: Path, text: str, source: str = "dso") -> ExternalLimit:
    """What counts after this source has said 0 W."""
    book = LimitBook(admission(loaded(folder, text)).rules).put(Limit("main", 0.0, source, START), 0.0)
    (found,) = book.in_force(START, 0.0)
    return found


def test_together_they_keep_a_power_that_grows_with_their_number(tmp_path: Path):
    found = dimmed(tmp_path, "")
    assert found.limit_w == pytest.approx(13_020.0)
    assert (found.charging_only, found.per_point) == (True, False)


def test_each_by_itself_keeps_what_the_law_leaves_to_a_device(tmp_path: Path):
    assert dimmed(tmp_path, "per_device = true") == replace(EACH, limit_w=4_200.0)


def test_what_would_be_exported_comes_on_top_where_the_site_file_says_so(tmp_path: Path):
    sources = admission(loaded(tmp_path, "surplus_on_top = true")).rules.sources
    assert {name: source.surplus_on_top for name, source in sources.items()} == {"dso": True, "manager": False}


def test_a_surplus_that_no_meter_sees_cannot_come_on_top(tmp_path: Path):
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, "surplus_on_top = true", meter="")
    assert "needs a meter at the grid connection" in str(refused.value.problems)


def test_other_sources_limit_the_circuit_as_ever(tmp_path: Path):
    assert dimmed(tmp_path, "per_device = true", "manager") == ExternalLimit("main", 0.0, "manager")


def test_what_all_keep_together_means_nothing_where_each_is_dimmed_by_itself(tmp_path: Path):
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, "per_device = true\ndevices = 6")
    (problem,) = refused.value.problems
    assert problem.place == "peak.grid_operator.paragraph_14a.devices"
    assert "means nothing with per_device" in str(problem)
