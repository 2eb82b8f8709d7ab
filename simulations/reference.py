"""Writes what can be generated of the documentation: JSON Schemas, and the references of site and scenario files.

``python -m simulations.reference docs`` after a change of the models; a test says when it was forgotten.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from adapters import reference
from simulations.data.people import PeopleModel
from simulations.faults import SCENARIO_FAULTS
from simulations.judging.baselines import BASELINES
from simulations.judging.policy import UNSHAVED
from simulations.scenario.tables import ScenarioFile
from simulations.temperaments import TEMPERAMENTS

_INTRODUCTION: Final = """\
# Scenario files

One [TOML](https://toml.io) file describes a simulation: a site, people, a building, prices, and what goes wrong.
`loadstar simulate SCENARIO.toml` runs it, `loadstar sweep` runs many of them. [A gallery](../../simulations/scenarios)
shows them at work; [the JSON Schema](../schemas/scenario.schema.json) serves editors and programs.

- An unknown key is an error. Everything wrong with a scenario and the files it names is listed at once.
- Units stand in the names: `_a` ampere, `_w` watt, `_kw`, `_kwh`, `_s` second, `_min`, `_h` hour. Phases are always
  L1, L2, L3 of the grid.
- Times are those of the clock on the wall at the site, daylight saving included.
- Relative paths begin at the folder of the scenario file.
- `--set KEY=VALUE` replaces a value: `demand.per_kw=7`, `circuits.main.fuse_a=50`, `people.visitors.cars_per_day=3`.
  Rows of arrays are called by their `id`, their `name`, or their number from 0. A value is written as in TOML; what is
  not TOML is text.
- The same file and seed give the same results, byte for byte, whatever else runs. Every day and every kind of people
  has dice of its own: a longer simulation changes no day of a shorter one.

This page is generated from the code by `python -m simulations.reference docs`.
"""


def schemas() -> Mapping[str, str]:
    """The JSON Schema of every file format, by file name."""
    return {
        **reference.schemas(),
        "scenario.schema.json": reference.schema_text(ScenarioFile),
        "people.schema.json": reference.schema_text(PeopleModel),
    }


def scenario_file_reference() -> str:
    """The reference of the scenario file, in Markdown."""
    parts = [
        _INTRODUCTION,
        *reference.tables_reference(ScenarioFile),
        *_listed("Faults", "`kind` of `[[faults]]`", ((n, f.meaning) for n, f in SCENARIO_FAULTS.items())),
        *_listed("Temperaments of chargers", "`temperament` of `[[chargers]]`", _temperaments()),
        *_listed("Policies", "in `policies` of `[judging]`", _policies()),
    ]
    return "".join(parts)


def _policies() -> Iterable[tuple[str, str]]:
    yield from ((name, _first_line(policy)) for name, policy in BASELINES.items())
    yield UNSHAVED, "Loadstar itself, but its plan does not see the demand charge, and no demand window is held"


def _temperaments() -> Iterable[tuple[str, str]]:
    for name, temperament in TEMPERAMENTS.items():
        yield name, f"{temperament.meaning} (seen: {temperament.source})"


def _first_line(thing: object) -> str:
    return (type(thing).__doc__ or "").strip().splitlines()[0].rstrip(".")


def _listed(title: str, where: str, rows: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield f"\n## {title}\n\n| {where} | |\n|---|---|\n"
    for name, meaning in rows:
        yield f"| `{name}` | {meaning} |\n"


def main() -> None:
    """Write everything below the folder that the command line names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    files = {folder / "schemas" / name: text for name, text in schemas().items()}
    files[folder / "reference" / "site-file.md"] = reference.site_file_reference()
    files[folder / "reference" / "scenarios.md"] = scenario_file_reference()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
