"""A client of the web application within this process: no socket, and an error of ours is an answer like any other."""

from __future__ import annotations

import httpx
from fastapi import FastAPI


def reached(app: FastAPI, base_url: str = "http://loadstar.test") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=base_url)


async def log_in(http: httpx.AsyncClient, user: str) -> None:
    """From now on, as this user of ``tests.support.web.only_ada``: by token alone, as a program does."""
    answer = await http.post("/api/v1/login", json={"username": user, "password": "correct horse"})
    http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    http.cookies.clear()
