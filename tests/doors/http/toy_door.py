"""The application over services that a test makes up: no database, no network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx
from fastapi import FastAPI

from proofgrid.doors.http.app import new_app
from proofgrid.doors.http.routes import ROUTES


def app_of(**answers: object) -> FastAPI:
    """Return an application whose calls (`ClientService_GetTask=…`) are answered by these."""
    services: dict[str, SimpleNamespace] = {route.service: SimpleNamespace() for route in ROUTES}
    for route in ROUTES:
        setattr(services[route.service], route.method.name, answers.get(route.call.replace(".", "_"), _nothing))
    return new_app(services, ())


async def _nothing(*_: object) -> None:
    raise AssertionError("nobody should have asked")


@asynccontextmanager
async def asking(app: FastAPI, headers: Mapping[str, str] | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Who asks it."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client
