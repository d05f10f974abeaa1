"""`radops ui`: how long a person waits for what the pages show, by HTTP and in Chromium.

See `work` for the variables.
"""

from __future__ import annotations

from speed.workload import Entry, Target, Workload

_NOTE = "Within the server or the page, not of a whole process; there is no peer that can be run."


def _pages(
    name: str,
    title: str,
    data: str | None,
    before: str,
    shown: dict[str, str],
    budget: float = 240,
    note: str = "",
) -> Workload:
    """Return a workload of pages that one server shows.

    Args:
        name: Of the workload.
        title: The same for people.
        data: The shape of the files.
        before: Makes the lake.
        shown: What is measured: how the table calls it, and the arguments of the program.
        budget: Seconds that all of it may take.
        note: What is added to that of all workloads.
    """
    return Workload(
        name,
        "ui",
        f"{title} in the browser",
        data,
        tuple(
            Entry(
                f"radops ui, {what}",
                f"python $PROGRAMS/ui_pages.py {work}",
                before,
                keep=True,
                patience=2.0,
            )
            for what, work in shown.items()
        ),
        budget,
        rounds=3,
        inside=True,
        compared=False,
        note=f"{_NOTE} {note}".rstrip(),
    )


_NAMES = _pages(
    "ui-lake",
    "A lake of 100,000 files",
    "names",
    "radops datalake add -q --each $DATA data/ >/dev/null",
    {
        "front page, first of a server": "http first_front",
        "front page, listed again": "http front",
        "front page, in Chromium": "chromium front",
        "page of a file": "http file",
        "health page": "http health",
        "search, first of a server": "http first_search",
        "search, answer": "http search",
        "search, drawn in Chromium": "chromium search",
    },
    note="Searches are made after each letter that is typed; what is drawn includes the 60 ms that "
    "the page waits for another letter.",
)

_MILLION = _pages(
    "ui-directory",
    "A directory of a million files",
    "empty",
    "radops datalake add -q $DATA set/v1 >/dev/null",
    {
        "first rows": "http first_rows",
        "first rows, in Chromium": "chromium rows",
        "all counted": "http count",
        "100 rows anywhere": "http rows",
        "a jump of the scroll bar, drawn in Chromium": "chromium scroll",
        "from the link to the last row, in Chromium": "chromium end",
    },
)

_GRAPH = _pages(
    "ui-lineage",
    "A lineage of 10,000 files",
    None,
    "python $PROGRAMS/ui_lineage.py 10000",
    {
        "whole graph, answer": "http lineage",
        "first picture, in Chromium": "chromium lineage",
        "expand and collapse, drawn in Chromium": "chromium expand",
    },
    180,
    note="100 calls of functions made them.",
)

WORKLOADS = (_NAMES, _MILLION, _GRAPH)

TARGETS = (
    Target(
        "search as one types, 100,000 names",
        "ui-lake",
        "radops ui, search, answer",
        "",
        0.1,
        kind="seconds",
    ),
    Target(
        "first rows of a directory of 1,000,000",
        "ui-directory",
        "radops ui, first rows",
        "",
        0.2,
        kind="seconds",
    ),
)
