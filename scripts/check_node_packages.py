"""Checks the pinned npm packages: hashes, licences, and, where the advisory service answers, known faults.

What could not be audited is printed, never passed over.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.repository import ROOT, files, report

AUDIT_SECONDS: Final = 60
ALLOWED_LICENCES: Final = frozenset(
    {"MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "MPL-2.0", "CC0-1.0", "BlueOak-1.0.0"}
)
"""What the bundle may contain and the tools may be under; npm records each package's in the lock file."""

STATED_ELSEWHERE: Final = {"node_modules/precond": "MIT"}
"""Packages that state their licence only in their README."""


def doubtful_packages(lock: Path) -> Iterator[str]:
    """Packages of a lock file without a hash, or under a licence that nobody has agreed to."""
    name = lock.relative_to(ROOT)
    for place, package in json.loads(lock.read_text())["packages"].items():
        if not place:
            continue  # the project itself
        if "integrity" not in package:
            yield f"{name}: {place}: no hash"
        licence = package.get("license") or STATED_ELSEWHERE.get(place, "none stated")
        if licence not in ALLOWED_LICENCES:
            yield f"{name}: {place}: licence not on the list: {licence}"


def audit(lock: Path) -> tuple[list[str], str]:
    """Known faults of the packages in a lock file, and one line about whether they were audited."""
    name = lock.relative_to(ROOT)
    command = ["npm", "audit", "--json", "--package-lock-only"]
    try:
        done = subprocess.run(
            command, cwd=lock.parent, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False
        )
        faults = json.loads(done.stdout)["vulnerabilities"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        return [], f"{name}: NOT AUDITED for known faults: the advisory service does not answer from here."
    found = [f"{name}: {package}: {fault['severity']}" for package, fault in faults.items()]
    return found, f"{name}: audited for known faults."


def main() -> int:
    """Check every lock file."""
    locks = [path for path in files() if path.name == "package-lock.json"]
    problems = [problem for lock in locks for problem in doubtful_packages(lock)]
    for lock in locks:
        faults, note = audit(lock)
        problems += faults
        print(note)
    return report(problems, f"{len(locks)} lock files: every package with a hash, licences agreed.")


if __name__ == "__main__":
    sys.exit(main())
