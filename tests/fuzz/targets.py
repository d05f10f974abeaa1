"""What decodes bytes that others wrote: each with honest bytes to begin with, and what must hold.

Whatever the bytes, a target may refuse them with an error of radops and nothing else. What it
takes, it writes again to the same bytes, and no name in it leads elsewhere.
"""

from __future__ import annotations

import posixpath
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from directories.reference import LINK, trailer
from directories.vectors import parts
from format import decoded, samples
from radops import native
from radops.backends import process
from radops.config.file import parse
from radops.errors import CorruptRecordError, InvalidUIDError, RadopsError
from radops.format import cbor
from radops.format.call import Call, CallOutput, decode_call, encode_call
from radops.format.edge import Edge, decode_edge
from radops.format.inner import check_inner_path
from radops.format.marker import decode_marker, new_marker
from radops.format.note import decode_note, describe, parse_note_key
from radops.format.outline import BLOCK_SIZE, check_outline
from radops.format.pattern import literal_prefix, match
from radops.format.record import FileRecord, Tombstone, decode_slot, folder_record, tombstone
from radops.format.render import readable
from radops.format.uid import UID, parse_slot_key, parse_uid, slot_key
from radops.redact import strip_url
from radops.repository.objects import trash
from radops.repository.refs import leases, pending
from radops.repository.refs.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Callable

CORPUS = Path(__file__).parent / "corpus"

RECORDS = [record.raw for record in samples.records()]
_OUTPUT = UID("out.csv")
# Whose records are of a directory, and name a call that is in an object.
_MORE_CALLS = [
    samples.make_call(
        outputs=(
            CallOutput(_OUTPUT, samples.digest(1), 9, layout=samples.digest(2), files=1, bytes=3),
        )
    ),
    samples.LONG_CALL,
]


class Target(NamedTuple):
    """A decoder of foreign bytes."""

    run: Callable[[bytes], None]
    """Raises anything but a `RadopsError` only if there is a fault to fix."""
    seeds: list[bytes]
    is_cbor: bool = True


def _again(raw: bytes) -> None:
    assert cbor.encode(cbor.decode(raw)) == raw


def _inner(name: str) -> None:
    key = parse_slot_key(name)
    assert key is not None
    assert slot_key(key.uid, key.number) == name
    assert not {"", ".", ".."} & set(name.split("/"))
    assert not {"\\", "\x00"} & set(name)


def _shown(call: Call | None) -> None:
    for value in call.params.values() if call else ():
        readable(value)


def _slot(raw: bytes) -> None:
    decoded.agree(raw, decoded.uid_within(raw))
    found = decode_slot(raw)
    assert found.raw == raw
    _again(raw)
    if isinstance(found, Tombstone):
        found = found.inner()
    if isinstance(found, FileRecord):
        _inner(found.commit.primary)
        assert found.record_digest.path
        _shown(found.call)


def _call(raw: bytes) -> None:
    found = decode_call(raw)
    _again(raw)
    _shown(found)
    known = encode_call(found)  # without what a later version says beside it
    assert encode_call(decode_call(known)) == known


def _edge(raw: bytes) -> None:
    decode_edge(raw, _OUTPUT)
    _again(raw)


def _note(raw: bytes) -> None:
    # The key of a note is what it says of itself, so any honest note has one.
    tree = cbor.decode(raw)
    fields = tree if isinstance(tree, dict) else {}
    uid, time, number = (fields.get(name) for name in ("uid", "written_at", "id"))
    time = re.sub("[-:.]", "", time) if isinstance(time, str) else ""
    number = number.hex() if isinstance(number, bytes) else ""
    key = f"notes/{uid}/{time}-{number}.radops"
    found = decode_note(raw, key)
    assert found.raw == raw
    assert parse_note_key(key) == (found.uid, key)
    assert not {"", ".", ".."} & set(key.split("/"))
    describe([found], found.digest)
    _again(raw)


def _marker(raw: bytes) -> None:
    found = decode_marker(raw)
    assert found.raw == raw
    _again(raw)
    for check in (found.check_read, found.check_write):
        check()


def _pending(raw: bytes) -> None:
    draft = pending._decode(raw)
    for record in draft.records:
        _inner(record.commit.primary)


def _lease(raw: bytes) -> None:
    found = leases._decode(raw)
    if found is not None:
        assert leases._decode(found.encode()) == found
        assert 0 <= found.seconds < float("inf")
        process.is_gone(found.holder.process)
        process.is_gone(f"{process._this_place()}/{found.holder.what}/1")


def _outline(raw: bytes) -> None:
    size, outline = int.from_bytes(raw[:7], "big"), raw[7:]
    assert not check_outline(outline, size, samples.digest(1)) or size <= BLOCK_SIZE
    # With the right length all of it is merged.
    full = outline[: len(outline) // 32 * 32]
    blocks = len(full) // 32
    if blocks > 1:
        size = (blocks - 1) * BLOCK_SIZE + 1 + size % BLOCK_SIZE
        assert not check_outline(full, size, samples.digest(1))


def _config(raw: bytes) -> None:
    parse(raw.decode("utf-8", "replace"), Path("config.toml"))


def _names(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape" if raw[:1] == b"\xff" else "replace")
    for key in (f"refs/{text}.radops", f"refs/{text}", text):
        if (found := parse_slot_key(key)) is not None and not found.gone:
            _inner(key)
    trash.parse_trash_key(f"trash/{text}")
    assert trash.parse_path(text) is None or len(text) == 65
    assert "@" not in strip_url(f"s3://{text}").partition("/")[0]
    pattern, _, name = text.partition("\n")
    try:
        uid = parse_uid(name)
    except InvalidUIDError:
        return
    assert slot_key(uid)
    if match(pattern, uid):
        assert uid.startswith(literal_prefix(pattern))


def _kept() -> bytes:
    """Return a result as it waits to be published."""
    records = samples.records()
    draft = Draft(records, [(records[0].digest, 3)], samples.CALL.key, [UID("in.csv")])
    return pending._encode(draft)


def _part(raw: bytes, decode: Callable[[bytes], object]) -> None:
    """Decode a part of a directory in Rust; what it takes is canonical."""
    try:
        decode(raw)
    except (native.TreeFormatError, native.NewerTreeError) as error:
        raise CorruptRecordError(str(error)) from None
    _again(raw)


def _page(raw: bytes) -> None:
    _part(raw, native.decode_page)
    for path, kind, _, _, target in native.decode_page(raw):
        check_inner_path(path)
        if target is not None:
            assert kind == LINK
            folder = posixpath.normpath(f"/top/{posixpath.dirname(path)}")
            assert posixpath.normpath(f"{folder}/{target}").startswith("/top/")


def _root(raw: bytes) -> None:
    _part(raw, native.decode_root)
    files, _, entries, _ = native.decode_root(raw)
    assert files <= entries


def _layout(raw: bytes) -> None:
    _part(raw, native.decode_layout)


def _layout_page(raw: bytes) -> None:
    _part(raw, native.decode_layout_page)
    sources, places = native.decode_layout_page(raw)
    assert sources == sorted(set(sources))
    assert all(place[0] < len(sources) for place in places if place is not None)


def _sources(raw: bytes) -> None:
    _part(raw, partial(native.decode_sources, last=True))
    sources = native.decode_sources(raw, last=True)
    assert sources == sorted(set(sources))


def _pack(raw: bytes) -> None:
    try:
        files = native.decode_pack(raw)
    except native.TreeFormatError as error:
        raise CorruptRecordError(str(error)) from None
    assert raw.endswith(trailer(files))
    assert sum(size for _, size in files) + len(trailer(files)) == len(raw)


_HOLDER = leases.Holder("host", 1, "process", "work", "2026-11-22T12:00:00Z")
_CONFIG = b"""\
current_context = "team"
email = "ada@example.com"

[contexts.team]
remote = "s3://bucket/prefix"
endpoint_url = "https://s3.example.com"
"""

PARTS = parts()

TARGETS: dict[str, Target] = {
    "call": Target(_call, [encode_call(samples.CALL)]),
    "config": Target(_config, [_CONFIG], is_cbor=False),
    "edge": Target(_edge, [Edge(_OUTPUT, samples.digest(1)).encode()]),
    "layout": Target(_layout, [PARTS["layout"], PARTS["layout-of-pages"]]),
    "layout-page": Target(_layout_page, [PARTS["layout-page"]]),
    "lease": Target(_lease, [leases._Body(bytes(16), 1, False, 60.0, _HOLDER).encode()]),
    "marker": Target(_marker, [new_marker(bytes(16)).raw]),
    "names": Target(_names, [b"a/b/c.csv", b"a/**/*.csv\na/b/c.csv"], is_cbor=False),
    "note": Target(_note, [bytes.fromhex((samples.GOLDEN / "note.hex").read_text())]),
    "outline": Target(_outline, [bytes(7 + 64)], is_cbor=False),
    "pack": Target(_pack, [PARTS["pack"]], is_cbor=False),
    "page": Target(_page, [PARTS["page"]]),
    "pending": Target(_pending, [_kept()]),
    "root": Target(_root, [PARTS["root"], PARTS["root-of-pages"]]),
    "sources": Target(_sources, [PARTS["sources"]]),
    "slot": Target(
        _slot,
        [
            *RECORDS,
            samples.IMPORT.raw,
            folder_record(UID("a")),
            tombstone(RECORDS[0], samples.NOW, "ada@example.com"),
            *(records[0].raw for records in map(samples.records, _MORE_CALLS)),
        ],
    ),
}


def attempt(what: str, raw: bytes) -> bool:
    """Let a target decode; say if it took the bytes."""
    try:
        TARGETS[what].run(raw)
    except RadopsError:
        return False
    return True


def corpus(what: str) -> list[bytes]:
    """Return honest bytes, and what a fuzzer once found worth keeping: a line of hex for each."""
    path = CORPUS / f"{what}.hex"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    kept = [bytes.fromhex(line) for line in lines if not line.startswith("#")]
    return [*TARGETS[what].seeds, *kept]


def altered(tree: Any, choose: Callable[[int], int], values: list[Any]) -> bytes:
    """Return a well-formed encoding of which one value is another, gone or new.

    Args:
        tree: What to alter.
        choose: Returns a number from 0 up to its argument, without it.
        values: Values that replace it.
    """
    node = tree
    for _ in range(choose(7)):
        below = [v for v in (node.values() if isinstance(node, dict) else node) if v]
        below = [value for value in below if isinstance(value, (dict, list))]
        if not below:
            break
        node = below[choose(len(below))]
    value = values[choose(len(values))]
    if isinstance(node, dict):
        keys = sorted(node)
        how = choose(3)
        if keys and how == 0:
            del node[keys[choose(len(keys))]]
        else:
            node[keys[choose(len(keys))] if keys and how == 1 else "new"] = value
    elif node and choose(2):
        node[choose(len(node))] = value
    else:
        node.append(value)
    return cbor.encode(tree)
