"""Files that belong together are one sample. PyTorch is not needed."""

from __future__ import annotations

import pytest

from radops.errors import UsageError
from radops.integrations.torch.groups import Grouping, stem


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/1.jpg", "a/1"),
        ("a/1.seg.png", "a/1"),
        ("a.b/1.jpg", "a.b/1"),
        ("a.b/c", "a.b/c"),
        ("1.jpg", "1"),
        (".hidden", ".hidden"),
        ("a/.hidden.txt", "a/.hidden"),
        ("1", "1"),
    ],
)
def test_a_stem_is_a_path_without_extensions(path: str, expected: str) -> None:
    assert stem(path) == expected


def test_files_of_one_stem_are_one_sample() -> None:
    paths = ["a/1.cls", "a/1.jpg", "a/10.cls", "a/2.jpg", "b/1.cls", "b/1.seg.png"]
    grouping = Grouping("stem", paths)
    assert list(grouping.starts) == [0, 2, 3, 4, 6]
    assert len(grouping) == 4
    assert grouping.sample(paths[4:], [b"1", b"2"]) == ("b/1", {"cls": b"1", "seg.png": b"2"})
    assert grouping.sample(["x/y"], [b"3"]) == ("x/y", {"": b"3"})


def test_a_function_says_what_belongs_together() -> None:
    paths = ["a/1.jpg", "a/2.jpg", "b/1.jpg"]
    grouping = Grouping(lambda path: path[0], paths)
    assert list(grouping.starts) == [0, 2, 3]
    assert grouping.sample(paths[:2], [b"1", b"2"]) == ("a", {"a/1.jpg": b"1", "a/2.jpg": b"2"})
    # What an order depends on are the groups, not how the function is written.
    assert grouping.identity == Grouping(lambda path: path.split("/")[0], paths).identity
    assert grouping.identity != Grouping(lambda path: path, paths).identity


@pytest.mark.parametrize(
    "paths",
    [["a/1.cls", "a/1.d/2.png", "a/1.jpg"], ["a/1", "a/1 b.jpg", "a/1.cls"]],
    ids=["a folder between", "a name between"],
)
def test_files_of_a_sample_that_are_not_neighbours_are_refused(paths: list[str]) -> None:
    assert paths == sorted(paths)
    with pytest.raises(UsageError, match=r"sample a/1 are not neighbours: a/1\."):
        Grouping("stem", paths)


def test_another_rule_is_refused() -> None:
    with pytest.raises(UsageError, match="group='folder'"):
        Grouping("folder", [])  # type: ignore[arg-type]
