"""How `ls` lays out names, from hand-made listings."""

from __future__ import annotations

import re

import pytest

from radops.cli.datalake.listing import columns, long
from radops.format.digest import Digest
from radops.lake.reports import Listing

STYLES = re.compile(r"\x1b\[\d+m")
DIGEST = Digest.of(b"x")
BOTH = Listing("both.txt", local=True, remote=True, size=1, created_at="2026-11-22T12:34:56Z")
REMOTE = Listing("remote.txt", local=False, remote=True, size=5 << 30, originator="a@example.com")
LOCAL = Listing("local.txt", local=True, remote=False, digest=DIGEST)
PENDING = Listing("pending.txt", local=True, remote=False, pending=True)
FOLDER = Listing("datasets/", local=True, remote=True)


@pytest.fixture
def styled(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def names(*uids: str) -> list[Listing]:
    return [Listing(uid, local=True, remote=False) for uid in uids]


def test_bold_is_also_here_italic_is_only_there_and_plain_is_only_here(styled):
    lines = list(columns([BOTH, REMOTE, LOCAL, PENDING], width=1))
    assert lines == [
        "\x1b[1mboth.txt\x1b[0m",
        "\x1b[3mremote.txt\x1b[0m",
        "local.txt",
        "pending.txt",
    ]


def test_no_color_keeps_what_carries_meaning(styled, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert list(columns([REMOTE], width=80)) == ["\x1b[3mremote.txt\x1b[0m"]


def test_columns_run_downwards():
    assert list(columns(names("a", "b", "c", "d", "e"), width=8)) == ["a  c  e", "b  d"]


def test_columns_use_the_width_and_no_more():
    listings = names(*(f"file-{i:03}{'x' * (i % 7)}" for i in range(100)))
    for width in (10, 20, 40, 80, 120, 500):
        lines = list(columns(listings, width=width))
        assert max(map(len, lines)) <= max(width, 14)
        assert sorted(" ".join(lines).split()) == sorted(entry.uid for entry in listings)
    assert len(list(columns(listings, width=80))) <= 20


def test_wide_letters_count_twice():
    assert list(columns(names("犬", "b", "c", "d"), width=8)) == ["犬  c", "b   d"]


def test_a_name_wider_than_the_terminal_stands_alone():
    assert list(columns(names("x" * 100, "b"), width=20)) == ["x" * 100, "b"]


def test_an_empty_lake_is_no_line():
    assert list(columns([], width=80)) == []
    assert list(long([])) == []


def test_long_lines_are_aligned():
    assert list(long([FOLDER, BOTH, REMOTE, LOCAL, PENDING])) == [
        "both           -  -                 -              " + "-".ljust(64) + "  datasets/",
        "both         1 B  2026-11-22 12:34  -              " + "-".ljust(64) + "  both.txt",
        "remote   5.0 GiB  -                 a@example.com  " + "-".ljust(64) + "  remote.txt",
        f"local          -  -                 -              {DIGEST}  local.txt",
        "pending        -  -                 -              " + "-".ljust(64) + "  pending.txt",
    ]


def test_a_hundred_thousand_names_are_laid_out_at_once():
    listings = names(*(f"folder/file-{i:06}.parquet" for i in range(100_000)))
    assert sum(1 for _ in columns(listings, width=120)) == 25_000
