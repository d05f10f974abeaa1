"""The formats of directories in plain Python, written from docs/format.md alone.

It holds everything in memory and is slow. Tests compare what the Rust code writes with it, byte
for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import blake3
import cbor2

MIB = 1 << 20
FILE, EXECUTABLE, LINK, FOLDER = range(4)


def digest_of(data: bytes) -> bytes:
    """Return BLAKE3 of some bytes."""
    return bytes(blake3.blake3(data).digest())


def encode(value: Any) -> bytes:
    """Return the strict encoding of a value."""
    return bytes(cbor2.dumps(_in_order(value)))


def _in_order(value: Any) -> Any:
    """Sort the keys of maps by their encodings. cbor2's own way also shortens floats."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: _in_order(value[key]) for key in keys}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def little(data: bytes) -> int:
    """Return 8 bytes as a number."""
    return int.from_bytes(data, "little")


@dataclass(frozen=True)
class Entry:
    """A file, link or empty folder."""

    path: str
    kind: int
    size: int
    digest: bytes | None
    target: str | None = None

    @property
    def value(self) -> list[Any]:
        """The entry as it is encoded."""
        value = [self.path, self.kind, self.size, self.digest]
        return value if self.target is None else [*value, self.target]

    @property
    def packed(self) -> bool:
        """Whether its bytes are in a pack."""
        return self.kind in (FILE, EXECUTABLE) and 1 <= self.size <= 4 * MIB

    @property
    def large(self) -> bool:
        """Whether its bytes are an object of their own."""
        return self.kind in (FILE, EXECUTABLE) and self.size > 4 * MIB


def file(path: str, data: bytes, kind: int = FILE) -> Entry:
    """Return the entry of a file."""
    return Entry(path, kind, len(data), digest_of(data))


def link(path: str, target: str) -> Entry:
    """Return the entry of a symbolic link."""
    data = target.encode()
    return Entry(path, LINK, len(data), digest_of(data), target)


def folder(path: str) -> Entry:
    """Return the entry of an empty folder."""
    return Entry(path, FOLDER, 0, None)


def page_object(entries: list[Entry]) -> bytes:
    """Return a page."""
    return encode({"kind": "radops/page", "v": 1, "entries": [entry.value for entry in entries]})


def cut_pages(entries: list[Entry]) -> list[list[Entry]]:
    """Return the entries, which are sorted, page by page."""
    pages: list[list[Entry]] = []
    page: list[Entry] = []
    size = 0
    frame = len(page_object([])) + 2  # an array of 256 entries and more has two bytes more
    for entry in entries:
        encoded = len(encode(entry.value))
        # Only a page near its end needs the exact size.
        if size + encoded + frame > 2 * MIB - 8 and len(page_object([*page, entry])) > 2 * MIB:
            pages.append(page)
            page, size = [], 0
        page.append(entry)
        size += encoded
        cut = little(digest_of(entry.path.encode())[:8]) % 2048 == 0
        if (len(page) >= 512 and cut) or len(page) == 8192:
            pages.append(page)
            page, size = [], 0
    if page or not pages:
        pages.append(page)
    return pages


def page_start(last: str, first: str) -> bytes:
    """Return the shortest beginning of `first` that sorts after `last`."""
    data = first.encode()
    return next(data[:n] for n in range(len(data) + 1) if data[:n] > last.encode())


def cut_packs(files: list[tuple[bytes, int]]) -> list[list[tuple[bytes, int]]]:
    """Return digests and sizes of files, each content once, pack by pack."""
    packs: list[list[tuple[bytes, int]]] = []
    pack: list[tuple[bytes, int]] = []
    total = 0
    for digest, size in files:
        weight = max(size, 256)
        if total + weight > 32 * MIB:
            packs.append(pack)
            pack, total = [], 0
        pack.append((digest, size))
        total += weight
        if total >= 8 * MIB and little(digest[:8]) < min(weight * 2**41, 2**63):
            packs.append(pack)
            pack, total = [], 0
    return [*packs, pack] if pack else packs


def trailer(files: list[tuple[bytes, int]]) -> bytes:
    """Return what follows the bytes of the files in a pack."""
    listed = encode([[digest, size] for digest, size in files])
    return listed + len(listed).to_bytes(8, "little") + b"radopsPK"


def source_list(sources: list[tuple[bytes, int]]) -> bytes:
    """Return a source list."""
    value = [[digest, size] for digest, size in sources]
    return encode({"kind": "radops/sources", "v": 1, "sources": value})


def cut_sources(sources: list[tuple[bytes, int]]) -> list[list[tuple[bytes, int]]]:
    """Return sources, which are sorted, list by list."""
    lists: list[list[tuple[bytes, int]]] = [[]]
    for source in sources:
        lists[-1].append(source)
        if len(lists[-1]) == 65_536 or little(source[0][-8:]) % 32_768 == 0:
            lists.append([])
    return [found for found in lists if found]


@dataclass
class Tree:
    """A directory: its objects by digest, and which of them are what."""

    root: bytes = b""
    layout: bytes = b""
    objects: dict[bytes, bytes] = field(default_factory=dict)
    packs: list[bytes] = field(default_factory=list)
    pages: list[bytes] = field(default_factory=list)
    layout_pages: list[bytes] = field(default_factory=list)
    lists: list[bytes] = field(default_factory=list)

    def put(self, data: bytes) -> list[Any]:
        """Keep an object; return digest and size."""
        digest = digest_of(data)
        self.objects[digest] = data
        return [digest, len(data)]


def layout_parts(
    entries: list[Entry], places: dict[bytes, tuple[bytes, int, int]]
) -> dict[str, Any]:
    """Return places and sources of one page; `places` has pack, size and offset by content."""
    used = {places[entry.digest or b""][:2] for entry in entries if entry.packed}
    used |= {(entry.digest or b"", entry.size) for entry in entries if entry.large}
    sources = sorted(used)
    numbers = {digest: number for number, (digest, _) in enumerate(sources)}
    found: list[list[int] | None] = []
    for entry in entries:
        place = places[entry.digest or b""] if entry.packed else None
        found.append(None if place is None else [numbers[place[0]], place[2]])
    return {"sources": [list(source) for source in sources], "places": found}


def build(entries: list[Entry], contents: dict[bytes, bytes]) -> Tree:
    """Return the directory with these entries, nothing reused; `contents` has the packed bytes."""
    tree = Tree()
    entries = sorted(entries, key=lambda entry: entry.path.encode())
    distinct = {entry.digest or b"": entry.size for entry in entries if entry.packed}
    places: dict[bytes, tuple[bytes, int, int]] = {}
    for files in cut_packs(list(distinct.items())):
        data = b"".join(contents[digest] for digest, _ in files) + trailer(files)
        pack, size = tree.put(data)
        tree.packs.append(pack)
        offset = 0
        for digest, length in files:
            places[digest] = (pack, size, offset)
            offset += length
    name(tree, entries, places)
    return tree


def name(tree: Tree, entries: list[Entry], places: dict[bytes, tuple[bytes, int, int]]) -> None:
    """Make pages, root and layout of entries whose bytes are in these places."""
    files = [entry for entry in entries if entry.kind in (FILE, EXECUTABLE)]
    root: dict[str, Any] = {"kind": "radops/directory", "v": 1, "files": len(files)}
    root["bytes"] = sum(entry.size for entry in files)
    pages = cut_pages(entries)
    layout: dict[str, Any] = {"kind": "radops/layout", "v": 1}
    parts = [layout_parts(page, places) for page in pages]
    if len(pages) == 1:
        root["entries"] = [entry.value for entry in entries]
        layout |= parts[0]
    else:
        root["pages"] = []
        last = None
        for page in pages:
            start = b"" if last is None else page_start(last, page[0].path)
            last = page[-1].path
            counted = [entry for entry in page if entry.kind in (FILE, EXECUTABLE)]
            totals = [len(page), len(counted), sum(entry.size for entry in counted)]
            found = tree.put(page_object(page))
            tree.pages.append(found[0])
            root["pages"].append([start, *found, *totals])
        every = sorted({tuple(source) for part in parts for source in part["sources"]})
        lists = [tree.put(source_list(found)) for found in cut_sources(every)]
        shown = [tree.put(encode({"kind": "radops/layout-page", "v": 1} | part)) for part in parts]
        tree.lists = [found[0] for found in lists]
        tree.layout_pages = [found[0] for found in shown]
        layout |= {"pages": shown, "sources": lists}
    tree.root = tree.put(encode(root))[0]
    layout["root"] = tree.root
    tree.layout = tree.put(encode(layout))[0]


# ------------------------------------------------------- inputs that the golden files are made of


def small() -> tuple[list[Entry], dict[bytes, bytes]]:
    """Return a directory with an entry of every kind, and the bytes of its files."""
    data = [b"hello\n", b"#!/bin/sh\n", b"", bytes(4 * MIB + 1)]
    entries = [
        file("a.txt", data[0]),
        file("bin/run.sh", data[1], EXECUTABLE),
        link("bin/text", "../a.txt"),
        file("copy of a.txt", data[0]),
        folder("empty/\u00e9"),
        file("large.bin", data[3]),
        file("none", data[2]),
    ]
    return entries, {digest_of(item): item for item in data}


def many() -> tuple[list[Entry], dict[bytes, tuple[bytes, int, int]]]:
    """Return 20,000 entries over several pages, with invented contents and places."""
    entries, places = [], {}
    for number in range(20_000):
        digest = digest_of(b"content %d" % number)
        path = f"{number % 50:02}/{number:05}-{digest_of(b'name %d' % number).hex()[:32]}.bin"
        size = (number * 7919) % (5 * MIB)
        entries.append(Entry(path, FILE, size, digest))
        pack = digest_of(b"pack %d" % (number // 100))
        places[digest] = (pack, 20 * MIB, number % 100 * 1000)
    return sorted(entries, key=lambda entry: entry.path.encode()), places


def numbered(count: int, prefix: bytes) -> list[bytes]:
    """Return so many digests that anyone can compute."""
    return [digest_of(prefix + b" %d" % number) for number in range(count)]


def packed_sizes(count: int, what: str) -> list[int]:
    """Return sizes of files to be packed."""
    sizes = {
        "tiny": [1 + number % 300 for number in range(count)],
        "small": [4096 + number % 7 for number in range(count)],
        "mixed": [1 + (number * number * 31) % (4 * MIB) for number in range(count)],
        "most": [4 * MIB for _ in range(count)],
    }
    return sizes[what]
