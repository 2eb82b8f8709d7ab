"""Real servers that take InfluxDB's write protocol: VictoriaMetrics, and InfluxDB 1 behind nginx for its v2 paths."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import WITHIN_S, Program, free_port, program

DATABASE = "loadstar"


def get(url: str, **query: str) -> str:
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query)}", timeout=WITHIN_S) as answer:
        body: bytes = answer.read()
        return body.decode()


class VictoriaMetrics:
    """Takes ``/api/v2/write`` as it is; keeps numbers only, as ``<measurement>_<field>``."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = Program(
            [
                program("victoria-metrics", "victoria-metrics"),
                f"-httpListenAddr=127.0.0.1:{self.port}",
                f"-storageDataPath={directory / 'victoria'}",
                "-retentionPeriod=100y",
                "-memory.allowedBytes=64MiB",
            ],
            self.port,
            directory,
        )

    def start(self) -> None:
        self._program.start()

    def stop(self) -> None:
        self._program.stop()

    def series(self, name: str) -> list[dict[str, Any]]:
        """Every series of that name, with its labels (``metric``), ``values`` and ``timestamps`` [ms]."""
        get(f"{self.url}/internal/force_flush")
        lines = get(f"{self.url}/api/v1/export", **{"match[]": f'{{__name__="{name}"}}'}).splitlines()
        return [json.loads(line) for line in lines]


class Influx:
    """InfluxDB 1: the judge of the line protocol's syntax, for it answers 400 to a bad line."""

    def __init__(self, directory: Path) -> None:
        self._port, rpc, self.port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        configuration = directory / "influxdb.conf"
        configuration.write_text(_INFLUX.format(directory=directory, rpc=rpc, port=self._port))
        self._program = Program([program("influxd", "influxdb"), "-config", str(configuration)], self._port, directory)
        proxy = directory / "nginx.conf"
        proxy.write_text(_NGINX.format(directory=directory, port=self.port, behind=self._port))
        self._proxy = Program(
            [program("nginx", "nginx-light"), "-p", str(directory), "-c", str(proxy)], self.port, directory
        )

    def start(self) -> None:
        self._program.start()
        self._proxy.start()
        urllib.request.urlopen(
            f"http://127.0.0.1:{self._port}/query", data=f"q=CREATE DATABASE {DATABASE}".encode(), timeout=WITHIN_S
        ).close()

    def stop(self) -> None:
        self._proxy.stop()
        self._program.stop()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of an InfluxQL query as dictionaries; times in ms."""
        answer = json.loads(get(f"http://127.0.0.1:{self._port}/query", db=DATABASE, epoch="ms", q=query))
        found = [row for result in answer["results"] for row in result.get("series", [])]
        return [dict(zip(row["columns"], values, strict=True)) for row in found for values in row["values"]]


@contextmanager
def influx(directory: Path) -> Iterator[Influx]:
    with ExitStack() as stack:
        server = Influx(directory)
        stack.callback(server.stop)
        server.start()
        yield server


@contextmanager
def victoria_metrics(directory: Path) -> Iterator[VictoriaMetrics]:
    with ExitStack() as stack:
        server = VictoriaMetrics(directory)
        stack.callback(server.stop)
        server.start()
        yield server


_INFLUX = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{directory}/meta"
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[continuous_queries]
  enabled = false
"""

_NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/nginx-body;
  proxy_temp_path {directory}/nginx-proxy;
  fastcgi_temp_path {directory}/nginx-fastcgi;
  uwsgi_temp_path {directory}/nginx-uwsgi;
  scgi_temp_path {directory}/nginx-scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /api/v2/write {{
      proxy_pass http://127.0.0.1:{behind}/write?db=$arg_bucket&precision=$arg_precision;
    }}
  }}
}}
"""
