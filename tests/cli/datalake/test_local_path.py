"""`radops datalake local-path`."""

from __future__ import annotations


def test_local_path_never_downloads(machines):
    _, second = machines
    result = second("datalake", "local-path", "data/a.txt")
    assert (result.code, result.out) == (1, "")
    assert "radops datalake download data/a.txt" in result.err
    assert second("datalake", "local-path", "data/a.txt", "--json").json["path"] is None
    assert second("datalake", "local-path", "data/b.txt").code == 3
    assert second.ok("datalake", "ls", "-r", "--local").out == ""
    assert second.ok("datalake", "cat", "data/a.txt").out == "a"
    assert second.ok("datalake", "local-path", "data/a.txt").code == 0
