"""Lists of any length: pages of rows by number on the server, and what of them a browser draws."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from radops.errors import UIDNotFoundError
from radops.ui.folders import Folders
from radops.ui.graph import graph
from radops.ui.search import Search
from ui.conftest import PATIENCE
from ui.conftest import wait as wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.data_lake import DataLake
    from ui.conftest import Served, View

COUNT = 8_600  # more than is walked at once


def test_rows_of_a_directory_are_found_by_number(lake: DataLake, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "inner.txt").write_text("inner")
    for number in range(COUNT):
        (folder / f"{number:05}").write_text(str(number))
    lake.add(folder, "many")
    folders = Folders(lake)
    for start in (0, 499, 500, 7_990, 8_400, COUNT - 1):
        page = folders.page("many/", start, 20)
        expected = [f"many/{number:05}" for number in range(start, min(start + 20, COUNT))]
        assert [row.uid for row in page.rows if not row.is_folder] == expected
        assert page.rows[0].size == len(str(start))
    page = folders.page("many/", COUNT, 20)
    assert ([row.uid for row in page.rows], page.total) == (["many/a/"], COUNT + 1)
    until = time.monotonic() + PATIENCE
    while not page.is_complete and time.monotonic() < until:
        folders.walk_on("many/")
        page = folders.page("many/", page.total, 0)
    assert (page.is_complete, page.total) == (True, COUNT + 1)
    assert folders.page("many/", page.total + 5, 20).rows == []
    assert [row.uid for row in folders.page("many/a/", 0, 20).rows] == ["many/a/inner.txt"]
    with pytest.raises(UIDNotFoundError):
        folders.page("many/none/", 0, 20)


def test_rows_of_a_folder_have_details(lake: DataLake, write: Callable[..., Path]) -> None:
    lake.add_many([(write(f"{number}", "x" * number), f"f/{number:02}") for number in range(1, 9)])
    lake.add(write("deep", "x"), "f/deep/file")
    folders = Folders(lake)
    page = folders.page("f/", 2, 3)
    assert [(row.uid, row.size) for row in page.rows] == [("f/02", 2), ("f/03", 3), ("f/04", 4)]
    assert (page.total, page.is_complete) == (9, True)
    assert folders.page("", 0, 5).rows[0].is_folder


def test_without_the_remote_what_is_here_is_listed(
    make_lake: Callable[..., DataLake], shared: str, write: Callable[..., Path]
) -> None:
    maker, lake = make_lake("maker", remote=shared), make_lake("reader", remote=shared)
    maker.add(write("y", "y"), "f/there")
    lake.add(write("x", "x"), "f/here")
    assert [row.uid for row in Folders(lake).page("f/", 0, 9).rows] == ["f/here", "f/there"]
    remote = Path(url2pathname(urlsplit(shared).path))
    remote.rename(remote.with_name("away"))
    page = Folders(lake).page("f/", 0, 9)
    assert [row.uid for row in page.rows] == ["f/here"]
    assert "only files of this machine are shown" in page.note
    found = graph(lake, "f/here", None)
    assert [node["uid"] for node in found["nodes"]] == ["f/here"]
    assert "what was made from it is not shown" in found["note"]


def test_names_are_found_before_there_is_an_index(
    lake: DataLake, write: Callable[..., Path]
) -> None:
    lake.add(write("x", "x"), "f/rentals.txt")
    lake.describe("f/rentals.txt", "Prices in Oslo")
    search = Search(lake)
    assert [hit.uid for hit in search.find("ntal", wait=False)] == ["f/rentals.txt"]
    assert search.find("oslo", wait=False) == []
    assert [hit.note for hit in search.find("oslo")] == ["Prices in Oslo"]
    assert [hit.note for hit in search.find("oslo", wait=False)] == ["Prices in Oslo"]
    lake.add(write("y", "y"), "f/sales.txt")
    lake.describe("f/sales.txt", "Also in Oslo")
    assert {hit.uid for hit in search.find("oslo", wait=False)} == {"f/rentals.txt", "f/sales.txt"}
    searches = Search(lake)
    searches.freshen()
    assert len(searches.find("oslo", wait=False)) == 2


MILLION = """async (base) => {
    const { VirtualList } = await import(base + '/static/list.js');
    document.querySelector('main').innerHTML = '';
    const box = document.createElement('div');
    box.className = 'list';
    box.tabIndex = 0;
    document.querySelector('main').append(box);
    window.asked = 0;
    window.list = new VirtualList(box, {
        load: async (start, most) => {
            window.asked += 1;
            const rows = Array.from({ length: Math.min(most, 1e6 - start) }, (_, at) => start + at);
            return { start, total: 1e6, complete: true, rows };
        },
        make: (row) => Object.assign(document.createElement('a'), {
            className: 'row', textContent: row === undefined || row === null ? '…' : `row ${row}`,
        }),
        counted: () => {},
    });
    box.focus();
}"""

SEEN = """() => {
    const box = document.querySelector('.list').getBoundingClientRect();
    return [...document.querySelectorAll('.row')]
        .map((row) => [row.getBoundingClientRect(), row.textContent])
        .filter(([at]) => at.bottom > box.top + 2 && at.top < box.bottom - 2)
        .sort(([one], [other]) => one.top - other.top)
        .map(([, text]) => text);
}"""


def test_a_million_rows_scroll(demo: Served, open_view: Callable[..., View]) -> None:
    view = open_view(demo)
    page = view.go("search", q="nothing")
    page.evaluate(MILLION, view.base)

    def wait(right: Callable[[list[str]], bool]) -> list[str]:
        until = time.monotonic() + PATIENCE
        while not right(rows := page.evaluate(SEEN)):
            assert time.monotonic() < until, rows
        return rows

    def seen(expected: str, at: int) -> list[str]:
        rows = wait(lambda rows: "…" not in rows and bool(rows) and rows[at] == expected)
        numbers = [int(row.removeprefix("row ")) for row in rows]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        return rows

    seen("row 0", 0)
    page.keyboard.press("End")
    seen("row 999999", -1)
    assert page.locator(".row").count() < 60
    page.keyboard.press("ArrowUp")
    assert page.locator(".row[aria-selected=true]").inner_text() == "row 999998"
    page.keyboard.press("Home")
    seen("row 0", 0)
    # The wheel moves by pixels, though the list is higher than a browser allows.
    page.mouse.move(300, 300)
    for _ in range(4):
        page.mouse.wheel(0, 95)
    seen("row 10", 0)
    # The scroll bar moves by share.
    page.evaluate(
        "() => { const b = document.querySelector('.list'); b.scrollTop = b.scrollHeight / 2 }"
    )
    wait(lambda rows: bool(rows) and rows[0] != "…" and abs(int(rows[0][4:]) - 500_000) < 200)
    # Then the scroll bar is put where the list is, which moves nothing that is seen.
    before = wait(lambda rows: bool(rows) and "…" not in rows)
    wait_until(page, "Math.abs(list.top / list.scale - list.box.scrollTop) < 1")
    assert page.evaluate(SEEN) == before
    page.evaluate(
        "() => { const b = document.querySelector('.list'); b.scrollTop = b.scrollHeight }"
    )
    seen("row 999999", -1)
    assert page.evaluate("window.asked") < 40
