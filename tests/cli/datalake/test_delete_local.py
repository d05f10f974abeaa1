"""`radops datalake delete-local`."""

from __future__ import annotations


def test_local_bytes_that_are_nowhere_else_are_not_deleted(sample):
    result = sample("datalake", "delete-local", "name.txt")
    assert result.code == 2
    assert sample.ok("datalake", "cat", "name.txt").out == "this is some data\n"


def test_local_bytes_can_go_while_the_remote_has_them(machines):
    first, _ = machines
    assert first.ok("datalake", "delete-local", "data/").out == "data/a.txt\n"
    assert first.ok("datalake", "ls", "-r", "--local").out == ""
    assert first.ok("datalake", "cat", "data/a.txt").out == "a"
