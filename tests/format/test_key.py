import itertools
import time
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import digest, relaxed
from radops.errors import UsageError
from radops.format.key import KEY_LIMIT, call_key
from radops.format.uid import UID

BASE = {
    "module": "m",
    "name": "f",
    "version": None,
    "fingerprint": None,
    "params": {"rate": 1},
    "inputs": [("f", UID("a"), digest(1))],
}
OTHERS = [
    {"module": "n"}, {"name": "g"}, {"version": "1"}, {"version": ""}, {"fingerprint": digest(1)},
    {"params": {}}, {"params": {"rate": 1.0}}, {"params": {"rate": True}}, {"params": {"r": 1}},
    {"inputs": []}, {"inputs": [("g", UID("a"), digest(1))]},
    {"inputs": [("f", UID("b"), digest(1))]}, {"inputs": [("f", UID("a"), digest(2))]},
    {"module": "mf", "name": ""}, {"module": "", "name": "mf"},
]  # fmt: skip


def test_everything_that_a_call_is_given_is_in_its_key():
    keys = [call_key(**{**BASE, **other}) for other in ({}, *OTHERS)]
    assert all(one != other for one, other in itertools.combinations(keys, 2))


@relaxed
@given(st.permutations([(f"files[{i}]", UID("a"), digest(i)) for i in range(12)]))
def test_the_order_in_which_inputs_are_named_does_not_matter(inputs):
    expected = call_key(**{**BASE, "inputs": sorted(inputs)})
    assert call_key(**{**BASE, "inputs": inputs}) == expected


def test_the_order_of_arguments_does_not_matter():
    one = call_key(**{**BASE, "params": {"a": 1, "b": 2}})
    assert call_key(**{**BASE, "params": {"b": 2, "a": 1}}) == one


def test_one_argument_path_is_one_input():
    with pytest.raises(ValueError, match="same argument path"):
        call_key(**{**BASE, "inputs": [("f", UID("a"), digest(1)), ("f", UID("b"), digest(1))]})


@pytest.mark.parametrize("size", [KEY_LIMIT, 9 * 1024 * 1024])
def test_arguments_that_could_not_be_recorded_are_refused_before_the_work(size):
    with pytest.raises(UsageError, match="bytes"):
        call_key(**{**BASE, "params": {"x": b"x" * size}})
    assert call_key(**{**BASE, "params": {"x": b"x" * (KEY_LIMIT - 200)}})


def test_it_is_quick_enough_for_a_cached_call():
    # A cached call is to take some 100 microseconds in all. The time of this thread: on a busy
    # machine others want the processor too.
    took = timeit.repeat(lambda: call_key(**BASE), timer=time.thread_time, number=200, repeat=5)
    assert min(took) / 200 < 100e-6
