"""Bring a folder into a form in the bucket from which it can be streamed: radops, webdataset, mds."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from training import Clock, label_of

DATA, WORK, BUCKET = os.environ["DATA"], Path(os.environ["W"]), os.environ["BUCKET"]
# Bytes of a shard of webdataset; those of mosaicml-streaming are as it makes them.
SHARD = 20_000_000


def files() -> list[str]:
    """Return all files, sorted by path."""
    return sorted(f"{top}/{name}" for top, _, names in os.walk(DATA) for name in names)


def radops() -> None:
    """Add the folder to a lake in the bucket."""
    from radops.data_lake import DataLake  # noqa: PLC0415

    DataLake(home=WORK / "home").add(DATA, "set/v1")


def webdataset() -> None:
    """Write shards, and send each as soon as it is complete."""
    import boto3  # noqa: PLC0415
    from webdataset import ShardWriter  # noqa: PLC0415

    client = boto3.client("s3", endpoint_url=os.environ["S3"])
    (WORK / "shards").mkdir()
    with ThreadPoolExecutor(4) as pool:
        sent = []

        def send(path: str) -> None:
            key = f"shards/{Path(path).name}"
            sent.append(pool.submit(client.upload_file, path, BUCKET, key))

        pattern = str(WORK / "shards/%05d.tar")
        with ShardWriter(pattern, maxsize=SHARD, maxcount=1 << 30, post=send, verbose=0) as writer:
            for number, path in enumerate(files()):
                label = str(label_of(path))
                writer.write(
                    {
                        "__key__": f"{number:08}",
                        "bin": Path(path).read_bytes(),
                        "cls": label.encode(),
                    }
                )
        for one in sent:
            one.result()


def mds() -> None:
    """Write shards into the bucket."""
    from streaming import MDSWriter  # noqa: PLC0415

    os.environ["S3_ENDPOINT_URL"] = os.environ["S3"]
    columns = {"data": "bytes", "label": "int"}
    with MDSWriter(out=f"s3://{BUCKET}/mds", columns=columns, progress_bar=False) as writer:
        for path in files():
            writer.write({"data": Path(path).read_bytes(), "label": label_of(path)})


clock = Clock()
{"radops": radops, "webdataset": webdataset, "mds": mds}[sys.argv[1]]()
clock.report()
