"""How `info` looks on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cli.infos import ADDED, CALL, CODE, DIGEST, PAGE, SPLIT, TRAIN
from radops.cli.datalake.info_text import show
from radops.lake.reports import FileInfo, OutputInfo

GOLDEN = Path(__file__).parent / "golden"


ALONE = replace(
    PAGE,
    call=replace(
        CALL, inputs=[], code=replace(CODE, url=None, note="the folder is not in a git repository")
    ),
)


def shown(info: FileInfo, width: int, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    show(info, Console(file=stream, width=width, highlight=False, markup=False, emoji=False))
    stream.flush()
    return "".join(line.rstrip() + "\n" for line in raw.getvalue().decode(encoding).splitlines())


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["page", "train", "added", "alone", "split"])
def test_info_looks_like_this(name, width):
    info = {"page": PAGE, "train": TRAIN, "added": ADDED, "alone": ALONE, "split": SPLIT}[name]
    assert shown(info, width) == (GOLDEN / f"info-{name}-{width}.txt").read_text()


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
@pytest.mark.parametrize("info", [PAGE, TRAIN, ADDED, ALONE, SPLIT])
def test_boxes_are_never_wider_than_the_terminal(info, width):
    boxes = [line for line in shown(info, width).splitlines() if line[:1] in "╭│╰ "]
    assert max(map(len, boxes)) <= width


def test_names_are_never_lost_in_a_narrow_terminal():
    inside = [line.strip("│ ") for line in shown(TRAIN, 40).splitlines() if line.startswith("│")]
    assert "models/2026/resnet50.metrics.json" in "".join(inside)


def test_generated_names_are_cut_only_where_they_would_not_fit():
    for uid in (SPLIT.uid, SPLIT.call.inputs[0].uid):
        assert uid not in shown(SPLIT, 80)
        assert uid in shown(SPLIT, 130)
        assert uid in shown(SPLIT, 1 << 16)


def test_the_file_that_was_asked_for_stands_first():
    text = shown(SPLIT, 1 << 16)
    assert text.index(SPLIT.uid) < text.index(SPLIT.uid.replace("_1", "_0"))
    assert text.index("(as 'test')") < text.index("(as 'train')") < text.index("(as 'val')")


def test_a_list_stands_in_the_order_in_which_it_was_returned():
    outputs = [OutputInfo(f"{i}.csv", DIGEST, 5, i) for i in (0, 10, 2)]
    text = shown(replace(PAGE, uid="10.csv", call=replace(CALL, outputs=outputs)), 200)
    assert text.index("10.csv") < text.index(" 0.csv") < text.index(" 2.csv")


def test_links_stay_whole():
    assert CODE.url in shown(PAGE, 40)


def test_a_terminal_without_unicode_gets_plain_boxes():
    text = shown(PAGE, 80, "ascii")
    assert "+--" in text
    assert "name_in_datalake.txt" in text


def test_nothing_in_a_record_is_taken_for_markup_or_steers_the_terminal():
    call = replace(CALL, params={"[red]": "[bold]x[/bold]", "esc": "\x1b[31m"})
    text = shown(replace(PAGE, originator=":smile: \x1b]0;x\x07", call=call), 120)
    assert "[bold]x[/bold]" in text
    assert "[red]" in text
    assert ":smile:" in text
    assert "\x1b" not in text


def test_a_long_parameter_is_broken_before_the_boxes_are_stacked():
    call = replace(CALL, params={"text": "a long text " * 12})
    lines = shown(replace(PAGE, call=call), 140).splitlines()
    assert lines[1].count("│") == 6
    assert max(map(len, lines[:8])) <= 140
    assert lines[2].count("->") == 2
