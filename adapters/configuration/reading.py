"""From a site file to a configuration, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.configuration.assembly import assembled
from adapters.configuration.checks import findings
from adapters.configuration.problems import ConfigurationError, Problem
from adapters.configuration.settings import Configuration
from adapters.configuration.tables import LATER_TABLES, SiteFile
from adapters.configuration.toml_file import Located, invalid, read_toml


def load_configuration(path: Path, environ: Mapping[str, str]) -> Configuration:
    """Read and check a site file.

    Args:
        path: The file; relative paths in it begin at its folder.
        environ: Environment variables, for the secrets that the file names.

    Raises:
        ConfigurationError: with every problem, in the order of the file.
    """
    file = read_toml(path)
    try:
        problems = list(_problems(file.data, path.parent, environ))
    except RecursionError:
        raise ConfigurationError([Problem(str(path), 1, "", "is nested too deeply")]) from None
    file.refuse(problems)
    return assembled(SiteFile.model_validate(file.data), path=path, environ=environ, places=file.places)


def _problems(data: dict[str, Any], folder: Path, environ: Mapping[str, str]) -> Iterator[Located]:
    reported = set()
    for place, what, value in invalid(data, SiteFile, LATER_TABLES):
        reported.add(place)
        yield place, what, value
    for place, what in findings(data, folder=folder, environ=environ):
        if place not in reported:
            yield place, what, None
