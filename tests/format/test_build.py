import pytest

from format.samples import CALL, COMMIT_ID, IMPORT, LONG_CALL, NOW, digest, make_call, records
from radops.errors import CorruptRecordError, UsageError
from radops.format import cbor
from radops.format.build import (
    build_import,
    call_with_inputs,
    recommit,
    sibling,
    with_call_object,
    with_inputs,
)
from radops.format.call import CALL_INLINE_LIMIT, CallInput, CallOutput, decode_call, encode_call
from radops.format.digest import Digest
from radops.format.record import MAX_RECORD_SIZE, check_call, decode_slot
from radops.format.uid import UID


@pytest.mark.parametrize("call", [CALL, LONG_CALL], ids=["inline", "object"])
def test_siblings_differ_only_in_what_names_their_file(call):
    first, second = records(call, number=2)
    assert first.commit == second.commit
    assert first.commit.primary == "refs/splits/test.csv.radops-2"
    trees = [cbor.decode(record.raw) for record in (first, second)]
    different = {name for name in trees[0] if trees[0][name] != trees[1][name]}
    assert different == {"uid", "digest", "size", "name"}
    # Either keeps what the whole commit needs, until it is finished.
    assert {digest(0x33), digest(0x44), digest(0x66)} <= set(first.keeps)


@pytest.mark.parametrize("call", [CALL, LONG_CALL], ids=["inline", "object"])
def test_any_sibling_makes_the_others_to_the_byte(call):
    made = records(call)
    for record in made:
        for output, expected in zip(call.outputs, made, strict=True):
            assert sibling(record, output).raw == expected.raw


def test_siblings_keep_fields_of_later_versions():
    tree = cbor.decode(records()[0].raw)
    tree["later"] = {"x": 1}
    tree["origin"]["call"]["later"] = [2]
    record = decode_slot(cbor.encode(tree))
    other = cbor.decode(sibling(record, CALL.outputs[1]).raw)
    assert other["later"] == {"x": 1}
    assert other["origin"]["call"]["later"] == [2]


def test_a_call_has_no_other_siblings_than_its_outputs():
    with pytest.raises(ValueError, match="did not make"):
        sibling(records()[0], CallOutput(UID("splits/other.csv"), digest(1), 1))


def test_a_long_call_is_an_object_that_every_sibling_keeps():
    for record in records(LONG_CALL):
        raw = encode_call(LONG_CALL)
        assert record.call is None
        assert record.call_object == Digest.of(raw)
        assert record.call_object in record.keeps
        assert len(record.raw) < 2000
        assert decode_call(raw).outputs == LONG_CALL.outputs
        check_call(record, decode_call(raw))


def test_the_border_between_inline_and_object():
    def size(length):
        tree = cbor.decode(records(make_call(params={"x": "y" * 1000}))[0].raw)
        tree["origin"]["call"]["params"] = {"x": "y" * length}
        return len(cbor.encode(tree["origin"]["call"]))

    border = next(n for n in range(60000, 66000) if size(n) == CALL_INLINE_LIMIT)
    assert records(make_call(params={"x": "y" * border}))[0].call is not None
    assert records(make_call(params={"x": "y" * (border + 1)}))[0].call_object is not None


@pytest.mark.parametrize(
    "outputs",
    [
        (CallOutput(UID("other"), digest(1), 1),),
        (CallOutput(UID("splits/test.csv"), digest(9), 100),),
        (CallOutput(UID("splits/test.csv"), digest(0x33), 101),),
        (*LONG_CALL.outputs, CallOutput(UID("z"), digest(0x77), 1)),
    ],
)
def test_a_call_object_must_fit_the_record(outputs):
    record = records(LONG_CALL)[0]
    with pytest.raises(CorruptRecordError, match="not a valid record"):
        check_call(record, make_call(outputs=outputs))


def test_the_primary_slot_is_that_of_the_first_output():
    call = make_call(outputs=(CallOutput(UID("a"), digest(0x33), 1), *LONG_CALL.outputs))
    with pytest.raises(CorruptRecordError, match="primary slot"):
        check_call(records(LONG_CALL)[1], call)


def test_what_is_not_a_call_object_is_refused():
    for raw in (b"", cbor.encode({"kind": "radops/call", "v": 1}), IMPORT.raw):
        with pytest.raises(CorruptRecordError):
            decode_call(raw)


def test_inputs_are_rewritten_and_nothing_else():
    old, new = IMPORT.record_digest, digest(0x99)
    extra = CallInput("", UID("read/it"), digest(5), digest(6))
    record = records(make_call(reads=(extra,)))[1]
    mapping = {old: new, digest(6): digest(7), digest(8): digest(9)}
    rewritten = with_inputs(record, mapping)
    assert [item.record for item in rewritten.call.inputs] == [new]
    assert [item.record for item in rewritten.call.reads] == [digest(7)]
    assert rewritten.commit == record.commit
    assert with_inputs(rewritten, {new: old, digest(7): digest(6)}) == record
    assert with_inputs(record, {}) == record
    assert with_inputs(IMPORT, mapping) == IMPORT


def test_siblings_stay_siblings_when_their_inputs_are_rewritten():
    mapping = {IMPORT.record_digest: digest(0x99)}
    first, second = (with_inputs(record, mapping) for record in records())
    assert sibling(first, CALL.outputs[1]) == second


def test_inputs_of_a_call_object_are_rewritten():
    record = records(LONG_CALL)[0]
    with pytest.raises(ValueError, match="with_call_object"):
        with_inputs(record, {})
    raw = call_with_inputs(encode_call(LONG_CALL), {IMPORT.record_digest: digest(0x99)})
    call = decode_call(raw)
    assert [item.record for item in call.inputs] == [digest(0x99)]
    rewritten = with_call_object(record, Digest.of(raw))
    check_call(rewritten, call)
    assert rewritten.call_object == Digest.of(raw)
    assert record.call_object not in rewritten.keeps
    assert rewritten.commit == record.commit
    with pytest.raises(ValueError, match="no call object"):
        with_call_object(IMPORT, digest(1))


def test_a_commit_can_be_tried_in_another_slot():
    first, second = recommit(records(), "refs/splits/test.csv.radops-1")
    assert first.commit == second.commit
    assert first.commit.primary == "refs/splits/test.csv.radops-1"
    assert first.commit.id != COMMIT_ID
    assert sibling(first, CALL.outputs[1]) == second
    with pytest.raises(CorruptRecordError, match="primary"):
        recommit(records(), "refs/splits/train.csv.radops")


@pytest.mark.parametrize("call", [CALL, LONG_CALL], ids=["inline", "object"])
def test_an_output_can_be_a_commit_of_its_own(call):
    primary = "refs/splits/train.csv.radops-4"
    (alone,) = recommit(records(call)[1:], primary)
    assert alone.commit.primary == primary
    assert alone.commit.primary_uid == alone.uid
    check_call(alone, call)
    with pytest.raises(CorruptRecordError, match="primary"):
        recommit([alone], "refs/a.radops" if call is CALL else "refs/z.radops")


def test_each_commit_has_an_id_of_its_own():
    values = {
        "uid": UID("a"), "digest": digest(1), "size": 1, "source": "a", "created_at": NOW,
        "originator": "x", "radops_version": "1",
    }  # fmt: skip
    one, two = build_import(**values), build_import(**values)
    assert one.commit.id != two.commit.id
    assert len(one.commit.id) == 16
    assert build_import(**values, number=3).commit.primary == "refs/a.radops-3"


def test_no_secret_reaches_a_record():
    raw = IMPORT.raw + b"".join(record.raw for record in records()) + encode_call(CALL)
    assert b"secret" not in raw
    assert b"git@" not in raw


def test_a_file_name_that_is_not_text_is_a_source_as_far_as_it_is():
    record = build_import(
        uid=UID("a"), digest=digest(1), size=1, source="caf\udce9.csv", created_at=NOW,
        originator="x", radops_version="1",
    )  # fmt: skip
    assert record.imported.source == "caf?.csv"
    assert decode_slot(record.raw).imported.source == "caf?.csv"


def test_a_file_name_is_a_source_as_it_stands():
    record = build_import(
        uid=UID("a"), digest=digest(1), size=1, source="what?#is@this.csv", created_at=NOW,
        originator="x", radops_version="1",
    )  # fmt: skip
    assert record.imported.source == "what?#is@this.csv"


def test_a_long_originator_is_cut_not_refused():
    record = build_import(
        uid=UID("a"), digest=digest(1), size=1, source="a", created_at=NOW, originator="x" * 9999,
        radops_version="1",
    )  # fmt: skip
    assert record.originator == "x" * 512


def test_a_record_that_could_not_be_buried_is_not_made():
    outputs = tuple(
        CallOutput(UID(f"{i:07}"), Digest(i.to_bytes(32, "big")), 1) for i in range(250_000)
    )
    with pytest.raises(UsageError, match="too much"):
        records(make_call(outputs=outputs))
    assert MAX_RECORD_SIZE < cbor.MAX_SIZE


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": ()},
        {"outputs": tuple(reversed(CALL.outputs))},
        {"inputs": (*CALL.inputs, *CALL.inputs)},
        {"seconds": float("nan")},
        {"started_at": "now"},
    ],
)
def test_a_call_that_no_reader_would_take_is_not_made(changes):
    with pytest.raises((ValueError, CorruptRecordError)):
        records(make_call(**changes))
