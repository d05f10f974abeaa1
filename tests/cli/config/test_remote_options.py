"""The options of a remote, which several commands take."""

from __future__ import annotations

from radops.config import CONTEXT_KEYS


def test_setup_and_create_context_take_every_key_of_a_context(cli):
    keys = [
        "remote", "endpoint_url", "region", "profile", "ca_bundle", "addressing_style", "sse",
        "sse_kms_key_id", "sse_customer_key_file", "requester_pays", "upload_patch",
    ]  # fmt: skip
    assert list(CONTEXT_KEYS) == keys
    values = {
        "remote": "s3://bucket/lake", "endpoint_url": "http://127.0.0.1:1", "region": "r",
        "profile": "p", "ca_bundle": "/c.pem", "addressing_style": "path", "sse": "aws:kms",
        "sse_kms_key_id": "k", "requester_pays": "true",
    }  # fmt: skip
    flags = [
        word for key, value in values.items() for word in (f"--{key.replace('_', '-')}", value)
    ]
    cli.ok("config", "create-context", "one", *flags, "--upload-patch")
    cli.ok("config", "setup", "--context", "two", *flags, "--upload-patch", "--no-check")
    for name in ("one", "two"):
        shown = cli.ok("config", "view", "--context", name, "--json").json["context"]
        assert shown == {**values, "sse_customer_key_file": None, "upload_patch": True}
    cli.ok("config", "create-context", "three", "--sse-customer-key-file", "/key")
    shown = cli.ok("config", "view", "--context", "three", "--json").json["context"]
    assert shown["sse_customer_key_file"] == "/key"
