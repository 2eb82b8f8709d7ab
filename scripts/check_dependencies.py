"""Checks the pinned dependencies: pins, hashes, licences, and, where the advisory service answers, known faults.

What could not be audited is printed, never passed over.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.repository import ROOT, report

CONTAINED: Final = ("constraints.txt", "constraints-simulate.txt", "constraints-dev.txt")
"""Each pins everything that the one before it pins, and more."""

PINNED: Final = (*CONTAINED, "constraints-node.txt")

ALLOWED_LICENCES: Final = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|EPL|Eclipse|LGPL|Lesser|Unlicense|HPND)",
    re.IGNORECASE,
)
"""Licences under which a service may be shipped with its dependencies unchanged (LGPL and MPL: as separate files)."""

REFUSED_LICENCES: Final = re.compile(r"(?<!L)GPL|GNU (Affero )?General Public", re.IGNORECASE)
"""These would extend to Loadstar itself."""

CHOSEN: Final = {"text-unidecode": "Artistic License"}
"""Of packages that are offered under several licences: the one under which we take them."""

AUDIT_SECONDS: Final = 300
"""The advisory service is asked once per package."""


def pins(file: Path) -> dict[str, Requirement]:
    """The requirements of a constraints file by name.

    Raises:
        ValueError: one is not an exact version, or has no hash.
    """
    found: dict[str, Requirement] = {}
    for entry in re.split(r"\n(?=\S)", file.read_text()):
        if not entry.strip() or entry.startswith("#"):
            continue
        requirement = Requirement(re.split(r" \\\n|\n", entry)[0])
        if [s.operator for s in requirement.specifier] != ["=="] or "--hash=sha256:" not in entry:
            raise ValueError(f"{file.name}: {requirement.name}: expected ==VERSION and a sha256 hash")
        found[canonicalize_name(requirement.name)] = requirement
    return found


def version_of(pin: Requirement) -> str:
    """The one version that a pin allows."""
    return next(iter(pin.specifier)).version


def declared() -> Iterator[tuple[str, Requirement]]:
    """What pyproject.toml asks for, with the file that must pin it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    per_file = {
        "constraints.txt": [
            *project["project"]["dependencies"],
            *groups["build"],
            *project["build-system"]["requires"],
        ],
        "constraints-simulate.txt": project["project"]["optional-dependencies"]["simulate"],
        "constraints-dev.txt": project["project"]["optional-dependencies"]["dev"],
        "constraints-node.txt": groups["node"],
    }
    for file, requirements in per_file.items():
        for requirement in requirements:
            yield file, Requirement(requirement)


def stale_pins(pinned: dict[str, dict[str, Requirement]]) -> Iterator[str]:
    """Where the constraints do not say what pyproject.toml asks for, or disagree with each other."""
    for file, wanted in declared():
        pin = pinned[file].get(canonicalize_name(wanted.name))
        if pin is None or not wanted.specifier.contains(version_of(pin)):
            yield f"{file}: {wanted} is declared, pinned is {pin}; run: make pin"
    for smaller, larger in pairwise(CONTAINED):
        for name, pin in pinned[smaller].items():
            if str(pinned[larger].get(name)) != str(pin):
                yield f"{larger}: {name} differs from {smaller}; run: make pin"


def licence_of(package: metadata.Distribution) -> str:
    """What a package says about its licence."""
    about = package.metadata
    classifiers = [c for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    texts = [text.splitlines()[0] for text in about.get_all("License", []) if text]  # some put the whole text there
    return "; ".join([*about.get_all("License-Expression", []), *classifiers, *texts])


def wrong_installations(pinned: dict[str, Requirement]) -> Iterator[str]:
    """Installed packages of another version than pinned, or under a licence that nobody has agreed to."""
    for name, pin in pinned.items():
        if pin.marker is not None and not pin.marker.evaluate():
            continue
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            yield f"{name}: pinned but not installed; run: scripts/install.sh dev"
            continue
        if package.version != version_of(pin):
            yield f"{name}: {package.version} is installed, {version_of(pin)} is pinned"
        licence = licence_of(package)
        allowed = ALLOWED_LICENCES.search(licence) and not REFUSED_LICENCES.search(licence)
        if not (CHOSEN[name] in licence if name in CHOSEN else allowed):
            yield f"{name}: licence not on the list: {licence or 'none stated'}"


def audit(file: str) -> tuple[list[str], str]:
    """Known faults of the packages in a constraints file, and one line about what was and was not audited."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
    command = [sys.executable, "-m", "pip_audit", *options, "-r", file]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False)
        packages = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return [], f"{file}: NOT AUDITED for known faults: the advisory service does not answer from here."
    faults = [
        f"{file}: {package['name']} {package['version']}: {fault['id']}, fixed in {', '.join(fault['fix_versions'])}"
        for package in packages
        for fault in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        return faults, (
            f"{file}: NOT AUDITED for known faults: {len(skipped)} of {len(packages)} packages, about which"
            f" the advisory service gives no answer from here: {shortened(skipped)}"
        )
    return faults, f"{file}: {len(packages)} packages audited for known faults."


def shortened(names: Iterable[str], most: int = 5) -> str:
    """The first few names of a list."""
    listed = list(names)
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")


def main() -> int:
    """Check pins first, then what is installed, then what is known against it."""
    try:
        pinned = {file: pins(ROOT / file) for file in PINNED}
    except ValueError as error:
        return report([str(error)], "")
    everything = pinned["constraints-dev.txt"]
    problems = [*stale_pins(pinned), *wrong_installations(everything)]
    for file in PINNED:
        if file in CONTAINED[:-1]:
            continue  # constraints-dev.txt contains it
        faults, note = audit(file)
        problems += faults
        print(note)
    return report(problems, f"{len(everything)} packages: pinned with hashes, as declared, licences agreed.")


if __name__ == "__main__":
    sys.exit(main())
