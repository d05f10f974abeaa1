"""The application: which address leads to what."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from radops.errors import RadopsError
from radops.ui import data, pages
from radops.ui.guard import Guard
from radops.ui.state import Ui

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

    from radops.data_lake import DataLake
    from radops.ui.guard import Secrets

_STATIC = Path(__file__).parent / "static"


def application(lake: DataLake, port: int, known: Secrets) -> ASGIApp:
    """Return the application that shows a lake.

    Args:
        lake: The lake.
        port: The port that the server listens on.
        known: What a browser must know to be answered.
    """
    ui = Ui(lake, known)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        ready = asyncio.create_task(ui.readers.prepare())
        with ui.warned.listening():
            yield
        await ui.verification.stop()
        ready.cancel()
        await asyncio.wait([ready])
        await ui.readers.close()
        await ui.pictures.close()

    app = Starlette(
        routes=[
            Route("/", pages.browse),
            Route("/browse", pages.browse),
            Route("/file", pages.file),
            Route("/lineage", pages.lineage),
            Route("/compare", pages.compared),
            Route("/health", pages.health_page),
            Route("/search", pages.search),
            Route("/image", data.image),
            Route("/api/rows", data.rows),
            Route("/api/search", data.search),
            Route("/api/lineage", data.lineage),
            Route("/api/lineage/export", data.export),
            Route("/api/verify/events", data.verify_events),
            Route("/api/verify/last", data.last_verifies),
            Route("/api/verify/start", data.start_verify, methods=["POST"]),
            Route("/api/verify/stop", data.stop_verify, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        exception_handlers={RadopsError: pages.failed},
        lifespan=lifespan,
    )
    app.state.ui = ui
    return Guard(app, port, known)
