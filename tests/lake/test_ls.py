"""What `ls PREFIX` means: a name that exists is itself, anything else is a beginning of names."""

from __future__ import annotations

import pytest

TREE = ("data/a.csv", "data/sub/b.csv", "data2/c.csv", "data.csv", "data.csv.bak")


@pytest.fixture(params=["this machine", "remote"])
def tree(request, make_lake, shared, write):
    """A lake whose names begin alike; the second machine knows them from the remote only."""
    remote = None if request.param == "this machine" else shared
    lake = make_lake("one", remote=remote)
    for uid in TREE:
        lake.add(write("source", uid), uid)
    return lake if remote is None else make_lake("two", remote=remote)


def listed(lake, prefix, **options):
    return [row.uid for row in lake.ls(prefix, **options)]


def test_a_folder_is_listed_whatever_other_names_begin_like_it(tree):
    assert listed(tree, "data") == listed(tree, "data/") == ["data/sub/", "data/a.csv"]
    below = ["data/a.csv", "data/sub/b.csv"]
    assert listed(tree, "data", recursive=True) == listed(tree, "data/", recursive=True) == below
    assert listed(tree, "data", recursive=True, details=True) == below


def test_a_file_is_listed_whatever_other_names_begin_like_it(tree):
    assert listed(tree, "data.csv") == ["data.csv"]
    assert listed(tree, "data.csv", recursive=True, details=True) == ["data.csv"]


def test_anything_else_is_the_beginning_of_names(tree):
    assert listed(tree, "dat") == ["data/", "data2/", "data.csv", "data.csv.bak"]
    assert listed(tree, "data.") == ["data.csv", "data.csv.bak"]
    assert listed(tree, "data/s") == ["data/sub/"]
    assert listed(tree, "data/s", recursive=True) == ["data/sub/b.csv"]


def test_a_folder_without_files_is_still_that_folder(tree):
    tree.delete("data/a.csv")
    tree.delete("data/sub/b.csv")
    assert listed(tree, "data", recursive=True) == []
    assert listed(tree, "data") == listed(tree, "data/")


def test_only_where_it_is_asked_for(make_lake, shared, write):
    make_lake("one", remote=shared).add(write("source", "a"), "data/a.csv")
    make_lake("two", remote=shared).join()
    make_lake("two", remote=shared, offline=True).add(write("source", "b"), "data2/b.csv")
    two = make_lake("two", remote=shared)
    assert listed(two, "data") == ["data/a.csv"]
    assert listed(two, "data", where="remote") == ["data/a.csv"]
    assert listed(two, "data2", where="local") == ["data2/b.csv"]
