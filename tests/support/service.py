"""The whole service as a process of its own: started, asked, killed and started again, as on a real site."""

from __future__ import annotations

import asyncio
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import httpx

from adapters.configuration import load_configuration
from simulations.demo_site import Ports
from tests.support.command import Ended
from tests.support.processes import free_port

LOADSTAR = Path(sys.executable).with_name("loadstar")
ROOT = Path(__file__).parents[2]
LAB = "--insecure-lab"
WITHIN_S = 90.0
"""How long a busy machine may take for what normally takes seconds."""

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], what: str, within_s: float = WITHIN_S) -> T:
    """Look again and again until there is something to see, and return it.

    Raises:
        AssertionError: there never is.
    """
    deadline = monotonic() + within_s
    while not (found := await look()):
        assert monotonic() < deadline, f"waited {within_s:g} s in vain for {what}"
        await asyncio.sleep(0.1)
    return found


async def loadstar(*arguments: str | Path, within_s: float = 100.0) -> Ended:
    """Run the console script to its end."""
    command = [str(LOADSTAR), *map(str, arguments)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=within_s, check=False, cwd=ROOT
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def free_ports() -> Ports:
    return Ports(web=free_port(), ocpp=free_port(), meter=free_port())


def write_site(
    directory: Path,
    points: Mapping[str, Mapping[str, float]],
    *,
    ports: Ports | None = None,
    fuse_a: float = 63.0,
    base_load_a: float | list[float] = 20.0,
    meter: str | None = None,
    more: str = "",
) -> Path:
    """Write a site of one circuit whose points P01, P02, ... belong to stations CP01, CP02, ...

    Args:
        directory: where the site file and the ledger stand.
        points: what is said of each point besides, by its id.
        ports: where everything listens; None: anywhere.
        fuse_a: of the only circuit [A].
        base_load_a: the worst case of its building [A].
        meter: the table of its meter instead of an SDM630 on Modbus TCP.
        more: further tables.
    """
    ports = ports or free_ports()
    modbus = f'kind = "modbus_tcp"\nhost = "127.0.0.1"\nport = {ports.meter}\nmodel = "eastron_sdm630"'
    tables = [
        '[site]\nid = "test"',
        f'[[circuits]]\nid = "main"\nfuse_a = {fuse_a}\nmargin_a = 1\nmeter = "grid"\nbase_load_a = {base_load_a}',
        f'[[meters]]\nid = "grid"\n{meter or modbus}',
        *(
            f'[[points]]\nid = "{name}"\ncircuit = "main"\nstation = "C{name}"\n'
            + "\n".join(f"{key} = {value}" for key, value in ({"max_a": 16} | dict(values)).items())
            for name, values in points.items()
        ),
        f"[ocpp]\nport = {ports.ocpp}",
        f"[web]\nport = {ports.web}",
        '[tariffs]\nprice_per_kwh = "0.35"',
        more,
    ]
    path = directory / "site.toml"
    path.write_text("\n\n".join(tables) + "\n")
    return path


class RunningService:
    """``loadstar run`` for one site file, and its API.

    Args:
        path: the site file.
        arguments: further arguments of ``loadstar run``.
        trust: the certificates to trust when it speaks TLS.
    """

    def __init__(self, path: Path, *arguments: str, trust: ssl.SSLContext | None = None) -> None:
        configuration = load_configuration(path, {})
        self.ocpp_port, self.web_port = configuration.ocpp.port, configuration.web.port
        self.log = path.with_name("service.log")
        self._command = [str(LOADSTAR), "run", "--config", str(path), *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        scheme = "http" if trust is None else "https"
        self.http = httpx.AsyncClient(
            base_url=f"{scheme}://127.0.0.1:{self.web_port}",
            verify=trust or False,
            trust_env=False,
            timeout=WITHIN_S,
            limits=httpx.Limits(max_keepalive_connections=0),  # a killed service takes its connections along
        )

    async def start(self) -> None:
        """Start it and wait until its control loop turns."""
        self._launch()
        await eventually(self._healthy, "the service to turn")

    def _launch(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=ROOT)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def terminate(self, within_s: float = WITHIN_S) -> int:
        """Ask it to end, as systemd does, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, within_s)

    async def close(self) -> None:
        """Leave nothing behind, whatever has happened."""
        await self.http.aclose()
        if self._process is not None and self._process.poll() is None:
            self.kill()

    async def get(self, path: str, **query: str | int) -> Any:
        """What the API answers below ``/api/v1``."""
        answer = await self.http.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sessions(self, state: str) -> dict[str, dict[str, Any]]:
        """The sessions in a state, by the charger's name of their transaction."""
        listed: Sequence[dict[str, Any]] = (await self.get("/sessions", state=state, limit=500))["items"]
        return {session["transaction_id"]: session for session in listed}

    async def event_kinds(self) -> set[str]:
        return {event["kind"] for event in (await self.get("/events"))["items"]}

    async def _healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the service has ended:\n{self.log.read_text()}"
        try:
            return (await self.http.get("/healthz")).status_code == 200
        except httpx.TransportError:
            return False


@asynccontextmanager
async def running_service(
    path: Path, *arguments: str, trust: ssl.SSLContext | None = None
) -> AsyncIterator[RunningService]:
    """A service that turns; afterwards its log is read for what must never be in one."""
    service = RunningService(path, *arguments, trust=trust)
    try:
        await service.start()
        yield service
    finally:
        await service.close()
    log = service.log.read_text()
    assert "Traceback" not in log, log
    assert '"level": "critical"' not in log, log
