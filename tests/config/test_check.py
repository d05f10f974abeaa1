"""URLs of remotes."""

from __future__ import annotations

import pytest

from radops import config
from radops.errors import InvalidConfigError


@pytest.mark.parametrize(
    ("url", "bare", "options"),
    [
        ("s3://bucket", "s3://bucket", {}),
        ("s3://bucket/", "s3://bucket", {}),
        ("s3://bucket/a/b/", "s3://bucket/a/b", {}),
        ("s3://bucket/a?region=r&profile=p", "s3://bucket/a", {"region": "r", "profile": "p"}),
        ("file:///a/b/", "file:///a/b", {}),
        ("file://localhost/a", "file:///a", {}),
        ("file:///a%20b", "file:///a%20b", {}),
        ("/a b", "file:///a%20b", {}),
    ],
)
def test_remotes_are_brought_into_one_form(url, bare, options):
    assert config.split_remote(url) == (bare, options)


@pytest.mark.parametrize(
    "url",
    [
        "bucket/prefix",
        "http://host/bucket",
        "s3://",
        "s3:///prefix",
        "s3://a",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/" + "x" * 301,
        "s3://bucket/a#b",
        "s3://bucket/a\nb",
        "s3://bucket?access_key=SECRET",
        "file://",
        "file:///",
        "file://otherhost/a",
        "file:///a/../b",
        "file:///a?region=x",
        "s3://[",
    ],
)
def test_remotes_that_cannot_be_used_are_refused(url):
    with pytest.raises(InvalidConfigError) as caught:
        config.split_remote(url)
    assert "SECRET" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    ["s3://key:SECRET@bucket/p", "s3://SECRET@bucket", "s3://bkt?endpoint_url=http://k:SECRET@h"],
)
def test_a_remote_with_a_secret_is_refused_and_not_repeated(url, monkeypatch):
    monkeypatch.setenv("RADOPS_REMOTE", url)
    with pytest.raises(InvalidConfigError, match="user") as caught:
        config.resolve()
    assert "SECRET" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
