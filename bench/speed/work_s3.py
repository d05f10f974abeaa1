"""Workloads with a remote: an S3 server on this machine, which shares the cores with its clients.

`$S3` is the address of the server and `$BUCKET` a bucket of its own for each preparation. See
`work` for the other variables.
"""

from __future__ import annotations

from speed.workload import RADOPS, Entry, Target, Workload

REMOTE = "export RADOPS_S3_ENDPOINT_URL=$S3 RADOPS_REMOTE=s3://$BUCKET/lake; "
"""What lines of radops begin with where there is a server."""
OLD = (
    "export radops_email=a@b.c radops_s3_endpoint_url=$S3 radops_aws_access_key_id=test "
    "radops_aws_secret_access_key=testsecret radops_bucket_name=$BUCKET radops_base_path=$W/old; "
)
"""The same for radops 0.12."""

_ADD = "RADOPS_OFFLINE=1 radops datalake add -q --each $DATA data/ >/dev/null"
_PUBLISH = f"{_ADD} && radops datalake sync -q >/dev/null"
_PUT = "s5cmd --endpoint-url $S3 cp $DATA/ s3://$BUCKET/up/ >/dev/null"
_DVC = (
    "mkdir $W/repo && cd $W/repo && git init -q . && "
    "dvc init -q && dvc config core.analytics false && "
    "dvc remote add -q -d x s3://$BUCKET/dvc && "
    "dvc remote modify -q x endpointurl $S3 && cp -r $DATA data && dvc add -q data"
)
_AWS_UP = "aws s3 cp --quiet --recursive --endpoint-url $S3 $DATA s3://$BUCKET/up/"
_AWS_DOWN = "aws s3 cp --quiet --recursive --endpoint-url $S3 s3://$BUCKET/up/ $W/down"


def _upload(shape: str, title: str, budget: float, rounds: int) -> Workload:
    return Workload(
        f"upload-{shape}",
        "s3",
        f"Upload, {title}",
        shape,
        (
            Entry("radops", "radops datalake sync -q", _ADD),
            Entry("s5cmd", _PUT, peer="s5cmd"),
            Entry("aws s3 cp", _AWS_UP, peer="aws"),
            Entry("DVC push", "cd $W/repo && dvc push -q", _DVC, "dvc"),
            Entry(
                "radops 0.12 add",
                "radops-0.12 datalake add --copy -r $DATA data",
                peer="radops-0.12",
                sample="handful" if shape == "some" else None,
            ),
        ),
        budget,
        rounds=rounds,
        server=True,
        note="radops makes two requests for each file, the bytes and the record; the others make "
        "one. It also proves the bytes as they are sent.",
    )


def _download(shape: str, title: str, budget: float, rounds: int) -> Workload:
    # An empty home each time, so that every byte is fetched; the bucket is filled once.
    forget = "rm -rf $W/home $W/down"
    forget_data = "cd $W/repo && rm -rf .dvc/cache data"
    if shape == "some":  # see `runner.MANY`
        forget = "mkdir $W/old.$$ && mv $W/home $W/down $W/old.$$ 2>/dev/null; true"
        forget_data = "cd $W/repo && mkdir ../old.$$ && mv .dvc/cache data ../old.$$"
    get = "s5cmd --endpoint-url $S3 cp s3://$BUCKET/up/\\* $W/down/ >/dev/null"
    return Workload(
        f"download-{shape}",
        "s3",
        f"Download, {title}",
        shape,
        (
            Entry(
                "radops",
                "radops datalake download -q data/ >/dev/null",
                _PUBLISH,
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
            # aws gets what s5cmd has put there.
            Entry("aws s3 cp", _AWS_DOWN, _PUT, "aws", keep=True, reset=forget),
            Entry(
                "DVC pull",
                "cd $W/repo && dvc pull -q",
                _DVC + " && dvc push -q",
                "dvc",
                keep=True,
                reset=forget_data,
            ),
        ),
        budget,
        rounds=rounds,
        server=True,
        note="radops makes two requests for each file, the bytes and the record; the others make "
        "one. It also proves every block against its digest, flushes, and gives each file its name "
        "(for root, who can write to any file, as a copy).",
    )


# All entries that look at a lake use one bucket, so its settings are part of what prepares it.
_SHARED = RADOPS + REMOTE + _PUBLISH

_SYNC = Workload(
    "sync-names",
    "s3",
    "Sync of names that are all there already",
    "names",
    (
        Entry("radops sync", "radops datalake sync -q", _PUBLISH, keep=True, patience=2),
        Entry(
            "radops, one listing",
            "python $PROGRAMS/list_remote.py >/dev/null",
            _PUBLISH,
            keep=True,
            limit=True,
        ),
        Entry(
            "s5cmd ls",
            "s5cmd --endpoint-url $S3 ls s3://$BUCKET/lake/refs/\\* >/dev/null",
            _SHARED,
            "s5cmd",
            keep=True,
            limit=True,
        ),
    ),
    190,
    rounds=3,
    server=True,
    note="Nothing is sent: all that has to be found out is in one listing of the names.",
)

_LOOK = Workload(
    "look",
    "s3",
    "Look at a small lake in a bucket",
    "handful",
    (
        Entry("radops ls", "radops datalake ls -r >/dev/null", _PUBLISH, keep=True),
        Entry(
            "radops ls, offline",
            "export RADOPS_OFFLINE=1; radops datalake ls -r >/dev/null",
            _PUBLISH,
            keep=True,
        ),
        Entry(
            "s5cmd ls",
            "s5cmd --endpoint-url $S3 ls s3://$BUCKET/lake/refs/\\* >/dev/null",
            _SHARED,
            "s5cmd",
            keep=True,
        ),
        Entry(
            "aws s3 ls",
            "aws s3 ls --recursive --endpoint-url $S3 s3://$BUCKET/lake/refs/ >/dev/null",
            _SHARED,
            "aws",
            keep=True,
        ),
    ),
    30,
    rounds=9,
    server=True,
)

_CHECK = Workload(
    "check",
    "s3",
    "Check and clean a lake in a bucket",
    "few",
    (
        Entry("radops verify --remote", "radops datalake verify -q --remote", _PUBLISH, keep=True),
        Entry("radops gc", "radops datalake gc -q --dry-run", _PUBLISH, keep=True),
        Entry(
            "s5cmd cat",
            "s5cmd --endpoint-url $S3 cat s3://$BUCKET/lake/objects/\\* >/dev/null",
            _SHARED,
            "s5cmd",
            keep=True,
            limit=True,
        ),
    ),
    40,
    rounds=3,
    server=True,
    note="`verify --remote` reads each record and each object once; s5cmd only reads the objects.",
)

WORKLOADS = (
    _LOOK,
    _CHECK,
    _upload("gib", "one file of 1 GiB", 100, 3),
    _download("gib", "one file of 1 GiB", 75, 5),
    _upload("some", "10,000 files of 4 KiB", 150, 3),
    _download("some", "10,000 files of 4 KiB", 140, 3),
    _SYNC,
)

TARGETS = (
    Target("upload, 10,000 x 4 KiB", "upload-some", "radops", "DVC push", 0.5),
    Target("download, 10,000 x 4 KiB", "download-some", "radops", "DVC pull", 0.5),
    Target("upload, per request", "upload-some", "radops", "s5cmd", 1.2, requests=2),
    Target("download, per request", "download-some", "radops", "s5cmd", 1.2, requests=2),
    Target("upload, 1 GiB", "upload-gib", "radops", "s5cmd|aws s3 cp", 1.0),
    Target("download, 1 GiB", "download-gib", "radops", "s5cmd", 1.15),
    Target(
        "processor of a request, upload",
        "upload-some",
        "radops",
        "",
        120,
        requests=2,
        kind="request",
    ),
    Target(
        "processor of a request, download",
        "download-some",
        "radops",
        "",
        120,
        requests=2,
        kind="request",
    ),
    Target(
        "sync of 100,000 names that are there",
        "sync-names",
        "radops sync",
        "radops, one listing|s5cmd ls",
        1.2,
    ),
    Target("ls of a remote lake", "look", "radops ls", "radops ls, offline", 1.3, kind="cpu"),
    Target(
        "memory, peak of all these",
        ",".join(one.name for one in WORKLOADS),
        "radops",
        "",
        200,
        kind="memory",
    ),
)
