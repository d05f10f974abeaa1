"""What is measured: each workload with the command lines of radops and of its peers.

In every line `$DATA` is the folder of the files, `$W` a fresh folder of the run, and `$S3` the
address of the server. What stands before the measured line prepares it and is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

_RADOPS = "export RADOPS_HOME=$W/home; "


@dataclass(frozen=True)
class Entry:
    """One contestant of a workload."""

    name: str
    """How it is called in the table."""
    line: str
    """What is measured."""
    before: str = ""
    """What prepares it."""
    peer: str | None = None
    """The program that must be had; None for radops itself."""
    keep: bool = False
    """Whether the line changes nothing, so that one preparation serves all rounds."""
    reset: str = ""
    """What undoes the line before it is measured again; with `keep`."""
    limit: bool = False
    """Whether it is no tool of the same kind, but what the machine can do at most."""
    sample: str | None = None
    """The shape of the fewer files that it is given, as it is too slow for all; said so."""


@dataclass(frozen=True)
class Workload:
    """Something to be done, by radops and by others."""

    name: str
    group: str
    title: str
    data: str | None
    """The shape of its files."""
    entries: tuple[Entry, ...]
    budget: float
    """Seconds that all of it may take, with what prepares it, on two quiet cores."""
    rounds: int = 5
    cold: bool = False
    """Whether it is also measured with nothing in the page cache."""
    server: bool = False
    """Whether it needs the S3 server."""
    inside: bool = False
    """Whether the lines measure themselves, within the process, and print seconds as JSON."""
    note: str = ""


@dataclass(frozen=True)
class Target:
    """A ratio that is to be reached."""

    text: str
    workload: str
    ours: str
    theirs: str
    reach: float
    beyond_start: bool = False
    """Whether both are taken without the start of the process."""


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
    ours = f"add {_FILE} big.bin" if one else "add -q -r $DATA data/"
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
        f"radops datalake add -q {_FILE} big.bin" if one else "radops datalake add -q -r $DATA d/"
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
    ours = "add --move $W/files big.bin" if one else "add -q -r --move $W/files data/"
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
            "radops ls -r", "ls -r", "radops datalake add -q -r $DATA data/ >/dev/null", keep=True
        ),
        _radops(
            "radops info",
            "info data/d0000/f000000.bin",
            "radops datalake add -q -r $DATA data/ >/dev/null",
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

_REMOTE = "export RADOPS_S3_ENDPOINT_URL=$S3 RADOPS_REMOTE=s3://$BUCKET/lake; "
_OFFLINE_ADD = "RADOPS_OFFLINE=1 radops datalake add -q -r $DATA data/ >/dev/null"
_PUT = "s5cmd --endpoint-url $S3 cp $DATA/ s3://$BUCKET/up/ >/dev/null"
_DVC_REMOTE = (
    _DVC + "dvc remote add -q -d x s3://$BUCKET/dvc && "
    "dvc remote modify -q x endpointurl $S3 && cp -r $DATA data && dvc add -q data"
)
_AWS_UP = "aws s3 cp --quiet --recursive --endpoint-url $S3 $DATA s3://$BUCKET/up/"
_AWS_DOWN = "aws s3 cp --quiet --recursive --endpoint-url $S3 s3://$BUCKET/up/ $W/down"
_OLD = (
    "export radops_email=a@b.c radops_s3_endpoint_url=$S3 radops_aws_access_key_id=test "
    "radops_aws_secret_access_key=testsecret radops_bucket_name=$BUCKET radops_base_path=$W/old; "
)
_OLD_ADD = "radops-0.12 datalake add --copy -r $DATA data"


def _upload(shape: str, title: str, budget: float, rounds: int) -> Workload:
    return Workload(
        f"upload-{shape}",
        "transfer",
        f"Upload, {title}",
        shape,
        (
            Entry("radops", "radops datalake sync -q", _OFFLINE_ADD),
            Entry("s5cmd", _PUT, peer="s5cmd"),
            Entry("aws s3 cp", _AWS_UP, peer="aws"),
            Entry("DVC push", "cd $W/repo && dvc push -q", _DVC_REMOTE, "dvc"),
            Entry(
                "radops 0.12 add",
                _OLD_ADD,
                peer="radops-0.12",
                sample="handful" if shape == "some" else None,
            ),
        ),
        budget,
        rounds=rounds,
        server=True,
        note="The server shares the cores with its clients.",
    )


def _download(shape: str, title: str, budget: float, rounds: int) -> Workload:
    # An own home each time, so that nothing is here yet; the bucket is filled before.
    forget = "rm -rf $W/home $W/down"
    forget_data = "cd $W/repo && rm -rf .dvc/cache data"
    if shape == "some":  # see `runner.MANY`
        forget = "mkdir $W/old.$$ && mv $W/home $W/down $W/old.$$ 2>/dev/null; true"
        forget_data = "cd $W/repo && mkdir ../old.$$ && mv .dvc/cache data ../old.$$"
    get = "s5cmd --endpoint-url $S3 cp s3://$BUCKET/up/\\* $W/down/ >/dev/null"
    return Workload(
        f"download-{shape}",
        "transfer",
        f"Download, {title}",
        shape,
        (
            Entry(
                "radops",
                "radops datalake download -q data/ >/dev/null",
                f"{_OFFLINE_ADD} && radops datalake sync -q >/dev/null",
                keep=True,
                reset=forget,
            ),
            Entry("s5cmd", get, _PUT, "s5cmd", keep=True, reset=forget),
            Entry(
                "s5cmd, then flush",
                f"{get} && sync -f $W",
                _PUT,
                "s5cmd",
                keep=True,
                reset=forget,
            ),
            # What s5cmd has put there is what aws would have.
            Entry("aws s3 cp", _AWS_DOWN, _PUT, "aws", keep=True, reset=forget),
            Entry(
                "DVC pull",
                "cd $W/repo && dvc pull -q",
                _DVC_REMOTE + " && dvc push -q",
                "dvc",
                keep=True,
                reset=forget_data,
            ),
        ),
        budget,
        rounds=rounds,
        server=True,
        note="radops also proves every block against its digest, flushes, and gives each file its name "
        "(for root, whom no mode keeps from writing, as a copy).",
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
        _upload("gib", "one file of 1 GiB", 100, 3),
        _download("gib", "one file of 1 GiB", 75, 5),
        _upload("some", "10,000 files of 4 KiB", 150, 3),
        _download("some", "10,000 files of 4 KiB", 140, 3),
    )
}

TARGETS = (
    Target("full verify, one large file", "verify-big", "radops, full", "b3sum", 1.6),
    Target("the same, beyond the start", "verify-big", "radops, full", "b3sum", 1.1, True),
    Target("full verify, 1,000 x 1 MiB", "verify-medium", "radops, full", "b3sum", 2.0),
    Target("the same, beyond the start", "verify-medium", "radops, full", "b3sum", 1.2, True),
    Target("full verify, 100,000 x 4 KiB", "verify-small", "radops, full", "b3sum", 1.5),
    Target("add by copy, one large file", "add-big", "radops", "cp", 1.1),
    Target("add by copy, 1,000 x 1 MiB", "add-medium", "radops", "cp", 1.5),
    Target("add -r, 100,000 x 4 KiB", "add-small", "radops", "cp", 5.0),
    Target("add by move, one large file", "move-big", "radops", "b3sum", 1.3),
    Target("start", "start", "radops", "python, import typer", 1.8),
    Target("cached call, local hit", "call-hit", "radops", "joblib.Memory", 1.0),
    Target("upload, 1 GiB", "upload-gib", "radops", "s5cmd|aws s3 cp", 1 / 0.9),
    Target("download, 1 GiB", "download-gib", "radops", "s5cmd|aws s3 cp", 1 / 0.9),
    Target("upload, 10,000 x 4 KiB", "upload-some", "radops", "DVC push", 1 / 1.5),
    Target("download, 10,000 x 4 KiB", "download-some", "radops", "DVC pull", 1 / 1.5),
)


def full_before(workload: Workload, entry: Entry) -> str:
    """Return the settings that every line of a contestant begins with."""
    text = ""
    if entry.peer is None:
        text += _RADOPS
        if workload.server:
            text += _REMOTE
    if entry.peer == "radops-0.12" and workload.server:
        text += _OLD
    return text
