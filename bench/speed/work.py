"""What is measured: each workload with the command lines of radops and of its peers.

In every line `$DATA` is the folder of the files and `$W` a fresh folder of the run. What comes
before the measured line prepares it and is not measured. Workloads with an S3 server are in
`work_s3`, those of the pages in `work_ui`.
"""

from __future__ import annotations

from speed import (
    work_directories,
    work_integrations,
    work_s3,
    work_scale,
    work_streaming,
    work_ui,
)
from speed.workload import RADOPS, Entry, Target, Workload


def _radops(name: str, command: str, before: str = "", *, keep: bool = False) -> Entry:
    return Entry(name, f"radops datalake {command}", before, keep=keep)


_FILE = "$DATA/f000000.bin"
_GIT = "mkdir $W/repo && cd $W/repo && git init -q . && "
_DVC = _GIT + "dvc init -q && dvc config core.analytics false && "
_ANNEX = _GIT + "git annex init -q x >/dev/null && "
_RESTIC = "restic init -q -r $W/restic"


def _add(shape: str, title: str, budget: float, rounds: int) -> Workload:
    one = shape == "big"
    many = shape == "small"
    source = _FILE if one else "$DATA"
    ours = f"add {_FILE} big.bin" if one else "add -q --each $DATA data/"
    return Workload(
        f"add-{shape}",
        "add",
        f"Add by copy, {title}",
        shape,
        (
            _radops("radops", ours),
            Entry("cp", f"cp -r {source} $W/copy", peer="cp", limit=True),
            Entry("cp, then flush", f"cp -r {source} $W/copy && sync -f $W", peer="cp", limit=True),
            Entry(
                "DVC",
                "cd $W/repo && dvc add -q data",
                _DVC + f"{'mkdir data && ' if one else ''}cp -r {source} data",
                "dvc",
                sample="some" if many else None,
            ),
            Entry("restic", f"restic backup -q -r $W/restic {source}", _RESTIC, "restic"),
            Entry(
                "git-annex",
                "cd $W/repo && git annex add -q data",
                _ANNEX + f"{'mkdir data && ' if one else ''}cp -r {source} data",
                "git-annex",
                sample="few" if many else None,
            ),
        ),
        budget,
        rounds=rounds,
        note="radops, restic and `sync -f` wait until the disk has it; cp, DVC and git-annex do not.",
    )


def _verify(shape: str, title: str, budget: float, rounds: int, *, cold: bool = False) -> Workload:
    one = shape == "big"
    source = _FILE if one else "$DATA"
    sums = f"b3sum {_FILE}" if one else "xargs -a $W/list b3sum"
    listed = "" if one else "find $DATA -type f >$W/list"
    ours = (
        f"radops datalake add -q {_FILE} big.bin"
        if one
        else "radops datalake add -q --each $DATA d/"
    ) + " >/dev/null && sleep 0.2 && radops datalake verify -q"
    return Workload(
        f"verify-{shape}",
        "verify",
        f"Verify, {title}",
        shape,
        (
            _radops("radops, full", "verify -q", ours, keep=True),
            Entry("b3sum", sums + " >/dev/null", listed, "b3sum", keep=True, limit=True),
            _radops("radops, quick", "verify -q --quick", ours, keep=True),
            Entry(
                "cat",
                f"cat {_FILE} >/dev/null" if one else "xargs -a $W/list cat >/dev/null",
                listed,
                "cat",
                keep=True,
                limit=True,
            ),
            Entry(
                "md5sum",
                f"md5sum {_FILE} >/dev/null" if one else "xargs -a $W/list md5sum >/dev/null",
                listed,
                "md5sum",
                keep=True,
                limit=True,
            ),
            Entry(
                "restic check",
                "restic check -q --read-data -r $W/restic",
                f"{_RESTIC} && restic backup -q -r $W/restic {source}",
                "restic",
                keep=True,
            ),
            Entry(
                "git-annex fsck",
                "cd $W/repo && git annex fsck -q",
                _ANNEX + f"cp -r {source} data && git annex add -q data && git commit -q -m x",
                "git-annex",
                keep=True,
                sample="few" if shape == "small" else None,
            ),
        ),
        budget,
        rounds=rounds,
        cold=cold,
        note="DVC has no command that reads bytes again to compare them.",
    )


_START = Workload(
    "start",
    "start",
    "Start of the command line",
    None,
    (
        Entry("radops", "radops --version", keep=True),
        Entry("python, import typer", "python -c 'import typer'", keep=True, limit=True),
        Entry("b3sum", "b3sum --version", peer="b3sum", keep=True, limit=True),
        Entry("DVC", "dvc --version", peer="dvc", keep=True),
        Entry("redun", "redun --version", peer="redun", keep=True),
        Entry("aws", "aws --version", peer="aws", keep=True),
        Entry("restic", "restic version", peer="restic", keep=True),
        Entry("git-annex", "git-annex version", peer="git-annex", keep=True),
        Entry("radops 0.12", "radops-0.12 --version", peer="radops-0.12", keep=True),
    ),
    40,
    rounds=11,
)


def _move(shape: str, title: str, budget: float) -> Workload:
    one = shape == "big"
    source = _FILE if one else "$DATA"
    ours = "add --move $W/files big.bin" if one else "add -q --each --move $W/files data/"
    return Workload(
        f"move-{shape}",
        "add",
        f"Add by move, {title}, on one file system",
        shape,
        (
            _radops("radops", ours, f"cp -r {source} $W/files"),
            Entry(
                "b3sum",
                f"b3sum {_FILE} >/dev/null" if one else "xargs -a $W/list b3sum >/dev/null",
                "" if one else "find $DATA -type f >$W/list",
                "b3sum",
                keep=True,
                limit=True,
            ),
        ),
        budget,
        note="What is moved has to be hashed: `b3sum` shows what that costs.",
    )


_LIST = Workload(
    "list",
    "list",
    "List and look up, many small files in the lake",
    "small",
    (
        _radops(
            "radops ls -r",
            "ls -r",
            "radops datalake add -q --each $DATA data/ >/dev/null",
            keep=True,
        ),
        _radops(
            "radops info",
            "info data/d0000/f000000.bin",
            "radops datalake add -q --each $DATA data/ >/dev/null",
            keep=True,
        ),
        Entry("find", "find $DATA -type f", peer="find", keep=True, limit=True),
        Entry(
            "restic ls",
            "restic ls -q -r $W/restic latest",
            f"{_RESTIC} && restic backup -q -r $W/restic $DATA",
            "restic",
            keep=True,
        ),
        Entry(
            "dvc ls",
            "cd $W/repo && dvc ls -R . ",
            _DVC + "cp -r $DATA data && dvc add -q data && git add -A . && git commit -q -m x",
            "dvc",
            keep=True,
            sample="some",
        ),
    ),
    50,
    rounds=5,
)

_HERE = "$PROGRAMS"
_CALLS = tuple(
    Workload(
        f"call-{kind}",
        "call",
        title,
        None,
        (
            Entry("radops", f"python {_HERE}/calls_radops.py {kind}"),
            *others,
        ),
        20,
        rounds=5,
        inside=True,
        server=kind == "remote",
        note=note,
    )
    for kind, title, others, note in (
        (
            "hit",
            "Cached call, found on this machine",
            (
                Entry("joblib.Memory", f"python {_HERE}/calls_joblib.py hit"),
                Entry("redun", f"redun-python {_HERE}/calls_redun.py hit", peer="redun"),
            ),
            "Within one process; the functions do nothing.",
        ),
        (
            "miss",
            "Call of an empty function that was never made",
            (
                Entry("joblib.Memory", f"python {_HERE}/calls_joblib.py miss"),
                Entry("redun", f"redun-python {_HERE}/calls_redun.py miss", peer="redun"),
            ),
            "radops waits until the result and its lineage are on disk; the others do not.",
        ),
        (
            "remote",
            "Cached call, found in the bucket by a machine that has nothing yet",
            (),
            "The name of the result and its record are asked of the server; no peer shares calls.",
        ),
    )
)

WORKLOADS = {
    one.name: one
    for one in (
        _START,
        _verify("big", "one large file", 80, 5, cold=True),
        _verify("medium", "1,000 files of 1 MiB", 50, 5, cold=True),
        _verify("small", "100,000 files of 4 KiB", 90, 3),
        _add("big", "one large file", 75, 3),
        _move("big", "one large file", 20),
        _add("medium", "1,000 files of 1 MiB", 60, 5),
        _move("medium", "1,000 files of 1 MiB", 15),
        _add("small", "100,000 files of 4 KiB, each its own UID", 150, 3),
        _LIST,
        *_CALLS,
        *work_directories.WORKLOADS,
        *work_scale.WORKLOADS,
        *work_s3.WORKLOADS,
        *work_ui.WORKLOADS,
        *work_integrations.WORKLOADS,
        *work_streaming.WORKLOADS,
    )
}

TARGETS = (
    Target("full verify, one large file", "verify-big", "radops, full", "b3sum", 1.6),
    Target(
        "full verify, one large file, beyond the start",
        "verify-big",
        "radops, full",
        "b3sum",
        1.1,
        True,
    ),
    Target("full verify, 1,000 x 1 MiB", "verify-medium", "radops, full", "b3sum", 2.0),
    Target(
        "full verify, 1,000 x 1 MiB, beyond the start",
        "verify-medium",
        "radops, full",
        "b3sum",
        1.2,
        True,
    ),
    Target("full verify, 100,000 x 4 KiB", "verify-small", "radops, full", "b3sum", 1.5),
    Target("add by copy, one large file", "add-big", "radops", "cp", 1.1),
    Target("add by copy, 1,000 x 1 MiB", "add-medium", "radops", "cp", 1.5),
    Target("add --each, 100,000 x 4 KiB", "add-small", "radops", "cp", 5.0),
    Target("add by move, one large file", "move-big", "radops", "b3sum", 1.3),
    Target("start", "start", "radops", "python, import typer", 1.8),
    Target("cached call, local hit", "call-hit", "radops", "joblib.Memory", 1.0),
    *work_directories.TARGETS,
    *work_scale.TARGETS,
    *work_s3.TARGETS,
    *work_ui.TARGETS,
    *work_integrations.TARGETS,
    *work_streaming.TARGETS,
)


def full_before(workload: Workload, entry: Entry) -> str:
    """Return the settings that every line of a contestant begins with."""
    text = ""
    if entry.peer is None:
        text += RADOPS
        if workload.server:
            text += work_s3.REMOTE
    if entry.peer == "radops-0.12" and workload.server:
        text += work_s3.OLD
    return text
