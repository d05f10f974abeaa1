"""What notebooks show of names, lineage and reports: without a request, and nothing as HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from directories.lakes import fill
from radops.data_lake import DataLake, Directory, File, file_creator
from radops.notebook import html_table

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy

EVIL = "<script>alert(1)</script>"


@file_creator(name="tests.shown")
def shown(f: File, *, text: str) -> File:
    out = File()
    out.write_text(f.read_text() + text)
    return out


def texts(html: str) -> str:
    """Return the text of some HTML, which must be well-formed and without colours and scripts."""
    assert "<script" not in html
    assert "color" not in html
    assert "background" not in html
    assert html.count("<td") == html.count("</td>")
    return re.sub(r"<[^>]*>", " ", html)


def test_what_is_known_of_files_and_directories(lake: DataLake, tmp_path: Path) -> None:
    File("notes/a.txt").write_text(EVIL)
    made = shown(File("notes/a.txt"), text=EVIL)
    fill(tmp_path / "in", {f"{n}.txt": EVIL.encode() for n in range(3)})
    lake.add(tmp_path / "in", "images/v1")
    page = texts(File("notes/a.txt")._repr_html_())
    assert f"{len(EVIL)} bytes" in page
    assert File("notes/a.txt").digest().hex in page
    assert "on this machine   yes" in page
    assert "alert" not in page
    page = texts(made._repr_html_())
    assert "notes/a.txt" in page
    assert "text=&#x27;&lt;script&gt;" in page or "text=&lt;script&gt;" in page
    page = texts(Directory("images/v1")._repr_html_())
    assert "files   3" in page
    assert f"{3 * len(EVIL)} bytes" in page
    assert "alert" not in page
    assert f"{len(EVIL)} bytes" in texts(File("images/v1/1.txt")._repr_html_())
    for name in (File("nothing"), File("images/v1/nothing"), Directory("nothing")):
        assert f"no {name.kind} of that name is known" in texts(name._repr_html_())
    assert "notes/a.txt" in texts(made.lineage()._repr_html_())


def test_nothing_is_asked_of_the_remote(
    make_lake, faulty_seaweedfs: FaultProxy, tmp_path: Path
) -> None:
    bucket = faulty_seaweedfs.as_server.new_bucket()
    remote = f"s3://{bucket}/lake?endpoint_url={faulty_seaweedfs.endpoint_url}"
    writer = make_lake("writer", remote=remote)
    writer.file("a.txt").write_text("a")
    fill(tmp_path / "in", {"1.txt": b"one"})
    writer.add(tmp_path / "in", "images/v1")
    reader = make_lake("reader", remote=remote)
    for uid in ("a.txt", "images/v1"):
        reader.info(uid)
    faulty_seaweedfs.reset()
    for home in ("reader", "fresh"):
        lake = make_lake(home, remote=remote)
        named = [lake.file("a.txt"), lake.directory("images/v1"), lake.file("images/v1/1.txt")]
        pages = [texts(one._repr_html_()) for one in named]
        if home == "fresh":
            assert all("is known on this machine" in page for page in pages)
        else:
            assert "on this machine   no" in pages[0]
            assert "files   1" in pages[1]
            assert "in the directory   images/v1" in pages[2]
    assert faulty_seaweedfs.count() == 0, faulty_seaweedfs.requests


def test_reports(make_lake, shared: str, write) -> None:
    lake = make_lake(remote=shared)
    added = lake.add(write("a.txt", "a"), "a.txt")
    reports = [
        added, lake.sync(), lake.gc(), lake.verify(), lake.purge_local_storage(dry_run=True),
        lake.why("a.txt"),
    ]  # fmt: skip
    for report in reports:
        assert type(report).__name__ in texts(report._repr_html_())
    assert "files   1" in texts(reports[3]._repr_html_())
    assert "purged   a.txt" in texts(reports[4]._repr_html_())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"), (1234567, "1,234,567"), (1.25, "1.2"), ([], "none"), (EVIL, "&lt;script"),
        ([EVIL], "&lt;script"), (list(range(12)), "and 2 more"), ({"a": EVIL}, "a: &lt;script"),
    ],
)  # fmt: skip
def test_values(value: object, text: str) -> None:
    assert text in texts(html_table(EVIL, [(EVIL, value)]))
