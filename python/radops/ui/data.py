"""What the scripts of the pages ask for: JSON, images, exports, and the progress of a verify."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from radops.errors import RadopsError, UsageError
from radops.ui import graph, health, texts
from radops.ui.previews import images
from radops.ui.previews.preview import SECONDS
from radops.ui.reading import NotReadError
from radops.ui.state import ui_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from radops.data_lake import Listing
    from radops.ui.state import Ui

_MOST_ROW: Final = 10**9
_MOST_DIGITS: Final = len(str(_MOST_ROW))
_MOST_BODY: Final = 64 << 10


async def rows(request: Request) -> Response:
    """Return rows of a folder or directory."""
    ui, query = ui_of(request), request.query_params
    at, generated = query.get("at", ""), query.get("generated") == "1"
    start, most = _number(query.get("start", "0")), _number(query.get("most", "200"))
    page = await ui.work(lambda: ui.folders.page(at, start, most, generated=generated))
    shown = [_row(row, at) for row in page.rows]
    answer = {"start": page.start, "total": page.total, "complete": page.is_complete}
    after = None if page.is_complete else BackgroundTask(_quietly, ui, ui.folders.walk_on, at)
    found = {**answer, "rows": shown, "note": texts.shown(page.note)}
    return JSONResponse(found, background=after)


async def _quietly(ui: Ui, function: Callable[..., None], *arguments: object) -> None:
    """Run a function after an answer; if it fails, the next answer reports the error."""
    with contextlib.suppress(RadopsError):
        await ui.work(function, *arguments)


def _row(row: Listing, at: str) -> dict[str, Any]:
    name = row.uid.removeprefix(at)
    state = "pending" if row.pending else "local" if row.local else "remote"
    if row.local and not row.remote and not row.is_folder:
        state = "only here"
    return {
        "uid": row.uid,
        "name": texts.shown(name),
        "folder": row.is_folder,
        "directory": row.files is not None,
        "state": state,
        "size": texts.size(row.size),
        "files": "" if row.files is None else texts.count(row.files, "file"),
        "made": texts.day(row.created_at),
        "by": texts.shown(row.originator or ""),
        "image": _is_shown_small(row),
    }


def _is_shown_small(row: Listing) -> bool:
    """Return whether a small image of a file is shown in listings."""
    suffix = row.uid.rpartition(".")[2].lower()
    most = images.READ if row.local else 1 << 20
    return suffix in images.TYPES and 0 < (row.size or 0) <= most and row.files is None


async def search(request: Request) -> Response:
    """Return files by words in what is known of them."""
    ui = ui_of(request)
    words = request.query_params.get("q", "")
    found = await ui.work(lambda: ui.search.find(words, wait=False))
    shown = [
        {"uid": hit.uid, "name": texts.shown(hit.uid), "note": texts.shown(hit.note)}
        for hit in found
    ]
    # Pages also send an empty search before people type: then the first real one need not wait.
    after = BackgroundTask(_quietly, ui, ui.search.freshen)
    return JSONResponse({"found": shown}, background=after)


async def lineage(request: Request) -> Response:
    """Return the graph of a file."""
    ui, query = ui_of(request), request.query_params
    depth = None if query.get("depth") == "all" else graph.DEPTH
    return JSONResponse(await ui.work(graph.graph, ui.lake, query.get("uid", ""), depth))


async def export(request: Request) -> Response:
    """Return the graph of a file as text to keep: Mermaid or DOT."""
    ui, query = ui_of(request), request.query_params
    form, uid = query.get("format", ""), query.get("uid", "")
    if form not in ("mermaid", "dot"):
        raise UsageError(f"format is {form!r}", hint="use mermaid or dot")
    found = await ui.work(lambda: ui.lake.lineage(uid, up=True, down=True))
    text, name = (
        (found.to_mermaid(), "lineage.mmd")
        if form == "mermaid"
        else (found.to_dot(), "lineage.dot")
    )
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(f"{text}\n", headers=headers)


async def image(request: Request) -> Response:
    """Return an image of the lake, made small."""
    ui, query = ui_of(request), request.query_params
    uid, size = query.get("uid", ""), _number(query.get("size", "64"))

    async def wanted() -> bool:
        return not await request.is_disconnected()

    made = None
    with contextlib.suppress(NotReadError):
        made = await ui.pictures.run("image", uid, size, seconds=SECONDS, wanted=wanted)
    if made is None:
        return PlainTextResponse("no image\n", 404)
    return Response(made[0], media_type=made[1])


async def start_verify(request: Request) -> Response:
    """Start a verify."""
    ui = ui_of(request)
    order = await _body(request)
    words = order.get("targets", "")
    if not isinstance(words, str):
        raise UsageError("targets are text")
    options = {name: order.get(name) is True for name in ("quick", "remote", "full")}
    targets = words.split()
    if targets:
        await ui.work(lambda: ui.lake.split(*targets))  # wrong names are reported at once
    await ui.verification.start(targets, **options)
    return JSONResponse({})


async def stop_verify(request: Request) -> Response:
    """Stop the verify that runs."""
    await ui_of(request).verification.stop()
    return JSONResponse({})


async def last_verifies(request: Request) -> Response:
    """Return how the last verifies ended, whoever started them."""
    ui = ui_of(request)
    return JSONResponse({"found": await ui.work(health.verifies, ui.lake)})


async def verify_events(request: Request) -> Response:
    """Send what changes of the verify, for as long as the page is open."""
    ui = ui_of(request)

    async def lines() -> AsyncIterator[str]:
        events = ui.verification.events()
        async for state in events:
            yield f"data: {json.dumps(_shown(state))}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a verify with numbers and names as people read them."""
    about = state.get("about", {})
    size, total = state.get("bytes"), state.get("total_bytes")
    findings = [
        {key: texts.shown(text) for key, text in one.items()} for one in state.get("findings", ())
    ]
    share = None
    if total:
        share = min(1.0, size / total)
    elif state.get("total_files"):
        share = min(1.0, state.get("files", 0) / state["total_files"])
    summary = ""
    if state["event"] == "done":
        checked = f"{texts.count(state['files'], 'file')}, {texts.size(size)}"
        summary = f"Checked {checked} in {texts.seconds(state['seconds'])}"
        if state["not_local"]:
            summary += f"; {state['not_local']:,} not on this machine"
        summary += f"; {texts.count(state['problems'], 'problem')}."
    return {
        "event": state["event"],
        "stage": state.get("stage", ""),
        "share": share,
        "done": f"{texts.size(size)}, {texts.count(state.get('files', 0), 'file')}" if size else "",
        "summary": summary,
        "ok": state.get("ok"),
        "message": texts.shown(state.get("message", "")),
        "hint": texts.shown(state.get("hint", "")),
        "findings": findings,
        "started": texts.moment(about["started"]) if about else "",
        "targets": " ".join(texts.shown(one) for one in about.get("targets", ())),
    }


async def _body(request: Request) -> dict[str, Any]:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > _MOST_BODY:
            raise UsageError("the request is too long")
    try:
        found = json.loads(data or b"{}")
    except ValueError as error:
        raise UsageError("the request is not JSON") from error
    return found if isinstance(found, dict) else {}


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) > _MOST_ROW:
        raise UsageError(f"{text[:20]!r} is not a number of a row")
    return int(text)
