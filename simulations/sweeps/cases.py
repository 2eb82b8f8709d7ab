"""What a sweep consists of: every combination of the given values, each with every seed."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, Final

from simulations.scenario.overrides import parsed

MOST_RUNS: Final = 1_000_000
"""A sweep of more is a mistake in the command."""

Value = bool | int | float | str

_KEY: Final = re.compile(r"[^.\s]+(\.[^.\s]+)+")
_OPENING, _CLOSING = "[{", "]}"


class SweepError(Exception):
    """A sweep that cannot be run as asked; ``problems`` is the complete list, a line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A key of the scenario file and the values that it takes in turn, as they stand on the command line."""

    key: str
    texts: tuple[str, ...]

    @property
    def values(self) -> tuple[Value, ...]:
        """The values with the narrowest type that fits them all: numbers sort as numbers, and text stays text."""
        meant = [parsed(text) for text in self.texts]
        kinds = {type(value) for value in meant}
        if kinds in ({bool}, {int}):
            return tuple(meant)
        if kinds <= {int, Decimal}:
            return tuple(float(value) for value in meant)
        return self.texts


@dataclass(frozen=True, slots=True)
class Run:
    """One setting with one seed."""

    setting: int
    """Place of the setting in ``Cases.settings``."""
    seed: int
    key: str
    """Depends on all that the result depends on; equal keys mean equal results."""


@dataclass(frozen=True)
class Cases:
    """Settings x seeds; the last parameter changes fastest."""

    parameters: tuple[Parameter, ...]
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        count = math.prod([len(self.seeds), *(len(parameter.texts) for parameter in self.parameters)])
        if count > MOST_RUNS:
            raise SweepError([f"--set and --seeds: {count} runs, expected at most {MOST_RUNS}"])

    @cached_property
    def settings(self) -> tuple[dict[str, str], ...]:
        """Every combination of values, by key."""
        return tuple(_combinations(self.parameters))

    def place(self, setting: int, parameter: int) -> int:
        """Which value of a parameter, by number, a setting has."""
        faster = math.prod(len(other.texts) for other in self.parameters[parameter + 1 :])
        return setting // faster % len(self.parameters[parameter].texts)

    def runs(self, identity: Callable[[dict[str, str]], str]) -> tuple[Run, ...]:
        """Every run, setting by setting.

        Args:
            identity: what stands for the scenario, its data and the code, for a setting.
        """
        return tuple(
            Run(number, seed, key(seed))
            for number, setting in enumerate(self.settings)
            for key in [partial(_run_key, identity(setting), setting)]
            for seed in self.seeds
        )

    def checks(self) -> list[dict[str, str]]:
        """Settings in which every value occurs at least once: the first of each key, and each other value with those.

        To check values one by one takes their sum in time; every combination would take their product.
        """
        first = {parameter.key: parameter.texts[0] for parameter in self.parameters}
        others = [{**first, parameter.key: text} for parameter in self.parameters for text in parameter.texts[1:]]
        return [first, *others]


def parameters_of(texts: Sequence[str]) -> tuple[Parameter, ...]:
    """Read ``KEY=V1,V2`` arguments. Commas inside of brackets, braces and quotes do not part values.

    >>> parameters_of(["circuits.main.fuse_a=35,[63, 40, 40]"])[0].texts
    ('35', '[63, 40, 40]')

    Raises:
        SweepError: with every problem.
    """
    parameters = []
    problems: list[str] = []
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip()
        parts = tuple(part.strip() for part in _split(values))
        parameters.append(Parameter(key, parts))
        problems += [f"--set {text}: {problem}" for problem in _problems(key, equals, parts)]
    keys = [parameter.key for parameter in parameters]
    twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    problems += [f"--set {key}: given more than once; expected all of its values in one" for key in twice]
    if problems:
        raise SweepError(problems)
    return tuple(parameters)


def _problems(key: str, equals: str, parts: tuple[str, ...]) -> Iterator[str]:
    if not equals:
        yield "expected KEY=VALUE,VALUE"
        return
    if not _KEY.fullmatch(key):
        yield f"expected a dotted key of the scenario file, such as circuits.main.fuse_a, found {key!r}"
    if key == "scenario.seed":
        yield "seeds are given by --seeds: as many as that, from the scenario's own upwards"
    if not all(parts):
        yield "a value is missing"
    meant: list[Any] = [parsed(part) for part in parts]
    for number, part in enumerate(parts):
        if part and meant[number] in meant[:number]:
            yield f"the value {part} is there twice"


def _split(text: str) -> list[str]:
    parts = [""]
    depth, quote = 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += character
    return parts


def _combinations(parameters: Sequence[Parameter]) -> Iterator[dict[str, str]]:
    keys = [parameter.key for parameter in parameters]
    for texts in itertools.product(*(parameter.texts for parameter in parameters)):
        yield dict(zip(keys, texts, strict=True))


def _run_key(identity: str, setting: dict[str, str], seed: int) -> str:
    document = json.dumps([identity, sorted(setting.items()), seed])
    return hashlib.sha256(document.encode()).hexdigest()[:32]
