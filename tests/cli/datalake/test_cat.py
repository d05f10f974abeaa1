"""`radops datalake cat`."""

from __future__ import annotations

from pathlib import Path


def test_a_file_can_be_read(sample):
    assert sample.ok("datalake", "cat", "name.txt").out == "this is some data\n"
    path = sample.ok("datalake", "local-path", "name.txt").out.strip()
    assert path.endswith("/name.txt")
    assert Path(path).read_text() == "this is some data\n"
    assert sample.ok("datalake", "local-path", "name.txt", "--json").json["path"] == path


def test_cat_passes_bytes_through(cli):
    data = bytes(range(256)) * 10_000
    (cli.folder / "blob").write_bytes(data)
    cli.ok("datalake", "add", "blob")
    process = cli.popen("datalake", "cat", "blob")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out == data
