"""Directories of a million files and of ten million, beside a small one and beside `cp`.

It takes long, so it is run when it is asked for: `make bench ONLY=scale`. See `work` for the variables;
`$FILES` is how many files the workload has.
"""

from __future__ import annotations

from speed.workload import Entry, Target, Workload

_PROGRAMS = "python $PROGRAMS/scale_%s.py"
_ADD = "radops datalake add -q $DATA set/v1"
# A folder of the million is the small directory, so that listings of both have as many names.
_BOTH = f"{_ADD} >/dev/null && radops datalake add -q $DATA/d0000 few/v1 >/dev/null"

_ADDED = Workload(
    "scale-add",
    "scale",
    "Add a folder of a million files as one directory",
    "million-kib",
    (
        Entry("radops", _ADD, patience=4),
        Entry(
            "cp, then flush",
            "cp -r $DATA $W/copy && sync -f $W",
            peer="cp",
            limit=True,
            patience=4,
        ),
    ),
    200,
    rounds=2,
    alone=True,
    note="Both wait until the disk has it.",
)


_COUNT = "$(ls $DATA/d0000 | wc -l)"
_CALLS = " && ".join(
    f"{_PROGRAMS % 'look'} call {uid} - 0 >/dev/null" for uid in ("set/v1", "few/v1")
)


def _pair(shown: str, line: str, before: str = _BOTH) -> tuple[Entry, Entry]:
    """Return the same done to both directories."""
    many, few = (("set/v1", "set/v1/d0000/"), ("few/v1", "few/v1/"))
    return (
        Entry(f"{shown}, a million", line.format(*many), before, keep=True, patience=2),
        Entry(f"{shown}, a thousand", line.format(*few), before, keep=True, patience=2),
    )


_LOOKED = Workload(
    "scale-look",
    "scale",
    "Look at a directory of a million files, and at one of a thousand",
    "million-kib",
    (
        *_pair("radops ls of a folder", "radops datalake ls {1} >/dev/null"),
        *_pair("radops info", "radops datalake info {0} >/dev/null"),
    ),
    45,
    rounds=5,
    alone=True,
    compared=False,
    note="Both directories are on this machine; the folder that is listed has as many files in both.",
)

_INSIDE = Workload(
    "scale-call",
    "scale",
    "The same within a process, and a cached call with the directory as its argument",
    "million-kib",
    tuple(
        one
        for what, shown in (("ls", "ls of a folder"), ("info", "info"), ("call", "cached call"))
        for one in _pair(
            f"radops, {shown}",
            f"{_PROGRAMS % 'look'} {what} {{0}} {{1}} {_COUNT}",
            f"{_BOTH} && {_CALLS}",
        )
    ),
    45,
    rounds=3,
    alone=True,
    inside=True,
    compared=False,
    note="Each time in a session that has read nothing yet; the start of the process does not count.",
)

_PUBLISHED = f"RADOPS_OFFLINE=1 {_ADD} >/dev/null && radops datalake sync -q"

_READ = Workload(
    "scale-first",
    "scale",
    "Read one file of a directory of a million that is not on this machine",
    "million-kib",
    tuple(
        Entry(
            f"radops, {shown}",
            f"{_PROGRAMS % 'first'} {kind} set/v1",
            _PUBLISHED,
            keep=True,
            patience=2,
            latency=0.0,
        )
        for kind, shown in (
            ("first", "first file"),
            ("next", "first file, then the next one"),
            ("far", "first file, then the last one"),
        )
    ),
    90,
    rounds=5,
    alone=True,
    server=True,
    inside=True,
    compared=False,
    note="In a bucket on this machine, by a proxy that counts requests. Where two files are read, the time "
    "is that of the second; requests and bytes are those of both.",
)

_versions = _PROGRAMS % "versions"
VERSIONS = 3
_MAKE = f"{_versions} make set/v1 $FILES"
_NEXT = "radops datalake add -q $W/v%d set/v%d --update --base set/v1 >/dev/null"
_CHANGE = f"{_versions} change $W/v%d $FILES %d"
_ALL = " && ".join(
    [_MAKE] + [f"{_CHANGE % (n, n)} && {_NEXT % (n, n)}" for n in range(2, VERSIONS + 1)]
)

_MADE = Workload(
    "scale-make",
    "scale",
    "Make a directory of ten million files, as it comes from a bucket",
    "entries",
    (Entry("radops", _MAKE, patience=4),),
    60,
    rounds=1,
    alone=True,
    note="The files are made up and packed as they come; nothing is read from a disk or a network.",
)

_KEPT = Workload(
    "scale-versions",
    "scale",
    f"A lake of {VERSIONS} versions of a directory of ten million files",
    "entries",
    (
        Entry(
            "radops, next version",
            _NEXT % (99, 99),
            f"{_ALL} && {_CHANGE % (99, 99)}",
            keep=True,
            patience=2,
        ),
        Entry(
            "radops, diff of two versions",
            f"radops datalake diff --stat set/v1 set/v{VERSIONS} >/dev/null; test $? = 1",
            f"{_ALL} && {_CHANGE % (99, 99)}",
            keep=True,
            patience=2,
        ),
        Entry(
            "radops, gc",
            "radops datalake gc -q",
            f"{_ALL} && {_CHANGE % (99, 99)}",
            keep=True,
            patience=2,
        ),
    ),
    180,
    rounds=1,
    alone=True,
    compared=False,
    note="Between versions one file in ten thousand changes, here and there, so every part of the table of "
    "contents does; the next version is made with `add --update` of a folder with the changed files.",
)

WORKLOADS = (_LOOKED, _INSIDE, _ADDED, _READ, _MADE, _KEPT)

TARGETS = (
    *(
        Target(
            f"{shown}, a million files to a thousand",
            workload,
            f"radops{shown_there}, a million",
            f"radops{shown_there}, a thousand",
            2.0,
        )
        for shown, workload, shown_there in (
            ("ls of a folder", "scale-look", " ls of a folder"),
            ("info", "scale-look", " info"),
            ("cached call", "scale-call", ", cached call"),
        )
    ),
    Target("add a directory, 1,000,000 x 1 KiB", "scale-add", "radops", "cp, then flush", 1.0),
    Target("memory of that", "scale-add", "radops", "", 400, kind="memory"),
    Target(
        "first file of a million elsewhere",
        "scale-first",
        "radops, first file",
        "",
        0.3,
        kind="seconds",
    ),
    Target("requests for it", "scale-first", "radops, first file", "", 6, kind="requests"),
    Target(
        "requests for the next one",
        "scale-first",
        "radops, first file, then the next one",
        "radops, first file",
        1,
        kind="requests",
    ),
    Target("memory of making ten million", "scale-make", "radops", "", 1500, kind="memory"),
)
