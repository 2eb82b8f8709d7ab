"""A scenario file with all the files that it names, as a value that can be sent to another machine."""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from simulations.sweeps.cases import Parameter, SweepError


@dataclass(frozen=True, slots=True)
class Bundle:
    """A scenario by value. Every text in the file, or in a swept value, that names an existing file brings it along."""

    scenario: Path
    """Where it came from, for people; need not exist where the bundle is used."""
    content: bytes
    """The scenario file."""
    data: tuple[tuple[str, bytes], ...]
    """Names as they stand in the scenario, and contents, compressed."""

    def relocated(self, text: str) -> str:
        """A text of the scenario in which absolute names of its files are relative to its folder."""
        for name, _ in self.data:
            if name.startswith("/"):
                text = text.replace(name, _relative(name))
        return text

    @property
    def digest(self) -> str:
        """Stands for every byte of the contents, and not for where they lie."""
        total = hashlib.sha256(self.content)
        for name, packed in self.data:
            total.update(name.encode())
            total.update(hashlib.sha256(zlib.decompress(packed)).digest())
        return total.hexdigest()

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """The scenario file in a temporary folder, with its data around it as they were."""
        with tempfile.TemporaryDirectory(prefix="loadstar-sweep-") as folder:
            # Names may lead some folders up: as many lie between the temporary folder and the scenario.
            depth = max((PurePosixPath(name).parts.count("..") for name, _ in self.data), default=0)
            path = Path(folder).joinpath(*["below"] * depth) / self.scenario.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.relocated(self.content.decode(errors="surrogateescape")), errors="surrogateescape")
            for name, packed in self.data:
                target = path.parent / _relative(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(zlib.decompress(packed))
            yield path


def bundled(path: Path, parameters: Iterable[Parameter]) -> Bundle:
    """Read a scenario and the files that it, or a value of a parameter, names relative to its folder.

    What is wrong with the scenario is for its own reader to say, who knows the lines.

    Raises:
        SweepError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SweepError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    swept = [text.strip("\"'") for parameter in parameters for text in parameter.texts]
    data: dict[str, bytes] = {}
    for name in sorted({*_files_in(content, path.parent), *_files(swept, path.parent)}):
        data[name] = (path.parent / name).read_bytes()
        if name.endswith(".toml"):
            # What a site file names has to be there for it to be sound. Nobody reads it in a simulation, and keys stay
            # where they are: it is sent empty.
            folder = Path(name).parent
            for below in _files_in(data[name], path.parent / folder):
                data.setdefault(str(folder / below), b"")
    return Bundle(path, content, tuple((name, zlib.compress(content)) for name, content in sorted(data.items())))


def _relative(name: str) -> str:
    return name.lstrip("/")


def _files_in(content: bytes, folder: Path) -> list[str]:
    try:
        data = tomllib.loads(content.decode("utf-8-sig"))
        return _files(_texts(data), folder)
    except (ValueError, RecursionError):
        return []


def _files(names: Iterable[str], folder: Path) -> list[str]:
    return [name for name in names if _is_file(folder, name)]


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
