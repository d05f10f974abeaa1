"""The pages, made on the server; lists, graphs and progress are filled in by their scripts."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from radops.errors import RadopsError, RemoteUnavailableError, UsageError
from radops.ui import code, health, texts
from radops.ui.previews.preview import SECONDS
from radops.ui.previews.shapes import Preview
from radops.ui.reading import NotReadError
from radops.ui.state import ui_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from radops.data_lake import DataLake, FileInfo
    from radops.ui.state import Ui

_VERSION: Final = re.compile(r"(?P<above>.+/)v(?P<number>[1-9]\d*)")
_MOST_VERSIONS: Final = 30
_MOST_MADE: Final = 50
_MADE_SECONDS: Final = SECONDS / 4
_COMPARE_SECONDS: Final = 4 * SECONDS


async def browse(request: Request) -> Response:
    """Show a folder of the lake, or of a directory."""
    ui, at = ui_of(request), request.query_params.get("at", "")
    at = f"{at.strip('/')}/" if at.strip("/") else ""
    generated = "generated" in request.query_params
    is_directory = bool(at) and await ui.work(_is_directory, ui.lake, at[:-1])
    directory = at[:-1] if is_directory else ""
    crumbs = _crumbs(at)
    title = at or "All files"
    return ui.page(
        "browse.html", title=title, at=at, crumbs=crumbs, all=generated, directory=directory
    )


def _is_directory(lake: DataLake, uid: str) -> bool:
    try:
        return lake.directory(uid).exists()
    except (UsageError, RemoteUnavailableError):
        return False  # no name at all, or one in a directory; or its rows say what is not known


async def file(request: Request) -> Response:
    """Show one file or directory."""
    ui, uid = ui_of(request), request.query_params.get("uid", "")
    info = await ui.work(ui.lake.info, uid)
    about = await ui.work(_about, ui.lake, info)
    is_directory = info.type == "directory" and info.directory is None
    (made, why_not), shown = await asyncio.gather(
        _made_from(ui, info.directory or info.uid), _preview(ui, info)
    )
    source = info.call.code.source if info.call else None
    return ui.page(
        "file.html",
        title=info.uid,
        info=info,
        crumbs=_crumbs(info.uid),
        is_directory=is_directory,
        code=code.highlighted(source) if source else "",
        preview=shown,
        made_from_it=made,
        why_not=why_not,
        most=_MOST_MADE,
        **about,
    )


async def _preview(ui: Ui, info: FileInfo) -> Preview | None:
    if info.type == "directory" and info.directory is None:
        return None
    try:
        found: Preview = await ui.readers.run("preview", info, seconds=SECONDS)
    except NotReadError as error:
        return Preview("none", str(error))
    return found


async def _made_from(ui: Ui, uid: str) -> tuple[list[str], str]:
    """Return what was made from a file, and if that is not known, why not."""
    try:
        return await ui.readers.run("made from", uid, seconds=_MADE_SECONDS), ""
    except NotReadError:
        return [], "More than can be listed here: see the lineage."
    except RadopsError as error:
        return [], error.message


def _about(lake: DataLake, info: FileInfo) -> dict[str, Any]:
    """Return what the record alone does not say of a file."""
    top = info.directory or info.uid
    return {
        "versions": _versions(lake, top),
        "checks": lake.checks(top) if info.local and info.type == "file" else None,
        "states": {one.uid: one.state for one in lake.why(top).inputs} if info.call else {},
    }


def _versions(lake: DataLake, uid: str) -> list[tuple[str, str, bool]]:
    """Return the versions beside a file, newest first: UID, number, and whether it is this one."""
    found = _VERSION.fullmatch(uid)
    if found is None:
        return []
    above = found["above"]
    numbers = []
    for row in lake.ls(above):
        other = _VERSION.fullmatch(row.uid)
        if other is not None and other["above"] == above:
            numbers.append(int(other["number"]))
    newest = sorted(numbers, reverse=True)[:_MOST_VERSIONS]
    return [(f"{above}v{number}", f"v{number}", f"{above}v{number}" == uid) for number in newest]


async def lineage(request: Request) -> Response:
    """Show what a file was made from, and what was made from it."""
    ui, uid = ui_of(request), request.query_params.get("uid", "")
    info = await ui.work(ui.lake.info, uid)
    top = info.directory or info.uid
    return ui.page("lineage.html", title=f"Lineage of {top}", uid=top, crumbs=_crumbs(top))


async def compared(request: Request) -> Response:
    """Show what differs between two files or directories."""
    ui, query = ui_of(request), request.query_params
    first, second = query.get("a", ""), query.get("b", "")
    found = None
    problem = ""
    if first and second:
        try:
            found = await ui.readers.run("compare", first, second, seconds=_COMPARE_SECONDS)
        except RadopsError as error:
            problem = error.message
        except NotReadError as error:
            problem = f"{error} radops datalake diff has no limit of time."
    status = 200 if not problem else 404
    title = "Compare"
    return ui.page(
        "compare.html", status, title=title, a=first, b=second, found=found, problem=problem
    )


async def health_page(request: Request) -> Response:
    """Show how the lake is, and the verify that runs."""
    ui = ui_of(request)
    cards = await ui.work(health.cards, ui.lake, ui.warned.texts())
    target = request.query_params.get("target", "")
    return ui.page("health.html", title="Health", cards=cards, target=target)


async def search(request: Request) -> Response:
    """Show what a search finds."""
    ui, words = ui_of(request), request.query_params.get("q", "")
    found = await ui.work(ui.search.find, words, 500)
    return ui.page("search.html", title=f"Search: {words}", words=words, found=found)


async def failed(request: Request, error: Exception) -> Response:
    """Show an error of the lake as a page, or as JSON where a script asked."""
    if not isinstance(error, RadopsError):
        raise error
    ui = ui_of(request)
    status = {2: 400, 3: 404, 4: 409, 6: 503, 7: 502}.get(error.exit_code, 500)
    message, hint = texts.shown(error.message), texts.shown(error.hint or "")
    if "/api/" in request.url.path:
        from starlette.responses import JSONResponse  # noqa: PLC0415 - rarely needed

        return JSONResponse({"error": message, "hint": hint}, status)
    return ui.page("error.html", status, title="Not shown", message=message, hint=hint)


def _crumbs(path: str) -> list[tuple[str, str]]:
    """Return the folders of a path: what each is called, and the path up to it."""
    parts = path.rstrip("/").split("/") if path else []
    return [(name, "/".join(parts[: index + 1])) for index, name in enumerate(parts)]
