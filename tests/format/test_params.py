import dataclasses
import datetime as dt
import decimal
import enum
import functools
import itertools
import os
import subprocess
import sys
import uuid
from collections import OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import CANONICAL, Color, Config, Level, Mode, Rights, relaxed, texts
from radops.errors import ArgumentTypeError
from radops.format import cbor
from radops.format.params import MAX_VALUE_DEPTH, canonicalise
from radops.format.render import render


def encoding(value):
    return cbor.encode(canonicalise(value, "x"))


@pytest.mark.parametrize("name", CANONICAL)
def test_a_canonical_value_survives_its_encoding(name):
    data = encoding(CANONICAL[name])
    assert cbor.encode(cbor.decode(data)) == data


NAIVE = dt.datetime(2026, 1, 1)  # noqa: DTZ001
ALIKE = [
    [1, 1.0, True, "1", b"1", Decimal(1), np.int64(1), np.int32(1), np.float64(1), Level.LOW, [1],
     (1,), {1}, frozenset({1}), {1: 1}, {1: True}, {True: 1}, Color.RED, np.True_],
    [0, 0.0, -0.0, False, None, "", b"", [], (), set(), frozenset(), {}, Rights(0), np.float32(0),
     np.float32(-0.0), Decimal("-0"), Decimal(0), Decimal("0.0")],
    [float("nan"), "nan", Decimal("NaN"), Decimal("sNaN"), np.float64("nan"), np.float32("nan")],
    ["a/b", Path("a/b"), "file:a/b", Mode.FAST, "fast"],
    ["a", np.str_("a"), np.bytes_(b"a"), b"a", ["a"]],
    [2**63, float(2**63), str(2**63), Decimal(2**63), np.uint64(2**63)],
    [dt.date(2026, 1, 1), NAIVE, NAIVE.replace(fold=1), "2026-01-01",
     dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), np.datetime64("2026-01-01"),
     np.datetime64("2026-01-01T00")],
    [uuid.UUID(int=0), uuid.UUID(int=0).bytes, str(uuid.UUID(int=0))],
    [Decimal("1.5"), Decimal("1.50"), 1.5],
    [["list", [1]], [1], ["file", "a"]],
    [Config(0.5, ["a"]), Config(0.5, ("a",)), {"rate": 0.5, "names": ["a"]}],
    ["é", "e\u0301"],
]  # fmt: skip


@pytest.mark.parametrize("values", ALIKE)
def test_values_that_look_alike_differ(values):
    for one, other in itertools.combinations(values, 2):
        assert encoding(one) != encoding(other), (one, other)


EQUAL = [
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({3, 1, 2}, {2, 3, 1}),
    (float("nan"), -float("nan")),
    (np.float64("nan"), np.frombuffer(bytes.fromhex("010000000000f8ff"), "<f8")[0]),
    (np.complex128(complex(1, float("nan"))),
     np.frombuffer(bytes.fromhex("000000000000f03f010000000000f8ff"), "<c16")[0]),
    (np.float32(1.5), np.array(1.5, ">f4")[()]),
    (np.longlong(5), np.int64(5)),
    (Rights.R | Rights.W, Rights.W | Rights.R),
    (Path("a//b/"), Path("a/b")),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_values_that_are_equal_have_one_encoding(one, other):
    assert encoding(one) == encoding(other)


def test_a_bare_payload_cannot_be_forged():
    assert canonicalise(["file", "a"], "x") == ["list", ["file", "a"]]


def test_the_decimal_context_does_not_matter():
    with decimal.localcontext() as context:
        context.capitals = 0
        context.prec = 2
        assert canonicalise(Decimal("1.23456E+10"), "x") == ["decimal", "123456E5"]


@relaxed
@given(st.integers())
def test_large_integers_are_the_shortest_twos_complement(number):
    value = canonicalise(number << 64, "x")
    if number == 0:
        assert value == 0
        return
    kind, data = value
    assert kind == "bigint"
    assert int.from_bytes(data, "big", signed=True) == number << 64
    shorter = data[1:]
    assert int.from_bytes(shorter, "big", signed=True) != number << 64


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 that is the point


@dataclasses.dataclass
class Base:
    a: int


class Undecorated(Base):
    pass


@dataclasses.dataclass
class OfDict(dict):
    a: int = 1


@dataclasses.dataclass
class WithCache(Base):
    @functools.cached_property
    def double(self):
        return 2 * self.a


@dataclasses.dataclass
class Slotted:
    __slots__ = ("a",)
    a: int


class Text(str):
    __slots__ = ()


class DataEnum(Base, enum.Enum):
    ONE = 1


class Zone(dt.tzinfo):
    def utcoffset(self, _moment):
        return dt.timedelta(0)


REFUSED = [
    (Text("a"), "subclass of str"), (Pair(1, 2), "subclass of tuple"),
    (OrderedDict(), "subclass of dict"), (defaultdict(int), "subclass of dict"),
    (OfDict(), "subclass of dict"), (Undecorated(1), "subclass of a dataclass"),
    (type("Sub", (Path().__class__,), {})("a"), "subclass of"),
    (object(), "type object"), (print, "builtin_function"), (lambda: 1, "type function"),
    (Base, "type type"), (Color, "cannot be recorded"), (1j, "complex"), (range(3), "range"),
    (bytearray(b"a"), "bytearray"), (memoryview(b"a"), "memoryview"), (iter([]), "iterator"),
    ((i for i in []), "generator"), (dt.time(1), "datetime.time"), (os, "module"),
    (dt.timedelta(1), "datetime.timedelta"), (np.zeros(2), "numpy.ndarray"),
    (np.longdouble(1), "machine to machine"), (np.void(b"ab"), "numpy.void"),
    (PureWindowsPath("a"), "PureWindowsPath"), (Path("a\udcff"), "surrogate"),
    ("\ud800", "surrogate"), (dt.datetime(2026, 1, 1, tzinfo=Zone()), "time zone"),
    (Exception("x"), "Exception"), (..., "ellipsis"), (NotImplemented, "NotImplemented"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "why"), REFUSED, ids=lambda item: str(type(item)))
def test_what_cannot_be_recorded_is_refused_by_name(value, why):
    for wrapped, where in ((value, "argument x:"), ([1, value], "argument x[1]:"),
                           ({"k": (value,)}, 'argument x["k"][0]:'),
                           (Base(value), "argument x.a:")):  # fmt: skip
        with pytest.raises(ArgumentTypeError) as caught:
            canonicalise(wrapped, "x")
        assert where in str(caught.value)
        assert why in str(caught.value)
        assert caught.value.hint
        assert isinstance(caught.value, TypeError)


def test_an_unset_field_and_an_extra_attribute_are_refused():
    unset = Slotted.__new__(Slotted)
    with pytest.raises(ArgumentTypeError, match="field 'a' is not set"):
        canonicalise(unset, "x")
    extra = Base(1)
    extra.more = 2
    with pytest.raises(ArgumentTypeError, match="'more' is not a field"):
        canonicalise(extra, "x")


def test_what_is_cached_on_a_dataclass_does_not_count():
    value = WithCache(2)
    before = canonicalise(value, "x")
    assert value.double == 4
    assert canonicalise(value, "x") == before


def test_an_enum_with_data_is_an_enum():
    assert canonicalise(DataEnum.ONE, "x")[0] == "enum"


def test_the_module_of_scripts_is_asked_for():
    modules = {"Color": "repo:colors", "Config": "repo:config"}
    value = canonicalise([Color.RED, Config(0.5, [])], "x",
                         module_of=lambda kind: modules[kind.__name__])  # fmt: skip
    assert value[1][0][1][0] == "repo:colors"
    assert value[1][1][1][0] == "repo:config"


def nested(wrap, levels, value=1):
    for _ in range(levels):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    ("wrap", "levels"),
    [(lambda v: [v], 14), (lambda v: {"a": v}, 9), (Base, 7), (lambda v: (v,), 14)],
)
def test_depth_is_bounded_so_that_the_record_can_be_read(wrap, levels):
    value = canonicalise(nested(wrap, levels), "x")
    # Around a value are the record, its origin, the call and its params.
    assert cbor.decode(cbor.encode({"a": {"b": {"c": {"d": value}}}}))
    with pytest.raises(ArgumentTypeError, match="nested too deeply"):
        canonicalise(nested(wrap, levels + 1), "x")


@pytest.mark.parametrize("inner", [2**70, Path("a"), Color.RED, np.int8(1), dt.date(2026, 1, 1)])
def test_the_deepest_value_still_fits(inner):
    levels = 13
    deepest = canonicalise(nested(lambda v: [v], levels, inner), "x")
    assert cbor.encode({"a": {"b": {"c": {"d": deepest}}}})
    with pytest.raises(ArgumentTypeError, match="nested too deeply"):
        canonicalise(nested(lambda v: [v], levels + 1, inner), "x")


def test_what_is_special_is_bounded_too():
    def special(value, where):
        return ["file", "a"] if value is ... else None

    nested_special = nested(lambda v: [v], 13, ...)
    assert canonicalise(nested_special, "x", special)
    with pytest.raises(ArgumentTypeError, match="nested too deeply"):
        canonicalise([nested_special], "x", special)
    assert MAX_VALUE_DEPTH == 28


def test_cycles_are_refused_by_name():
    items = [1]
    items.append({"k": items})
    with pytest.raises(ArgumentTypeError, match=r'x\[1\]\["k"\]: it contains itself'):
        canonicalise(items, "x")
    config = Base(1)
    config.a = config
    with pytest.raises(ArgumentTypeError, match=r"x\.a: it contains itself"):
        canonicalise(config, "x")


def test_the_same_value_twice_is_no_cycle():
    inner = [1]
    assert canonicalise([inner, inner], "x") == ["list", [["list", [1]]] * 2]


class Lake:
    def __init__(self, uid):
        self.uid = uid


def test_special_values_are_asked_for_in_order_by_path():
    seen = []

    def special(value, where):
        if isinstance(value, Lake):
            seen.append((where, value.uid))
            return ["file", value.uid]
        return None

    value = {"rate": (Lake("a"), 1), "b\"\\\n": [Lake("b")], 3: Lake("c"), None: Lake("d"),
             True: Lake("e"), (1, 2): Lake("f"), 0.5: Lake("g")}  # fmt: skip
    canonicalise([value, Base(Lake("h"))], "x", special)
    assert seen == [
        ('x[0]["rate"][0]', "a"),
        ('x[0]["b\\"\\\\\\u000a"][0]', "b"),
        ("x[0][3]", "c"),
        ("x[0][null]", "d"),
        ("x[0][true]", "e"),
        ("x[0][#82657475706c65820102]", "f"),
        ("x[0][#fb3fe0000000000000]", "g"),
        ("x[1].a", "h"),
    ]
    assert canonicalise(Lake("z"), "x", special) == ["file", "z"]


@pytest.mark.parametrize("value", [{Lake("a")}, {Lake("a"): 1}, {(Lake("a"),)}])
def test_there_is_nothing_special_where_there_is_no_order(value):
    with pytest.raises(ArgumentTypeError, match="Lake cannot be recorded") as caught:
        canonicalise(value, "x", lambda _value, _where: ["file", "a"]
                     if isinstance(_value, Lake) else None)  # fmt: skip
    assert "lists" in caught.value.hint


def test_two_keys_that_are_recorded_alike_are_refused():
    with pytest.raises(ArgumentTypeError, match="recorded alike"):
        canonicalise({float("nan"): 1, -float("nan"): 2}, "x")


hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
values = st.recursive(
    hashable | st.dates() | st.datetimes() | st.uuids() | st.decimals() | st.sampled_from(Color),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hashable, inner, max_size=4)
    | st.sets(hashable, max_size=4) | st.builds(Base, inner),
    max_leaves=12,
)  # fmt: skip


@relaxed
@given(values)
def test_every_recordable_value_has_a_stable_encoding(value):
    try:
        canonical = canonicalise(value, "x")
    except ArgumentTypeError as error:
        assert "nested too deeply" in str(error)  # noqa: PT017
        return
    data = cbor.encode(canonical)
    assert cbor.encode(cbor.decode(data)) == data
    assert encoding(_reversed(value)) == data


def _reversed(value):
    """Return an equal value whose dicts were filled in another order."""
    if type(value) is dict:
        return {key: _reversed(item) for key, item in reversed(list(value.items()))}
    if type(value) is list:
        return [_reversed(item) for item in value]
    return Base(_reversed(value.a)) if isinstance(value, Base) else value


def test_the_hash_seed_does_not_matter():
    program = (
        "from radops.format import cbor; from radops.format.params import canonicalise;"
        "print(cbor.encode(canonicalise([{'a','b','c',('d',1)}, {'x':{'y'},'z':1}],'x')).hex())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed},
            check=True, capture_output=True, text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(answers) == 1


def test_the_name_of_a_fixed_time_zone_counts():
    """A function can see it: `datetime.tzname()`, `%Z`."""
    hour = dt.timedelta(hours=1)

    def made(*zone):
        return canonicalise(dt.datetime(2026, 1, 1, tzinfo=dt.timezone(*zone)), "when")

    unnamed, named, other = made(hour), made(hour, "CET"), made(hour, "WAT")
    assert unnamed == ["datetime", ["2026-01-01T00:00:00.000000+01:00", None, 0]]
    assert named == ["datetime", ["2026-01-01T00:00:00.000000+01:00", None, 0, "CET"]]
    assert other != named
    # The name that Python gives it by itself is no name.
    assert made(hour, "UTC+01:00") == unnamed
    assert made(dt.timedelta(0), "UTC") == made(dt.timedelta(0))
    assert render(named) == 'datetime("2026-01-01T00:00:00.000000+01:00", name="CET")'
    with pytest.raises(ArgumentTypeError, match="surrogate"):
        made(hour, "\ud800")
