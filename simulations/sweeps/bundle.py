"""A scenario file with all the files that it names, as a value that can be sent to another machine."""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from simulations.sweeps.cases import Parameter, SweepError


@dataclass(frozen=True, slots=True)
class File:
    """A file that a scenario needs."""

    name: str
    """As it stands in the scenario."""
    packed: bytes
    """Its content, compressed."""
    digest: bytes
    swept: str | None = None
    """The swept value that names it; None: every setting needs it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A scenario by value. Every text in the file, or in a swept value, that names an existing file brings it along."""

    scenario: Path
    """Where it came from, for people; need not exist where the bundle is used."""
    content: bytes
    """The scenario file."""
    files: tuple[File, ...]

    def of(self, settings: Iterable[Mapping[str, str]]) -> Bundle:
        """What of it runs with these settings need."""
        texts = {text for setting in settings for text in setting.values()}
        files = tuple(file for file in self.files if file.swept is None or file.swept in texts)
        return Bundle(self.scenario, self.content, files)

    def relocated(self, text: str) -> str:
        """A text of the scenario in which absolute names of its files are relative to its folder."""
        for file in self.files:
            if file.name.startswith("/"):
                text = text.replace(file.name, _relative(file.name))
        return text

    @property
    def digest(self) -> str:
        """Stands for every byte of the contents, and not for where they lie."""
        total = hashlib.sha256(self.content)
        for file in self.files:
            total.update(file.name.encode())
            total.update(file.digest)
        return total.hexdigest()

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """The scenario file in a temporary folder, with its files around it as they were."""
        with tempfile.TemporaryDirectory(prefix="loadstar-sweep-") as folder:
            # Names may lead some folders up: as many lie between the temporary folder and the scenario.
            depth = max((PurePosixPath(file.name).parts.count("..") for file in self.files), default=0)
            path = Path(folder).joinpath(*["below"] * depth) / self.scenario.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.relocated(self.content.decode(errors="surrogateescape")), errors="surrogateescape")
            for file in self.files:
                target = path.parent / _relative(file.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(zlib.decompress(file.packed))
            yield path


def bundled(path: Path, parameters: Iterable[Parameter]) -> Bundle:
    """Read a scenario and the files that it, or a value of a parameter, names relative to its folder.

    What is wrong with the scenario is for its own reader to say, who knows the lines.

    Raises:
        SweepError: with every file that cannot be read.
    """
    problems: list[str] = []
    content = _content(path, problems)
    found: dict[str, File] = {}
    for name in _files_in(content, path.parent):
        _add(found, name, path.parent, None, problems)
    for text in (text for parameter in parameters for text in parameter.texts):
        if _is_file(path.parent, name := text.strip("\"'")):
            _add(found, name, path.parent, text, problems)
    if problems:
        raise SweepError(problems)
    return Bundle(path, content, tuple(found[name] for name in sorted(found)))


def _add(found: dict[str, File], name: str, folder: Path, swept: str | None, problems: list[str]) -> None:
    content = _content(folder / name, problems)
    found.setdefault(name, _packed(name, content, swept))
    if not name.endswith(".toml"):
        return
    # What a site file names has to be there for it to be sound. Nobody reads it in a simulation, and keys stay where
    # they are: it is sent empty.
    for below in _files_in(content, (folder / name).parent):
        inner = str(PurePosixPath(name).parent / below)
        found.setdefault(inner, _packed(inner, b"", swept))


def _packed(name: str, content: bytes, swept: str | None) -> File:
    return File(name, zlib.compress(content), hashlib.sha256(content).digest(), swept)


def _content(path: Path, problems: list[str]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror or error}")
        return b""


def _relative(name: str) -> str:
    return name.lstrip("/")


def _files_in(content: bytes, folder: Path) -> list[str]:
    try:
        return [text for text in _texts(tomllib.loads(content.decode("utf-8-sig"))) if _is_file(folder, text)]
    except (ValueError, RecursionError):
        return []


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            yield from _texts(item)


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except (OSError, ValueError):  # texts that no file system takes for a name
        return False
