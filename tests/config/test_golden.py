"""Each folder of tests/golden/config is a bad site file with the exact list of what is wrong with it."""

from pathlib import Path

import pytest

from adapters.configuration import ConfigurationError, load_configuration

GOLDEN = Path(__file__).parents[1] / "golden" / "config"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_every_problem_is_listed_with_its_place(name: str) -> None:
    folder = GOLDEN / name
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(folder / "site.toml", environ={})
    listed = "".join(f"{problem}\n" for problem in refused.value.problems)
    assert listed.replace(str(folder / "site.toml"), "site.toml") == (folder / "expected.txt").read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_no_case_repeats_a_secret(name: str) -> None:
    expected = (GOLDEN / name / "expected.txt").read_text("utf-8")
    assert "tell-nobody" not in expected
    assert "271828" not in expected
    assert "04a2b3" not in expected.lower()
