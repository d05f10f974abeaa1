import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import relaxed
from radops.errors import InvalidUIDError
from radops.format.pattern import is_pattern, literal_prefix, match
from radops.format.uid import UID


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("a", ["a"], ["ab", "a/b", "b/a", "A"]),
        ("*.csv", ["a.csv", ".csv"], ["a/b.csv", "a.csvx"]),
        ("a/*", ["a/b", "a/.b"], ["a", "a/b/c"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
        ("**", ["a", "a/b"], []),
        ("**/c", ["c", "a/c", "a/b/c"], ["ac", "a/bc"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["ac", "a/bc"]),
        ("a**c", ["ac", "a/c", "abc"], ["a/cd"]),
        ("a?c", ["abc", "aéc"], ["a/c", "ac", "abbc"]),
        ("[ab]x", ["ax", "bx"], ["cx", "x"]),
        ("[!ab]x", ["cx"], ["ax", "/x"]),
        ("[^ab]x", ["cx", "^x"], ["ax"]),
        ("part-[0-9][0-9].csv", ["part-07.csv"], ["part-7.csv", "part-a0.csv"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a+(b)|c$", ["a+(b)|c$"], ["aab"]),
        ("[a&&b]", ["&", "a", "b"], ["c"]),
        ("*\n*", [], ["ab"]),
        ("Ka\u0308*", ["K\u00e4se"], ["Kase"]),
    ],
)  # fmt: skip
def test_patterns(pattern, yes, no):
    for uid in yes:
        assert match(pattern, UID(uid)), uid
    for uid in no:
        assert not match(pattern, UID(uid)), uid


@pytest.mark.parametrize("pattern", ["[", "a[b", "a]", "[z-a]", "[]", "[!]", "[a/b]"])
def test_patterns_that_cannot_be_used(pattern):
    with pytest.raises(InvalidUIDError, match="the pattern"):
        match(pattern, UID("a"))


def test_what_is_a_pattern():
    assert all(map(is_pattern, ["*", "a?", "[a]", "a]"]))
    assert not any(map(is_pattern, ["", "a/b", "a-b!^"]))


@pytest.mark.parametrize(
    ("pattern", "prefix"), [("a/b*.csv", "a/b"), ("*", ""), ("a/b", "a/b"), ("a/[0-9]", "a/")]
)
def test_what_to_list(pattern, prefix):
    assert literal_prefix(pattern) == prefix


plain = st.text("ab.c-", min_size=1, max_size=8)


@relaxed
@given(st.text("ab*?.", min_size=1, max_size=8), plain)
def test_within_a_folder_it_is_fnmatch(pattern, uid):
    assert match(pattern, UID(uid)) == fnmatch.fnmatchcase(uid, pattern)


@relaxed
@given(st.text("ab*?[]!-/^\\&.", max_size=12), st.text("ab/-", min_size=1, max_size=12))
def test_any_pattern_answers_or_is_refused(pattern, uid):
    try:
        selected = match(pattern, UID(uid))
    except InvalidUIDError:
        return
    if selected:
        assert uid.startswith(literal_prefix(pattern))
