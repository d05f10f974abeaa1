import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from model.samples import relaxed, thorough
from radops.model.urls import code_url, strip_url

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
# What may stand in user info: anything but what ends the authority for every parser.
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


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "remote",
    ["https://github.com/org/repo", "https://github.com/org/repo.git", "http://github.com/org/repo/",
     "https://token@github.com/org/repo.git", "git@github.com:org/repo.git",
     "ssh://git@github.com/org/repo.git", "ssh://git@github.com:22/org/repo",
     "ssh://git@ssh.github.com:443/org/repo.git", "git://github.com/org/repo.git",
     "git+ssh://git@github.com/org/repo"],
)  # fmt: skip
def test_links_to_github(remote):
    link = f"https://github.com/org/repo/blob/{COMMIT}/src/a%20b.py#L5"
    assert code_url(remote, COMMIT, "src/a b.py", 5) == link
    assert code_url(strip_url(remote), COMMIT, "src/a b.py", 5) == link
    assert code_url(remote, COMMIT, "src/a b.py", None) == link.removesuffix("#L5")


@pytest.mark.parametrize(
    ("remote", "base"),
    [
        ("git@gitlab.com:group/sub/repo.git", "https://gitlab.com/group/sub/repo"),
        ("https://gitlab.com/group/repo", "https://gitlab.com/group/repo"),
        ("ssh://git@gitlab.example.com:2222/g/r.git", "https://gitlab.example.com/g/r"),
        ("ssh://git@altssh.gitlab.com:443/g/r.git", "https://gitlab.com/g/r"),
        ("https://gitlab.example.com:8443/g/r.git", "https://gitlab.example.com:8443/g/r"),
    ],
)
def test_links_to_gitlab(remote, base):
    assert code_url(remote, COMMIT, "a.py", 7) == f"{base}/-/blob/{COMMIT}/a.py#L7"


def test_links_to_github_of_a_company():
    link = code_url("git@github.example.com:o/r.git", COMMIT, "a.py", 1)
    assert link == f"https://github.example.com/o/r/blob/{COMMIT}/a.py#L1"


@pytest.mark.parametrize(
    ("remote", "commit", "path"),
    [
        (None, COMMIT, "a.py"),
        ("", COMMIT, "a.py"),
        ("git@github.com:o/r", None, "a.py"),
        ("git@github.com:o/r", "main", "a.py"),
        ("git@github.com:o/r", COMMIT, None),
        ("git@github.com:o/r", COMMIT, ""),
        ("git@github.com:o/r", COMMIT, "../../x"),
        ("git@github.com:o", COMMIT, "a.py"),
        ("git@github.com:o/r/s", COMMIT, "a.py"),
        ("git@github.com:../r", COMMIT, "a.py"),
        ("https://github.com", COMMIT, "a.py"),
        ("https://bitbucket.org/o/r", COMMIT, "a.py"),
        ("https://notgithub.com/o/r", COMMIT, "a.py"),
        ("/srv/github/o/r", COMMIT, "a.py"),
        ("file:///github.com/o/r", COMMIT, "a.py"),
        ("s3://github.com/o/r", COMMIT, "a.py"),
        ("../r", COMMIT, "a.py"),
    ],
)
def test_no_link_is_better_than_a_wrong_one(remote, commit, path):
    assert code_url(remote, commit, path, 1) is None


@thorough
@given(st.text(max_size=40), st.text(max_size=20))
def test_links_are_plain_ascii(remote, path):
    for prefix in ("https://github.com/", "git@gitlab.com:", ""):
        link = code_url(prefix + remote, COMMIT, path, 1)
        assert link is None or (link.isascii() and link.isprintable() and " " not in link)
