"""Every page in a real browser: what it shows, by mouse and by keyboard, wide and narrow."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from radops.data_lake import DataLake
from ui.conftest import NARROW, PATIENCE, WIDE, start, stop, wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Route

    from ui.conftest import Served, View

PAGES = [
    ("", {}),
    ("browse", {"at": "images/"}),
    ("browse", {"at": "images/v2/cats/"}),
    ("file", {"uid": "images/v2"}),
    ("file", {"uid": "images/v2/cats/001.png"}),
    ("file", {"uid": "raw/day1.csv"}),
    ("file", {"uid": "events.jsonl"}),
    ("file", {"uid": "features/day1.parquet"}),
    ("file", {"uid": "arrays/embeddings.npy"}),
    ("file", {"uid": "models/v1"}),
    ("lineage", {"uid": "models/v1"}),
    ("compare", {}),
    ("compare", {"a": "images/v1", "b": "images/v2"}),
    ("compare", {"a": "models/v1", "b": "models/v2"}),
    ("compare", {"a": "clean/day1.csv", "b": "clean/day2.csv"}),
    ("health", {}),
    ("search", {"q": "day"}),
]


def ready(page: Page) -> None:
    """Wait until the scripts of a page have filled in what they fetch."""
    wait(
        page,
        "[...document.querySelectorAll('#count, #summary')].every(one => one.textContent != '…')",
    )


def names(page: Page) -> list[str]:
    wait(page, "document.querySelector('.list .row:not(.wait)')")
    return page.locator(".list .row .name").all_inner_texts()


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_page_has_errors_or_is_wider_than_the_screen(
    demo: Served, open_view: Callable[..., View], width: int
) -> None:
    view = open_view(demo, width, "dark" if width == NARROW else "light")
    for path, query in PAGES:
        page = view.go(path, **query)
        ready(page)
        assert page.locator("h1").inner_text()
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, (path, query)
        small = page.evaluate(
            "[...document.querySelectorAll('.button, button, .top a')]"
            ".filter(one => one.offsetParent && one.offsetHeight < 18).length"
        )
        assert small == 0


def test_folders_are_walked_by_keyboard(demo: Served, open_view: Callable[..., View]) -> None:
    view = open_view(demo)
    page = view.go()
    found = names(page)
    assert found[0] == "arrays/"
    assert found[-1] == "events.jsonl"
    for _ in range(found.index("images/")):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/browse?at=images*")
    assert names(page) == ["v1", "v2"]
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_url("**/file?uid=images*v2")
    assert set(names(page)) == {"birds/", "cats/", "dogs/", "labels.csv"}
    page.keyboard.press("u")
    page.wait_for_url("**/browse?at=images/")
    page.keyboard.press("h")
    page.wait_for_url("**/health")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_rows_tell_what_is_known_of_files(demo: Served, open_view: Callable[..., View]) -> None:
    view = open_view(demo)
    page = view.go("browse", at="scratch/")
    names(page)
    row = page.locator(".row").inner_text().split()
    assert row == ["unpublished.csv", "only", "here", "8", "B", *row[5:]]
    assert row[-1] == "ada@example.com"
    page = view.go("browse", at="images/v2/cats/")
    names(page)
    image = page.locator(".row img").first
    wait(page, "one => one.complete && one.naturalWidth > 0", image.element_handle())
    assert page.get_by_text("About this directory").count() == 0
    assert view.go("browse", at="images/v2/").get_by_text("About this").count() == 1


def test_files_are_found_as_one_types(demo: Served, open_view: Callable[..., View]) -> None:
    view = open_view(demo)
    page = view.go()
    page.keyboard.press("/")
    page.keyboard.type("DAY2")
    wait(page, "document.querySelectorAll('#found a').length > 1")
    # At once: no answer to a part of it can come later and take the place of this one.
    page.keyboard.insert_text(" clean")
    wait(page, "document.querySelectorAll('#found a').length == 1")
    (found,) = page.locator("#found a").all_inner_texts()
    assert found.splitlines()[0] == "clean/day2.csv"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/file?uid=clean*day2.csv")
    page.keyboard.press("/")
    page.keyboard.insert_text("nothing like it")
    page.get_by_text("Nothing was found by all of these words.").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()
    for words in ("gold", "drawn taken", "images/v2"):
        text = view.go("search", q=words).inner_text("main")
        assert text.splitlines()[-1].split() == [
            "images/v2",
            "Birds,",
            "cats",
            "and",
            "dogs.",
            "gold",
        ]
    assert "clean/day1.csv" in view.go("search", q="ada clean").inner_text("main")
    assert "parts/07.txt" in view.go("search", q="7.tx").inner_text("main")


@pytest.mark.parametrize("way", ["escape", "click"])
def test_a_late_answer_does_not_open_the_list_again(
    demo: Served, open_view: Callable[..., View], way: str
) -> None:
    page = open_view(demo).go()
    held: list[Route] = []
    page.route("**/api/search?q=DAY*", lambda route: held.append(route))  # noqa: PLW0108 - it needs a function
    page.keyboard.press("/")
    page.keyboard.insert_text("DAY2")
    while not held:
        page.wait_for_timeout(20)
    if way == "escape":
        page.keyboard.press("Escape")
    else:
        page.locator("main").click(position={"x": 1, "y": 1})
    with page.expect_response("**/api/search?q=DAY*"):
        held[0].continue_()
    page.wait_for_timeout(200)
    assert page.locator("#found").is_hidden()


def test_a_result_says_how_it_was_made(demo: Served, open_view: Callable[..., View]) -> None:
    page = open_view(demo).go("file", uid="features/day1.parquet")
    made, by, file = (page.locator(".flow .box").nth(index).inner_text() for index in range(3))
    assert "clean/day1.csv" in made
    assert "labels/cities.txt" in made
    assert "features" in by
    assert re.search(r"seed\s+8", by)
    assert re.search(r"checked\s+20\d\d-", file)
    assert "def features(" in page.locator("pre.code").inner_text()
    assert page.locator("pre.code .k").first.inner_text() == "def"
    assert page.locator(".wide").first.locator("tbody tr").count() == 50
    page.get_by_text("Environment").click()
    assert "pyarrow" in page.locator("section", has_text="Environment").last.inner_text()
    page.get_by_role("link", name="raw/day1.csv").count()


def test_previews_show_the_first_of_what_is_there(
    demo: Served, open_view: Callable[..., View]
) -> None:
    view = open_view(demo)
    text = view.go("file", uid="raw/day1.csv").locator("main").inner_text()
    assert "300 rows, 3 columns; the first 50 rows are shown." in text
    assert "1,000 x 64" in view.go("file", uid="arrays/embeddings.npy").inner_text("main")
    assert "# Rentals" in view.go("file", uid="notes/readme.md").inner_text("pre.text")
    assert "kind" in view.go("file", uid="events.jsonl").inner_text("thead")
    assert "Not text" in view.go("file", uid="models/v1").inner_text("main")
    page = view.go("file", uid="images/v2/dogs/000.png")
    wait(page, "document.querySelector('.picture').naturalWidth == 96")
    assert "96 x 72 pixels" in page.inner_text("main")


def test_versions_lead_to_what_differs(demo: Served, open_view: Callable[..., View]) -> None:
    page = open_view(demo).go("file", uid="images/v2")
    assert "Birds, cats and dogs.\nDrawn, not taken." in page.inner_text("main")
    assert page.locator(".tags li").all_inner_texts() == ["gold"]
    page.get_by_role("link", name="Compare v1 with this").click()
    page.wait_for_url("**/compare?a=images/v1&b=images/v2")
    page.get_by_role("heading", name="Changed").click()
    text = page.inner_text("main")
    assert "The contents differ." in text
    assert re.search(r"cats\s+2\s+10", text)
    assert "cats/011.png" in text
    assert "labels.csv" in text


def test_results_of_one_function_differ_in_a_parameter(
    demo: Served, open_view: Callable[..., View]
) -> None:
    page = open_view(demo).go("compare", a="models/v1", b="models/v2")
    parameters = page.locator("section", has_text="Parameters").last
    assert parameters.inner_text().split() == ["Parameters", "rate", "0.1", "0.03"]
    assert page.locator("section", has_text="Inputs").count() == 0


def test_tables_differ_in_rows(demo: Served, open_view: Callable[..., View]) -> None:
    page = open_view(demo).go("compare", a="clean/day1.csv", b="clean/day2.csv")
    table = page.locator("section", has_text="Table").last
    assert table.locator("tr.add").count() == 30
    assert table.locator("tr.del").count() == 30
    assert "the first are shown" in table.inner_text()


def test_names_that_do_not_exist_are_answered(demo: Served, open_view: Callable[..., View]) -> None:
    view = open_view(demo)
    page = view.go("compare", a="models/v1", b="models/v9")
    assert "models/v9" in page.get_by_role("alert").inner_text()
    page = view.go("file", uid="models/v9")
    assert "Not shown" in page.inner_text("h1")
    # The browser itself tells of answers that are no success.
    assert all("404" in problem for problem in view.problems)
    view.problems.clear()


def nodes(page: Page) -> set[str]:
    wait(page, "document.querySelector('.node')")
    return set(page.locator(".node > title").all_text_contents())


def test_lineage_is_walked_both_ways(demo: Served, open_view: Callable[..., View]) -> None:
    page = open_view(demo).go("lineage", uid="clean/day1.csv")
    everything = {
        "raw/day1.csv", "clean/day1.csv", "features/day1.parquet", "models/v1", "models/v2",
        "reports/november.md",
    }  # fmt: skip
    assert nodes(page) == everything
    page.locator(".node.root").focus()
    page.keyboard.press("-")
    assert nodes(page) == {"clean/day1.csv"}
    page.keyboard.press("+")
    assert nodes(page) >= {"raw/day1.csv", "clean/day1.csv", "features/day1.parquet"}
    page.keyboard.press("ArrowRight")
    assert page.locator(".node.chosen > title").text_content() == "features/day1.parquet"
    assert page.locator(".edge.path").count() >= 1
    assert "seed" in page.locator("#detail").inner_text()
    page.keyboard.press("c")
    page.wait_for_url("**/lineage?uid=features*")
    assert "labels/cities.txt" in nodes(page)
    page.locator(".node.root").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/file?uid=features*")


def test_many_inputs_are_shown_in_steps(demo: Served, open_view: Callable[..., View]) -> None:
    page = open_view(demo).go("lineage", uid="reports/merged.txt")
    assert len(nodes(page)) == 21
    page.locator(".node.root .knob").click()
    assert len(nodes(page)) == 41
    page.locator(".node.root .knob").click()
    assert len(nodes(page)) == 46
    page.locator(".node.root .knob").click()
    assert len(nodes(page)) == 1


def test_the_graph_is_exported(demo: Served, open_view: Callable[..., View]) -> None:
    page = open_view(demo).go("lineage", uid="models/v1")
    nodes(page)
    exports = {}
    for name in ("SVG", "Mermaid", "DOT"):
        with page.expect_download() as download:
            page.get_by_text(name, exact=True).click()
        exports[name] = download.value.path().read_text()
    assert exports["SVG"].startswith("<svg")
    assert "models/v1" in exports["SVG"]
    assert exports["Mermaid"].startswith("flowchart LR")
    assert exports["DOT"].startswith("digraph lineage")


def test_health_counts_and_a_verify_runs(demo: Served, open_view: Callable[..., View]) -> None:
    view = open_view(demo)
    page = view.go("health")
    cards = page.locator(".cards").inner_text()
    assert "1 file" in cards
    assert "scratch/unpublished.csv" in cards
    assert "A purge would free" in cards
    page.get_by_role("textbox", name="What").fill("raw/")
    page.get_by_role("button", name="Start").click()
    page.get_by_text(re.compile(r"Checked 3 files, .* 0 problems\.")).wait_for()
    page.get_by_role("textbox", name="What").fill("no/such/file")
    page.get_by_role("button", name="Start").click()
    page.locator("#stage.bad").wait_for()
    assert "no/such/file" in page.inner_text("#stage")
    assert ["404" in problem for problem in view.problems] == [True]
    view.problems.clear()


def test_the_last_verify_is_shown_whoever_started_it(
    demo: Served, hostile: Served, open_view: Callable[..., View]
) -> None:
    page = open_view(hostile).go("health")
    card = page.locator(".cards .box", has_text="Last verify")
    assert card.inner_text().split()[:3] == ["Last", "verify", "never"]
    assert page.locator("#last").is_hidden()
    page = open_view(demo).go("health")
    page.get_by_role("textbox", name="What").fill("raw/ labels/")
    page.get_by_role("button", name="Start").click()
    row = page.locator("#last tr", has_text="raw/, labels/")
    row.wait_for()
    assert "4 files" in row.inner_text()
    assert "0 problems" in row.inner_text()
    remote = Path(f"{demo.home}-remote").as_uri()
    DataLake(home=demo.home, remote=remote).verify()
    page.reload()
    row = page.locator("#last tr", has_text="everything")
    row.wait_for()
    assert row.locator("td").all_inner_texts()[1:4] == ["this machine", "everything", "all bytes"]
    card = page.locator(".cards .box", has_text="Last verify")
    assert "0 problems" in card.inner_text()
    assert "of everything on this machine" in card.inner_text()


# Holds a verify where it opens a database of its own, until it is interrupted.
HOLD = """
import sys, time

def hold(event, arguments):
    if event == "sqlite3.connect" and arguments[0] != ":memory:":
        open({path!r}, "w").close()
        while True:
            time.sleep(0.01)

if any("verify_process" in word for word in sys.orig_argv):
    sys.addaudithook(hold)
"""


def test_a_verify_is_stopped(
    lake: DataLake,
    write: Callable[..., Path],
    open_view: Callable[..., View],
    tmp_path: Path,
) -> None:
    lake.add(write("a", "a"), "a")
    lake.verify()
    before = lake.last_verifies()
    folder = tmp_path / "hold"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOLD.format(path=str(folder / "held")))
    served = start(lake.home, PYTHONPATH=str(folder))
    page = open_view(served).go("health")
    page.get_by_role("button", name="Start").click()
    until = time.monotonic() + PATIENCE
    while not (folder / "held").exists():
        assert time.monotonic() < until
        page.wait_for_timeout(30)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    assert page.get_by_role("button", name="Start").is_visible()
    assert lake.last_verifies() == before
    page.close()
    assert stop(served) == 0
