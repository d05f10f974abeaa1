"""Lakes as they also are: empty, in a bucket, away from their remote, with damaged records."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from servers.fixtures import s3_environment, seaweedfs
from ui.conftest import NARROW, start, stop, wait
from ui.test_pages import names, ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radops.data_lake import DataLake
    from servers.server import S3Server
    from ui.conftest import Served, View

__all__ = ["s3_environment", "seaweedfs"]


@contextmanager
def shown(home: Path, **environment: str) -> Iterator[Served]:
    served = start(home, **environment)
    try:
        yield served
    finally:
        assert stop(served) == 0


def test_a_lake_with_nothing_in_it_says_how_to_begin(
    tmp_path: Path, open_view: Callable[..., View]
) -> None:
    with shown(tmp_path / "home") as served:
        for width in (1280, NARROW):
            view = open_view(served, width)
            page = view.go()
            page.get_by_text("Nothing is in this lake yet.").wait_for()
            assert "nothing in it" in page.inner_text("#count")
            for path, query in (("health", {}), ("compare", {}), ("search", {"q": "x"})):
                page = view.go(path, **query)
                assert page.locator("h1").inner_text()
            assert "never" in view.go("health").inner_text(".cards")
            view.page.get_by_role("button", name="Start").click()
            view.page.get_by_text("Checked 0 files").wait_for()
            page = view.go("file", uid="a")
            assert "no file or directory a in the lake" in page.inner_text("main")
            view.problems[:] = [one for one in view.problems if "404" not in one]
            view.page.close()
    assert not (tmp_path / "home" / "storage").exists()


def test_a_lake_in_a_bucket(
    make_lake: Callable[..., DataLake],
    write: Callable[..., Path],
    seaweedfs: S3Server,
    open_view: Callable[..., View],
) -> None:
    url = seaweedfs.url(seaweedfs.new_bucket(), "lake")
    maker, reader = make_lake("maker", remote=url), make_lake("reader", remote=url)
    maker.add(write("t.csv", "a,b\n" + "1,2\n" * 1_000_000), "tables/t.csv")
    folder = write("d/one.txt", "first\n").parent
    maker.add(folder, "texts/v1")
    maker.describe("tables/t.csv", "Measured in Oslo", tags=["gold"])
    secret = secrets.token_hex(8)
    environment = {"RADOPS_REMOTE": url, "AWS_SESSION_TOKEN": "", "NOT_SHOWN": secret}
    with shown(reader.home, **environment, **seaweedfs.environment) as served:
        view = open_view(served)
        view.go()
        assert names(view.page) == ["tables/", "texts/"]
        view.go("browse", at="tables/")
        assert names(view.page) == ["t.csv"]
        assert view.page.locator(".row .state").inner_text() == "remote"
        page = view.go("file", uid="tables/t.csv")
        assert page.locator(".wide tbody tr").first.inner_text().split() == ["1", "2"]
        assert "Measured in Oslo" in page.inner_text("main")
        assert "first" in view.go("file", uid="texts/v1/one.txt").inner_text("pre.text")
        assert "tables/t.csv" in view.go("search", q="oslo").inner_text("main")
        page = view.go("health")
        page.get_by_text("the remote: all bytes").click()
        page.get_by_role("button", name="Start").click()
        row = page.locator("#last tr", has_text="the remote")
        row.wait_for()
        assert "0 problems" in row.inner_text()
        for text in (page.content(), view.go().content()):
            assert seaweedfs.secret_key not in text
            assert secret not in text
        view.page.close()
    stored = sum(one.stat().st_size for one in reader.home.rglob("*") if one.is_file())
    assert stored < 3_000_000, "only what was shown is fetched"


def test_away_from_the_remote_what_is_here_is_shown(
    make_lake: Callable[..., DataLake],
    write: Callable[..., Path],
    shared: str,
    open_view: Callable[..., View],
) -> None:
    maker, lake = make_lake("maker", remote=shared), make_lake("reader", remote=shared)
    maker.add(write("there", "there"), "f/there.txt")
    lake.add(write("here", "here"), "f/here.txt")
    lake.info("f/there.txt")
    remote = Path(url2pathname(urlsplit(shared).path))
    remote.rename(remote.with_name("away"))
    with shown(lake.home, RADOPS_REMOTE=shared) as served:
        view = open_view(served)
        page = view.go("browse", at="f/")
        assert "here.txt" in names(page)
        page.get_by_text("only files of this machine are shown").wait_for()
        assert "here" in view.go("file", uid="f/here.txt").inner_text("pre.text")
        page = view.go("file", uid="f/there.txt")
        assert "It cannot be read" in page.inner_text("main")
        page = view.go("lineage", uid="f/here.txt")
        wait(page, "document.querySelector('.node')")
        assert "what was made from it is not shown" in page.inner_text("#summary")
        assert "not known" in view.go("health").inner_text(".cards")
        assert "here.txt" in view.go("search", q="here").inner_text("main")
        view.page.close()


def test_damaged_records_are_told(
    lake: DataLake, write: Callable[..., Path], open_view: Callable[..., View]
) -> None:
    lake.add_many([(write(name, name), f"f/{name}") for name in "abc"])
    (record,) = (lake.home / "storage").rglob("refs/f/b.radops")
    record.chmod(0o644)
    record.write_bytes(b"\xff<b>")
    with shown(lake.home) as served:
        view = open_view(served)
        assert names(view.go("browse", at="f/")) == ["a", "c"]
        page = view.go("file", uid="f/b")
        assert "the record of f/b" in page.inner_text("main")
        assert "the record of f/b" in view.go("health").inner_text(".cards")
        page = view.go("lineage", uid="f/a")
        ready(page)
        page = view.go("health")
        page.get_by_role("button", name="Start").click()
        page.locator("#findings td", has_text="f/b").first.wait_for()
        page.locator("#last tr", has_text="1 problem: record 1").wait_for()
        view.problems[:] = [one for one in view.problems if "500" not in one]
        view.page.close()
