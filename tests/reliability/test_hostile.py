"""Bytes and names that somebody made up: refused with an error of ours, and never followed.

What may lie in a bucket or a home is changed at random: flipped, cut, repeated, spliced; and
its structure too, value by value. What a decoder takes, it must write again to the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from faults import WrapperBackend
from format import samples
from fuzz.targets import RECORDS, TARGETS, altered, attempt
from radops.backends.base import Entry
from radops.backends.folder.backend import FolderBackend
from radops.config.file import parse
from radops.data_lake import DataLake
from radops.errors import InvalidConfigError, RadopsError
from radops.format import cbor
from radops.format.outline import check_outline
from radops.format.uid import parse_slot_key
from radops.lake import session
from radops.repository.objects import trash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = int(os.environ.get("RADOPS_SOAK_INPUTS") or 60)
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@st.composite
def damaged(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """Draw what becomes of honest bytes."""
    raw = bytearray(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        how = draw(st.sampled_from(["flip", "byte", "cut", "insert", "repeat", "splice"]))
        if how == "flip" and raw:
            raw[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "byte" and raw:
            raw[at] = draw(st.sampled_from([0, 0x1F, 0x5F, 0x7F, 0x9F, 0xBF, 0xC0, 0xF7, 0xFF]))
        elif how == "cut":
            del raw[at : at + draw(st.integers(1, 40))]
        elif how == "insert":
            raw[at:at] = draw(st.binary(max_size=9))
        elif how == "repeat":
            raw[at:at] = raw[at : at + draw(st.integers(1, 60))]
        else:
            other = draw(st.sampled_from(bodies))
            raw[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(raw)


CBOR = sorted(what for what, target in TARGETS.items() if target.is_cbor)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(),
    st.binary(max_size=33),
    st.sampled_from(["../../etc/passwd", "a//b", "/a", "", "\x00", "a" * 600, "é", "e\u0301"]),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
)


@st.composite
def changed(draw: st.DrawFn, bodies: list[bytes]) -> bytes:
    """Draw well-formed bytes in which a few values are others, gone or more."""
    raw = draw(st.sampled_from(bodies))
    for _ in range(draw(st.integers(1, 3))):
        tree = cbor.decode(raw)
        raw = altered(tree, lambda end: draw(st.integers(0, end - 1)), [draw(VALUES)])
    return raw


@pytest.mark.parametrize("what", CBOR)
@fuzzed
@given(data=st.data())
def test_damaged_bytes(what: str, data: st.DataObject) -> None:
    attempt(what, data.draw(damaged(TARGETS[what].seeds) | st.binary(max_size=200)))


@pytest.mark.parametrize("what", CBOR)
@fuzzed
@given(data=st.data())
def test_altered_values(what: str, data: st.DataObject) -> None:
    attempt(what, data.draw(changed(TARGETS[what].seeds)))


@fuzzed
@given(st.binary(max_size=300), st.integers((1 << 20) + 1, 1 << 50))
def test_outlines(outline: bytes, size: int) -> None:
    assert not check_outline(outline, size, samples.digest(1))


@fuzzed
@given(st.text(max_size=80))
def test_names_of_keys(text: str) -> None:
    for key in (f"refs/{text}.radops", f"refs/{text}", text):
        found = parse_slot_key(key)
        if found is not None:
            assert not {"", ".", ".."} & set(found.uid.split("/"))
            assert "\\" not in found.uid
            assert "\x00" not in found.uid
    trash.parse_trash_key(f"trash/{text}")
    assert trash.parse_path(text) is None or len(text) == 65


@fuzzed
@given(
    st.text(max_size=200)
    | st.dictionaries(
        st.sampled_from(["current_context", "email", "contexts", "shared", "x"]),
        st.sampled_from(["1", '"a"', "[]", "{}", "true", "1.5", '{a={remote="s3://"}}', "nan"]),
    ).map(lambda table: "\n".join(f"{key} = {value}" for key, value in table.items()))
)
def test_configuration(text: str) -> None:
    with contextlib.suppress(InvalidConfigError):
        parse(text, Path("config.toml"))


# -- keys that lead elsewhere ----------------------------------------------------------------------

HOSTILE = [
    "../outside",
    "../../outside",
    "/outside",
    "a/../../../outside",
    "a//b",
    "a\\..\\..\\outside",
    "./a",
    "a/.",
    "nul\x00byte",
    "CON",
    "tmp/../../outside",
    "a" * 1000,
    "\udcff",
    "-rf",
    "e\u0301",
    "x.radops/../../../outside",
]


class HostileBackend(WrapperBackend):
    """A server whose listings hold keys that no correct writer makes."""

    body = RECORDS[0]

    def _crafted(self, prefix: str) -> Iterator[str]:
        for area in ("refs/", "objects/", "outlines/", "edges/", "trash/", "leases/", ""):
            for name in HOSTILE:
                if not name.isprintable() and "\udcff" in name:
                    continue  # no server and no folder lists what is not UTF-8
                for suffix in ("", ".radops", ".radops-1", ".radops-gone", "/"):
                    key = f"{area}{name}{suffix}"
                    if key.startswith(prefix):
                        yield key

    @override
    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        yield from super().list(prefix, recursive=recursive)
        for key in self._crafted(prefix):
            yield Entry(key, 0 if key.endswith("/") else len(self.body), 1.0)


def everything(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "home" not in path.relative_to(root).parts[:1]
    }


def test_no_listing_leads_outside(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = quick_path / "deep/shared"
    shared.mkdir(parents=True)
    (quick_path / "outside").write_bytes(b"precious")
    (quick_path / "deep/outside").write_bytes(b"precious")
    (quick_path / "good").write_bytes(b"good")
    honest = DataLake(home=quick_path / "deep/other", remote=shared.as_uri())
    honest.add(quick_path / "good", "good")
    honest.close()
    before = everything(quick_path)
    monkeypatch.setattr(
        session,
        "open_backend",
        lambda *_args, **_more: HostileBackend(FolderBackend(shared, remote=True)),
    )
    lake = DataLake(home=quick_path / "home", remote=shared.as_uri())
    actions: list[Callable[[], object]] = [
        lambda: lake.ls(recursive=True, details=True, generated=True),
        lake.ls,
        lambda: lake.download("*", "**"),
        lambda: lake.download(""),
        lambda: lake.file("good").read_bytes(),
        lake.sync,
        lake.verify,
        lambda: lake.verify(remote=True, full=True, repair=True),
        lake.purge_local_storage,
        lambda: lake.gc(dry_run=False),
        lambda: lake.downstream("good"),
        lambda: lake.delete_local("good"),
    ]
    for action in actions:
        try:
            action()
        except RadopsError as error:
            print(repr(error))
    lake.close()
    after = everything(quick_path)
    assert {name: after.get(name) for name in before} == before
    new = {name for name in after if name not in before}
    assert all(name.startswith("deep/shared/") for name in new), new
    assert DataLake(home=quick_path / "home", remote=shared.as_uri()).file("good").read_bytes()


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_outside(quick_path: Path, name: str) -> None:
    (quick_path / "a").mkdir()
    lake = DataLake(home=quick_path / "a/b/home")
    source = quick_path / "source"
    source.write_bytes(b"x")
    for action in (
        lambda: lake.add(source, name),
        lambda: lake.file(name).write_bytes(b"y"),
        lambda: lake.path(name),
    ):
        with contextlib.suppress(RadopsError, UnicodeEncodeError):
            action()
        assert sorted(path.name for path in quick_path.iterdir()) == ["a", "source"]
        assert {path.name for path in (quick_path / "a").iterdir()} <= {"b"}
        if (quick_path / "a/b").exists():
            assert [path.name for path in (quick_path / "a/b").iterdir()] == ["home"]
            assert {path.name for path in (quick_path / "a/b/home").iterdir()} <= {"storage"}
