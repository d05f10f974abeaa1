"""Links to code on its host, from what a record keeps of a git repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import thorough
from radops.format.urls import code_url
from radops.redact import strip_url

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
