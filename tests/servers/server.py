"""What tests see of an S3 server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from radops.backends.location import RemoteOptions
from radops.backends.s3.backend import S3Backend

REGION = "us-east-1"
DOMAIN = "s3.test"
"""Servers take `bucket.s3.test` for a bucket. No resolver knows the name: tests go by a proxy."""


@dataclass(frozen=True)
class S3Server:
    """A running S3 server.

    boto3 finds its keys in the environment: the fixtures put `environment` into this process,
    tests that start others pass it on.
    """

    name: str
    endpoint_url: str
    access_key: str = "test"
    secret_key: str = "testsecret"
    ca_bundle: str | None = None
    tls_endpoint_url: str | None = None
    _buckets: list[str] = field(default_factory=list, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which boto3 uses this server's keys and nothing of the person's own."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    @property
    def options(self) -> RemoteOptions:
        return RemoteOptions(endpoint_url=self.endpoint_url, region=REGION)

    def client(self, **more: Any) -> Any:
        """Return a boto3 client, for looking at what is really there."""
        return boto3.client(
            "s3",
            endpoint_url=more.pop("endpoint_url", self.endpoint_url),
            region_name=REGION,
            **more,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}),
        )

    def new_bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"test-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        self._buckets.append(name)
        return name

    def backend(self, bucket: str | None = None, prefix: str = "", **more: Any) -> S3Backend:
        """Return a backend on a bucket of this server, by default a new one."""
        options = more.pop("options", self.options)
        return S3Backend(bucket or self.new_bucket(), prefix, options, **more)

    def url(self, bucket: str, prefix: str = "") -> str:
        """Return the URL of a remote in a bucket, as people write it."""
        path = f"{bucket}/{prefix}" if prefix else bucket
        return f"s3://{path}?endpoint_url={self.endpoint_url}&region={REGION}"
