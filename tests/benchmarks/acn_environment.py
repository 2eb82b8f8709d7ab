"""acnportal 0.3.3, installed apart from everything else: a yardstick, never a dependency.

The environment lies in ``build/acn-env`` and is made at the first use from ``acn/constraints.txt``, which ``uv pip
compile --python-version 3.11 --generate-hashes --no-header`` wrote. What runs in it are the scripts in ``acn/``; they
print JSON.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console

ENVIRONMENT: Final = Path("build/acn-env")
ANSWERS: Final = Path("build/acn-answers")
SCRIPTS: Final = Path(__file__).parent / "acn"
CONSTRAINTS: Final = SCRIPTS / "constraints.txt"
INSTALL_S: Final = 900.0
RUN_S: Final = 1800.0


def ask(script: str, *arguments: str) -> Any:
    """The JSON that a script of ``acn/`` prints.

    Raises:
        CalledProcessError: it failed; what it said has been printed.
        TimeoutExpired: it took longer than ``RUN_S``.
    """
    command = [str(_python()), str(SCRIPTS / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=RUN_S, check=True)
    return json.loads(done.stdout)


def ask_once(script: str, file: Path, *arguments: str) -> Any:
    """As ``ask``, with a file as first argument; the answer to the same question is kept in ``build/acn-answers``."""
    question = [CONSTRAINTS.read_bytes(), (SCRIPTS / script).read_bytes(), file.read_bytes(), repr(arguments).encode()]
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in question)).hexdigest()
    kept = ANSWERS / f"{Path(script).stem}-{digest[:16]}.json"
    if not kept.exists():
        answer = json.dumps(ask(script, str(file), *arguments))
        ANSWERS.mkdir(parents=True, exist_ok=True)
        kept.write_text(answer)
    return json.loads(kept.read_text())


def _python() -> Path:
    """The environment's interpreter, after its installation where that is due."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "installed"
    wanted = hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        Console(stderr=True).print(f"Installing acnportal into {ENVIRONMENT} (hashes checked)")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], timeout=INSTALL_S, check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "--require-hashes", "-r", str(CONSTRAINTS)], timeout=INSTALL_S, check=True)
        stamp.write_text(wanted)
    return python
