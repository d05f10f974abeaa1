"""What `info` shows, letter by letter, at several widths."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from radops.cli.datalake.info_json import document
from radops.cli.datalake.info_text import show
from radops.data_lake.reports import CallInfo, CodeInfo, FileInfo, InputInfo, OutputInfo
from radops.model.digest import Digest

GOLDEN = Path(__file__).parent / "golden"
DIGEST = Digest.of(b"this is some data\n")
CODE = CodeInfo(
    url="https://github.com/striveworks/radops/blob/77f7ac6a3652a1db5725b1c980169fab1e2944b8/pipeline.py#L5",
    note=None,
    source="def process(f):\n    ...\n",
    fingerprint=DIGEST,
    commit="77f7ac6a3652a1db5725b1c980169fab1e2944b8",
    remote="https://github.com/striveworks/radops",
    path="pipeline.py",
    line=5,
    dirty=False,
)
CALL = CallInfo(
    key=DIGEST,
    function="__main__.process",
    module="radops:pipeline",
    name="process",
    version=None,
    package_version=None,
    params={},
    inputs=[InputInfo("f", "name_in_datalake.txt", DIGEST, DIGEST)],
    reads=[],
    outputs=[OutputInfo("processed_file.txt", DIGEST, 33)],
    code=CODE,
    environment={"python": "3.11.7", "platform": "linux", "distributions": {"radops": "0.1.0"}},
    started_at="2026-11-22T12:00:00Z",
    seconds=0.0123,
)
PAGE = FileInfo(
    uid="processed_file.txt",
    digest=DIGEST,
    size=33,
    name="processed_file.txt",
    created_at="2026-11-22T12:00:00Z",
    originator="user@striveworks.com",
    radops_version="0.1.0",
    record=DIGEST,
    local=True,
    source=None,
    call=CALL,
)
TRAIN = replace(
    PAGE,
    uid="models/2026/resnet50.pt",
    originator="ada@example.com",
    size=102_760_448,
    local=False,
    call=replace(
        CALL,
        function="train.fit",
        params={"rate": 0.001, "layers": [64, 64, 10], "text": "it's a 'test'", "note": "n" * 400},
        inputs=[
            InputInfo("images", f"datasets/images/part-{i:05}.parquet", DIGEST, DIGEST)
            for i in range(30)
        ],
        reads=[InputInfo("", "datasets/labels.csv", DIGEST, DIGEST)],
        outputs=[
            OutputInfo("models/2026/resnet50.pt", DIGEST, 5),
            OutputInfo("models/2026/resnet50.metrics.json", DIGEST, 5),
        ],
        code=replace(CODE, note="the commit was not pushed; the work tree had changes"),
        seconds=3723.5,
    ),
)
ADDED = replace(PAGE, uid="name_in_datalake.txt", source="myfile.txt", call=None, size=18)
ALONE = replace(
    PAGE,
    call=replace(
        CALL, inputs=[], code=replace(CODE, url=None, note="the folder is not in a git repository")
    ),
)
KEYS = [Digest.of(name).hex for name in (b"in", b"out")]
SPLIT = replace(
    PAGE,
    uid=f".generated_uids/{KEYS[1]}_1.parquet",
    originator="ada@example.com",
    call=replace(
        CALL,
        function="pipeline.split",
        inputs=[InputInfo("f", f".generated_uids/{KEYS[0]}_0.parquet", DIGEST, DIGEST)],
        outputs=[
            OutputInfo(f".generated_uids/{KEYS[1]}_{i}.parquet", DIGEST, 5, place)
            for i, place in enumerate(["train", "test", "val"])
        ],
        code=replace(CODE, url=None, path=None, note="its file was in no git repository"),
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


def test_the_document_has_all_of_it():
    found = document(TRAIN)
    assert found["digest"] == DIGEST.hex
    assert len(found["call"]["inputs"]) == 30
    assert found["call"]["params"]["rate"] == 0.001
    assert found["call"]["code"]["line"] == 5
    assert document(ADDED)["call"] is None
    places = [output["place"] for output in document(SPLIT)["call"]["outputs"]]
    assert places == ["train", "test", "val"]
    assert document(SPLIT)["uid"] == SPLIT.uid
    assert list(found) == [
        "uid", "digest", "size", "name", "created_at", "originator", "radops_version", "record",
        "local", "source", "call",
    ]  # fmt: skip


def test_a_long_parameter_is_broken_before_the_boxes_are_stacked():
    call = replace(CALL, params={"text": "a long text " * 12})
    lines = shown(replace(PAGE, call=call), 140).splitlines()
    assert lines[1].count("│") == 6
    assert max(map(len, lines[:8])) <= 140
    assert lines[2].count("->") == 2
