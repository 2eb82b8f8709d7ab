"""A scenario on its way to another machine."""

from pathlib import Path

import pytest

from simulations.sweeps.bundle import bundled
from simulations.sweeps.cases import SweepError, parameters_of


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "here" / "park.toml"


def test_the_files_that_a_scenario_names_travel_with_it(tmp_path: Path):
    scenario = written(
        tmp_path,
        {
            "here/park.toml": '[prices]\nfile = "data/prices.csv"\n[[people]]\nfile = "../sessions.csv"\n',
            "here/data/prices.csv": "prices",
            "here/data/unnamed.csv": "stays at home",
            "here/load-b.csv": "swept",
            "sessions.csv": "sessions",
        },
    )
    bundle = bundled(scenario, parameters_of(["building.file=load-a.csv,load-b.csv"]))
    with bundle.unpacked() as path:
        assert path.read_text() == scenario.read_text()
        assert (path.parent / "data/prices.csv").read_text() == "prices"
        assert (path.parent / "../sessions.csv").read_text() == "sessions"
        assert (path.parent / "load-b.csv").read_text() == "swept"
        assert not (path.parent / "data/unnamed.csv").exists()
        folder = path.parent
    assert not folder.exists()


def test_files_named_by_an_absolute_path_are_found_on_the_other_machine_too(tmp_path: Path):
    scenario = written(tmp_path, {"here/park.toml": "", "there/prices.csv": "prices"})
    prices = tmp_path / "there/prices.csv"
    scenario.write_text(f'[prices]\nfile = "{prices}"\n')
    bundle = bundled(scenario, ())
    prices.unlink()
    with bundle.unpacked() as path:
        name = path.read_text().split('"')[1]
        assert (path.parent / name).read_text() == "prices"
        assert bundle.relocated(str(prices)) == name


def test_keys_that_a_site_file_names_stay_where_they_are(tmp_path: Path):
    scenario = written(
        tmp_path,
        {
            "here/park.toml": '[scenario]\nsite = "site/site.toml"\n',
            "here/site/site.toml": '[web]\ntls_key = "key.pem"\n',
            "here/site/key.pem": "secret",
        },
    )
    with bundled(scenario, ()).unpacked() as path:
        assert (path.parent / "site/key.pem").read_bytes() == b""


def test_the_digest_changes_with_every_byte_and_not_with_the_place(tmp_path: Path):
    def digest(folder: str, prices: str) -> str:
        files = {"here/park.toml": '[prices]\nfile = "prices.csv"\n', "here/prices.csv": prices}
        return bundled(written(tmp_path / folder, files), ()).digest

    assert digest("a", "1") == digest("b", "1")
    assert digest("a", "1") != digest("c", "2")


def test_each_setting_takes_the_files_that_it_needs(tmp_path: Path):
    files = {"here/park.toml": '[prices]\nfile = "a.csv"\n', "here/a.csv": "a", "here/b.csv": "b", "here/c.csv": "c"}
    scenario = written(tmp_path, files)
    bundle = bundled(scenario, parameters_of(["building.file=b.csv,c.csv", "demand.per_kw=3"]))
    b = {"building.file": "b.csv", "demand.per_kw": "3"}
    with bundle.of([b]).unpacked() as path:
        assert sorted(file.name for file in path.parent.iterdir()) == ["a.csv", "b.csv", "park.toml"]
    more = bundled(scenario, parameters_of(["building.file=b.csv", "demand.per_kw=3"]))
    assert bundle.of([b]).digest == more.of([b]).digest, "a further value changes no run of the others"
    assert bundle.of([b]).digest != bundle.of([{**b, "building.file": "c.csv"}]).digest


def test_a_scenario_that_cannot_be_read_is_refused(tmp_path: Path):
    with pytest.raises(SweepError, match=r"nothing\.toml: cannot be read: No such file"):
        bundled(tmp_path / "nothing.toml", ())
