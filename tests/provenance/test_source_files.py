"""Source files: which of the lambdas in one line a function was compiled from."""

from __future__ import annotations

import pytest

from radops.provenance.fingerprint import fingerprint


@pytest.mark.parametrize(
    "text",
    [
        "one, two = lambda x: x + 1, lambda x: x + 2\n",
        "one, two = lambda: 1, lambda: 2\n",
        "one, two = [(lambda f: f)(lambda x: n) for n in (1, 2)][0], lambda x: 2\n",
        "one = lambda x: lambda x: x + 1; two = one(1)\n",
        "def make(n): return (lambda x: x + n), (lambda x: x - n)\none, two = make(1)\n",
    ],
)
def test_two_lambdas_in_one_line_are_told_apart(load, text):
    module = load(pipeline=text)
    one, two = fingerprint(module.one), fingerprint(module.two)
    assert one.digest != two.digest
    again = load(pipeline=text)
    assert fingerprint(again.one).digest == one.digest
    assert fingerprint(again.two).digest == two.digest
    assert one.unfollowed == two.unfollowed == ()


def test_equal_lambdas_in_one_line_have_one_fingerprint(load):
    module = load(pipeline="one, two = lambda x: x + 1, lambda x: x + 1\n")
    assert fingerprint(module.one).digest == fingerprint(module.two).digest
