"""What the arguments of `add` mean, and what bad names get."""

from __future__ import annotations

import pytest

from radops.data_lake import decode_name


@pytest.fixture
def here(cli):
    for name in ("a.csv", "b.csv", "data/c.csv", "data/deep/d.csv"):
        path = cli.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return cli


def names(cli) -> list[str]:
    return cli.ok("datalake", "ls", "-r").lines


def test_two_matches_of_a_pattern_are_no_file_and_its_name(here):
    result = here("datalake", "add", "a.csv", "b.csv")
    assert result.code == 2
    assert "b.csv is a local file" in result.err
    assert "--force" in result.err
    assert names(here) == []
    here.ok("datalake", "add", "a.csv", "b.csv", "--force")
    assert here.ok("datalake", "cat", "b.csv").out == "a.csv"


def test_a_file_keeps_the_name_that_it_has(here):
    here.ok("datalake", "add", "data/c.csv", "data/c.csv")
    here.ok("datalake", "add", "./a.csv", "a.csv")
    assert names(here) == ["a.csv", "data/c.csv"]


def test_three_matches_need_a_folder(here):
    result = here("datalake", "add", "a.csv", "b.csv", "data/c.csv")
    assert result.code == 2
    assert "does not end in '/'" in result.err
    assert names(here) == []


@pytest.mark.parametrize("sources", [["a.csv"], ["a.csv", "b.csv", "data/c.csv"]])
def test_files_go_into_a_folder(here, sources):
    result = here.ok("datalake", "add", *sources, "sets/")
    wanted = [f"sets/{name.rpartition('/')[2]}" for name in sources]
    assert result.lines == wanted
    assert names(here) == wanted


def test_folders_and_files_together(here):
    here.ok("datalake", "add", "--each", "data", "a.csv", "sets/")
    assert names(here) == ["sets/a.csv", "sets/data/c.csv", "sets/data/deep/d.csv"]


def test_two_folders_of_a_pattern_are_no_folder_and_its_name(here):
    (here.folder / "more").mkdir()
    (here.folder / "more" / "e.csv").write_text("e")
    result = here("datalake", "add", "--each", "data/", "more/")
    assert result.code == 2
    assert "local folder" in result.err
    here.ok("datalake", "add", "--each", "data", "data")
    assert names(here) == ["data/c.csv", "data/deep/d.csv"]


def test_two_sources_of_one_name(here):
    (here.folder / "data" / "a.csv").write_text("other")
    result = here("datalake", "add", "a.csv", "data/a.csv", "sets/")
    assert result.code == 2
    assert "sets/a.csv" in result.err
    assert names(here) == []


BAD = ("12:30.csv", "12:45.csv", "logo@2x.png", "what?.txt", "x.radops")


@pytest.fixture
def bad(here):
    for name in BAD:
        (here.folder / "data" / name).write_text(name)
    return here


def test_all_bad_names_are_listed_at_once_by_what_is_wrong(bad):
    result = bad("datalake", "add", "--each", "data", "sets")
    assert result.code == 2
    first, *groups, hint = result.err.splitlines()
    assert first.startswith("error: 5 names cannot be UIDs")
    colons = next(line for line in groups if "':'" in line)
    assert "'sets/12:30.csv', 'sets/12:45.csv'" in colons
    assert len(groups) == 4
    assert "--encode-names" in hint
    assert names(bad) == []


def test_one_bad_name_is_said_with_the_way_out(bad):
    result = bad("datalake", "add", "data/12:30.csv")
    assert result.code == 2
    assert "--encode-names" in result.err


def test_bad_names_can_be_encoded_and_restored(bad):
    result = bad.ok("datalake", "add", "--each", "data", "sets", "--encode-names")
    assert "sets/12%3A30.csv" in result.lines
    assert {decode_name(uid).removeprefix("sets/") for uid in result.lines} == {
        *BAD,
        "c.csv",
        "deep/d.csv",
    }
    assert bad.ok("datalake", "cat", "sets/logo%402x.png").out == "logo@2x.png"
    assert bad.ok("datalake", "add", "data/12:30.csv", "--encode-names").lines == ["12%3A30.csv"]


def test_a_source_that_is_left_is_said(here):
    """What is written to while it is moved is left, and the command succeeds with a warning."""
    path = here.folder / "a.csv"
    with path.open("ab"):
        result = here("datalake", "add", "a.csv", "--move")
    assert result.code == 8
    assert "open for writing" in result.err
    assert path.read_text() == "a.csv"
