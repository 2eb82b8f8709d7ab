"""The checks of `make check` find what they are for."""

import subprocess
from pathlib import Path

import pytest

from scripts import check_dependencies, check_documents, check_files, check_node_packages


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (check_dependencies, check_documents, check_files, check_node_packages):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_links_must_lead_to_files_and_headings(tree: Path):
    written(tree / "docs" / "loop.md", "# The loop\n\n## Up, slowly!\n")
    page = written(
        tree / "README.md",
        "[a](docs/loop.md) [b](docs/loop.md#up-slowly) [c](https://example.org/x) [d](#here)\n\n## Here\n"
        "[e](docs/lop.md) [f](docs/loop.md#down) ![g](docs/page.png) [h](../elsewhere.md)\n"
        "```\n[i](never.md)\n```\n",
    )
    written(tree.parent / "elsewhere.md", "not ours\n")

    found = list(check_documents.broken_links(page))

    assert [line.split(": ", 1)[1] for line in found] == [
        "docs/lop.md: no such file",
        "docs/loop.md#down: no such heading",
        "docs/page.png: no such file",
        "../elsewhere.md: outside the repository",
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("index = " + "https://py" + "pi.org/simple", "names a package index"),
        ("pip install --extra-index" + "-url x", "names a package index"),
        ('"resolved": ' + '"https://example.org/a.tgz"', "names a package index"),
        ("see /ro" + "ot/notes", "names a path of one machine"),
        ("see /ho" + "me/ada/notes", "names a path of one machine"),
        ("<<<<" + "<<< ours", "has a conflict marker"),
    ],
)
def test_what_belongs_to_one_machine_is_found(tree: Path, line: str, complaint: str):
    assert complaint in "".join(check_files.problems_in(written(tree / "a.txt", f"fine\n{line}\n")))


def test_an_ordinary_file_is_left_alone(tree: Path):
    fine = written(tree / "a.txt", "ExecStart=/opt/loadstar/.venv/bin/loadstar\nHome: /var/lib/loadstar, ~/notes\n")
    assert list(check_files.problems_in(fine)) == []


def test_a_tools_lock_file_and_a_missing_newline_are_found(tree: Path):
    assert len(list(check_files.problems_in(written(tree / "uv.lock", "version = 1")))) == 2


@pytest.mark.parametrize("entry", ["ocpp==2.1.0\n    # via loadstar\n", "ocpp>=2.1.0 \\\n    --hash=sha256:00\n"])
def test_a_pin_needs_one_version_and_a_hash(tree: Path, entry: str):
    good = "rich==15.0.0 \\\n    --hash=sha256:00\n    # via loadstar\n"
    assert set(check_dependencies.pins(written(tree / "constraints.txt", good))) == {"rich"}
    with pytest.raises(ValueError, match="ocpp: expected ==VERSION"):
        check_dependencies.pins(written(tree / "constraints.txt", good + entry))


def test_pins_that_lag_behind_the_project_file_are_found(tree: Path):
    written(
        tree / "pyproject.toml",
        '[build-system]\nrequires = []\n[project]\ndependencies = ["rich>=16", "numpy"]\n'
        "[project.optional-dependencies]\nsimulate = []\ndev = []\n[dependency-groups]\nbuild = []\nnode = []\n",
    )
    old = check_dependencies.pins(written(tree / "constraints.txt", "rich==15.0.0 \\\n    --hash=sha256:00\n"))

    stale = "\n".join(
        check_dependencies.stale_pins(
            {"constraints.txt": old, "constraints-simulate.txt": {}, "constraints-dev.txt": {}}
        )
    )

    assert "rich>=16 is declared, pinned is rich==15.0.0" in stale
    assert "numpy is declared, pinned is None" in stale
    assert "constraints-simulate.txt: rich differs" in stale


def test_what_cannot_be_audited_is_said(tree: Path, monkeypatch: pytest.MonkeyPatch):
    answer = subprocess.CompletedProcess([], 0, "no connection", "")
    monkeypatch.setattr(check_dependencies.subprocess, "run", lambda *_, **__: answer)
    assert "NOT AUDITED" in check_dependencies.audit("constraints.txt")[1]

    some = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "unknown"}]}'
    answer.stdout = some
    assert "NOT AUDITED for known faults: 1 of 2 packages" in check_dependencies.audit("constraints.txt")[1]

    bad = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}'
    answer.stdout = bad
    assert check_dependencies.audit("constraints.txt")[0] == ["constraints.txt: a 1: X-1, fixed in 2"]


def test_npm_packages_need_a_hash_and_an_agreed_licence(tree: Path):
    lock = written(
        tree / "package-lock.json",
        '{"packages": {"": {}, "node_modules/a": {"integrity": "sha512-0", "license": "MIT"},'
        ' "node_modules/b": {"license": "GPL-3.0"}}}',
    )
    assert list(check_node_packages.doubtful_packages(lock)) == [
        "package-lock.json: node_modules/b: no hash",
        "package-lock.json: node_modules/b: licence not on the list: GPL-3.0",
    ]
