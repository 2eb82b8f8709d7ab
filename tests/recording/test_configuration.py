"""What a site file says of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.configuration import ConfigurationError, Recording, load_configuration
from tests.support.service import write_site


def test_a_site_is_not_recorded_unless_its_file_says_so(tmp_path: Path):
    assert load_configuration(write_site(tmp_path, {"P01": {}}), {}).recording is None


def test_the_folder_begins_at_the_site_file_and_a_week_is_kept(tmp_path: Path):
    path = write_site(tmp_path, {"P01": {}}, more='[recording]\ndirectory = "recordings"')
    assert load_configuration(path, {}).recording == Recording(tmp_path / "recordings", 7)
    path = write_site(tmp_path, {"P01": {}}, more='[recording]\ndirectory = "/var/lib/x"\nkeep_days = 30')
    assert load_configuration(path, {}).recording == Recording(Path("/var/lib/x"), 30)


def test_everything_wrong_with_it_is_told_at_once(tmp_path: Path):
    path = write_site(tmp_path, {"P01": {}}, more='[recording]\nfolder = "x"\nkeep_days = 0')
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(path, {})
    told = [f"{problem.place}: {problem.expected}" for problem in refused.value.problems]
    assert sorted(told) == [
        "recording.directory: is missing: folder of the recordings; it is made where it is missing",
        "recording.folder: unknown key; known: directory, keep_days",
        "recording.keep_days: expected at least 1",
    ]
