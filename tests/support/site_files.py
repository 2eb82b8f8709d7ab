"""Small site files on free ports, for tests that run the whole way."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import free_port


def write_site(directory: Path, ocpp_port: int = 9000, points: int = 2) -> Path:
    """A 32 A connection with an SDM630 on a free port and so many three-phase points, one per station."""
    rows = [
        '[site]\nid = "test"',
        '[[circuits]]\nid = "main"\nfuse_a = 32\nmeter = "grid"\nbase_load_a = 20',
        '[[meters]]\nid = "grid"\nkind = "modbus_tcp"\nhost = "127.0.0.1"\nmodel = "eastron_sdm630"',
        f"port = {free_port()}",
        *(f'[[points]]\nid = "P0{n}"\ncircuit = "main"\nstation = "CP0{n}"' for n in range(1, points + 1)),
        f"[ocpp]\nport = {ocpp_port}",
    ]
    path = directory / "site.toml"
    path.write_text("\n".join(rows) + "\n")
    return path
