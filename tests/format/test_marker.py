import pytest

from format.samples import digest
from radops.errors import CorruptRecordError, InvalidUIDError, NewerFormatError
from radops.format import cbor
from radops.format.edge import Edge, decode_edge
from radops.format.marker import decode_marker, new_marker
from radops.format.uid import UID


def marker(**changes):
    return decode_marker(cbor.encode({**cbor.decode(new_marker(bytes(16)).raw), **changes}))


def test_a_new_marker_asks_for_nothing():
    one = new_marker()
    one.check_read()
    one.check_write()
    one.check_gc()
    assert len(one.lake_id) == 32
    assert one.lake_id != new_marker().lake_id
    assert decode_marker(one.raw) == one


@pytest.mark.parametrize(
    ("features", "allowed"),
    [
        ({"read": ["packs"]}, set()),
        ({"write": ["packs"]}, {"read"}),
        ({"gc": ["packs"]}, {"read", "write"}),
        ({"read": ["packs", "x"], "write": ["packs", "packs"], "gc": ["\x1b[31m"]}, set()),
    ],
)
def test_unknown_features_are_named(features, allowed):
    one = marker(**features)
    for doing in ("read", "write", "gc"):
        check = getattr(one, f"check_{doing}")
        if doing in allowed:
            check()
        else:
            with pytest.raises(NewerFormatError) as caught:
                check()
            assert "packs" in str(caught.value)
            assert str(caught.value).isprintable()


def test_unknown_fields_are_kept():
    one = marker(later={"a": 1})
    assert cbor.decode(one.raw)["later"] == {"a": 1}


@pytest.mark.parametrize(
    "changes",
    [{"lake_id": "x"}, {"lake_id": "A" * 32}, {"lake_id": bytes(16)}, {"lake_id": "0" * 32 + "\n"},
     {"read": None}, {"read": [1]}, {"write": {}}, {"gc": "x"}, {"kind": "radops/record"},
     {"v": 0}],
)  # fmt: skip
def test_what_is_no_marker(changes):
    with pytest.raises(CorruptRecordError):
        marker(**changes)


def test_later_markers():
    with pytest.raises(NewerFormatError):
        marker(v=2)
    with pytest.raises(NewerFormatError):
        marker(kind="radops/ocean")


@pytest.mark.parametrize("size", [0, 15, 17])
def test_a_lake_id_has_16_bytes(size):
    with pytest.raises(CorruptRecordError):
        new_marker(bytes(size))


def test_edges_there_and_back():
    edge = Edge(UID("a/b"), digest(1))
    assert decode_edge(edge.encode(), UID("a/b")) == edge


def test_an_edge_answers_for_its_output_only():
    with pytest.raises(CorruptRecordError, match="answers for 'a'") as caught:
        decode_edge(Edge(UID("a"), digest(1)).encode(), UID("A"))
    assert caught.value.uid == "A"


@pytest.mark.parametrize(
    "tree",
    [{}, [], None, {"uid": "a"}, {"uid": "a", "record": bytes(31)},
     {"uid": "", "record": bytes(32)}, {"uid": "a", "record": "0" * 64}],
)  # fmt: skip
def test_what_is_no_edge(tree):
    with pytest.raises(CorruptRecordError):
        decode_edge(cbor.encode(tree), UID("a"))


def test_an_edge_names_a_valid_uid():
    with pytest.raises(InvalidUIDError):
        Edge(UID("a//b"), digest(1))
