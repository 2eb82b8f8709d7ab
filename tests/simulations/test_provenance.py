"""Which version made a result: the commit, marked when the tree has changed, or else the package's version."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from adapters import origin
from simulations import provenance


def git(tree: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", "-C", str(tree), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A repository of one file that takes the place of the source tree."""
    (tmp_path / "file").write_text("one")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "One")
    monkeypatch.setattr(origin, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    origin.origin.cache_clear()
    provenance.commit.cache_clear()


def test_a_clean_tree_is_its_commit(tree: Path):
    assert provenance.commit() == git(tree, "rev-parse", "HEAD")


def test_a_changed_file_marks_it(tree: Path):
    (tree / "file").write_text("two")
    assert provenance.commit() == git(tree, "rev-parse", "HEAD") + "-dirty"


def test_a_file_that_git_does_not_know_does_not(tree: Path):
    (tree / "results.json").write_text("{}")
    assert provenance.commit() == git(tree, "rev-parse", "HEAD")


def test_a_repository_around_an_installed_package_is_not_its_own(tree: Path, monkeypatch: pytest.MonkeyPatch):
    inside = tree / "site-packages"
    inside.mkdir()
    monkeypatch.setattr(origin, "ROOT", inside)
    assert provenance.commit() == version("loadstar")


def test_without_git_the_version_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == version("loadstar")
