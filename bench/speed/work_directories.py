"""Folders of many small files as one directory, beside tools that version folders.

See `work` for the variables; `$S3` and `$BUCKET` are as in `work_s3`.
"""

from __future__ import annotations

from speed.workload import Entry, Target, Workload

_GIT = "mkdir $W/repo && cd $W/repo && git init -q . && "
_DVC = _GIT + "dvc init -q && dvc config core.analytics false && "
_DVC_S3 = (
    _DVC + "dvc remote add -q -d x s3://$BUCKET/dvc && "
    "dvc remote modify -q x endpointurl $S3 && cp -r $DATA data && dvc add -q data"
)
_ANNEX = _GIT + "git annex init -q x >/dev/null && "
_RESTIC = "restic init -q -r $W/restic"
_OXEN = "oxen-python $PROGRAMS/oxen_add.py $W/repo"

_ADD = "radops datalake add -q $DATA set/v1"
_OFFLINE = f"RADOPS_OFFLINE=1 {_ADD} >/dev/null"
_LIST = "find $DATA -type f >$W/list"
# One file in a hundred gets other bytes.
_CHANGE = "find $W/files -name '*07.bin' | while read f; do head -c 4096 /dev/urandom >$f; done"
_ONE = "find $DATA -type f -exec cat {} + >$W/one"

_ADDED = Workload(
    "directory-add",
    "directories",
    "Add a folder as one directory, 100,000 files of 4 KiB",
    "small",
    (
        Entry("radops", _ADD),
        Entry("cp", "cp -r $DATA $W/copy", peer="cp", limit=True),
        Entry("cp, then flush", "cp -r $DATA $W/copy && sync -f $W", peer="cp", limit=True),
        Entry("restic", "restic backup -q -r $W/restic $DATA", _RESTIC, "restic"),
        Entry(
            "DVC",
            "cd $W/repo && dvc add -q data",
            _DVC + "cp -r $DATA data",
            "dvc",
            sample="some",
        ),
        Entry(
            "git-annex",
            "cd $W/repo && git annex add -q data",
            _ANNEX + "cp -r $DATA data",
            "git-annex",
            sample="few",
        ),
        Entry(
            "Oxen",
            f"{_OXEN} add",
            f"{_OXEN} init && cp -r $DATA $W/repo/data",
            "oxen",
            sample="some",
        ),
    ),
    150,
    rounds=3,
    note="radops, restic and `sync -f` wait until the disk has it; the others do not.",
)

_AGAIN = Workload(
    "directory-again",
    "directories",
    "Add the same folder again, and with one file in a hundred changed",
    "small",
    (
        Entry("radops, nothing changed", _ADD, f"{_ADD} && sleep 0.2", keep=True),
        Entry("find", "find $DATA -type f", peer="find", keep=True, limit=True),
        Entry(
            "radops, 1% changed",
            "radops datalake add -q $W/files set/v2",
            "cp -r $DATA $W/files && radops datalake add -q $W/files set/v1 && sleep 0.2 && "
            + _CHANGE,
        ),
        Entry(
            "restic, 1% changed",
            "restic backup -q -r $W/restic $W/files",
            f"cp -r $DATA $W/files && {_RESTIC} && restic backup -q -r $W/restic $W/files && "
            + _CHANGE,
            "restic",
        ),
        Entry(
            "DVC, nothing changed",
            "cd $W/repo && dvc add -q data",
            _DVC + "cp -r $DATA data && dvc add -q data",
            "dvc",
            keep=True,
            sample="some",
        ),
    ),
    90,
    rounds=3,
)

_VERIFIED = Workload(
    "directory-verify",
    "directories",
    "Verify a directory of 100,000 files of 4 KiB",
    "small",
    (
        Entry("radops", "radops datalake verify -q", f"{_ADD} && sleep 0.2", keep=True),
        Entry("b3sum", "xargs -a $W/list b3sum >/dev/null", _LIST, "b3sum", keep=True, limit=True),
        Entry(
            "restic check",
            "restic check -q --read-data -r $W/restic",
            f"{_RESTIC} && restic backup -q -r $W/restic $DATA",
            "restic",
            keep=True,
        ),
        Entry(
            "git-annex fsck",
            "cd $W/repo && git annex fsck -q",
            _ANNEX + "cp -r $DATA data && git annex add -q data && git commit -q -m x",
            "git-annex",
            keep=True,
            sample="few",
        ),
    ),
    60,
    rounds=3,
    note="DVC has no command that reads bytes again to compare them.",
)

_PUBLISHED = Workload(
    "directory-publish",
    "directories",
    "Publish a directory of 100,000 files of 4 KiB to a bucket",
    "small",
    (
        Entry("radops", "radops datalake sync -q", _OFFLINE),
        Entry(
            "s5cmd, one file of that size",
            "s5cmd --endpoint-url $S3 cp $W/one s3://$BUCKET/one >/dev/null",
            _ONE,
            "s5cmd",
            limit=True,
        ),
        Entry(
            "s5cmd, file by file",
            "s5cmd --endpoint-url $S3 cp $DATA/ s3://$BUCKET/up/ >/dev/null",
            peer="s5cmd",
            sample="some",
        ),
        Entry(
            "restic",
            "restic backup -q -r s3:$S3/$BUCKET/restic $DATA",
            "restic init -q -r s3:$S3/$BUCKET/restic",
            "restic",
        ),
        Entry("DVC push", "cd $W/repo && dvc push -q", _DVC_S3, "dvc", sample="some"),
    ),
    120,
    rounds=3,
    server=True,
)

_FETCHED = Workload(
    "directory-fetch",
    "directories",
    "Fetch a directory of 100,000 files of 4 KiB, and write it as a folder",
    "small",
    (
        Entry(
            "radops",
            "radops datalake download -q set/v1 --to $W/down",
            f"{_OFFLINE} && radops datalake sync -q >/dev/null",
            keep=True,
            reset="mkdir $W/old.$$ && mv $W/home $W/down $W/old.$$ 2>/dev/null; true",
        ),
        Entry(
            "s5cmd, one file of that size, then cp and flush",
            "s5cmd --endpoint-url $S3 cp s3://$BUCKET/one $W/one.down >/dev/null"
            " && cp -r $DATA $W/down && sync -f $W",
            f"{_ONE} && s5cmd --endpoint-url $S3 cp $W/one s3://$BUCKET/one >/dev/null",
            "s5cmd",
            keep=True,
            reset="mkdir $W/old.$$ && mv $W/one.down $W/down $W/old.$$ 2>/dev/null; true",
            limit=True,
        ),
        Entry(
            "restic restore",
            "restic restore -q latest -r s3:$S3/$BUCKET/restic --target $W/down",
            "restic init -q -r s3:$S3/$BUCKET/restic"
            " && restic backup -q -r s3:$S3/$BUCKET/restic $DATA",
            "restic",
            keep=True,
            reset="mkdir $W/old.$$ && mv $W/down $W/old.$$ 2>/dev/null; true",
        ),
        Entry(
            "DVC pull",
            "cd $W/repo && dvc pull -q",
            _DVC_S3 + " && dvc push -q",
            "dvc",
            keep=True,
            reset="cd $W/repo && mkdir ../old.$$ && mv .dvc/cache data ../old.$$",
            sample="some",
        ),
    ),
    140,
    rounds=3,
    note="Flushes included: radops and `sync -f` wait until the disk has it.",
    server=True,
)

WORKLOADS = (_ADDED, _AGAIN, _VERIFIED, _PUBLISHED, _FETCHED)

TARGETS = (
    Target("add a directory, 100,000 x 4 KiB", "directory-add", "radops", "cp, then flush", 1.0),
    Target("the same", "directory-add", "radops", "DVC|Oxen|git-annex", 0.1),
    Target(
        "add it again, nothing changed", "directory-again", "radops, nothing changed", "find", 2.0
    ),
    Target("with 1% changed", "directory-again", "radops, 1% changed", "find", 3.0),
    Target("verify a directory, 100,000 x 4 KiB", "directory-verify", "radops", "b3sum", 0.5),
    Target(
        "publish a directory, 100,000 x 4 KiB",
        "directory-publish",
        "radops",
        "s5cmd, one file of that size",
        1.3,
    ),
    Target(
        "fetch a directory, 100,000 x 4 KiB",
        "directory-fetch",
        "radops",
        "s5cmd, one file of that size, then cp and flush",
        1.2,
    ),
)
