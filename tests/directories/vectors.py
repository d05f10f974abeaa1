"""What the golden files of directories hold, as the reference writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from directories import reference as ref

FOLDER = Path(__file__).parent.parent / "golden" / "directory"


def parts() -> dict[str, bytes]:
    """Return one of each part, small enough to be read by people."""
    entries, contents = ref.small()
    tree = ref.build(entries, contents)
    page = [entry for entry in entries if entry.path.startswith("bin/")]
    sources = [(digest, 1000 + number) for number, digest in enumerate(ref.numbered(2, b"source"))]
    place = {"sources": [list(source) for source in sorted(sources)], "places": [[1, 6], None]}
    first, second = (ref.page_object(page), ref.page_object([ref.file("c", b"c")]))
    # Pages of so few entries are never written; the shape is that of any.
    pages = [
        [b"", ref.digest_of(first), len(first), 2, 1, 10],
        [b"c", ref.digest_of(second), len(second), 1, 1, 1],
    ]
    root = {"kind": "radops/directory", "v": 1, "files": 2, "bytes": 11, "pages": pages}
    layout_page = ref.encode({"kind": "radops/layout-page", "v": 1} | place)
    source_list = ref.source_list(sorted(sources))
    layout = {
        "kind": "radops/layout",
        "v": 1,
        "root": ref.digest_of(ref.encode(root)),
        "pages": [[ref.digest_of(layout_page), len(layout_page)]] * 2,
        "sources": [[ref.digest_of(source_list), len(source_list)]],
    }
    return {
        "root": tree.objects[tree.root],
        "layout": tree.objects[tree.layout],
        "pack": tree.objects[tree.packs[0]],
        "page": first,
        "root-of-pages": ref.encode(root),
        "layout-of-pages": ref.encode(layout),
        "layout-page": layout_page,
        "sources": source_list,
    }


def cuts() -> dict[str, Any]:
    """Return where lists that are too long to be shown are cut."""
    entries, places = ref.many()
    tree = ref.Tree()
    ref.name(tree, entries, places)
    sources = sorted((digest, 1) for digest in ref.numbered(200_000, b"source"))
    result: dict[str, Any] = {
        "many": {
            "root": tree.root.hex(),
            "layout": tree.layout.hex(),
            "pages": [len(page) for page in ref.cut_pages(entries)],
            "lists": len(tree.lists),
        },
        "long paths": [len(page) for page in ref.cut_pages(long_paths())],
        "sources": [len(found) for found in ref.cut_sources(sources)],
        "packs": {},
    }
    for what, count in {"tiny": 200_000, "small": 20_000, "mixed": 200, "most": 40}.items():
        files = zip(ref.numbered(count, b"file"), ref.packed_sizes(count, what), strict=True)
        found = ref.cut_packs(list(files))
        result["packs"][what] = {"count": count, "files": [len(pack) for pack in found]}
    trailers = ref.trailer([(digest, 7) for digest in ref.numbered(1000, b"file")])
    result["trailer of 1000"] = ref.digest_of(trailers).hex()
    return result


def long_paths() -> list[ref.Entry]:
    """Return entries of which fewer than 8,192 fill a page, and none ends it by its hash."""
    part = "x" * 250
    entries = []
    for number in range(20_000):
        path = f"{number:06}/{part}/{part}/{part}/{part}"
        if ref.little(ref.digest_of(path.encode())[:8]) % 2048 != 0:
            entries.append(ref.Entry(path, ref.FILE, number, bytes(32)))
    return entries


def records(key: bytes, patch: bytes) -> dict[str, bytes]:
    """Return records of directories: an import, and the first output of a call."""

    def digest(number: int) -> bytes:
        return bytes([number]) * 32

    frame = {
        "kind": "radops/record",
        "v": 1,
        "type": "directory",
        "created_at": "2026-11-22T12:21:03.000456Z",
        "originator": "ada@example.org",
        "radops_version": "0.1.0",
    }
    imported = ref.encode(
        frame
        | {
            "uid": "datasets/images",
            "name": "images",
            "digest": digest(0x77),
            "size": 400,
            "files": 3,
            "bytes": 4000,
            "trees": [[digest(0x77), digest(0x88)]],
            "keeps": [digest(0x77), digest(0x88)],
            "commit": {"id": bytes(range(16)), "primary": "refs/datasets/images.radops"},
            "origin": {"import": {"source": "images"}},
        }
    )
    source = {"uid": "datasets/images", "record": ref.digest_of(imported)}
    inner = source | {"digest": digest(0x99)}
    call = {
        "key": key,
        "module": "team.pipeline",
        "name": "split",
        "package_version": "1.2.3",
        "version": None,
        "params": {"rate": 0.5, "f": ["file", "datasets/train.csv"], "names": ["list", ["a", 1]]},
        "inputs": [inner | {"arg": "f", "inner": "cats/1.jpg"}],
        "reads": [
            source | {"arg": "", "digest": digest(0x77)},
            inner | {"arg": "", "inner": "cats/2.jpg"},
        ],
        "outputs": [
            {
                "uid": "made/images",
                "digest": digest(0xAA),
                "size": 500,
                "place": 0,
                "layout": digest(0xBB),
                "files": 7,
                "bytes": 9000,
            },
            {"uid": "made/index.csv", "digest": digest(0x33), "size": 100, "place": 1},
        ],
        "code": {
            "fingerprint": digest(0x55),
            "source": "def split(f): ...\n",
            "run_as": "__main__",
            "git": {
                "remote": "github.com:org/repo.git",
                "commit": "0123456789abcdef0123456789abcdef01234567",
                "path": "team/pipeline.py",
                "line": 5,
                "dirty": True,
                "pushed": False,
                "patch": patch,
            },
        },
        "environment": {
            "python": "3.11.9",
            "platform": "linux-x86_64",
            "distributions": {"numpy": "2.1.0"},
        },
        "started_at": "2026-11-22T12:21:00.000000Z",
        "seconds": 3.25,
    }
    made = ref.encode(
        frame
        | {
            "uid": "made/images",
            "name": "images",
            "digest": digest(0xAA),
            "size": 500,
            "files": 7,
            "bytes": 9000,
            "trees": [[digest(0xAA), digest(0xBB)]],
            "keeps": sorted([digest(0x33), digest(0xAA), digest(0xBB), patch]),
            "commit": {"id": bytes(range(16)), "primary": "refs/made/images.radops"},
            "origin": {"call": call},
        }
    )
    return {"import": imported, "call": made}
