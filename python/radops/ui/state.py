"""What the handlers share: the lake, the templates, and how work is kept off the event loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from radops.ui import texts
from radops.ui.calls import Calls
from radops.ui.folders import Folders
from radops.ui.reading import Readers
from radops.ui.search import Search
from radops.ui.verifying import Verification
from radops.ui.warned import Warned

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from radops.data_lake import DataLake
    from radops.ui.guard import Secrets

_T = TypeVar("_T")

# Requests that work on the lake at once; a browser sends some six.
_MOST_AT_ONCE = 8


@dataclass
class Ui:
    """One lake, and what is known of it between requests."""

    lake: DataLake
    known: Secrets
    folders: Folders = field(init=False)
    readers: Readers = field(init=False)
    pictures: Readers = field(init=False)
    """Others for small images, so that a page does not wait for the hundred of another page."""
    search: Search = field(init=False)
    verification: Verification = field(init=False)
    warned: Warned = field(default_factory=Warned)

    def __post_init__(self) -> None:
        self.folders = Folders(self.lake)
        self.readers = Readers(self.lake)
        self.pictures = Readers(self.lake)
        self.search = Search(self.lake)
        self.verification = Verification(self.lake)
        self._calls = Calls(_MOST_AT_ONCE)
        self._templates = Environment(
            loader=PackageLoader("radops.ui"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters.update(
            shown=texts.shown,
            described=texts.described,
            size=texts.size,
            day=texts.day,
            moment=texts.moment,
            seconds=texts.seconds,
            value=texts.value,
        )
        self._templates.globals.update(
            base=self.known.base, post=self.known.post, count=texts.count, link=self.link
        )
        remote = self.lake.remote_url
        self._templates.globals.update(context=self.lake.context, remote=remote)

    def link(self, page: str, **query: str) -> str:
        """Return the address of one of our pages."""
        words = "&".join(f"{name}={quote(text, safe='/')}" for name, text in query.items())
        return f"{self.known.base}/{page}{'?' if words else ''}{words}"

    def page(self, name: str, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
        """Return a page made from a template."""
        text = self._templates.get_template(name).render(**values)
        return HTMLResponse(text.encode("utf-8", "backslashreplace"), status)

    async def work(self, function: Callable[..., _T], *arguments: object) -> _T:
        """Call what may read files or ask the remote, in a thread."""
        return await self._calls.run(partial(function, *arguments))


def ui_of(request: Request) -> Ui:
    """Return what the handlers share."""
    found: Ui = request.app.state.ui
    return found
