"""Power cuts for SQLite: a VFS that writes down what the program asked of the disk, and a disk that forgets.

The VFS sits between Python's own ``sqlite3`` and the operating system, so the code under test is the real one.
``images`` then plays the journal up to any moment and lets the power fail there: what was synced is on disk; of
what was not, each write is there, torn at a sector, or missing, as dice decide.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any, NamedTuple

SECTOR = 512


class Operation(NamedTuple):
    """One line of the journal: ``write``, ``truncate``, ``sync``, or ``told`` for an acknowledgement."""

    kind: str
    path: str = ""
    offset: int = 0
    data: bytes = b""
    told: object = None


_OPEN = CFUNCTYPE(c_int, c_void_p, c_char_p, c_void_p, c_int, POINTER(c_int))
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Methods(Structure):
    """``sqlite3_io_methods``, version 3."""

    _fields_ = (
        ("version", c_int),
        ("close_read", c_void_p * 2),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("rest", c_void_p * 13),
    )


class _Vfs(Structure):
    """``sqlite3_vfs``, version 3."""

    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("max_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("app_data", c_void_p),
        ("open", c_void_p),
        ("rest", c_void_p * 14),
    )


class Disk:
    """The journal of everything that was written to SQLite files under a directory while ``recording``."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._paths: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._before: dict[str, bytes] | None = None
        self.journal: list[Operation] = []

    def start_recording(self) -> None:
        """Take what is there now as safely on disk."""
        there = (path for path in map(Path, self._paths.values()) if path.exists())
        self._before = {str(path): path.read_bytes() for path in there}

    def told(self, what: object) -> None:
        """Write down that somebody was told that ``what`` is on record."""
        self.journal.append(Operation("told", told=what))

    def images(self, cuts: int, rng: random.Random, directory: Path) -> Iterator[tuple[list[object], Path]]:
        """What had been told, and the directory as the power cut leaves it, for that many random moments."""
        assert self._before is not None, "nothing was recorded"
        durable = {path: bytearray(content) for path, content in self._before.items()}
        pending: list[Operation] = []
        told: list[object] = []
        done = 0
        for number, moment in enumerate(sorted(rng.choices(range(1, len(self.journal) + 1), k=cuts))):
            for operation in self.journal[done:moment]:
                if operation.kind == "told":
                    told.append(operation.told)
                elif operation.kind == "sync":
                    for one in pending:
                        if one.path == operation.path:
                            _play(durable, one)
                    pending = [one for one in pending if one.path != operation.path]
                else:
                    pending.append(operation)
            done = moment
            yield list(told), _after_power_loss(durable, pending, rng, directory / str(number))

    def _open(self, original: Any, vfs: int, name: bytes | None, file: int, flags: int, out: Any) -> int:
        code: int = original(vfs, name, file, flags, out)
        path = "" if name is None else name.decode()
        if code == sqlite3.SQLITE_OK and path.startswith(self._directory):
            slot = ctypes.cast(file, POINTER(c_void_p))
            self._paths[file] = path
            slot[0] = ctypes.addressof(self._spying(slot[0]))
        return code

    def _spying(self, address: int) -> _Methods:
        """A copy of a method table that passes everything on, and notes three of them."""
        if address in self._tables:
            return self._tables[address]
        original = _Methods.from_address(address)
        write, truncate, sync = _WRITE(original.write), _TRUNCATE(original.truncate), _SYNC(original.sync)

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            self._note(Operation("write", self._paths[file], offset, ctypes.string_at(data, size)))
            return int(write(file, data, size, offset))

        def on_truncate(file: int, size: int) -> int:
            self._note(Operation("truncate", self._paths[file], size))
            return int(truncate(file, size))

        def on_sync(file: int, flags: int) -> int:
            code = int(sync(file, flags))
            self._note(Operation("sync", self._paths[file]))
            return code

        table = _Methods.from_buffer_copy(original)
        callbacks = (_WRITE(on_write), _TRUNCATE(on_truncate), _SYNC(on_sync))
        table.write, table.truncate, table.sync = (ctypes.cast(callback, c_void_p) for callback in callbacks)
        table.kept = callbacks
        self._tables[address] = table
        return table

    def _note(self, operation: Operation) -> None:
        if self._before is not None:
            self.journal.append(operation)


@contextmanager
def watched_disk(directory: Path) -> Iterator[Disk]:
    """Journal what SQLite does under the directory, on connections that are opened meanwhile."""
    library = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
    assert ctypes.cast(library.sqlite3_libversion, c_void_p).value, "SQLite is not a shared library here"
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    library.sqlite3_vfs_register.argtypes = library.sqlite3_vfs_unregister.argtypes = (POINTER(_Vfs), c_int)
    standard = library.sqlite3_vfs_find(None)
    disk = Disk(directory)
    original = _OPEN(standard.contents.open)
    vfs = _Vfs.from_buffer_copy(standard.contents)
    callback = _OPEN(lambda _vfs, *arguments: disk._open(original, ctypes.addressof(standard.contents), *arguments))
    vfs.name, vfs.next, vfs.open = b"watched", None, ctypes.cast(callback, c_void_p)
    library.sqlite3_vfs_register(ctypes.byref(vfs), 1)
    try:
        yield disk
    finally:
        library.sqlite3_vfs_register(standard, 1)
        library.sqlite3_vfs_unregister(ctypes.byref(vfs), 0)


def _play(content: dict[str, bytearray], operation: Operation, keep: int | None = None) -> None:
    file = content.setdefault(operation.path, bytearray())
    if operation.kind == "truncate":
        del file[operation.offset :]
        return
    data = operation.data if keep is None else operation.data[:keep]
    file.extend(bytes(max(0, operation.offset - len(file))))
    file[operation.offset : operation.offset + len(data)] = data


def _after_power_loss(
    durable: dict[str, bytearray], pending: list[Operation], rng: random.Random, directory: Path
) -> Path:
    content = {path: bytearray(data) for path, data in durable.items()}
    for operation in pending:
        fate = rng.choice(("kept", "torn", "lost"))
        if fate == "kept":
            _play(content, operation)
        elif fate == "torn" and operation.kind == "write":
            _play(content, operation, SECTOR * rng.randrange(len(operation.data) // SECTOR + 1))
    directory.mkdir(parents=True)
    for path, data in content.items():
        (directory / Path(path).name).write_bytes(data)
    return directory
