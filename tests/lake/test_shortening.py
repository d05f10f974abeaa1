"""Names that radops made, on terminals: short where they would not fit, whole elsewhere."""

from __future__ import annotations

import contextlib
import fcntl
import io
import logging
import os
import pty
import struct
import sys
import termios
from typing import TYPE_CHECKING, TextIO

import pytest

from radops.lake import messages, shortening

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "c5161ffbb3652b2cbf4193f4acd1622149e578f7519a7f2b2ab3e0b1c8414172"
NAME = f".generated_uids/{KEY}_0.parquet"
SHORT = ".generated_uids/c5161ffbb365..._0.parquet"


@contextlib.contextmanager
def terminal(columns: int) -> Iterator[tuple[TextIO, int]]:
    """Give a terminal to write to, and the other side of it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with os.fdopen(slave, "w") as stream:
        yield stream, master
    os.close(master)


def test_the_key_is_cut_and_the_rest_of_the_line_stays():
    assert shortening.shortened(f"└── {NAME}  <- f(x={NAME})") == f"└── {SHORT}  <- f(x={SHORT})"


def test_a_name_whose_end_is_missing_is_cut_too():
    assert shortening.shortened(f"{NAME[:50]}…") == ".generated_uids/c5161ffbb365...…"


@pytest.mark.parametrize("name", ["a.csv", f"runs/{KEY}", ".generated_uids/readme", KEY])
def test_other_names_stay_whole(name):
    assert shortening.shortened(name) == name


def test_lines_that_fit_the_terminal_stay_whole():
    with terminal(len(NAME)) as (stream, _):
        assert shortening.fitted(["a", NAME], stream) == ["a", NAME]


def test_one_line_that_does_not_fit_shortens_all():
    with terminal(len(NAME)) as (stream, _):
        assert shortening.fitted([NAME, f"  {NAME}"], stream) == [SHORT, f"  {SHORT}"]


def test_what_is_no_terminal_gets_names_whole(tmp_path):
    closed = (tmp_path / "closed").open("w")
    closed.close()
    with (tmp_path / "file").open("w") as file:
        for stream in (file, closed, io.StringIO(), None):
            assert shortening.fitted([NAME * 9], stream) == [NAME * 9]


def test_a_skipped_call_is_told_of_in_few_words(monkeypatch):
    for logger in (logging.getLogger(), logging.getLogger("radops")):
        monkeypatch.setattr(logger, "handlers", [])
    messages.install()
    with terminal(80) as (stream, master):
        monkeypatch.setattr(sys, "stderr", stream)
        messages.skipped("pipeline.split", [f".generated_uids/{KEY}_{i}" for i in range(4)])
        stream.flush()
        line = os.read(master, 1 << 16).decode().rstrip()
    assert line == (
        "radops: skipping pipeline.split: .generated_uids/c5161ffbb365..._0 and 3 more are"
        " already in the lake"
    )


def test_names_that_people_chose_are_told_of_by_threes(caplog):
    with caplog.at_level("INFO", logger="radops"):
        messages.skipped("pipeline.split", [f"{name}.csv" for name in "abcde"])
        messages.skipped("pipeline.one", [NAME])
    assert caplog.messages == [
        "skipping pipeline.split: a.csv, b.csv, c.csv and 2 more are already in the lake",
        f"skipping pipeline.one: {NAME} is already in the lake",
    ]
