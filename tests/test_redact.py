import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from format.samples import relaxed, thorough
from radops.redact import has_secret, redact, strip_url

CASES = [
    ("https://example.org/a/b.csv", "https://example.org/a/b.csv"),
    ("https://user:pw@host:8080/p?q=1#f", "https://host:8080/p"),
    ("https://user@host/p", "https://host/p"),
    ("https://u:p@ss@host/", "https://host/"),
    ("https://u:p%40ss@host/", "https://host/"),
    ("HTTPS://U:P@Host/x", "https://Host/x"),
    ("https://host?token=x", "https://host"),
    ("https://host#token", "https://host"),
    ("https://host/?token=x", "https://host/"),
    ("https://[::1]:80/x", "https://[::1]:80/x"),
    ("https://u:p@[fe80::1%25eth0]/x", "https://[fe80::1%25eth0]/x"),
    ("https://u:p/w@host/x", "https://"),
    ("https://u:p?w@host/x", "https://"),
    ("https://u:p#w@host/x", "https://"),
    ("https://u:12#34@host/x", "https://"),
    ("https://u:p\\w@host/x", "https://"),
    ("https://host?e=a@b.org", "https://"),
    ("https://user:secret", "https://user"),
    ("https://user:secret/x", "https://user/x"),
    ("https:/u:p@host/x", "https://host/x"),
    ("https:\\\\u:p@host/x", "https://host/x"),
    ("https:///u:p@host/x", "https://host/x"),
    ("ht\ntps://u:p@host/x", "https://host/x"),
    (" https://u:p@host/x ", "https://host/x"),
    ("//u:p@host/x", "//host/x"),
    ("ext::https://u:p@host/x", "ext::https://host/x"),
    ("git+https://u:p@host/x", "git+https://host/x"),
    ("ssh://git:pw@host:22/org/r.git", "ssh://host:22/org/r.git"),
    ("git@host:org/repo.git", "host:org/repo.git"),
    ("host:org/repo.git", "host:org/repo.git"),
    ("user:pw@host:org/repo", "host:org/repo"),
    ("url=https://u:p@host/", "host/"),
    ("@https://host/?x", "https://host/"),
    ("@a:\\", "a://"),
    ("s3://bucket/a@b/c?versionId=x", "s3://bucket/a@b/c"),
    ("https://host/@scope/pkg", "https://host/@scope/pkg"),
    ("file:///a/b?c", "file:///a/b"),
    ("file:/a/b", "file:/a/b"),
    ("file://u:p@host/x", "file://host/x"),
    ("/srv/a@b/repo?", "/srv/a@b/repo?"),
    ("./a@b", "./a@b"),
    ("../a@b", "../a@b"),
    ("~/a@b", "~/a@b"),
    (".", "."),
    ("", ""),
]


@pytest.mark.parametrize(("url", "stripped"), CASES)
def test_urls_are_stripped(url, stripped):
    assert strip_url(url) == stripped
    assert strip_url(stripped) == stripped


SECRET = "5ecret"
padding = st.text("ab:/?#@[]%\\=&. \n\u00e9", max_size=4)
schemes = st.sampled_from(["https", "http", "ssh", "s3", "git", "ftp", "HTTPS", "git+ssh", "x"])
hosts = st.sampled_from(["host", "host:80", "example.org", "[::1]", "[::1]:80", "127.0.0.1"])
paths = st.sampled_from(["", "/", "/a/b", "/a@b", "/@a/b", "/a:b@c", "/a b"])
# Characters of user info: all but those that end the authority for every parser.
inside = st.text("ab:@[]%=&.\u00e9", max_size=4)


@thorough
@given(schemes, inside, inside, hosts, paths, padding)
def test_no_user_info_or_query_survives(scheme, before, after, host, path, query):
    for user in (f"{before}{SECRET}{after}", f"u:{before}{SECRET}{after}"):
        for url in (
            f"{scheme}://{user}@{host}{path}?{query}{SECRET}{query}",
            f"{scheme}://{user}@{host}{path}#{query}{SECRET}",
            f"{scheme}::{scheme}://{user}@{host}{path}",
            f"{scheme}:/{user}@{host}{path}",
            f"//{user}@{host}{path}",
        ):
            stripped = strip_url(url)
            assert SECRET not in stripped, url
            assert strip_url(stripped) == stripped


@thorough
@given(schemes, padding, padding, hosts, paths)
def test_no_password_survives_that_was_not_escaped(scheme, before, after, host, path):
    password = f"p{before}{SECRET}{after}"
    # What follows a slash after an @ is a path of a host for every parser.
    assume(not re.search("@.*/", password, re.DOTALL))
    assert SECRET not in strip_url(f"{scheme}://user:{password}@{host}{path}")


@relaxed
@given(inside, inside, st.sampled_from(["host", "example.org"]), st.sampled_from(["o/r", "~/r"]))
def test_no_user_info_of_a_git_remote_survives(before, after, host, path):
    assert SECRET not in strip_url(f"{before}{SECRET}{after}@{host}:{path}")


@thorough
@given(st.text("ahtps:/@?#[]\\.~x\n %", max_size=30) | st.text(max_size=30))
def test_any_text_is_stripped_once_and_for_all(text):
    stripped = strip_url(text)
    assert strip_url(stripped) == stripped


@pytest.mark.parametrize(
    ("url", "stripped"),
    [
        ('ext::sh -c "curl https://u:5ecret@host %S"', "ext::"),
        ("ext::ssh -i 5ecret git@host repo", "ext::"),
        ("fd::17/5ecret", "fd::"),
        ("hg::/srv/repo", "hg::/srv/repo"),
        ("gcrypt::rsync://u:5ecret@host/r", "gcrypt::rsync://host/r"),
        ("codecommit::us-east-1://5ecret@repo", "codecommit::us-east-1://repo"),
        ("helper::5ecret", "helper::"),
    ],
)
def test_helpers_of_git(url, stripped):
    assert strip_url(url) == stripped
    assert strip_url(stripped) == stripped


def test_urls_within_a_text():
    text = "GET 'https://u:p@host/x?sig=5ecret' failed: redirected to \"http://h/y#5ecret\", see s3://b"
    assert redact(text) == "GET 'https://host/x' failed: redirected to \"http://h/y\", see s3://b"
    for same in ("use s3:// or file:///a", "a: b", "", "http", "no://", "x@y", "file:///a b?c"):
        assert redact(same) == same


@pytest.mark.parametrize(
    "text",
    [
        "https://u:5ecret@host/", "see https://h/x?X-Amz-Signature=5ecret", "ftp://h/?a=b&token=5",
        "postgresql://u:5ecret@db/x",
    ],
)  # fmt: skip
def test_secrets_are_seen(text):
    assert has_secret(text)


@pytest.mark.parametrize("text", ["https://host/x?page=2", "u:p@h", "https://u@host/", "a?token=1"])
def test_what_is_no_secret(text):
    assert not has_secret(text)
