"""File systems of fsspec on a lake in a bucket, beside those on plain objects and on DVC.

Lines with `latency` reach the server by a proxy that delays each answer, and counts. See `work` for
the variables; `$S3` and `$BUCKET` are as in `work_s3`.
"""

from __future__ import annotations

from dataclasses import replace

from speed.work_s3 import REMOTE
from speed.workload import RADOPS, Entry, Target, Workload

LATE = 0.02
"""Seconds by which answers of the server are late where that is measured."""

LAKE = RADOPS + REMOTE
PUBLISHED = f"{LAKE}RADOPS_OFFLINE=1 radops datalake add -q $DATA set/v1 >/dev/null && radops datalake sync -q"
"""Puts the folder into a lake in the bucket, as the directory `set/v1`."""
FORGET = "rm -rf $W/home-*"
"""Removes what another machine has of the lake."""

_SMALL = "tables-python $PROGRAMS/small_files.py"
_UP = (
    f"{_SMALL} list >$W/names && cd $DATA && "
    "while read f; do echo \"cp '$f' 's3://$BUCKET/up/$f'\"; done <$W/names >$W/copies && "
    "s5cmd --endpoint-url $S3 run $W/copies >/dev/null"
)


def with_and_without_delays(*entries: Entry) -> tuple[Entry, ...]:
    """Return all contestants, and then all once more with answers that are late.

    What is prepared serves all rounds of both.
    """
    kept = [replace(one, keep=True) for one in entries]
    return (
        *kept,
        *(replace(one, name=f"{one.name}, +20 ms", latency=LATE) for one in kept),
    )


def _reads(
    name: str, title: str, data: str | None, entries: tuple[Entry, ...], budget: float, note: str
) -> Workload:
    """Return a workload that reads a bucket, by fsspec within one process."""
    return Workload(
        name,
        "integrations",
        f"{title}, from a bucket",
        data,
        with_and_without_delays(*entries),
        budget,
        rounds=2,
        server=True,
        inside=True,
        needs=("s5cmd",),
        note=f"{note} Within one process; a machine that has nothing of the lake. `+20 ms`: each "
        "answer of the server is late by so much.",
    )


_SMALL_FILES = _reads(
    "small-reads",
    "Read one in ten of 100,000 small files at random",
    "small",
    (
        Entry("radops", f"{LAKE}{_SMALL} radops", PUBLISHED, "pyarrow", reset=FORGET),
        Entry("s3fs", f"{_SMALL} s3fs", _UP, "s3fs"),
    ),
    110,
    "By `cat` of the file system, given all paths.",
)


def _columns(files: int, megabytes: int) -> Workload:
    run = f"tables-python $PROGRAMS/columns.py %s {files} {megabytes}"
    made = run % "make"
    up = f"{made} && s5cmd --endpoint-url $S3 cp $W/tables/ s3://$BUCKET/up/ >/dev/null"
    added = (
        f"{made} && {LAKE}RADOPS_OFFLINE=1 radops datalake add -q --move $W/tables set/v1 >/dev/null"
        " && radops datalake sync -q"
    )
    return _reads(
        "parquet-column",
        f"Read 1 of 20 columns of {files} Parquet files of {megabytes} MB",
        None,
        (
            Entry("radops", f"{LAKE}{run % 'radops'}", added, "pyarrow", reset=FORGET),
            Entry("s3fs", run % "s3fs", up, "s3fs"),
            Entry("s3fs, no cache", run % "s3fs-none", up, "s3fs"),
            Entry("s3fs, open_parquet_file", run % "s3fs-parquet", up, "s3fs"),
        ),
        120,
        "By pyarrow. radops verifies blocks of 1 MiB.",
    )


_COLUMNS = _columns(3, 200)

_NAMES = "tables-python $PROGRAMS/list_names.py"
_ADDED = "radops datalake add -q $DATA set/v1 >/dev/null"

_LISTED = Workload(
    "list-names",
    "integrations",
    "List a million names in one folder of a directory",
    "million",
    (
        *(
            Entry(
                f"radops, {what}",
                f"{RADOPS}{_NAMES} {kind}",
                f"{RADOPS}{_ADDED}",
                "pyarrow",
                keep=True,
                patience=2,
            )
            for what, kind in (("find", "find"), ("find with details", "detail"), ("ls", "ls"))
        ),
        Entry(
            "DVCFileSystem, find",
            "dvc-python $PROGRAMS/list_names.py dvc",
            "mkdir $W/repo && cd $W/repo && git init -q . && dvc init -q && "
            "dvc config core.analytics false && cp -r $DATA data && dvc add -q data",
            "dvc",
            keep=True,
            sample="some",
        ),
    ),
    130,
    rounds=3,
    inside=True,
    note="By fsspec, within one process. The lake and the repository are on this machine.",
)

WORKLOADS = (_SMALL_FILES, _COLUMNS, _LISTED)

TARGETS = (
    Target("10,000 of 100,000 small files", "small-reads", "radops", "s3fs", 0.2),
    Target(
        "10,000 small files, answers 20 ms late",
        "small-reads",
        "radops, +20 ms",
        "s3fs, +20 ms",
        0.2,
    ),
    Target(
        "1 of 20 columns",
        "parquet-column",
        "radops",
        "s3fs|s3fs, no cache|s3fs, open_parquet_file",
        1.1,
    ),
    Target(
        "1 of 20 columns, answers 20 ms late",
        "parquet-column",
        "radops, +20 ms",
        "s3fs, +20 ms|s3fs, no cache, +20 ms|s3fs, open_parquet_file, +20 ms",
        1.1,
    ),
    Target(
        "bytes for 1 of 20 columns",
        "parquet-column",
        "radops, +20 ms",
        "s3fs, +20 ms|s3fs, no cache, +20 ms|s3fs, open_parquet_file, +20 ms",
        1.5,
        kind="bytes",
    ),
    Target("list a million names", "list-names", "radops, find", "", 2.0, kind="seconds"),
    Target("list them with ls", "list-names", "radops, ls", "", 2.0, kind="seconds"),
    Target("list names, each", "list-names", "radops, find", "DVCFileSystem, find", 0.05),
)
