"""What is known of some files: made by a call, added, one of several outputs."""

from __future__ import annotations

from dataclasses import replace

from radops.format.digest import Digest
from radops.lake.reports import CallInfo, CodeInfo, FileInfo, InputInfo, OutputInfo

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
