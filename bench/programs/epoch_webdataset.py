"""A shuffled epoch of shards of webdataset, read over HTTP from the bucket."""

import os

import boto3
import webdataset
from training import BATCH, WORKERS, measure, tensors

# Samples that are shuffled among each other in each worker: 40 MB.
BUFFER = 2000


def decode(sample: dict[str, bytes]) -> object:
    """Return a sample as a model takes it."""
    return tensors(sample["bin"], int(sample["cls"]))


def make() -> webdataset.WebLoader:
    """Return the batches."""
    client = boto3.client("s3", endpoint_url=os.environ["S3"])
    found = client.list_objects_v2(Bucket=os.environ["BUCKET"], Prefix="shards/")["Contents"]
    urls = [
        client.generate_presigned_url(
            "get_object", {"Bucket": os.environ["BUCKET"], "Key": o["Key"]}
        )
        for o in found
    ]
    dataset = webdataset.WebDataset(
        [f"pipe:curl -s -f '{url}'" for url in urls], shardshuffle=len(urls), seed=1
    )
    dataset = dataset.shuffle(BUFFER).map(decode).batched(BATCH, partial=True)
    return webdataset.WebLoader(dataset, batch_size=None, num_workers=WORKERS)


measure(make)
