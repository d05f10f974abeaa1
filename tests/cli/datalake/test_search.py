"""`radops datalake search` and `ls --tag`."""

from __future__ import annotations


def test_search_prints_a_name_a_line(sample):
    sample.ok("datalake", "describe", "name.txt", "By hand.\nMore.", "--tag", "gold")
    assert sample.ok("datalake", "search", "csv").lines == [
        "data/a.csv", "data/b.csv", "data/sub/c d.csv",
    ]  # fmt: skip
    assert sample.ok("datalake", "search", "hand", "nam").out == "name.txt\n"
    assert sample.ok("datalake", "search", "-t", "gold").out == "name.txt\n"
    assert sample.ok("datalake", "search", "csv", "--limit", "1").lines == ["data/a.csv"]
    shown = sample.terminal("datalake", "search", "hand").text
    assert shown.endswith("name.txt [gold]\n  By hand.\n")  # after a bar, if it took long
    (entry,) = sample.ok("datalake", "search", "hand", "--json").json["entries"]
    assert entry == {
        "uid": "name.txt",
        "originator": entry["originator"],
        "function": None,
        "description": "By hand.\nMore.",
        "tags": ["gold"],
    }


def test_no_match_is_exit_1(sample):
    result = sample("datalake", "search", "elephant")
    assert (result.code, result.out) == (1, "")
    assert result.err == "no match in the 4 names known on this machine\n"
    result = sample("datalake", "search", "elephant", "--json", "--quiet")
    assert (result.code, result.err) == (1, "")
    assert result.json == {"query": "elephant", "tag": None, "entries": []}
    result = sample("datalake", "search")
    assert (result.code, result.out) == (2, "")
    assert "nothing to search for" in result.err


def test_ls_by_tag(machines):
    first, second = machines
    first.ok("datalake", "describe", "data/a.txt", "hello", "--tag", "gold")
    assert second.ok("datalake", "ls", "--tag", "gold").out == "data/a.txt\n"
    assert second.ok("datalake", "ls", "--tag", "gold", "data/").out == "data/a.txt\n"
    assert second.ok("datalake", "ls", "--tag", "none").out == ""
    (entry,) = second.ok("datalake", "ls", "-t", "gold", "--json").json["entries"]
    assert entry["uid"] == "data/a.txt"
    assert second.ok("datalake", "search", "hello").out == "data/a.txt\n"


def test_search_names_the_way_to_ask_the_remote(machines):
    _, second = machines
    result = second("datalake", "search", "a.txt")
    assert result.code == 1
    assert "--refresh asks the remote for others" in result.err
    assert second.ok("datalake", "search", "a.txt", "--refresh").out == "data/a.txt\n"
    result = second("datalake", "search", "a.txt", "--refresh", "--offline")
    assert result.out == "data/a.txt\n"
