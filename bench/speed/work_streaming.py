"""Training from a bucket: shuffled epochs, and what comes before them.

See `work` for the variables; `$S3` and `$BUCKET` are as in `work_s3`.
"""

from __future__ import annotations

from speed.work_integrations import FORGET, LAKE, PUBLISHED, with_and_without_delays
from speed.workload import Entry, Target, Workload

_PYTHON = "training-python $PROGRAMS/"
_FORGET_MDS = "rm -rf $W/mds-*"


def _ingest(kind: str) -> str:
    return f"{LAKE if kind == 'radops' else ''}{_PYTHON}ingest.py {kind}"


_EPOCH = Workload(
    "stream-epoch",
    "streaming",
    "Shuffled epoch of small files that are sorted by class, from a bucket",
    "classes",
    (
        *with_and_without_delays(
            Entry("radops", f"{LAKE}{_PYTHON}epoch_radops.py cold", PUBLISHED, "torch", reset=FORGET),
            Entry("webdataset", f"{_PYTHON}epoch_webdataset.py", f"{_ingest('webdataset')} >/dev/null", "webdataset"),
            Entry("mosaicml-streaming", f"{_PYTHON}epoch_mds.py cold", f"{_ingest('mds')} >/dev/null", "mosaicml-streaming", reset=_FORGET_MDS),
        ),
        Entry("radops, cached", f"{LAKE}{_PYTHON}epoch_radops.py cached", PUBLISHED, "torch", keep=True, reset=FORGET),
        Entry("mosaicml-streaming, cached", f"{_PYTHON}epoch_mds.py cached", f"{_ingest('mds')} >/dev/null", "mosaicml-streaming", keep=True, reset=_FORGET_MDS),
        Entry("local files", f"{_PYTHON}epoch_files.py", peer="torch", keep=True),
    ),
    260,
    rounds=3,
    server=True,
    inside=True,
    note="A fifth of 100,000 files. Two workers, batches of 256, tensors of the bytes; from making the data "
    "set to the last batch, without the start of Python. `mixing`: distinct classes of a batch relative to "
    "drawing at random; webdataset has a buffer of 2,000 samples in each worker. `+20 ms`: each answer of the "
    "server is late by so much. `cached`: the second epoch on a machine.",
)  # fmt: skip

_INGEST = Workload(
    "stream-ingest",
    "streaming",
    "Bring a folder into a form that can be streamed, in a bucket",
    "classes",
    (
        Entry("radops", _ingest("radops"), peer="torch"),
        Entry("webdataset", _ingest("webdataset"), peer="webdataset"),
        Entry("mosaicml-streaming", _ingest("mds"), peer="mosaicml-streaming"),
    ),
    90,
    rounds=3,
    server=True,
    inside=True,
    note="A fifth of 100,000 files. Without the start of Python. radops adds to a lake, and waits until all is "
    "on disk; the others write shards and send them.",
)

_MILLION = Workload(
    "stream-million",
    "streaming",
    "Begin to stream a directory of a million files, from a bucket",
    "million",
    with_and_without_delays(
        *(
            Entry(
                f"radops, {what}",
                f"{LAKE}{_PYTHON}many_files.py {kind}",
                PUBLISHED,
                "torch",
                reset=FORGET,
                patience=2.0,
            )
            for what, kind in (("first batch", "first"), ("resume", "resume"))
        )
    ),
    160,
    rounds=3,
    server=True,
    inside=True,
    note="On a machine that has nothing of the lake, in a process that has imported PyTorch and radops. `first "
    "batch`: from making the data set to the first batch of 256. `resume`: from loading a state, which another "
    "machine saved in the middle of an epoch, to the first batch; making the data set comes before, and its seconds "
    "are named. `worker MB`: the most that a forked worker had for itself in 41 batches, without what a worker "
    "has that reads nothing.",
)

WORKLOADS = (_EPOCH, _INGEST, _MILLION)

TARGETS = (
    Target("shuffled epoch, cold", "stream-epoch", "radops", "webdataset", 1 / 0.9),
    Target("shuffled epoch, cold, to MDS", "stream-epoch", "radops", "mosaicml-streaming", 1.0),
    Target(
        "shuffled epoch, answers 20 ms late",
        "stream-epoch",
        "radops, +20 ms",
        "webdataset, +20 ms|mosaicml-streaming, +20 ms",
        1 / 0.9,
    ),
    Target("shuffled epoch, cached", "stream-epoch", "radops, cached", "local files", 1 / 0.95),
    Target(
        "shuffled epoch, cached, to MDS",
        "stream-epoch",
        "radops, cached",
        "mosaicml-streaming, cached",
        1.0,
    ),
    Target(
        "distinct classes of a batch, to random",
        "stream-epoch",
        "radops",
        "",
        0.95,
        least=True,
        fact="mixing",
        kind="fact",
    ),
    Target("ingest", "stream-ingest", "radops", "webdataset|mosaicml-streaming", 1.1),
    Target(
        "first batch of a million files",
        "stream-million",
        "radops, first batch",
        "",
        2.0,
        kind="seconds",
    ),
    Target(
        "memory of a worker, MB",
        "stream-million",
        "radops, first batch",
        "",
        50,
        fact="worker MB",
        kind="fact",
    ),
    Target("resume", "stream-million", "radops, resume", "", 2.0, kind="seconds"),
    Target(
        "resume with identical ids",
        "stream-million",
        "radops, resume",
        "",
        1,
        least=True,
        fact="identical ids",
        kind="fact",
    ),
)
